/** One session of the browser generator: what a page costs, and glass to glass as the load report has it. */
import type { ClipName } from "../../fixtures/index.ts";
import { type Figure, median, quantile } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import type { Observer } from "../generator.ts";
import { chromiumCpuMs } from "../generators/browser/chromium-cpu.ts";
import { createBrowserGenerator } from "../generators/browser/index.ts";
import { startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";

const warmUpMs = 3000;
const measureMs = 6000;
const clips: readonly ClipName[] = ["vp8-180p15", "vp8-720p30"];
const modes = ["relay", "transcode"] as const;

type Seen = {
  readonly agesMs: number[];
  readonly pictures: number;
  readonly cpuMs: number;
  readonly tookMs: number;
};

export const page: Bench = {
  name: "page",
  about: `One session of the browser generator (direct, VP8) against a mock process, ${measureMs / 1000} s after ${warmUpMs / 1000} s: CPU of all of Chromium's processes, encoder, decoder, camera and readers included, and the age of a picture when it goes to the compositor, from its turn at the camera.`,
  doubt:
    "Believe CPU where the rate is what the camera's is: a machine with too much to do leaves pictures out, and the rest costs less. Of the ages believe ratios.",
  async run(runs) {
    const figures: Figure[] = [];
    for (const clip of clips) {
      const seen: Record<(typeof modes)[number], Seen[]> = { relay: [], transcode: [] };
      for (let run = 0; run < runs; run++) for (const mode of modes) seen[mode].push(await watch(clip, mode));
      for (const mode of modes) {
        const row = (name: string, unit: string, value: (one: Seen) => number): Figure => ({
          ...{ name: `${clip} ${name}`, of: mode, unit },
          values: seen[mode].map(value),
        });
        figures.push(
          row("CPU", "% of a core", ({ cpuMs, tookMs }) => (cpuMs * 100) / tookMs),
          row("CPU of a picture", "ms", ({ cpuMs, pictures }) => cpuMs / pictures),
          row("rate", "fps", ({ pictures, tookMs }) => (pictures * 1000) / tookMs),
          row("glass to glass p50", "ms", ({ agesMs }) => median(agesMs)),
          row("glass to glass p90", "ms", ({ agesMs }) => quantile(agesMs, 0.9)),
        );
      }
    }
    return figures;
  },
};

async function watch(clip: ClipName, mode: (typeof modes)[number]): Promise<Seen> {
  const mock = await startMockProcess(["--mode", mode]);
  const generator = createBrowserGenerator({ clock });
  const dueMs = new Map<number, number>();
  let agesMs: number[] = [];
  const observer: Observer = {
    sent: (picture) => void dueMs.set(picture.frame, picture.dueMs),
    received({ frame, atMs }) {
      const turnMs = frame === null ? undefined : dueMs.get(frame);
      if (turnMs !== undefined) agesMs.push(atMs - turnMs);
    },
    lost() {},
    recovered() {},
    ended: (_atMs, why) => console.error(`The session ended: ${why}`),
  };
  try {
    const { url, realtimeUrl } = mock;
    const session = await generator.open(
      {
        target: { url, realtimeUrl, apiKey: "dct_local" },
        ...{ dialect: "direct", model: "lucy_2_rt", clip, readsPictures: true },
      },
      observer,
    );
    await clock.sleep(warmUpMs);
    await session.stats();
    agesMs = [];
    const before = { cpuMs: chromiumCpuMs(), atMs: clock.now() };
    await clock.sleep(measureMs);
    await session.stats();
    const tookMs = clock.now() - before.atMs;
    const seen = { agesMs, pictures: agesMs.length, cpuMs: chromiumCpuMs() - before.cpuMs, tookMs };
    await session.close();
    return seen;
  } finally {
    await generator.close();
    await mock.stop();
  }
}
