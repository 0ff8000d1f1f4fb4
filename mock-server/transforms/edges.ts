/** A drawing of the picture: light lines where it changes, dark where it is even. */
import { tableOf } from "./_tables.ts";
import type { Transform } from "./transform.ts";

/** Differences that a camera's noise makes between neighbours; up to here the drawing stays black. */
const NOISE = 12;
/** Light gained for each step of difference beyond that: enough for the outlines of a face. */
const GAIN = 6;

/** Luma of a line by the sum of both differences, which is 0..510, halved. */
const lineTable = tableOf((half) => Math.min(235, 16 + Math.max(0, half * 2 - NOISE) * GAIN));

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
