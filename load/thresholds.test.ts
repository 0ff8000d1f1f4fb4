import { describe, expect, test } from "vitest";
import { createHistogram } from "./histogram.ts";
import { countNames, type HistogramName, histogramNames, type Measurement } from "./measurement.ts";
import { addMeasurements } from "./merge.ts";
import { judgeThreshold, metrics, parseThreshold, readStatistic, type Threshold } from "./thresholds.ts";

type Told = {
  /** Milliseconds; of `fps`, pictures a second. */
  readonly histograms?: Partial<Record<HistogramName, readonly number[]>>;
  readonly counts?: Partial<Measurement["counts"]>;
};

function measured({ histograms = {}, counts = {} }: Told): Measurement {
  const nothing = addMeasurements([]);
  const encoded = Object.entries(histograms).map(([name, values]) => {
    const histogram = createHistogram();
    for (const value of values) histogram.record(value * 1000);
    return [name, histogram.encode()];
  });
  return {
    ...nothing,
    histograms: { ...nothing.histograms, ...Object.fromEntries(encoded) },
    counts: { ...nothing.counts, ...counts },
  };
}

/** 1, 2, … `last`. */
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test.each<[string, Omit<Threshold, "text">]>([
  [
    "glass-to-glass p99 < 200ms",
    { metric: "glass-to-glass", statistic: "p99", comparison: "<", limit: 200, unit: "ms" },
  ],
  ["p99 < 200ms", { metric: "glass-to-glass", statistic: "p99", comparison: "<", limit: 200, unit: "ms" }],
  ["p99.9≤0.25s", { metric: "glass-to-glass", statistic: "p99.9", comparison: "<=", limit: 250, unit: "ms" }],
  ["max < 1s", { metric: "glass-to-glass", statistic: "max", comparison: "<", limit: 1000, unit: "ms" }],
  ["  fps ≥ 28 ", { metric: "fps", statistic: "p50", comparison: ">=", limit: 28, unit: "fps" }],
  ["fps p1 > 20fps", { metric: "fps", statistic: "p1", comparison: ">", limit: 20, unit: "fps" }],
  [
    "set-to-visible mean <= 300 ms",
    { metric: "set-to-visible", statistic: "mean", comparison: "<=", limit: 300, unit: "ms" },
  ],
  [
    "sessions-failed == 0",
    { metric: "sessions-failed", statistic: "count", comparison: "==", limit: 0, unit: "" },
  ],
  [
    "sessions-failed = 0",
    { metric: "sessions-failed", statistic: "count", comparison: "==", limit: 0, unit: "" },
  ],
  [
    "frames-lost < 1.5%",
    { metric: "frames-lost", statistic: "share", comparison: "<", limit: 1.5, unit: "%" },
  ],
  [
    "frames-unsent < 1 %",
    { metric: "frames-unsent", statistic: "share", comparison: "<", limit: 1, unit: "%" },
  ],
  [
    "freeze-time < 2s",
    { metric: "freeze-time", statistic: "total", comparison: "<", limit: 2000, unit: "ms" },
  ],
])("%s is read", (text, expected) => {
  expect(parseThreshold(text)).toEqual({ text: text.trim(), ...expected });
});

test.each<[string, RegExp]>([
  [
    "",
    /takes a metric, a statistic, one of < <= > >= == and a limit with its unit, such as "glass-to-glass p99/,
  ],
  ["p99 below 200ms", /takes a metric/],
  ["p99 < ", /takes a metric/],
  [
    "glass-to-glas p99 < 200ms",
    /no metric "glass-to-glas"\. Did you mean "glass-to-glass"\? There are connect, /,
  ],
  ["frame-lost < 1%", /no metric "frame-lost"\. Did you mean "frames-lost"\?/],
  ["glass-to-glass < 200ms", /says no statistic of glass-to-glass\. It takes p50/],
  ["glass-to-glass p101 < 200ms", /has no "p101"\. It takes p50/],
  ["glass-to-glass p0 < 200ms", /has no "p0"/],
  ["fps median > 3", /has no "median"/],
  ["p99 < 200", /its limit is 200, without a unit\. glass-to-glass takes a time: 200ms, or 0\.2s/],
  ["p99 < 200fps", /its limit is 200fps\. glass-to-glass takes a time/],
  ["fps >= 28ms", /its limit is 28ms\. fps takes pictures a second/],
  ["fps >= -1", /its limit is -1\. It takes a number of 0 or more/],
  ["fps >= 1.2.3", /its limit is 1\.2\.3/],
  ["frames-lost p99 < 1", /is a count and has no p99\. Leave that out/],
  ["frames-lost < 10ms", /its limit is 10ms\. frames-lost takes a number, or a percentage of frames-decided/],
  ["freezes < 1%", /its limit is 1%\. freezes takes a number\./],
  ["freeze-time < 2", /without a unit\. freeze-time takes a time/],
])("%j is refused", (text, sentence) => {
  expect(() => parseThreshold(text)).toThrow(sentence);
  expect(() => parseThreshold(text)).toThrow(`Threshold ${JSON.stringify(text)}: `);
});

describe("judged", () => {
  const good = measured({
    histograms: { "glass-to-glass": upTo(200), fps: [20, 28, 30, 30, 30], reconnect: [900] },
    counts: {
      "frames-due": 1000,
      "frames-sent": 990,
      "frames-received": 985,
      "frames-decided": 400,
      "frames-lost": 5,
      "frames-repeated": 0,
      freezes: 2,
      "freeze-microseconds": 1_250_000,
      "sessions-due": 2,
      "sessions-connected": 2,
    },
  });

  test.each<[string, "passed" | "failed", number, number]>([
    ["p50 < 101ms", "passed", 100.03, 200],
    ["p50 < 100ms", "failed", 100.03, 200],
    ["max < 0.2s", "failed", 200.06, 200],
    ["min < 2ms", "passed", 1, 200],
    ["glass-to-glass mean <= 100.6ms", "passed", 100.5, 200],
    ["fps >= 30", "passed", 30, 5],
    ["fps == 30", "passed", 30, 5],
    ["fps > 30", "failed", 30, 5],
    ["fps min >= 20", "passed", 20, 5],
    ["fps p20 > 20", "failed", 20, 5],
    ["frames-lost == 5", "passed", 5, 400],
    ["frames-lost < 1.25%", "failed", 1.25, 400],
    ["frames-lost <= 1.25%", "passed", 1.25, 400],
    ["frames-unsent <= 10", "passed", 10, 1000],
    ["frames-unsent < 1%", "failed", 1, 1000],
    ["frames-repeated == 0", "passed", 0, 985],
    ["freezes <= 1", "failed", 2, 985],
    ["freeze-time < 1s", "failed", 1250, 985],
    ["sessions-failed == 0", "passed", 0, 2],
  ])("%s has %s", (text, outcome, value, sampleCount) => {
    const judgement = judgeThreshold(parseThreshold(text), good);
    expect(judgement).toMatchObject({ outcome, sampleCount });
    expect(judgement.value).toBeCloseTo(value, 1);
  });

  test("in a sentence with value, samples and limit", () => {
    const sentence = (text: string) => judgeThreshold(parseThreshold(text), good).sentence;
    expect(sentence("p90 < 0.2s")).toBe(
      "glass-to-glass p90 is 180.1 ms (of 200 samples); it is to be less than 200 ms.",
    );
    expect(sentence("frames-lost <= 1%")).toBe(
      "frames-lost is 1.25 % (of 400 frames-decided); it is to be at most 1 %.",
    );
    expect(sentence("reconnect p99 < 1s")).toBe(
      "reconnect p99 is 900.1 ms (of 1 samples, of which p99 is the greatest); it is to be less than 1000 ms.",
    );
  });
});

describe("nothing measured", () => {
  test.each(metrics)("%s fails, whatever is asked", (metric) => {
    const isTime = histogramNames.some((name) => name === metric) || metric === "freeze-time";
    const limit = metric === "fps" ? "0" : isTime ? "9999s" : "999999";
    const statistic = histogramNames.some((name) => name === metric) ? "p50 " : "";
    for (const comparison of ["<", ">="]) {
      const judged = judgeThreshold(
        parseThreshold(`${metric} ${statistic}${comparison} ${limit}`),
        measured({}),
      );
      expect(judged).toMatchObject({ outcome: "failed", value: null, sampleCount: 0 });
      expect(judged.sentence).toMatch(/nobody knows: .*(no samples|there are no )/);
    }
  });
});

test("every count and every histogram is a metric", () => {
  expect(metrics).toEqual(expect.arrayContaining([...histogramNames, ...countNames]));
  expect(
    readStatistic(measured({ counts: { "sets-called": 4, "sets-visible": 1 } }), "sets-visible", "share"),
  ).toEqual({
    value: 25,
    sampleCount: 4,
  });
});
