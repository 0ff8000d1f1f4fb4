/** Runs as they are kept, compared for a gate: when the answer counts, and what is said where it does not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunResult } from "../reports/result.ts";
import { compareFiles } from "./compare-files.ts";
import { createHistogram } from "./histogram.ts";
import type { MeasuredSecond } from "./measurement.ts";
import { addMeasurements } from "./merge.ts";
import { parsePlan } from "./plan.ts";
import { type ShardFile, shardSchema } from "./shard-files.ts";
import { loadResult } from "./to-result.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-compare-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const yaml = "about: One.\nclip: vp8-180p15\narrivals: [{ sessions: 4 }]\nholdSeconds: 100";

type Run = {
  readonly delayMs: number;
  readonly yaml?: string;
  readonly seconds?: number;
  readonly target?: string;
  readonly counts?: Partial<Record<string, number>>;
  readonly doubts?: readonly string[];
};

/** A run of so many seconds, 60 pictures in each, all about as late. */
function runOf({ delayMs, yaml: text = yaml, seconds = 100, counts, target, doubts = [] }: Run): RunResult {
  const nothing = addMeasurements([]);
  const filled = (values: readonly number[]) => {
    const histogram = createHistogram();
    for (const value of values) histogram.record(value * 1000);
    return histogram.encode();
  };
  const delays = Array.from({ length: 60 }, (_, index) => delayMs + (index % 10));
  const plan = parsePlan(text, "one.yaml");
  const shard: ShardFile = {
    ...{
      schema: shardSchema,
      index: 0,
      count: 1,
      target: target ?? "127.0.0.1:1",
      seed: 1,
      machine: { cpu: "A" },
    },
    ...{ durationMs: 1000 * seconds, startedAt: "2026-01-31T12:00:00.000Z", generator: "node" },
    plan: plan as unknown as ShardFile["plan"],
    ...{ dialects: ["direct"], blindSpots: [], shards: [], troubles: {}, selfTests: [], doubts: [...doubts] },
    transport: {
      ...{ roundTripsMs: [], jittersMs: [], packetsReceived: null, packetsLost: null },
      ...{ keyRequests: null, picturesUnseen: null },
    },
    measurement: {
      histograms: { ...nothing.histograms },
      counts: { ...nothing.counts, "sessions-due": 4, "sessions-connected": 4, ...counts },
      seconds: Array.from(
        { length: seconds },
        (_, second): MeasuredSecond => ({
          ...{ second, sessions: 4, framesReceived: 60, framesDecided: 60, framesLost: 0 },
          ...{ glassToGlass: filled(delays), fps: filled([15, 15, 15, 15]) },
        }),
      ),
    },
  };
  return loadResult({
    plan,
    ...{ shards: [shard], selfTests: [], serverMs: null, replay: "lucy-testkit load" },
  });
}

let written = 0;
function fileOf(run: Run): string {
  const file = join(folder, `${written++}.json`);
  writeFileSync(file, JSON.stringify(runOf(run)));
  return file;
}

describe("for a gate", () => {
  test.each<[string, Run, Run, "held" | "worse" | "inconclusive", RegExp]>([
    ["the same", { delayMs: 50 }, { delayMs: 50 }, "held", /= glass-to-glass p50/],
    ["quicker", { delayMs: 80 }, { delayMs: 50 }, "held", /✓ glass-to-glass p50/],
    ["slower", { delayMs: 50 }, { delayMs: 80 }, "worse", /✗ glass-to-glass p50/],
    [
      "short",
      { delayMs: 50, seconds: 5 },
      { delayMs: 80, seconds: 5 },
      "inconclusive",
      /\? Of how late pictures/,
    ],
    [
      "without a picture",
      { delayMs: 50 },
      { delayMs: 50, seconds: 0 },
      "inconclusive",
      /\? The second has nothing of glass-to-glass, fps, frames-lost\./,
    ],
    [
      "doubted",
      { delayMs: 50 },
      { delayMs: 80, doubts: ["The machine was full."] },
      "inconclusive",
      /\? Of the second: The machine was full\./,
    ],
    [
      "of another plan of that name",
      { delayMs: 50 },
      { delayMs: 80, yaml: yaml.replace("100", "90") },
      "inconclusive",
      /\? Not the same holdSeconds in their plans: 100 and 90\./,
    ],
    [
      "of a plan that owes something else",
      { delayMs: 50 },
      { delayMs: 50, yaml: `${yaml.replace("One", "Two")}\nthresholds: [p99 < 500ms]` },
      "held",
      /^(?!.*Not the same)/s,
    ],
    [
      "with sessions that failed",
      { delayMs: 50, counts: { "sessions-failed": 1 } },
      { delayMs: 50, counts: { "sessions-failed": 1, "sessions-ended": 1 } },
      "inconclusive",
      /\? 2 of 4 sessions of the second failed or ended early, and 1 of 4 of the first/,
    ],
    [
      "of another endpoint, which is what was asked",
      { delayMs: 50, target: "a.example.com" },
      { delayMs: 80, target: "b.example.com" },
      "worse",
      /! Not the same target: a\.example\.com and b\.example\.com\./,
    ],
    [
      "of another port of this machine",
      { delayMs: 50 },
      { delayMs: 50, target: "127.0.0.1:2" },
      "held",
      /^(?!.*Not the same)/s,
    ],
  ])("%s", (_name, a, b, verdict, says) => {
    const compared = compareFiles(fileOf(a), fileOf(b));
    expect(compared.text).toMatch(says);
    expect(compared.verdict).toBe(verdict);
  });

  test("how much runs differ is said to be unknown, once, where each side has one", () => {
    const one = fileOf({ delayMs: 50 });
    expect(compareFiles(one, one).text.match(/one run each does not say/g)).toHaveLength(1);
    expect(compareFiles(`${one},${one}`, one).text).not.toContain("one run each");
  });

  test("several of a side are looked at all", () => {
    const [one, other, doubted] = [
      { delayMs: 50 },
      { delayMs: 51 },
      { delayMs: 50, doubts: ["It was full."] },
    ];
    const sides = [`${fileOf(one!)}, ${fileOf(other!)}`, `${fileOf(one!)},${fileOf(doubted!)}`] as const;
    const { text, verdict } = compareFiles(...sides);
    expect(text).toContain("? Of the second: It was full.");
    expect(verdict).toBe("inconclusive");
  });
});
