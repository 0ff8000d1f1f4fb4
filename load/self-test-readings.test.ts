/** An instrument that reads right passes; each way of reading wrong is told by its name. */
import { describe, expect, test } from "vitest";
import { injectedDelaysMs, judgeReadings } from "./self-test-readings.ts";

const about = { generator: "node", dialect: "direct", carrier: "strip" };
const bounds = { boundMs: 5, nothingMsMax: 15, frameMs: 1000 / 30 };

function judge(read: (injectedMs: number) => number | null, sampleCount = 60, medianAboveMs = 1) {
  const readings = injectedDelaysMs.map((injectedMs) => ({
    injectedMs,
    readMs: read(injectedMs),
    medianMs: read(injectedMs) === null ? null : read(injectedMs)! + medianAboveMs,
    sampleCount,
  }));
  return judgeReadings(about, readings, bounds);
}

describe("readings", () => {
  test("that are right pass, and the greatest error is told", () => {
    const found = judge((ms) => 4 + ms + (ms === 100 ? 2.5 : 0));
    expect(found.faults).toEqual([]);
    expect(found.errorMs).toBeCloseTo(2.5);
  });

  test.each<[string, (ms: number) => number | null, string]>([
    ["one that is off", (ms) => 4 + ms + (ms === 250 ? 6 : 0), "250 ms more read as 256.0 ms more"],
    ["microseconds", (ms) => (4 + ms) * 1000, "these are microseconds"],
    ["seconds", (ms) => (4 + ms) / 1000, "these are seconds"],
    ["another clock", (ms) => 1e6 + ms, "not timed by one clock"],
    ["every picture taken for the one before", (ms) => 4 + 1000 / 30 + ms, "not timed by one clock"],
    ["a clock that is ahead", (ms) => ms - 40, "not timed by one clock"],
    ["an instrument that reads no delay at all", () => 4, "50 ms more read as 0.0 ms more"],
    ["nothing at one delay", (ms) => (ms === 100 ? null : 4 + ms), "nothing was measured"],
  ])("%s", (_name, read, says) => {
    expect(judge(read).faults.join("\n")).toContain(says);
  });

  test("most pictures taken for the one before, and the quickest for what it is", () => {
    expect(judge((ms) => 4 + ms, 60, 1000 / 30).faults.join("\n")).toContain(
      "With 100 ms injected the median is 33.3 ms above that; at most 21.7 ms",
    );
    expect(judge((ms) => 4 + ms, 60, 20).faults).toEqual([]);
  });

  test("of too few pictures are none, and no number stands for them", () => {
    const found = judge((ms) => 4 + ms, 3);
    expect(found.faults).toHaveLength(injectedDelaysMs.length);
    expect(found.errorMs).toBeNull();
  });

  test("without the one of no delay are none", () => {
    const found = judgeReadings(
      about,
      [{ injectedMs: 50, readMs: 54, medianMs: 55, sampleCount: 60 }],
      bounds,
    );
    expect(found.faults).toEqual(["Nothing was read without a delay, and the others are told from that."]);
  });
});
