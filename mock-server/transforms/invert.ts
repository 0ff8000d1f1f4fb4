/** The picture as a photographic negative: black for white, blue for yellow. */
import type { Transform } from "./transform.ts";

/** 16 and 235 change places. */
const LUMA_SUM = 16 + 235;
/** 16 and 240 change places, 128 stays. */
const CHROMA_SUM = 16 + 240;

export const invert: Transform = {
  name: "invert",
  does: "Turns the picture into its negative.",
  property: "Inverted twice is the picture it was.",
  apply({ y, u, v }) {
    subtractFrom(LUMA_SUM, y);
    subtractFrom(CHROMA_SUM, u);
    subtractFrom(CHROMA_SUM, v);
  },
};

/**
 * Makes every sample `sum − sample`. Four samples at a time as one word, which is four times as fast: no legal sample borrows from
 * its neighbour, and a word subtracted twice from the same is itself again, legal or not.
 */
function subtractFrom(sum: number, plane: Uint8Array): void {
  const wordSum = (sum * 0x01010101) | 0;
  // A plane may start at any byte of its buffer; a view of words may not.
  const wordStart = Math.min(plane.length, -plane.byteOffset & 3);
  const words = new Int32Array(plane.buffer, plane.byteOffset + wordStart, (plane.length - wordStart) >> 2);
  const wordEnd = wordStart + words.length * 4;
  for (let at = 0; at < words.length; at++) words[at] = wordSum - words[at]!;
  for (let at = 0; at < wordStart; at++) plane[at] = sum - plane[at]!;
  for (let at = wordEnd; at < plane.length; at++) plane[at] = sum - plane[at]!;
}
