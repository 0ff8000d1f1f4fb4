/** What comes back: the pictures, what is read from each, and how fast and how old they were in the last two minutes. */
import { watchStrips } from "../../fixtures/browser/watch-strips.ts";
import { say } from "./_build.ts";
import { element } from "./_element.ts";
import { createReadout } from "./readout.ts";
import { createPlot, rounded, type Sample } from "./server/plot.ts";
import { windowMs } from "./server/session-figures.ts";
import { openedSource } from "./source.ts";

const gaugeMs = 250;
const sampleMs = 1000;

const video = element<HTMLVideoElement>("result");

export const readout = createReadout();

/** How far the scales reach at least: what a good session has stays in the lower half. */
const fpsLeast = 30;
const latencyMsLeast = 100;
const plots = {
  fps: { plot: createPlot({ title: "Pictures", unit: "fps", least: fpsLeast }), samples: [] as Sample[] },
  latency: {
    plot: createPlot({ title: "Glass to glass", unit: "ms", least: latencyMsLeast }),
    samples: [] as Sample[],
  },
};

export function startResult(): void {
  element("plots").append(plots.fps.plot.element, plots.latency.plot.element);
  sample(null, null);
  watchStrips(video, (picture) => {
    if (!video.srcObject) return;
    // A connection that is there again goes on with the stream it had.
    sayNoPicture("");
    readout.picture(picture, openedSource()?.kind === "synthetic");
  });
  setInterval(() => {
    if (video.srcObject) readout.rate(performance.now());
  }, gaugeMs);
  setInterval(() => {
    if (!video.srcObject) return;
    const { fps, latencyMs } = readout.rate(performance.now());
    sample(fps, latencyMs);
  }, sampleMs);
  video.addEventListener("loadeddata", () => sayNoPicture(""));
}

export function showResult(stream: MediaStream): void {
  video.srcObject = stream;
}

export function isShown(): boolean {
  return video.readyState >= video.HAVE_CURRENT_DATA;
}

/** In place of the picture: why there is none. */
export function sayNoPicture(why: string): void {
  say(element("result-empty"), why);
}

export function clearResult(): void {
  video.srcObject = null;
  readout.clear();
  sample(null, null);
}

/** Null: nothing was measured, and the line has a gap. */
function sample(fps: number | null, latencyMs: number | null): void {
  const atMs = performance.now();
  for (const [{ plot, samples }, value, unit] of [
    [plots.fps, fps, "fps"],
    [plots.latency, latencyMs, "ms"],
  ] as const) {
    while (samples[0] && samples[0].atMs < atMs - windowMs) samples.shift();
    samples.push({ atMs, value });
    plot.show([samples], atMs, value === null ? "–" : `${rounded(value)} ${unit}`);
  }
}
