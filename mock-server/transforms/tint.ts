/** The picture in a light of the prompt's own colour: what a prompt that names no transform does. */
import { applyTable, tableOf } from "./_tables.ts";
import type { Transform } from "./transform.ts";

/** How much of the picture's own colour stays, so that what was red can still be told from what was blue. */
const OWN_COLOUR = 0.6;
/** Chroma steps towards the hue; below 25, the eye takes it for the camera's white balance. */
const STRENGTH = 34;

export const tint: Transform = {
  name: "tint",
  does: "Bathes the picture in a colour that depends on the prompt.",
  property: "Luma stays what it was; the mean colour moves towards the hue of the prompt's hash.",
  apply({ u, v }, { promptHash }) {
    const hue = (promptHash / 0x10000) * 2 * Math.PI;
    applyTable(u, towards(STRENGTH * Math.cos(hue)));
    applyTable(v, towards(STRENGTH * Math.sin(hue)));
  },
};

function towards(shift: number): Uint8Array {
  return tableOf((sample) => Math.min(240, Math.max(16, 128 + (sample - 128) * OWN_COLOUR + shift)));
}
