/** What the HTTP side comes to for a gate: what fails it, what nobody can tell, and in which words. */
import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../reports/result.ts";
import { resultText } from "../reports/text.ts";
import { createHistogram } from "./histogram.ts";
import type { HttpMeasurement } from "./http-load.ts";
import { httpResult, paceWords } from "./http-result.ts";

const pace = { rate: 100, seconds: 10, connections: 100 };

/** A thousand are due; of those that are answered, each takes so many milliseconds. */
function measured(
  answeredCount: number,
  ms: number,
  troubles: Record<string, number> = {},
  eventLoopStalled = 0,
): HttpMeasurement {
  const latency = createHistogram();
  for (let count = 0; count < answeredCount; count++) latency.record(ms * 1000);
  return { question: "tokens", latency, dueCount: 1000, answeredCount, troubles, eventLoopStalled };
}

const resultOf = (measurement: HttpMeasurement, p99MsMax: number | null = 100) =>
  httpResult({
    measurements: [measurement],
    pace,
    p99MsMax,
    target: "127.0.0.1:8787",
    startedAt: "2026-01-31T12:00:00.000Z",
    durationMs: 10_000,
    replay: "lucy-testkit load http --only tokens",
  });

test.each([
  ["all answered in time", measured(1000, 20), ["passed", "passed"], 0],
  ["all answered late", measured(1000, 120), ["passed", "failed"], 1],
  ["some refused", measured(998, 20, { "answered with 503": 2 }), ["failed", "passed"], 1],
  ["all refused", measured(0, 0, { "answered with 503": 1000 }), ["failed", "failed"], 1],
  ["as many not made as may be", measured(995, 20), ["passed", "passed"], 0],
  ["one more not made", measured(994, 20), ["inconclusive", "inconclusive"], 2],
  ["many not made, and those that were late", measured(900, 120), ["inconclusive", "failed"], 1],
  [
    "some refused, many not made",
    measured(900, 20, { "answered with 503": 2 }),
    ["failed", "inconclusive"],
    1,
  ],
  ["all late, read late as well", measured(1000, 120, {}, 0.02), ["passed", "inconclusive"], 2],
  ["all late, hardly read late", measured(1000, 120, {}, 0.01), ["passed", "failed"], 1],
  ["all in time though read late", measured(1000, 20, {}, 0.02), ["passed", "passed"], 0],
  ["not one made", measured(0, 0), ["inconclusive", "failed"], 1],
])("%s", (_name, measurement, outcomes, code) => {
  const result = resultOf(measurement);
  expect(result.verdicts.map(({ outcome }) => outcome)).toEqual(outcomes);
  expect(exitCodeOf(result)).toBe(code);
});

test("without a limit nothing is said of p99 but what it is", () => {
  const { verdicts, figures } = resultOf(measured(1000, 120), null);
  expect(verdicts.map(({ owes }) => owes)).toEqual(["tokens answered with 2xx"]);
  expect(figures.map(({ of, sampleCount }) => [of, sampleCount])).toEqual(
    ["p50", "p90", "p99", "p99.9", "max"].map((of) => [of, 1000]),
  );
});

test("a person reads what was not made and what to do", () => {
  const text = resultText(resultOf(measured(900, 20, { "answered with 503": 2 })), { colour: false });
  expect(text).toContain("900 of 1000, 98 not made, 2 × answered with 503");
  expect(text).toMatch(/\? doubt .*98 of the 1000 requests/);
  expect(text.replace(/\s+/g, " ")).toContain("Ask for a lower rate, or take more connections.");
});

describe("the pace is said as it is", () => {
  test.each([
    [{ rate: 50, connections: 50 }, "each makes one a second"],
    [{ rate: 50, connections: 10 }, "each makes 5 at the beginning of its second, one after the other"],
    [{ rate: 50, connections: 20 }, "each makes 2 or 3 at the beginning"],
  ])("%o", (more, words) => {
    expect(paceWords({ ...pace, ...more })).toContain(words);
  });
});
