/** The picture upside down, as if hung from its lower edge; left stays left. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

export const flip: Transform = {
  name: "flip",
  does: "Exchanges top and bottom.",
  property: "Flipped twice is the picture it was; flipped once has the same histogram.",
  apply({ width, height, y, u, v }) {
    flipRows(y, width, height);
    flipRows(u, chroma(width), chroma(height));
    flipRows(v, chroma(width), chroma(height));
  },
};

function flipRows(plane: Uint8Array, width: number, height: number): void {
  const kept = new Uint8Array(width);
  for (let upper = 0, lower = height - 1; upper < lower; upper++, lower--) {
    kept.set(plane.subarray(upper * width, (upper + 1) * width));
    plane.copyWithin(upper * width, lower * width, (lower + 1) * width);
    plane.set(kept, lower * width);
  }
}
