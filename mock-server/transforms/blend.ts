/** The reference image over the middle of the picture: there to be recognised, not to look as if it belonged. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

/** Share of the frame's height that the image takes. */
const HEIGHT_SHARE = 1 / 2;
/** Weight of the image of 256: 60 %, enough to be told apart at thumbnail size with the motion below still visible. */
const IMAGE_WEIGHT = 154;

export const blend: Transform = {
  name: "blend",
  does: "Lays the reference image over the middle, half as high as the picture.",
  property: "Nothing changes outside the middle; the same image always lands in the same place.",
  apply(frame, { image }) {
    if (!image) return;
    const factor = Math.min((frame.height * HEIGHT_SHARE) / image.height, frame.width / image.width);
    // Even sizes and places, so that chroma lies exactly under luma.
    const width = even(image.width * factor);
    const height = even(image.height * factor);
    if (width === 0 || height === 0) return;
    const left = even((frame.width - width) / 2);
    const top = even((frame.height - height) / 2);
    const luma = { left, top, width, height };
    const chromaArea = { left: left / 2, top: top / 2, width: width / 2, height: height / 2 };
    lay(image.y, image.width, image.height, frame.y, frame.width, luma);
    lay(image.u, chroma(image.width), chroma(image.height), frame.u, chroma(frame.width), chromaArea);
    lay(image.v, chroma(image.width), chroma(image.height), frame.v, chroma(frame.width), chromaArea);
  },
};

type Area = { left: number; top: number; width: number; height: number };

/** Mixes `from`, stretched by repeating or leaving out samples, into the `area` of `to`. */
function lay(
  from: Uint8Array,
  fromWidth: number,
  fromHeight: number,
  to: Uint8Array,
  toWidth: number,
  area: Area,
): void {
  const sources = new Uint16Array(area.width);
  for (let x = 0; x < area.width; x++) sources[x] = Math.floor((x * fromWidth) / area.width);
  for (let row = 0; row < area.height; row++) {
    const source = Math.floor((row * fromHeight) / area.height) * fromWidth;
    const target = (area.top + row) * toWidth + area.left;
    for (let x = 0; x < area.width; x++) {
      const mixed = from[source + sources[x]!]! * IMAGE_WEIGHT + to[target + x]! * (256 - IMAGE_WEIGHT);
      to[target + x] = (mixed + 128) >> 8;
    }
  }
}

function even(size: number): number {
  return Math.floor(size / 2) * 2;
}
