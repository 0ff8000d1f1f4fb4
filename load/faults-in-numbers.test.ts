/**
 * Faults of known size, in the numbers at that size: real sessions of the node generator against a mock that goes wrong on purpose. What is
 * compared is counted, or is a difference to a session without a fault that runs beside it, so that a busy machine changes neither.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Declaration, type MockServer, startMockServer, writeMockKey } from "../mock-server/index.ts";
import { realClock as clock } from "./clock.ts";
import { type Dialect, dialects, type Generator, type Observer, type ReceivedPicture } from "./generator.ts";
import { createNodeGenerator } from "./generators/node/index.ts";
import { decodeHistogram } from "./histogram.ts";
import type { HistogramName, Measurement } from "./measurement.ts";
import { type Plan, parsePlan } from "./plan.ts";
import { createSessions } from "./shard.ts";
import { createTally } from "./tally.ts";

let lucy: MockServer;
let generator: Generator;
beforeAll(async () => {
  lucy = await startMockServer({ port: 0, sessionsMax: 20 });
  generator = createNodeGenerator({ clock });
});
afterAll(async () => {
  await generator.close();
  await lucy.close();
});

const fps = 15;

/** One session that meets these faults, in a key of its own, until so many pictures have come back. */
async function measure(
  dialect: Dialect,
  faults: readonly Declaration[],
  { pictures = 30, script = [] as Plan["script"] } = {},
): Promise<Measurement> {
  const plan = parsePlan(
    `about: One session.\nclip: vp8-180p15\narrivals: [{ sessions: 1 }]\nholdSeconds: 60`,
    "one.yaml",
  );
  const tally = createTally({ runStartedMs: generator.now() });
  const sessions = createSessions({
    plan: { ...plan, dialect, script },
    target: {
      url: lucy.url,
      realtimeUrl: lucy.realtimeUrl,
      apiKey: faults.length > 0 ? writeMockKey(faults) : "dct_load",
    },
    generator: {
      ...generator,
      now: generator.now,
      open: (about, observer) =>
        generator.open(about, { ...observer, received: (picture) => heard(observer, picture) }),
    },
    clock,
    tally,
    row: null,
  });
  let left = pictures;
  function heard(observer: Observer, picture: ReceivedPicture): void {
    observer.received(picture);
    if (--left === 0) sessions.stop();
  }
  await sessions.arrive(0);
  expect(sessions.troubles).toEqual({});
  return tally.measurement();
}

/** Milliseconds, of the tenth percentile: what the machine adds comes on top of single pictures. */
function quickest({ histograms }: Measurement, name: HistogramName): number {
  return decodeHistogram(histograms[name]).percentile(10) / 1000;
}

/** The numbers come of the same ledger: `LUCY_LONG` takes both. */
const tried: readonly Dialect[] = process.env.LUCY_LONG ? dialects : ["direct"];

describe.each(tried)("%s", (dialect) => {
  test("pictures that come 80 ms late", async () => {
    const delay: Declaration = {
      name: "delay",
      channel: "media",
      direction: "to-client",
      with: { delayMs: 80 },
    };
    const [late, timely] = await Promise.all([measure(dialect, [delay]), measure(dialect, [])]);
    const more = quickest(late, "glass-to-glass") - quickest(timely, "glass-to-glass");
    expect(more).toBeGreaterThan(75);
    expect(more).toBeLessThan(80 + 1000 / fps / 2);
  });

  test("one picture of three: two thirds lost, a third of the pace", async () => {
    const { counts, histograms } = await measure(dialect, [{ name: "fps-drop", with: { keepOneOf: 3 } }], {
      pictures: 20,
    });
    expect(counts["frames-lost"] / counts["frames-decided"]).toBeCloseTo(2 / 3, 1);
    expect(Math.abs(decodeHistogram(histograms.fps).mean / 1000 - fps / 3)).toBeLessThan(1);
  });

  test("the same picture for 15 pictures: one freeze of a second", async () => {
    const freeze: Declaration = { name: "freeze", when: { after: { frames: 15 }, for: { frames: fps } } };
    const { counts, histograms } = await measure(dialect, [freeze], { pictures: 45 });
    expect(counts.freezes).toBeGreaterThan(0);
    // A server that has too much to do leaves pictures out, by design: some of the repeated ones never come.
    expect(counts["frames-repeated"]).toBeLessThanOrEqual(fps);
    expect(counts["frames-repeated"]).toBeGreaterThan(fps / 2);
    const frozenMs = decodeHistogram(histograms["frame-gap"]).max / 1000;
    const wantedMs = (1000 * (fps + 1)) / fps;
    expect(frozenMs).toBeGreaterThan(wantedMs - 1000 / fps);
    // Those left out prolong it.
    expect(frozenMs).toBeLessThan(wantedMs * 1.5);
    expect(counts["freeze-microseconds"] / 1000).toBeGreaterThan(frozenMs * 0.99);
  });

  test("acks that come 300 ms late, and pictures that do not wait for them", async () => {
    const late: Declaration = { name: "late-ack", when: { times: 20 }, with: { delayMs: 300 } };
    const script = [{ afterSeconds: 0.5, everySeconds: 0.5, set: { prompt: "number {n}" } }];
    const [stalled, prompt] = await Promise.all([
      measure(dialect, [late], { script, pictures: 60 }),
      measure(dialect, [], { script, pictures: 60 }),
    ]);
    const more = (name: HistogramName) => quickest(stalled, name) - quickest(prompt, name);
    expect(stalled.counts["sets-visible"]).toBeGreaterThan(3);
    expect(Math.abs(more("set-to-ack") - 300)).toBeLessThan(20);
    expect(Math.abs(more("set-to-visible"))).toBeLessThan(1000 / fps);
  });
});
