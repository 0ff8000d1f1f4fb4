/** The words of the prompt in light letters on a dark band near the bottom of the picture. */
import { chroma, type Frame } from "../../fixtures/frame.ts";
import { applyTable, tableOf } from "./_tables.ts";
import type { Mask } from "./look.ts";
import type { Transform } from "./transform.ts";

/** Width of the picture that captions are laid out for, in pixels. */
const LAYOUT_WIDTH = 640;
/** Pixels of that layout between the words and the band's edge, and between the band and the bottom of the picture. */
const PADDING = 6;
const MARGIN = 16;
const LETTER_LUMA = 235;

/** The band leaves a quarter of the picture's contrast: letters read over anything, motion still shows through. */
const bandLuma = tableOf((sample) => 16 + Math.max(0, sample - 16) * 0.25);
const bandChroma = tableOf((sample) => 128 + (sample - 128) * 0.25);

export const caption: Transform = {
  name: "caption",
  does: "Writes the prompt near the bottom.",
  property: "Nothing changes outside the band; letters are white on a band that is never light.",
  apply(frame, { caption: mask }) {
    if (!mask) return;
    const scale = frame.width / LAYOUT_WIDTH;
    const width = Math.max(1, Math.round(mask.width * scale));
    const height = Math.max(1, Math.round(mask.height * scale));
    const padding = Math.round(PADDING * scale);
    const left = Math.round((frame.width - width) / 2);
    const top = frame.height - Math.round((MARGIN + PADDING) * scale) - height;
    darken(frame, left - padding, top - padding, width + 2 * padding, height + 2 * padding);
    write(frame, mask, left, top, width, height);
  },
};

/** Lays the band, on whole chroma samples, as far as it lies within the picture. */
function darken(frame: Frame, left: number, top: number, width: number, height: number): void {
  const from = { x: Math.max(0, left >> 1), y: Math.max(0, top >> 1) };
  const to = {
    x: Math.min(chroma(frame.width), (left + width + 1) >> 1),
    y: Math.min(chroma(frame.height), (top + height + 1) >> 1),
  };
  for (let row = from.y; row < to.y; row++) {
    const start = row * chroma(frame.width);
    applyTable(frame.u.subarray(start + from.x, start + to.x), bandChroma);
    applyTable(frame.v.subarray(start + from.x, start + to.x), bandChroma);
  }
  for (let row = from.y * 2; row < Math.min(frame.height, to.y * 2); row++) {
    const start = row * frame.width;
    const end = start + Math.min(frame.width, to.x * 2);
    applyTable(frame.y.subarray(start + from.x * 2, end), bandLuma);
  }
}

/**
 * Draws the mask at the given size. Enlarged, each of its dots is repeated, so letters stay sharp; reduced, each pixel takes the
 * share of letter in the dots that it covers, since leaving out every other dot of a font one dot thick would leave no letters.
 */
function write(frame: Frame, mask: Mask, left: number, top: number, width: number, height: number): void {
  const columns = covered(mask.width, width);
  const lastRow = Math.min(height, frame.height - top);
  const lastColumn = Math.min(width, frame.width - left);
  for (let row = Math.max(0, -top); row < lastRow; row++) {
    const rows = span(mask.height, height, row);
    const start = (top + row) * frame.width + left;
    for (let column = Math.max(0, -left); column < lastColumn; column++) {
      const from = columns[column * 2]!;
      const to = columns[column * 2 + 1]!;
      let sum = 0;
      for (let maskRow = rows.from; maskRow < rows.to; maskRow++) {
        const maskStart = maskRow * mask.width;
        for (let at = maskStart + from; at < maskStart + to; at++) sum += mask.data[at]!;
      }
      if (sum === 0) continue;
      const share = sum / ((to - from) * (rows.to - rows.from) * 255);
      const under = frame.y[start + column]!;
      frame.y[start + column] = Math.floor(under + (LETTER_LUMA - under) * share + 0.5);
    }
  }
}

/** The dots `from` to before `to` of `dots` that the pixel `at` of `pixels` shows, at least one. */
function span(dots: number, pixels: number, at: number): { from: number; to: number } {
  const from = Math.floor((at * dots) / pixels);
  return { from, to: Math.max(from + 1, Math.floor(((at + 1) * dots) / pixels)) };
}

/** `from` and `to` of every pixel, one after the other. */
function covered(dots: number, pixels: number): Uint16Array {
  const all = new Uint16Array(pixels * 2);
  for (let at = 0; at < pixels; at++) {
    const { from, to } = span(dots, pixels, at);
    all[at * 2] = from;
    all[at * 2 + 1] = to;
  }
  return all;
}
