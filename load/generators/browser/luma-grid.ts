/** `gridLuma` of what a canvas can draw: the browser scales it down, and only what is left is read back. Runs in a page. */
import { lumaOfRgba } from "../../../fixtures/strips.ts";
import { gridLuma } from "../../carriers/signature.ts";

/** Pixels across: at this width `gridLuma` looks at every sample. */
const width = 160;

export type GridReader = (source: CanvasImageSource, size: { width: number; height: number }) => number[];

export function createGridReader(): GridReader {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
  return (source, size) => {
    const height = Math.max(1, Math.round((width * size.height) / size.width));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(source, 0, 0, width, height);
    const luma = lumaOfRgba(context.getImageData(0, 0, width, height).data, width, height);
    // Sixty-four numbers a picture have to leave the page: two decimals are finer than any codec.
    return gridLuma(luma).map((value) => Math.round(value * 100) / 100);
  };
}
