/** The picture with left and right exchanged. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

export const mirror: Transform = {
  name: "mirror",
  does: "Exchanges left and right.",
  property: "Mirrored twice is the picture it was; mirrored once has the same histogram.",
  apply({ width, height, y, u, v }) {
    mirrorRows(y, width, height);
    mirrorRows(u, chroma(width), chroma(height));
    mirrorRows(v, chroma(width), chroma(height));
  },
};

function mirrorRows(plane: Uint8Array, width: number, height: number): void {
  for (let row = 0; row < height; row++) plane.subarray(row * width, (row + 1) * width).reverse();
}
