/** The picture in a few flat colours, like a screen print. */
import { applyTable, tableOf } from "./_tables.ts";
import type { Transform } from "./transform.ts";

/** Four lumas, and four strengths of colour on each side of grey: the steps show in any picture, and pale colours stay. */
const LUMA_STEP = (235 - 16) / 3;
const CHROMA_STEP = (240 - 16) / 8;

const lumaTable = tableOf(
  (y) => 16 + Math.round((Math.min(235, Math.max(16, y)) - 16) / LUMA_STEP) * LUMA_STEP,
);
const chromaTable = tableOf((sample) => {
  const strength = Math.abs(Math.min(240, Math.max(16, sample)) - 128);
  return 128 + Math.sign(sample - 128) * Math.round(strength / CHROMA_STEP) * CHROMA_STEP;
});

export const posterize: Transform = {
  name: "posterize",
  does: "Reduces the picture to a few flat colours.",
  property: "At most four lumas are left; posterized twice is posterized once.",
  apply({ y, u, v }) {
    applyTable(y, lumaTable);
    applyTable(u, chromaTable);
    applyTable(v, chromaTable);
  },
};
