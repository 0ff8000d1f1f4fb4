/** Percentiles of a histogram of microseconds as figures, once for all who measure: a row, a column a percentile, the samples behind it. */
import type { Figure } from "../reports/figure.ts";
import type { Histogram } from "./histogram.ts";

const statistics = [50, 90, 99, 99.9, 100] as const;

/** A percentile with no sample beyond it is the greatest by another name. */
export function toldPercents(count: number): readonly number[] {
  return statistics.filter(
    (percent) => percent === 50 || percent === 100 || count * (100 - percent) >= 100 - 1e-6,
  );
}

/** In milliseconds; what nothing was measured of has none. */
export function percentileFigures(name: string, histogram: Histogram): Figure[] {
  if (histogram.count === 0) return [];
  return toldPercents(histogram.count).map((percent) => ({
    name,
    of: columnOf(percent),
    unit: "ms",
    values: [histogram.percentile(percent) / 1000],
    sampleCount: histogram.count,
  }));
}

export const columnOf = (percent: number) => (percent === 100 ? "max" : `p${percent}`);
