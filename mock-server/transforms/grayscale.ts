/** The picture without its colours. */
import type { Transform } from "./transform.ts";

export const grayscale: Transform = {
  name: "grayscale",
  does: "Takes the colours away.",
  property: "Luma stays what it was; grayscale twice is grayscale once.",
  apply({ u, v }) {
    u.fill(128);
    v.fill(128);
  },
};
