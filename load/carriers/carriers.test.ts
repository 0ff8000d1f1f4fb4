/**
 * Each carrier, where the one before it is lost: real sessions of the node generator against mocks that hold pictures back for a known time and
 * paint over what tells them apart. Read as a difference to a session without that delay, beside it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MockServer, startMockServer, writeMockKey } from "../../mock-server/index.ts";
import { realClock as clock } from "../clock.ts";
import type { Dialect, Generator } from "../generator.ts";
import { createNodeGenerator } from "../generators/node/index.ts";
import { decodeHistogram } from "../histogram.ts";
import type { Measurement } from "../measurement.ts";
import { parsePlan } from "../plan.ts";
import { createSessions } from "../shard.ts";
import { createTally } from "../tally.ts";

const delayMs = 300;

let generator: Generator;
beforeAll(() => {
  generator = createNodeGenerator({ clock });
});
afterAll(() => generator.close());

async function measure(
  lucy: MockServer,
  dialect: Dialect,
  { prompt, isLate, seconds }: { prompt: string; isLate: boolean; seconds: number },
): Promise<Measurement> {
  const plan = parsePlan(
    `about: One session.\nclip: vp8-180p15\narrivals: [{ sessions: 1 }]\nholdSeconds: ${seconds}`,
    "one.yaml",
  );
  const tally = createTally({ runStartedMs: generator.now() });
  const apiKey = isLate
    ? writeMockKey({ name: "delay", channel: "media", direction: "to-client", with: { delayMs } })
    : "dct_load";
  const sessions = createSessions({
    plan: { ...plan, dialect, script: [{ afterSeconds: 0, set: { prompt } }] },
    target: { url: lucy.url, realtimeUrl: lucy.realtimeUrl, apiKey },
    generator,
    clock,
    tally: {
      ...tally,
      count(name, by) {
        tally.count(name, by);
        if (name === "signatures-found") sessions.stop();
      },
    },
    row: null,
  });
  await sessions.arrive(0);
  expect(sessions.troubles).toEqual({});
  return tally.measurement();
}

/** `LUCY_LONG`: what a real model may do, too. */
const paintings = [
  { what: "repainted, strips and all", strips: true, prompt: "repaint" },
  ...(process.env.LUCY_LONG
    ? [
        { what: "stylised by edges, without strips", strips: false, prompt: "edges" },
        { what: "stylised by pixelate, without strips", strips: false, prompt: "pixelate" },
      ]
    : []),
];

describe.each(paintings)("pictures that are $what", ({ strips, prompt }) => {
  let lucy: MockServer;
  beforeAll(async () => {
    lucy = await startMockServer({ port: 0, strips });
  });
  afterAll(() => lucy.close());

  // A signature is read of a window of eight seconds, or refused: then the next window has its turn.
  test("are told by their light in the direct dialect, which has no metadata", async () => {
    const [late, timely] = await Promise.all([
      measure(lucy, "direct", { prompt, seconds: 50, isLate: true }),
      measure(lucy, "direct", { prompt, seconds: 50, isLate: false }),
    ]);
    const read = ({ histograms, counts }: Measurement) => {
      expect(counts["signatures-found"]).toBeGreaterThan(0);
      return decodeHistogram(histograms["signature-delay"]).min / 1000;
    };
    // The clip is a loop of two seconds, half of which goes back: within it, the delay is known.
    expect(Math.abs(read(late) - read(timely) - delayMs)).toBeLessThan(1000 / 15);
  }, 60_000);

  test("are told by their metadata in rooms", async () => {
    const [late, timely] = await Promise.all([
      measure(lucy, "livekit", { prompt, seconds: 4, isLate: true }),
      measure(lucy, "livekit", { prompt, seconds: 4, isLate: false }),
    ]);
    const read = ({ histograms, counts }: Measurement) => {
      expect(counts["frames-by-metadata"]).toBeGreaterThan(counts["frames-by-strip"]);
      return decodeHistogram(histograms["glass-to-glass"]).min / 1000;
    };
    expect(Math.abs(read(late) - read(timely) - delayMs)).toBeLessThan(1000 / 15);
  }, 60_000);
});
