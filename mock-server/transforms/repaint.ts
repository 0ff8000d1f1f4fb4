/** The picture painted anew, as a generative model does: no sample is the input's, only its light and shade and so its motion. */
import { chroma } from "../../fixtures/frame.ts";
import { tableOf } from "./_tables.ts";
import { pixelate, tileSide } from "./pixelate.ts";
import type { Transform } from "./transform.ts";

/** Luma from the darkest to the lightest tile: less contrast than a camera's, which leaves room for the brush. */
const toneTable = tableOf((y) => 44 + (y - 16) * 0.75);
/** How much lighter than its tone a tile is at its upper edge, and darker at its lower: an eye sees brush strokes. */
const BRUSH = 8;
/** Chroma steps from grey: colours as strong as no camera's. */
const STRENGTH = 50;

export const repaint: Transform = {
  name: "repaint",
  does: "Paints the picture anew in tiles of its own colours, strips and all: only light and motion stay.",
  property: "Colours of the input do not matter; what is lighter comes out lighter; no strip can be read.",
  coversStrips: true,
  apply(frame, look) {
    const { width, height, y, u, v } = frame;
    // A tile is wider than two cells of a strip, and those that each row of strips begins with differ.
    pixelate.apply(frame, look);
    const hue = (look.promptHash / 0x10000) * 2 * Math.PI;
    const blues = tableOf((luma) => 128 + STRENGTH * Math.cos(hue + turnOf(luma)));
    const reds = tableOf((luma) => 128 + STRENGTH * Math.sin(hue + turnOf(luma)));
    for (let row = 0, at = 0; row < chroma(height); row++) {
      for (let x = row * 2 * width; x < row * 2 * width + width; x += 2, at++) {
        u[at] = blues[y[x]!]!;
        v[at] = reds[y[x]!]!;
      }
    }
    const side = tileSide(width);
    // Along a row a stroke changes nothing: it must not tell apart what the tile has made equal.
    const strokes = Array.from({ length: side }, (_, row) =>
      Math.round(BRUSH - (2 * BRUSH * row) / (side - 1)),
    );
    for (let row = 0; row < height; row++) {
      const stroke = strokes[row % side]!;
      for (let at = row * width; at < (row + 1) * width; at++) y[at] = toneTable[y[at]!]! + stroke;
    }
  },
};

/** From shadow to light half way round the circle of colours, as painters do. Radians. */
function turnOf(luma: number): number {
  return ((luma - 16) / (235 - 16)) * Math.PI;
}
