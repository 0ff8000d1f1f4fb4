/**
 * When sessions come: an open model, in which they come when their time is, whether or not earlier ones have gone. The whole schedule hangs on the
 * plan alone, so that any number of shards share out the same one.
 */
import { createDice } from "./dice.ts";

/** Sessions at a pace that changes evenly over the phase, or all at its start. */
export type Phase = {
  readonly seconds: number;
  readonly sessionsPerSecond: { readonly from: number; readonly to: number };
  readonly sessions: number;
};

export const spacings = ["even", "poisson"] as const;
/** `even`: at equal distances. `poisson`: each by itself, as people do. */
export type Spacing = (typeof spacings)[number];

export type Schedule = {
  readonly arrivals: readonly Phase[];
  readonly spacing: Spacing;
  readonly holdSeconds: number;
  readonly seed: number;
};

export type Arrival = {
  /** Among all shards' sessions, from 0. */
  readonly index: number;
  /** From the start of the run. */
  readonly atMs: number;
};

const wholeRun = { index: 0, count: 1 } as const;

/** Those of shard `index` of `count`, in their order. All shards' together are the same for any `count`. */
export function* arrivalsOf(
  { arrivals, spacing, seed }: Pick<Schedule, "arrivals" | "spacing" | "seed">,
  shard: { readonly index: number; readonly count: number } = wholeRun,
): Generator<Arrival> {
  const dice = createDice(seed, "arrivals");
  // A pace is a clock of its own, on which sessions come once a tick: evenly, or a tick apart on average.
  const gap = () => (spacing === "even" ? 1 : -Math.log(1 - dice.next()));
  let index = 0;
  let startMs = 0;
  let next = spacing === "even" ? 0 : gap();
  let passed = 0;
  for (const { seconds, sessionsPerSecond, sessions } of arrivals) {
    for (let count = 0; count < sessions; count++, index++) {
      if (index % shard.count === shard.index) yield { index, atMs: startMs };
    }
    const { from, to } = sessionsPerSecond;
    const total = ((from + to) / 2) * seconds;
    // A rounding error must not make one more session of a phase that ends with one.
    for (; next - passed < total - 1e-9; next += gap(), index++) {
      const atMs = startMs + 1000 * timeOf(next - passed, from, to, seconds);
      if (index % shard.count === shard.index) yield { index, atMs };
    }
    passed += total;
    startMs += seconds * 1000;
  }
}

/** Seconds into a phase until so many have come: what `from·t + (to − from)·t²/2s` is solved for. */
function timeOf(count: number, from: number, to: number, seconds: number): number {
  if (count === 0) return 0;
  const root = Math.sqrt(Math.max(0, from * from + (2 * (to - from) * count) / seconds));
  return (2 * count) / (from + root);
}

/** The most that are open at once, where each stays as long as it should. */
export function sessionsAtOnce(schedule: Schedule): number {
  const atMs = [...arrivalsOf(schedule)].map((arrival) => arrival.atMs);
  let most = 0;
  for (let last = 0, first = 0; last < atMs.length; last++) {
    while (atMs[last]! - atMs[first]! >= schedule.holdSeconds * 1000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
