/** The picture in the brown of an old photograph. */
import type { Transform } from "./transform.ts";

/** The brown of a toned print, chosen by eye: strong enough to be told from `grayscale` in a small picture. */
const BROWN = { u: 104, v: 146 };

export const sepia: Transform = {
  name: "sepia",
  does: "Colours everything in the brown of an old photograph.",
  property: "Luma stays what it was; sepia twice is sepia once.",
  apply({ u, v }) {
    u.fill(BROWN.u);
    v.fill(BROWN.v);
  },
};
