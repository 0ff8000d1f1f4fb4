/** From calling an SDK's `set()` to its ack, and to the first picture that shows it. */
import type { Browser, Page } from "@playwright/test";
import type { Codec } from "../../fixtures/browser/versions.ts";
import { readImage } from "../../fixtures/index.ts";
import { type Figure, median } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import { type MockProcess, startMockProcess } from "../mock-process.ts";
import { type SetDelays, setDelays, type TimedSet } from "./delays.ts";
import type { Bench } from "./index.ts";
import { camera, codecs, connectSdk, dialects, startBrowser, withSdkPage } from "./sdk-page.ts";

const warmUpMs = 3000;
const setCount = 20;

const kinds = [
  { call: "set({ prompt })", image: null },
  { call: "set({ prompt, image })", image: Buffer.from(readImage("board-jpeg")).toString("base64") },
] as const;

/** The aim is "ack + 3 frames": with two before it, the picture that shows it is the third. */
const readings: readonly {
  name: string;
  unit: string;
  value: (delays: readonly SetDelays[]) => number;
  aim?: Figure["aim"];
}[] = [
  { name: "→ ack", unit: "ms", value: (all) => median(all.map(({ ackMs }) => ackMs)) },
  { name: "→ visible", unit: "ms", value: (all) => median(all.map(({ visibleMs }) => visibleMs)) },
  {
    name: "pictures between ack and visible, median",
    unit: "",
    value: (all) => median(all.map(({ picturesBefore }) => picturesBefore)),
    aim: { atMost: 2 },
  },
  {
    name: "pictures between ack and visible, worst",
    unit: "",
    value: (all) => Math.max(...all.map(({ picturesBefore }) => picturesBefore)),
    aim: { atMost: 2 },
  },
];

export const set: Bench = {
  name: "set",
  about: `set() of a published SDK to its resolving, and to the first picture that goes to the compositor and shows its revision, 1280×720@30, transcoded. Each run connects each dialect once and calls ${setCount} times, spread over the time between two pictures. Counted too are the pictures presented from the ack on before that one: at most 2 is "visible within ack + 3 frames".`,
  doubt:
    "A call waits for the next picture first, 17 ms on average, and of pictures replaced within one tick of the display (60 Hz) only the last is seen. When pictures come at less than 30 fps, few pictures may be many milliseconds: read both.",
  async run(runs) {
    const mock = await startMockProcess();
    const browser = await startBrowser();
    try {
      const figures: Figure[] = [];
      for (const codec of codecs) {
        const taken = dialects.map((dialect) => ({
          ...dialect,
          // For each kind and run.
          delays: kinds.map((): SetDelays[][] => []),
        }));
        for (let run = 0; run < runs; run++) {
          for (const { version, delays } of taken) {
            const both = await once(browser, mock, version, codec);
            for (const [kind, all] of both.entries()) delays[kind]!.push(all);
          }
        }
        for (const [kind, { call }] of kinds.entries()) {
          for (const { name, unit, value, aim } of readings) {
            for (const { of, delays } of taken) {
              const values = delays[kind]!.map(value);
              figures.push({ name: `${codec} ${call} ${name}`, of, unit, values, ...(aim && { aim }) });
            }
          }
        }
      }
      return figures;
    } finally {
      await browser.close();
      await mock.stop();
    }
  },
};

/** A list of delays for each kind. */
function once(browser: Browser, mock: MockProcess, version: string, codec: Codec): Promise<SetDelays[][]> {
  return withSdkPage(browser, mock, async (page) => {
    const id = await connectSdk(page, mock, { version, codec });
    await clock.sleep(warmUpMs);
    const sets: TimedSet[][] = [];
    for (const { image } of kinds) sets.push(await callSet(page, id, image));
    const pictures = await page.evaluate((id) => window.harness.pictures(id), id);
    return sets.map((calls) => calls.map((call) => setDelays(call, pictures)));
  });
}

function callSet(page: Page, id: number, image: string | null): Promise<TimedSet[]> {
  const intervalMs = 1000 / camera.fps;
  return page.evaluate(
    async ({ id, image, setCount, intervalMs }) => {
      const { harness } = window;
      const calls: TimedSet[] = [];
      for (let i = 0; i < setCount; i++) {
        await harness.morePictures(id, 3);
        await new Promise((resolve) => setTimeout(resolve, (i * intervalMs) / setCount));
        const revision = (harness.pictures(id, -1)[0]!.output!.revision + 1) & 0xfff;
        const calledMs = performance.now();
        const outcome = await harness.call(id, "set", { prompt: `step ${i}`, ...(image && { image }) });
        const ackedMs = performance.now();
        if (!outcome.ok) throw new Error(outcome.error);
        await harness.untilRevision(id, revision);
        calls.push({ calledMs, ackedMs, revision });
      }
      return calls;
    },
    { id, image, setCount, intervalMs },
  );
}
