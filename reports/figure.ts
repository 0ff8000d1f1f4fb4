/** A measured figure: every value that was taken, so that whoever shows it can show the spread and not only a number. */
export type Figure = {
  readonly name: string;
  /** `ms`, `sessions`, `×` for a ratio. */
  readonly unit: string;
  /** One a run, in the order they were taken; at least one. */
  readonly values: readonly number[];
  /** What was hoped for, in words: `≤ 10`. */
  readonly aim?: string;
};

/** The middle value, or the mean of the two in the middle. @throws RangeError without values: no figure is no zero */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the fraction `q` lies, interpolated. @throws RangeError without values */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0)
    throw new RangeError("There are no values to take a quantile of. The measurement produced nothing.");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
