import { describe, expect, test } from "vitest";
import { type Comparison, compare } from "./compare.ts";
import { createDice } from "./dice.ts";
import { createHistogram } from "./histogram.ts";
import type { MeasuredSecond, Measurement } from "./measurement.ts";
import { addHistograms, addMeasurements } from "./merge.ts";

function encoded(valuesMs: readonly number[]): string {
  const histogram = createHistogram();
  for (const value of valuesMs) histogram.record(value * 1000);
  return histogram.encode();
}

type Run = {
  readonly seconds: number;
  readonly seed: number;
  /** Of all pictures; each second has its own weather on top. */
  readonly delayMs?: number;
  /** How much the weather changes from second to second, to each side. */
  readonly weatherMs?: number;
  readonly fps?: number;
  readonly lostShare?: number;
  readonly setsMs?: readonly number[];
};

function measured({
  seconds,
  seed,
  delayMs = 100,
  weatherMs = 10,
  fps = 30,
  lostShare = 0,
  setsMs = [],
}: Run): Measurement {
  const dice = createDice(seed, "run");
  const around = (size: number) => (dice.next() * 2 - 1) * size;
  const rows = Array.from({ length: seconds }, (_, second): MeasuredSecond => {
    const weather = around(weatherMs);
    const seen = fps - (dice.next() < 0.3 ? 1 : 0);
    return {
      second,
      sessions: 1,
      framesReceived: seen,
      framesDecided: 30,
      framesLost: Array.from({ length: 30 }, () => dice.next()).filter((one) => one < lostShare).length,
      glassToGlass: encoded(Array.from({ length: seen }, () => delayMs + weather + around(3))),
      fps: encoded([seen]),
    };
  });
  const nothing = addMeasurements([]);
  return {
    ...nothing,
    histograms: {
      ...nothing.histograms,
      "glass-to-glass": addHistograms(rows.map(({ glassToGlass }) => glassToGlass)),
      "set-to-visible": encoded(setsMs),
    },
    seconds: rows,
  };
}

function find(comparisons: readonly Comparison[], name: string): Comparison {
  return comparisons.find(({ metric, statistic }) => `${metric} ${statistic}` === name)!;
}

const calm = { seconds: 120, seed: 1 };

test.each<[string, Partial<Run>, string, Comparison["verdict"]]>([
  ["the same again", {}, "glass-to-glass p50", "no difference"],
  ["20 % slower", { delayMs: 120 }, "glass-to-glass p50", "worse"],
  ["20 % slower", { delayMs: 120 }, "glass-to-glass p99", "worse"],
  ["20 % faster", { delayMs: 80 }, "glass-to-glass p50", "better"],
  [
    "2 % slower: sure, and not worth telling",
    { delayMs: 102, weatherMs: 1 },
    "glass-to-glass p50",
    "no difference",
  ],
  ["fewer pictures", { fps: 25 }, "fps mean", "worse"],
  ["more pictures", { fps: 60 }, "fps p10", "better"],
  ["as many", {}, "fps mean", "no difference"],
  ["losses", { lostShare: 0.05 }, "frames-lost share", "worse"],
  ["hardly any losses", { lostShare: 0.001 }, "frames-lost share", "no difference"],
])("%s", (_, changed, name, verdict) => {
  const a = measured({ ...calm, ...(changed.weatherMs ? { weatherMs: changed.weatherMs } : {}) });
  const comparison = find(compare([a], [measured({ ...calm, seed: 2, ...changed })]), name);
  expect(comparison.verdict).toBe(verdict);
  expect(comparison.of.a).toMatchObject({ blocks: 24, runs: 1 });
});

test("values, intervals and what they are of, in a sentence", () => {
  const slower = find(
    compare([measured(calm)], [measured({ ...calm, seed: 2, delayMs: 130 })]),
    "glass-to-glass p50",
  );
  expect(slower.a).toBeCloseTo(100, -1);
  expect(slower.b).toBeCloseTo(130, -1);
  expect(slower.difference!.low).toBeGreaterThan(22);
  expect(slower.difference!.high).toBeLessThan(38);
  expect(slower.ratio!.low).toBeGreaterThan(1.2);
  expect(slower.ratio!.high).toBeLessThan(1.4);
  expect(slower.sentence).toMatch(
    /^glass-to-glass p50: \d+\.?\d? ms → 1\d\d\.?\d? ms, worse: \+2\d\.?\d? … \+3\d\.?\d? ms, 1\.\d\d … 1\.\d\d times \(95 %; of 35\d\d in 24 pieces and 35\d\d in 24 pieces\)\.$/,
  );
});

test("it is the same the next time, and another seed draws otherwise", () => {
  const [a, b] = [measured(calm), measured({ ...calm, seed: 2, delayMs: 107 })];
  expect(compare([a], [b])).toEqual(compare([a], [b]));
  expect(compare([a], [b], { seed: 2 })).not.toEqual(compare([a], [b]));
});

test("intervals hold what is true nearly always, though pictures of a second share their weather", () => {
  // Drawn picture by picture, they would hold it every second time only.
  const held = Array.from({ length: 15 }, (_, index) => {
    const a = measured({ seconds: 40, seed: 1000 + index });
    const b = measured({ seconds: 40, seed: 2000 + index, delayMs: 110 });
    const { difference } = find(compare([a], [b]), "glass-to-glass p50");
    return difference!.low <= 10 && difference!.high >= 10;
  }).filter(Boolean);
  expect(held.length).toBeGreaterThanOrEqual(13);
});

test("where nothing changed, it seldom says that something did", () => {
  const told = Array.from({ length: 15 }, (_, index) => {
    const [a, b] = [1000, 2000].map((seed) => measured({ seconds: 40, seed: seed + index, weatherMs: 30 }));
    return find(compare([a!], [b!]), "glass-to-glass p50").verdict;
  }).filter((verdict) => verdict === "better" || verdict === "worse");
  expect(told.length).toBeLessThanOrEqual(2);
});

describe("too few samples", () => {
  test("of too short a run", () => {
    const { verdict, difference, sentence } = find(
      compare([measured({ seconds: 6, seed: 1 })], [measured(calm)]),
      "glass-to-glass p50",
    );
    expect(verdict).toBe("too few samples");
    expect(difference).toBeNull();
    expect(sentence).toMatch(/, 3 independent pieces, and it takes 8\. Measure for longer\.$/);
  });

  test("for a percentile far out", () => {
    const [a, b] = [measured({ seconds: 30, seed: 1 }), measured({ seconds: 30, seed: 2 })];
    expect(find(compare([a], [b]), "glass-to-glass p99").sentence).toMatch(
      /8\d\d samples, and it takes 1000/,
    );
    expect(find(compare([a], [b]), "glass-to-glass p90").difference).not.toBeNull();
  });

  test("for the weather: it says how much longer would do", () => {
    const rough = { seconds: 30, weatherMs: 60 };
    const { verdict, sentence } = find(
      compare([measured({ ...rough, seed: 3 })], [measured({ ...rough, seed: 4 })]),
      "glass-to-glass p50",
    );
    expect(verdict).toBe("too few samples");
    expect(sentence).toMatch(
      /whether it is \d\.?\d? ms or more, nobody can tell\. Measure for some \d+ times as long/,
    );
  });

  test("of one side", () => {
    const { verdict, b } = find(
      compare([measured({ ...calm, setsMs: new Array(30).fill(200) })], [measured(calm)]),
      "set-to-visible p50",
    );
    expect({ verdict, b }).toEqual({ verdict: "too few samples", b: null });
  });

  test("of both is not told at all", () => {
    const told = compare([measured(calm)], [measured(calm)]).map(({ metric }) => metric);
    expect(new Set(told)).toEqual(new Set(["glass-to-glass", "fps", "frames-lost"]));
    expect(compare([], [])).toEqual([]);
  });
});

describe("samples of their own", () => {
  const sets = (seed: number, middleMs: number, count = 200) => {
    const dice = createDice(seed, "sets");
    return measured({
      ...calm,
      setsMs: Array.from({ length: count }, () => middleMs * (0.7 + 0.6 * dice.next())),
    });
  };

  test.each<[number, number, Comparison["verdict"]]>([
    [200, 260, "worse"],
    [200, 150, "better"],
    // 7 ms of a value that varies by 120: two hundred do not tell.
    [200, 207, "too few samples"],
  ])("a median of %d ms, then of %d ms: %s", (before, after, verdict) => {
    expect(find(compare([sets(1, before)], [sets(2, after)]), "set-to-visible p50").verdict).toBe(verdict);
  });

  test("many tell more", () => {
    const { verdict, difference } = find(
      compare([sets(1, 200, 5000)], [sets(2, 201, 5000)]),
      "set-to-visible p50",
    );
    expect(verdict).toBe("no difference");
    expect(difference!.high - difference!.low).toBeLessThan(12);
  });

  test("twenty is the least", () => {
    expect(find(compare([sets(1, 200, 19)], [sets(2, 400)]), "set-to-visible p50").verdict).toBe(
      "too few samples",
    );
    expect(find(compare([sets(1, 200, 20)], [sets(2, 400)]), "set-to-visible p50").verdict).toBe("worse");
  });
});

test("several runs each: what differs from run to run is in the interval", () => {
  const runs = (delaysMs: readonly number[], seed: number) =>
    delaysMs.map((delayMs, index) => measured({ seconds: 60, seed: seed + index, delayMs, weatherMs: 2 }));
  const one = find(compare(runs([90], 1), runs([110], 9)), "glass-to-glass p50");
  expect(one.verdict).toBe("worse");
  const several = find(compare(runs([90, 110, 130], 1), runs([110, 90, 125], 9)), "glass-to-glass p50");
  expect(several.verdict).toBe("too few samples");
  expect(several.of.a).toMatchObject({ runs: 3, blocks: 45 });
  expect(several.sentence).toMatch(/pieces of 3 runs\)\.$/);
  const clear = find(compare(runs([90, 95, 92], 1), runs([140, 150, 145], 9)), "glass-to-glass p50");
  expect(clear.verdict).toBe("worse");
});

test("what is worth telling can be chosen", () => {
  const [a, b] = [
    measured({ ...calm, weatherMs: 1 }),
    measured({ ...calm, seed: 2, weatherMs: 1, delayMs: 103 }),
  ];
  expect(find(compare([a], [b]), "glass-to-glass p50").verdict).toBe("no difference");
  expect(find(compare([a], [b], { share: 0.01 }), "glass-to-glass p50").verdict).toBe("worse");
});
