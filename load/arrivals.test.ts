import { describe, expect, test } from "vitest";
import { arrivalsOf, type Phase, type Schedule, sessionsAtOnce, spacings } from "./arrivals.ts";

const none = { from: 0, to: 0 };
const pace = (seconds: number, from: number, to = from): Phase => ({
  seconds,
  sessionsPerSecond: { from, to },
  sessions: 0,
});
const atOnce = (sessions: number, seconds = 0): Phase => ({ seconds, sessionsPerSecond: none, sessions });

function schedule(arrivals: readonly Phase[], more: Partial<Schedule> = {}): Schedule {
  return { arrivals, spacing: "even", holdSeconds: 10, seed: 1, ...more };
}

const timesOf = (plan: Schedule) => [...arrivalsOf(plan)].map(({ atMs }) => Math.round(atMs));

test.each<[string, readonly Phase[], number[]]>([
  ["a pace", [pace(2, 2)], [0, 500, 1000, 1500]],
  ["a slow pace", [pace(25, 0.1)], [0, 10_000, 20_000]],
  ["all at once", [atOnce(3)], [0, 0, 0]],
  ["all at once, and then some", [pace(1, 1), atOnce(2, 5), pace(2, 1)], [0, 1000, 1000, 6000, 7000]],
  ["a pause", [pace(1, 2), pace(10, 0), pace(1, 2)], [0, 500, 11_000, 11_500]],
  ["half a session carried into the next phase", [pace(1.5, 1), pace(1.5, 1)], [0, 1000, 2000]],
  // t²/2·2/4 = n.
  ["a ramp from nothing", [pace(4, 0, 2)], [0, 2000, 2828, 3464]],
  // The same backwards.
  ["a ramp to nothing", [pace(4, 2, 0)], [0, 536, 1172, 2000]],
  ["no pace", [pace(5, 0)], []],
])("%s", (_, arrivals, expected) => {
  expect(timesOf(schedule(arrivals))).toEqual(expected);
});

describe.each(spacings)("spacing %s", (spacing) => {
  const plan = schedule([pace(10, 3), atOnce(7, 2), pace(20, 1, 9), pace(3, 0), pace(5, 2)], { spacing });

  test.each([1, 2, 3, 7, 400])("%d shards share out the same schedule", (count) => {
    const shards = Array.from({ length: count }, (_, index) => [...arrivalsOf(plan, { index, count })]);
    const union = shards.flat().sort((a, b) => a.index - b.index);
    expect(union).toEqual([...arrivalsOf(plan)]);
    const sizes = shards.map((shard) => shard.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test("is in order, within its phases, and numbered through", () => {
    const arrivals = [...arrivalsOf(plan)];
    expect(arrivals.map(({ index }) => index)).toEqual(arrivals.map((_, index) => index));
    for (const [index, { atMs }] of arrivals.entries()) {
      expect(atMs).toBeGreaterThanOrEqual(arrivals[index - 1]?.atMs ?? 0);
      expect(atMs).toBeLessThanOrEqual(40_000);
      expect(atMs > 32_001 && atMs < 34_999).toBe(false);
    }
  });
});

describe("poisson", () => {
  const plan = (seed: number) => schedule([pace(1000, 2), pace(1000, 0, 4)], { spacing: "poisson", seed });

  test("hangs on the seed alone", () => {
    expect(timesOf(plan(1))).toEqual(timesOf(plan(1)));
    expect(timesOf(plan(1))).not.toEqual(timesOf(plan(2)));
  });

  test("has the pace's mean, and gaps as random as they should be", () => {
    const times = timesOf(plan(3));
    const steady = times.filter((atMs) => atMs < 1_000_000);
    expect(Math.abs(steady.length - 2000)).toBeLessThan(4 * Math.sqrt(2000));
    expect(Math.abs(times.length - steady.length - 2000)).toBeLessThan(4 * Math.sqrt(2000));
    // More in the second half of the ramp: three quarters.
    const late = times.filter((atMs) => atMs >= 1_500_000).length / (times.length - steady.length);
    expect(late).toBeCloseTo(0.75, 1);
    const gaps = steady.slice(1).map((atMs, index) => atMs - steady[index]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });
});

test.each<[readonly Phase[], number, number]>([
  [[atOnce(30)], 5, 30],
  [[pace(60, 0.5)], 10, 5],
  [[pace(60, 0.5)], 1, 1],
  [[atOnce(2, 10), atOnce(3, 10)], 10, 3],
  [[atOnce(2, 10), atOnce(3, 10)], 11, 5],
  [[pace(5, 0)], 10, 0],
])("at once, case %#", (arrivals, holdSeconds, most) => {
  expect(sessionsAtOnce(schedule(arrivals, { holdSeconds }))).toBe(most);
});
