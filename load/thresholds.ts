/**
 * Thresholds as a plan writes them, `glass-to-glass p99 < 200ms`, and what a measurement says to them. Nothing measured is nothing held: a metric
 * without a sample fails.
 */
import { nearest } from "../protocol/index.ts";
import { decodeHistogram } from "./histogram.ts";
import { type CountName, type HistogramName, histogramNames, type Measurement } from "./measurement.ts";

/** Counts that can be bounded, and what each is a share of: where that is 0, nobody knows anything of it. */
const shares: Readonly<Record<CountMetric, CountName>> = {
  "frames-due": "frames-due",
  "frames-sent": "frames-due",
  "frames-unsent": "frames-due",
  "frames-off-air": "frames-due",
  "frames-late": "frames-due",
  "frames-received": "frames-due",
  "frames-by-metadata": "frames-received",
  "frames-by-strip": "frames-received",
  "frames-unknown": "frames-received",
  "frames-decided": "frames-due",
  "frames-lost": "frames-decided",
  "frames-repeated": "frames-received",
  freezes: "frames-received",
  "freeze-microseconds": "frames-received",
  "freeze-time": "frames-received",
  "sessions-due": "sessions-due",
  "sessions-late": "sessions-due",
  "sessions-connected": "sessions-due",
  "sessions-failed": "sessions-due",
  "sessions-ended": "sessions-connected",
  "sets-called": "sets-called",
  "sets-acked": "sets-called",
  "sets-failed": "sets-called",
  "sets-visible": "sets-called",
  reconnects: "sessions-connected",
  "signatures-found": "frames-unknown",
  "signatures-refused": "frames-unknown",
};
/** Shares of something else than what they count would be no percentages. */
const isNoShare: readonly CountMetric[] = [
  "freezes",
  "freeze-microseconds",
  "freeze-time",
  "reconnects",
  "signatures-found",
  "signatures-refused",
];

/** `frames-unsent` is due and not sent, though there was a connection; `freeze-time` is `freeze-microseconds` as a time. */
export type CountMetric = CountName | "frames-unsent" | "freeze-time";
export type Metric = HistogramName | CountMetric;
/** `p99`, `p99.9`, of a histogram; `count`, `share` and `total`, of a count. */
export type Statistic = `p${number}` | "min" | "mean" | "max" | "count" | "share" | "total";
export type Unit = "ms" | "fps" | "%" | "";
const comparisons = ["<", "<=", ">", ">=", "=="] as const;
export type Comparison = (typeof comparisons)[number];

export const metrics: readonly Metric[] = [...histogramNames, ...(Object.keys(shares) as CountMetric[])];

export type Threshold = {
  /** As it was written. */
  readonly text: string;
  readonly metric: Metric;
  readonly statistic: Statistic;
  readonly comparison: Comparison;
  /** In `unit`: a limit in seconds has become milliseconds. */
  readonly limit: number;
  readonly unit: Unit;
};

export type Judgement = {
  readonly threshold: Threshold;
  readonly outcome: "passed" | "failed";
  /** In the threshold's unit; `null`: nothing was measured. */
  readonly value: number | null;
  /** What the value was taken of. */
  readonly sampleCount: number;
  readonly sentence: string;
};

const examples =
  '"glass-to-glass p99 < 200ms", "fps >= 28" (its median), "p50 < 0.1s" (glass to glass), "frames-lost < 1%" or "sessions-failed == 0"';
const form = /^(.*?)(<=|>=|==|[<>≤≥=])\s*(-?[\d.]+)\s*([a-z%]*)$/i;
const spelling: Readonly<Record<string, Comparison>> = { "≤": "<=", "≥": ">=", "=": "==" };

/**
 * Reads `metric statistic comparison limit unit`. A statistic alone is of glass-to-glass; `fps` alone is its median; a count needs none, and a limit
 * in % makes a share of it.
 * @throws Error with a sentence: what is wrong with it, and what is allowed
 */
export function parseThreshold(text: string): Threshold {
  const refuse = (sentence: string): never => {
    throw new Error(`Threshold ${JSON.stringify(text.slice(0, 80))}: ${sentence}`);
  };
  const match = form.exec(text.trim());
  const words = (match?.[1] ?? "").trim().split(/\s+/);
  if (!match || words.length > 2) {
    return refuse(
      `it takes a metric, a statistic, one of ${comparisons.join(" ")} and a limit with its unit, such as ${examples}.`,
    );
  }
  const [, , sign, digits, unitText = ""] = match;
  // One word is a metric, or a statistic of what is meant most.
  const isStatistic = /^(p[\d.]+|min|mean|max)$/.test(words[0]!);
  const [name, statisticText] = isStatistic ? ["glass-to-glass", words[0]] : words;
  const metric = metrics.find((metric) => metric === name);
  if (!metric) {
    const meant = name && nearest(name, metrics);
    return refuse(
      `there is no metric ${JSON.stringify(name ?? "")}.${meant ? ` Did you mean "${meant}"?` : ""} There are ${metrics.join(", ")}.`,
    );
  }
  const comparison = (spelling[sign!] ?? sign) as Comparison;
  const limit = Number(digits);
  if (!Number.isFinite(limit) || limit < 0) {
    return refuse(`its limit is ${digits}. It takes a number of 0 or more, such as 200ms, 28 or 1%.`);
  }
  const rest = { text: text.trim(), metric, comparison };

  if (!isHistogram(metric)) {
    if (statisticText !== undefined) {
      return refuse(
        `${metric} is a count and has no ${statisticText}. Leave that out: "${metric} ${comparison} …".`,
      );
    }
    if (metric === "freeze-time") {
      return { ...rest, statistic: "total", ...milliseconds(limit, unitText, metric, refuse) };
    }
    if (unitText === "") return { ...rest, statistic: "count", limit, unit: "" };
    if (unitText === "%" && !isNoShare.includes(metric))
      return { ...rest, statistic: "share", limit, unit: "%" };
    const allowed = isNoShare.includes(metric)
      ? "a number"
      : `a number, or a percentage of ${shares[metric]}`;
    return refuse(`its limit is ${digits}${unitText}. ${metric} takes ${allowed}.`);
  }

  const statistic = statisticText ?? (metric === "fps" ? "p50" : "");
  if (!isStatisticOfTimes(statistic)) {
    return refuse(
      `${statistic === "" ? `it says no statistic of ${metric}` : `${metric} has no ${JSON.stringify(statistic)}`}. It takes p50, p90, p99, p99.9 or any other from p0.1 to p100, min, mean or max.`,
    );
  }
  const known = { ...rest, statistic };
  if (metric !== "fps") return { ...known, ...milliseconds(limit, unitText, metric, refuse) };
  if (unitText !== "" && unitText !== "fps") {
    return refuse(`its limit is ${digits}${unitText}. fps takes pictures a second: 28, or 28fps.`);
  }
  return { ...known, limit, unit: "fps" };
}

function isStatisticOfTimes(text: string): text is Statistic {
  const percent = Number(/^p(\d+(?:\.\d+)?)$/.exec(text)?.[1]);
  return ["min", "mean", "max"].includes(text) || (percent > 0 && percent <= 100);
}

function milliseconds(limit: number, unit: string, metric: Metric, refuse: (sentence: string) => never) {
  if (unit === "ms") return { limit, unit: "ms" } as const;
  if (unit === "s") return { limit: limit * 1000, unit: "ms" } as const;
  return refuse(
    `its limit is ${limit}${unit}${unit === "" ? ", without a unit" : ""}. ${metric} takes a time: ${limit}ms, or ${limit / 1000}s.`,
  );
}

function isHistogram(metric: Metric): metric is HistogramName {
  return histogramNames.some((name) => name === metric);
}

export type Reading = { readonly value: number | null; readonly sampleCount: number };

/**
 * A statistic of a metric, in ms (2 decimals), fps (1 decimal), % or as a number, and how many samples it has; `null` where there are none.
 * @throws Error as `decodeHistogram` does
 */
export function readStatistic(
  { histograms, counts }: Measurement,
  metric: Metric,
  statistic: Statistic,
): Reading {
  if (isHistogram(metric)) {
    const histogram = decodeHistogram(histograms[metric]);
    if (histogram.count === 0) return { value: null, sampleCount: 0 };
    const raw =
      statistic === "min" || statistic === "mean" || statistic === "max"
        ? histogram[statistic]
        : histogram.percentile(Number(statistic.slice(1)));
    // Finer than that is the width of a bucket.
    const value = metric === "fps" ? Math.round(raw / 100) / 10 : Math.round(raw / 10) / 100;
    return { value, sampleCount: histogram.count };
  }
  const sampleCount = counts[shares[metric]];
  if (sampleCount === 0) return { value: null, sampleCount };
  const count =
    metric === "frames-unsent"
      ? counts["frames-due"] - counts["frames-off-air"] - counts["frames-sent"]
      : counts[metric === "freeze-time" ? "freeze-microseconds" : metric];
  const value =
    statistic === "share" ? (100 * count) / sampleCount : statistic === "total" ? count / 1000 : count;
  return { value, sampleCount };
}

const holds: Readonly<Record<Comparison, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
  "==": (value, limit) => value === limit,
};
const owedWords: Readonly<Record<Comparison, string>> = {
  "<": "less than",
  "<=": "at most",
  ">": "more than",
  ">=": "at least",
  "==": "exactly",
};

/** @throws Error as `decodeHistogram` does */
export function judgeThreshold(threshold: Threshold, measurement: Measurement): Judgement {
  const { metric, statistic, comparison, limit, unit } = threshold;
  const { value, sampleCount } = readStatistic(measurement, metric, statistic);
  const of = isHistogram(metric) ? "samples" : shares[metric];
  const name = isHistogram(metric) ? `${metric} ${statistic}` : metric;
  const owed = `${owedWords[comparison]} ${shown(limit, unit)}`;
  if (value === null) {
    const why = isHistogram(metric) ? `${metric} has no samples` : `there are no ${of} to count ${metric} of`;
    return {
      threshold,
      outcome: "failed",
      value,
      sampleCount,
      sentence: `${name} was to be ${owed}, and nobody knows: ${why}. Look why nothing was measured, or leave the threshold out.`,
    };
  }
  const percent = statistic.startsWith("p") ? Number(statistic.slice(1)) : 0;
  const isGreatest = percent < 100 && sampleCount * (1 - percent / 100) < 1;
  return {
    threshold,
    outcome: holds[comparison](value, limit) ? "passed" : "failed",
    value,
    sampleCount,
    sentence: `${name} is ${shown(value, unit)} (of ${sampleCount} ${of}${isGreatest ? `, of which ${statistic} is the greatest` : ""}); it is to be ${owed}.`,
  };
}

/** As it is read: `212.48 ms`, `1.5 %`, `0`. */
export function shown(value: number, unit: Unit): string {
  const digits = String(Math.round(value * 1000) / 1000);
  return unit === "" || unit === "%" ? `${digits}${unit && " %"}` : `${digits} ${unit}`;
}
