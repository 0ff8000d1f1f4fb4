/** The picture in coarse square tiles, each of the mean colour of what it covers. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

/** Tiles from left to right: coarse enough to hide a face, fine enough to tell that one is there. */
const TILES_ACROSS = 32;

export const pixelate: Transform = {
  name: "pixelate",
  does: "Makes coarse square tiles of the picture.",
  property: "Pixelated twice is pixelated once.",
  apply({ width, height, y, u, v }) {
    const side = tileSide(width);
    tile(y, width, height, side);
    tile(u, chroma(width), chroma(height), side / 2);
    tile(v, chroma(width), chroma(height), side / 2);
  },
};

/** Luma samples of a tile's side, an even number, in a picture `width` pixels wide. */
export function tileSide(width: number): number {
  return 2 * Math.max(1, Math.round(width / TILES_ACROSS / 2));
}

function tile(plane: Uint8Array, width: number, height: number, side: number): void {
  for (let top = 0; top < height; top += side) {
    const bottom = Math.min(height, top + side);
    const first = top * width;
    for (let left = 0; left < width; left += side) {
      const right = Math.min(width, left + side);
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        const end = row * width + right;
        for (let at = row * width + left; at < end; at++) sum += plane[at]!;
      }
      const count = (right - left) * (bottom - top);
      plane.fill(Math.floor(sum / count + 0.5), first + left, first + right);
    }
    for (let row = top + 1; row < bottom; row++) plane.copyWithin(row * width, first, first + width);
  }
}
