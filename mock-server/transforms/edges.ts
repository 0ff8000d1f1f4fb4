/** A drawing of the picture: light lines where it changes, dark where it is even. */
import { tableOf } from "./_tables.ts";
import type { Transform } from "./transform.ts";

/** Light gained for each step between neighbours; 4 shows the outlines of a face and leaves a camera's noise dark. */
const GAIN = 4;

/** Luma of a line by the sum of both differences, which is 0..510, halved. */
const lineTable = tableOf((halfDifference) => Math.min(235, 16 + halfDifference * 2 * GAIN));

export const edges: Transform = {
  name: "edges",
  does: "Draws light outlines on black.",
  property: "An even picture turns black; a step turns into a line one pixel wide, and colours go.",
  apply({ width, height, y, u, v }) {
    // In reading order, each pixel looks only at the ones to its right and below, which are still as they came.
    for (let row = 0; row < height; row++) {
      const start = row * width;
      const last = start + width - 1;
      const down = row < height - 1 ? width : 0;
      let own = y[start]!;
      for (let at = start; at < last; at++) {
        const right = y[at + 1]!;
        y[at] = lineTable[(Math.abs(own - right) + Math.abs(own - y[at + down]!)) >> 1]!;
        own = right;
      }
      y[last] = lineTable[Math.abs(own - y[last + down]!) >> 1]!;
    }
    u.fill(128);
    v.fill(128);
  },
};
