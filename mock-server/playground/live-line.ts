/** A small line of the last two minutes, with its newest value in words. Reads no clock: whoever adds a value says when it was. */

export type Sample = {
  /** On any clock that goes forward. */
  readonly atMs: number;
  /** Null: there was nothing to measure, and the line has a gap. */
  readonly value: number | null;
};

export type LiveLine = {
  /** To be put into the page. */
  readonly element: HTMLElement;
  add(sample: Sample): void;
  /** Forgets everything. */
  clear(): void;
};

export const lineSpanMs = 120_000;

/** The drawing's own units; the page stretches it. */
const size = { width: 240, height: 40 };
const none = "–";

/** Where an axis that begins at 0 ends, so that the line neither touches the top nor jumps with each new value: 1, 2 or 5 times a power of ten. */
export function axisMax(samples: readonly Sample[]): number {
  const most = Math.max(1, ...samples.map(({ value }) => value ?? 0));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((max) => max >= most)!;
}

/** An SVG path from the left edge, `spanMs` before the newest sample, to the right; samples before that are left out. */
export function linePath(
  samples: readonly Sample[],
  {
    width,
    height,
    max,
    spanMs = lineSpanMs,
  }: { width: number; height: number; max: number; spanMs?: number },
): string {
  const toMs = samples.at(-1)?.atMs ?? 0;
  let path = "";
  let isDown = false;
  for (const { atMs, value } of samples) {
    if (atMs < toMs - spanMs) continue;
    if (value !== null) {
      const x = width * (1 - (toMs - atMs) / spanMs);
      const y = height * (1 - Math.min(value, max) / max);
      path += `${isDown ? "L" : "M"}${round(x)} ${round(y)}`;
    }
    isDown = value !== null;
  }
  return path;
}

/** `label`: what is measured; `unit`: behind each value, such as `ms`. */
export function createLiveLine({ label, unit }: { label: string; unit: string }): LiveLine {
  let samples: Sample[] = [];
  const element = Object.assign(document.createElement("div"), { className: "live-line" });
  const value = document.createElement("b");
  const axis = document.createElement("small");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  // The newest value and the axis say it in words.
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  element.append(
    Object.assign(document.createElement("span"), { textContent: label }),
    " ",
    value,
    axis,
    svg,
  );
  draw();

  function draw(): void {
    const newest = samples.at(-1)?.value ?? null;
    const max = axisMax(samples);
    value.textContent = newest === null ? none : `${newest} ${unit}`;
    axis.textContent = samples.length > 0 ? `0 to ${max} ${unit}, two minutes` : "";
    path.setAttribute("d", linePath(samples, { ...size, max }));
  }

  return {
    element,
    add(sample) {
      samples = [...samples.filter(({ atMs }) => atMs >= sample.atMs - lineSpanMs), sample];
      draw();
    },
    clear() {
      samples = [];
      draw();
    },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
