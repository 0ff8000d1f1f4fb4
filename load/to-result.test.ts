/** What a measurement comes to as a result: percentiles that mean something, and doubts that leave nothing passed. */
import { expect, test } from "vitest";
import { createHistogram } from "./histogram.ts";
import { addMeasurements } from "./merge.ts";
import { parsePlan } from "./plan.ts";
import { type ShardFile, shardSchema } from "./shard-files.ts";
import { loadResult } from "./to-result.ts";

const plan = parsePlan(
  "about: One.\narrivals: [{ sessions: 1 }]\nholdSeconds: 1\nthresholds: [p99 < 50ms, sessions-failed == 0]",
  "one.yaml",
);

function shard(delaysMs: readonly number[], counts: Partial<Record<string, number>>): ShardFile {
  const nothing = addMeasurements([]);
  const delays = createHistogram();
  for (const delayMs of delaysMs) delays.record(delayMs * 1000);
  return {
    ...{
      schema: shardSchema,
      index: 0,
      count: 1,
      target: "127.0.0.1:1",
      seed: 1,
      machine: { cpu: "A" },
      durationMs: 1000,
    },
    ...{
      startedAt: "2026-01-31T12:00:00.000Z",
      plan: plan as unknown as ShardFile["plan"],
      generator: "node",
    },
    ...{ dialects: ["direct"], blindSpots: [], shards: [], troubles: {}, selfTests: [], doubts: [] },
    transport: {
      ...{ roundTripsMs: [], jittersMs: [], packetsReceived: null, packetsLost: null },
      ...{ keyRequests: null, picturesUnseen: null },
    },
    measurement: {
      histograms: { ...nothing.histograms, "glass-to-glass": delays.encode() },
      counts: {
        ...nothing.counts,
        ...{ "sessions-due": 1, "sessions-connected": 1, "frames-due": 100, "frames-sent": 100 },
        ...counts,
      },
      seconds: [],
    },
  };
}

const resultOf = (one: ShardFile) =>
  loadResult({ plan, shards: [one], selfTests: [], serverMs: null, replay: "lucy-testkit load" });
const upTo = (count: number) => Array.from({ length: count }, (_, index) => 1 + (30 * index) / count);

test.each([
  [2, ["p50", "max"]],
  [10, ["p50", "p90", "max"]],
  [100, ["p50", "p90", "p99", "max"]],
  [1000, ["p50", "p90", "p99", "p99.9", "max"]],
])("of %d samples these percentiles are told: %j", (count, told) => {
  const { figures } = resultOf(shard(upTo(count), {}));
  expect(figures.map(({ of }) => of)).toEqual(told);
});

test("what held is passed, and what did not is failed", () => {
  expect(resultOf(shard(upTo(200), {})).verdicts.map(({ outcome }) => outcome)).toEqual(["passed", "passed"]);
  const slow = resultOf(shard([...upTo(200), 80, 90, 99], { "sessions-failed": 1 }));
  expect(slow.verdicts.map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
});

test("of a generator that fell behind nothing is passed; what was counted as failed stays so", () => {
  const starved = { "frames-sent": 90 };
  const { verdicts, load } = resultOf(shard(upTo(200), starved));
  expect(load!.doubts.join()).toContain("did not send 10 %");
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(["inconclusive", "inconclusive"]);
  const failed = resultOf(shard([], { ...starved, "sessions-failed": 1 }));
  expect(failed.verdicts.map(({ outcome }) => outcome)).toEqual(["inconclusive", "failed"]);
});

test("machines that measured are named, not the one that adds up", () => {
  const machines = [
    { cpu: "A", cores: "4" },
    { cpu: "B", cores: "4" },
  ];
  const shards = machines.map((machine) => ({ ...shard([], {}), machine }));
  const { environment } = loadResult({ plan, shards, selfTests: [], serverMs: null, replay: "" });
  expect(environment).toEqual({ cpu: "A | B", cores: "4", generator: "node × 2" });
});
