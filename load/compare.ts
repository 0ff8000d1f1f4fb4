/**
 * Two measurements, or several runs each: what of the second is better or worse than in the first, with intervals, and when nobody can tell. Where
 * the numbers come from, and whether the two may be compared at all, it does not know.
 */
import { createDice, type Dice } from "./dice.ts";
import { decodeHistogram } from "./histogram.ts";
import type { HistogramName, MeasuredSecond, Measurement } from "./measurement.ts";
import { addHistograms } from "./merge.ts";
import type { Statistic, Unit } from "./thresholds.ts";

export type Interval = { readonly low: number; readonly high: number };

export type Comparison = {
  readonly metric: HistogramName | "frames-lost";
  readonly statistic: Statistic;
  readonly unit: Unit;
  /** `null`: nothing was measured. */
  readonly a: number | null;
  readonly b: number | null;
  readonly verdict: "better" | "worse" | "no difference" | "too few samples";
  /** 95 % intervals of b − a, in `unit`, and of b ÷ a; `null` where there are too few samples to draw one, or a is 0. */
  readonly difference: Interval | null;
  readonly ratio: Interval | null;
  /** What was drawn from, and of how many pieces that are independent of each other. */
  readonly of: { readonly a: Amounts; readonly b: Amounts };
  readonly sentence: string;
};

export type Amounts = { readonly samples: number; readonly blocks: number; readonly runs: number };

/** Differences smaller than that are not worth telling: of the value, and in its unit, whichever is more. */
const smallestShare = 0.05;
/** The clock of the instrument is no finer than a millisecond; half of a lost picture in a hundred is luck. */
const smallestIn: Readonly<Record<Unit, number>> = { ms: 1, fps: 0, "%": 0.5, "": 0 };

const resampleCount = 1000;
/** Fewer draws of pieces than that give intervals that are too narrow. */
const blocksMin = 8;
/** A percentile needs so many samples beyond it, else it is a few samples' luck. */
const samplesBeyondMin = 10;

type Asked = {
  readonly metric: Comparison["metric"];
  readonly statistics: readonly Statistic[];
  readonly unit: Unit;
  readonly isMoreBetter?: boolean;
  /** What is independent of what: seconds that are not neighbours, or each sample of its own. */
  readonly from: "seconds" | "samples";
};

const asked: readonly Asked[] = [
  { metric: "glass-to-glass", statistics: ["p50", "p90", "p99"], unit: "ms", from: "seconds" },
  { metric: "fps", statistics: ["mean", "p10"], unit: "fps", isMoreBetter: true, from: "seconds" },
  { metric: "frames-lost", statistics: ["share"], unit: "%", from: "seconds" },
  ...(["connect", "time-to-first-frame", "signature-delay", "reconnect"] as const).map(
    (metric) => ({ metric, statistics: ["p50"], unit: "ms", from: "samples" }) as const,
  ),
  ...(["set-to-ack", "set-to-visible"] as const).map(
    (metric) => ({ metric, statistics: ["p50", "p90"], unit: "ms", from: "samples" }) as const,
  ),
];

/**
 * Pictures within a second share their fate, and so do neighbouring seconds: seconds are drawn in pieces of some in a row, and where a side has
 * several runs, runs first. Connecting and sets are drawn one by one. The same measurements and seed give the same answer.
 * @returns what either side measured, in a fixed order
 * @throws Error as `decodeHistogram` does
 */
export function compare(
  a: readonly Measurement[],
  b: readonly Measurement[],
  { seed = 1, share = smallestShare }: { readonly seed?: number; readonly share?: number } = {},
): Comparison[] {
  return asked.flatMap((one) => {
    const [left, right] = [a, b].map((runs, side) =>
      sideOf(runs, one, createDice(seed, `${one.metric}/${side}`)),
    ) as [Side, Side];
    if (left.of.samples === 0 && right.of.samples === 0) return [];
    return one.statistics.map((statistic, at) => {
      const pick = ({ values, of, drawn }: Side): One => ({
        value: values?.[at] ?? null,
        of,
        drawn: drawn.map((values) => values[at]!),
      });
      return compareOne({ ...one, statistic }, pick(left), pick(right), share);
    });
  });
}

/** What all runs of a side come to, by statistic, and what as many drawn from them do; `null` and none without samples. */
type Side = {
  readonly values: readonly number[] | null;
  readonly of: Amounts;
  readonly drawn: readonly (readonly number[])[];
};

/** The same of one statistic. */
type One = { readonly value: number | null; readonly of: Amounts; readonly drawn: readonly number[] };

function compareOne(
  {
    metric,
    statistic,
    unit,
    isMoreBetter = false,
  }: Omit<Asked, "statistics"> & { readonly statistic: Statistic },
  a: One,
  b: One,
  share: number,
): Comparison {
  const of = { a: a.of, b: b.of };
  const rest = { metric, statistic, unit, a: a.value, b: b.value, of };
  const values = `${metric} ${statistic}: ${shown(a.value, unit)} → ${shown(b.value, unit)}`;
  const lack = lackOf(statistic, a.of) ?? lackOf(statistic, b.of);
  if (a.value === null || b.value === null || lack !== null) {
    const sentence = `${values}, ${lack}. Measure for longer.`;
    return { ...rest, verdict: "too few samples", difference: null, ratio: null, sentence };
  }
  const difference = intervalOf(b.drawn.map((value, index) => value - a.drawn[index]!));
  const ratio = a.drawn.includes(0)
    ? null
    : intervalOf(b.drawn.map((value, index) => value / a.drawn[index]!));
  const worth = Math.max(share * a.value, smallestIn[unit]);
  const verdict = verdictOf(b.value - a.value, difference, worth, isMoreBetter);
  const interval = `${signed(difference.low)} … ${signed(difference.high)} ${unit}${ratio ? `, ${times(ratio.low)} … ${times(ratio.high)} times` : ""}`;
  const needed = Math.ceil((Math.max(-difference.low, difference.high) / worth) ** 2);
  const told = {
    better: `better: ${interval}`,
    worse: `worse: ${interval}`,
    "no difference": `no difference of ${shown(worth, unit)}: ${interval}`,
    "too few samples": `${interval}: whether it is ${shown(worth, unit)} or more, nobody can tell. Measure for some ${needed} times as long`,
  }[verdict];
  const sentence = `${values}, ${told} (95 %; of ${pieces(of.a)} and ${pieces(of.b)}).`;
  return { ...rest, verdict, difference, ratio, sentence };
}

/** `worth`: the smallest difference that is worth telling. */
function verdictOf(
  by: number,
  { low, high }: Interval,
  worth: number,
  isMoreBetter: boolean,
): Comparison["verdict"] {
  if (low > -worth && high < worth) return "no difference";
  const isSure = low > 0 || high < 0;
  if (!isSure || Math.abs(by) < worth) return "too few samples";
  return by > 0 === isMoreBetter ? "better" : "worse";
}

/** Why there are too few to draw from, or `null`. */
function lackOf(statistic: Statistic, { samples, blocks }: Amounts): string | null {
  const percent = Number(/^p(.+)/.exec(statistic)?.[1] ?? 50) / 100;
  const samplesMin = Math.ceil(samplesBeyondMin / Math.min(percent, 1 - percent) - 1e-9);
  if (samples < samplesMin) return `${samples} samples, and it takes ${samplesMin}`;
  return blocks < blocksMin ? `${blocks} independent pieces, and it takes ${blocksMin}` : null;
}

function sideOf(runs: readonly Measurement[], asked: Asked, dice: Dice): Side {
  const { metric } = asked;
  return asked.from === "samples" && metric !== "frames-lost"
    ? samplesSide(runs, metric, asked, dice)
    : secondsSide(runs, asked, dice);
}

/**
 * Of samples that are drawn one by one, the rank of a percentile is binomial: so the value at a rank that is drawn stands for the percentile of
 * samples that are drawn.
 */
function samplesSide(
  runs: readonly Measurement[],
  metric: HistogramName,
  { statistics }: Asked,
  dice: Dice,
): Side {
  const histogram = decodeHistogram(addHistograms(runs.map(({ histograms }) => histograms[metric])));
  const { count } = histogram;
  const of = { samples: count, blocks: count, runs: runs.length };
  if (count === 0) return { values: null, of, drawn: [] };
  const buckets = [...histogram.buckets()];
  let sum = 0;
  const upTo = buckets.map(({ count }) => {
    sum += count;
    return sum;
  });
  const valueAt = (rank: number) => {
    const place = upTo.findIndex((sum) => sum >= Math.min(count, rank));
    return (buckets[place]!.low + buckets[place]!.high) / 2000;
  };
  const shares = statistics.map((statistic) => Number(statistic.slice(1)) / 100);
  return {
    values: shares.map((share) => valueAt(Math.ceil(share * count))),
    of,
    drawn: Array.from({ length: resampleCount }, () => {
      const luck = normal(dice);
      return shares.map((share) => valueAt(count * share + luck * Math.sqrt(count * share * (1 - share))));
    }),
  };
}

/** How often each second of a run has which of the values that there are. */
type Seconds = readonly { readonly places: readonly number[]; readonly counts: readonly number[] }[];

function secondsSide(runs: readonly Measurement[], { metric, statistics }: Asked, dice: Dice): Side {
  const histories = runs.map(({ seconds }) =>
    seconds.map((second) => countedIn(second, metric)).filter((counted) => counted.length > 0),
  );
  const values = [...new Set(histories.flat(2).map(({ value }) => value))].sort((a, b) => a - b);
  const placeOf = new Map(values.map((value, place) => [value, place]));
  const placed: Seconds[] = histories.map((seconds) =>
    seconds.map((second) => ({
      places: second.map(({ value }) => placeOf.get(value)!),
      counts: second.map(({ count }) => count),
    })),
  );
  const counts = new Float64Array(values.length);
  const add = (seconds: Seconds, from: number, to: number) => {
    for (let second = from; second < to; second++) {
      const { places, counts: own } = seconds[second]!;
      for (let index = 0; index < places.length; index++) counts[places[index]!]! += own[index]!;
    }
  };
  const told = () => statistics.map((statistic) => statisticOf(values, counts, statistic));

  for (const seconds of placed) add(seconds, 0, seconds.length);
  const samples = counts.reduce((sum, count) => sum + count, 0);
  const of = {
    samples,
    blocks: placed.reduce((sum, seconds) => sum + Math.floor(seconds.length / pieceOf(seconds)), 0),
    runs: runs.length,
  };
  if (samples === 0) return { values: null, of, drawn: [] };
  return {
    values: told(),
    of,
    drawn: Array.from({ length: resampleCount }, () => {
      counts.fill(0);
      for (const own of placed) {
        const seconds = placed.length > 1 ? placed[dice.below(placed.length)]! : own;
        const length = pieceOf(seconds);
        for (let left = seconds.length; left > 0; left -= length) {
          const start = dice.below(seconds.length - length + 1);
          add(seconds, start, start + Math.min(length, left));
        }
      }
      return told();
    }),
  };
}

/** So many seconds in a row are one piece: the cube root, which is what is commonly taken. */
function pieceOf(seconds: Seconds): number {
  return Math.max(1, Math.round(Math.cbrt(seconds.length)));
}

type Counted = { readonly value: number; readonly count: number };

function countedIn(
  { framesDecided, framesLost, fps, glassToGlass }: MeasuredSecond,
  metric: Asked["metric"],
) {
  if (metric === "frames-lost") {
    // Their mean is the share that is lost.
    const both = [
      { value: 0, count: framesDecided - framesLost },
      { value: 100, count: framesLost },
    ];
    return both.filter(({ count }) => count > 0);
  }
  return [...decodeHistogram(metric === "fps" ? fps : glassToGlass).buckets()].map(
    ({ low, high, count }): Counted => ({ value: (low + high) / 2000, count }),
  );
}

function statisticOf(values: readonly number[], counts: Float64Array, statistic: Statistic): number {
  let total = 0;
  let sum = 0;
  for (let place = 0; place < values.length; place++) {
    total += counts[place]!;
    sum += counts[place]! * values[place]!;
  }
  if (!statistic.startsWith("p")) return sum / total;
  let left = (total * Number(statistic.slice(1))) / 100 - 1e-9;
  let place = 0;
  for (; place < values.length - 1; place++) {
    left -= counts[place]!;
    if (left <= 0) break;
  }
  return values[place]!;
}

/** 95 % of them. */
function intervalOf(drawn: readonly number[]): Interval {
  const sorted = drawn.toSorted((a, b) => a - b);
  return {
    low: sorted[Math.floor(0.025 * drawn.length)]!,
    high: sorted[Math.ceil(0.975 * drawn.length) - 1]!,
  };
}

/** Box and Muller's. */
function normal(dice: Dice): number {
  return Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());
}

function shown(value: number | null, unit: Unit): string {
  return value === null ? "nothing" : `${rounded(value)} ${unit}`;
}

const rounded = (value: number) => String(Math.round(value * 10) / 10);
const signed = (value: number) => `${Number(rounded(value)) > 0 ? "+" : ""}${rounded(value)}`;
const times = (value: number) => value.toFixed(2);

function pieces({ samples, blocks, runs }: Amounts): string {
  return `${samples} in ${blocks} pieces${runs === 1 ? "" : ` of ${runs} runs`}`;
}
