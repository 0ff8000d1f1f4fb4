/** A measured figure: every value that was taken, so that whoever shows it can show the spread and not only a number. */
export type Figure = {
  /** What is measured. Figures of one name stand in one row. */
  readonly name: string;
  /** Whom it is measured of, where several stand side by side, each in a column. */
  readonly of?: string;
  /** `ms`, `MB`, `fps`; the same in a row. */
  readonly unit: string;
  /** One a run, in the order they were taken; at least one. */
  readonly values: readonly number[];
  /** What else was measured in the same runs, one a run in the same unit: the figure is told as a ratio to it, too. */
  readonly beside?: readonly number[];
  /** For the ratio where there is one, else for the value. */
  readonly aim?: Aim;
  /** Of how many samples the value is a percentile, where it is one of a single run; the same in a row. */
  readonly sampleCount?: number;
};

/** What is hoped for. */
export type Aim = { readonly atMost: number } | { readonly atLeast: number };

/**
 * The median of the ratios, each of one run, or null where nothing was measured beside.
 * @throws RangeError when the runs do not pair up
 */
export function ratioOf({ name, values, beside }: Figure): number | null {
  if (!beside) return null;
  if (beside.length !== values.length) {
    throw new RangeError(
      `Figure "${name}" has ${values.length} values beside ${beside.length}. Take both once in each run.`,
    );
  }
  return median(values.map((value, run) => value / beside[run]!));
}

/** Whether the median, or the ratio, is where it was hoped to be; null without an aim. */
export function meetsAim(figure: Figure): boolean | null {
  const { aim, values } = figure;
  if (!aim) return null;
  const reached = ratioOf(figure) ?? median(values);
  return "atMost" in aim ? reached <= aim.atMost : reached >= aim.atLeast;
}

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
