/** A small line over two minutes, as inline SVG, with its newest value in words beside it. Knows no session. */
import { build, say } from "../_build.ts";
import { windowMs } from "./session-figures.ts";

export type Sample = { readonly atMs: number; readonly value: number | null };

export const plotWidth = 240;
export const plotHeight = 40;
/** So that a line at the top or bottom is not cut. */
const edge = 2;

/** An SVG path; where a value is not known the line has a gap, and one value alone is a dot. */
export function pathOf(samples: readonly Sample[], nowMs: number, top: number): string {
  const x = (atMs: number) => Math.round((1 - (nowMs - atMs) / windowMs) * plotWidth * 10) / 10;
  const y = (value: number) =>
    Math.round((plotHeight - edge - (value / top) * (plotHeight - 2 * edge)) * 10) / 10;
  let path = "";
  let isOpen = false;
  for (const { atMs, value } of samples) {
    if (value === null) {
      isOpen = false;
      continue;
    }
    path += isOpen ? `L${x(atMs)} ${y(value)}` : `M${x(atMs)} ${y(value)}h.1`;
    isOpen = true;
  }
  return path;
}

/** The upper end of the scale: a round number at or above the largest value, so that the line does not jump with each of them. */
export function topOf(values: readonly (number | null)[], least: number): number {
  const largest = Math.max(least, ...values.map((value) => value ?? 0));
  const step = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 5, 10].map((times) => times * step).find((top) => top >= largest) ?? largest;
}

/** `0, 14.9 and 15.2`: what a line shows, for who does not see it. */
export function rangeInWords(samples: readonly Sample[], unit: string): string {
  const values = samples.flatMap(({ value }) => value ?? []);
  if (values.length === 0) return "nothing yet";
  return `between ${rounded(Math.min(...values))} and ${rounded(Math.max(...values))} ${unit}`;
}

export function rounded(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

export type Plot = {
  readonly element: HTMLElement;
  /** `lines`: the main one first. `words`: its newest value. */
  show(lines: readonly (readonly Sample[])[], nowMs: number, words: string): void;
};

/** `least`: the scale reaches at least so far. */
export function createPlot({ title, unit, least }: { title: string; unit: string; least: number }): Plot {
  const spaceOfSvg = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(spaceOfSvg, "svg");
  svg.setAttribute("viewBox", `0 0 ${plotWidth} ${plotHeight}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("class", "plot-line");
  const paths = ["second", "first"].map((name) => {
    const path = document.createElementNS(spaceOfSvg, "path");
    path.setAttribute("class", name);
    svg.append(path);
    return path;
  });
  paths.reverse();
  const now = build("b");
  const top = build("span", { class: "plot-scale" });
  const element = build(
    "div",
    { class: "plot" },
    build("span", { class: "plot-title" }, `${title} `, now),
    svg,
    top,
  );
  return {
    element,
    show(lines, nowMs, words) {
      const scale = topOf(
        lines.flatMap((line) => line.map(({ value }) => value)),
        least,
      );
      for (const [index, path] of paths.entries()) {
        path.setAttribute("d", pathOf(lines[index] ?? [], nowMs, scale));
      }
      say(now, words);
      say(top, `two minutes, 0 to ${scale} ${unit}`);
      svg.setAttribute(
        "aria-label",
        `${title} in the last two minutes: now ${words}, ${rangeInWords(lines[0] ?? [], unit)}`,
      );
    },
  };
}
