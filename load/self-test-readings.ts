/** What an instrument's readings of known delays say about it: pure. Without a pass here nothing is measured. */

/** Milliseconds that the server holds each picture back, on purpose. */
export const injectedDelaysMs = [0, 50, 100, 250] as const;

/**
 * Of one delay: the glass-to-glass latency that the instrument read, and of how many pictures. It is that of the quickest picture: what a
 * busy machine adds comes on top of single pictures, and is not the instrument's (on 2 cores with nine times the work they can do, the tenth
 * percentile was up to 8 ms off, the quickest 2).
 */
export type Reading = {
  readonly injectedMs: number;
  readonly readMs: number | null;
  /** The median's: a busy machine moves it, an instrument that takes one picture for another moves it by a picture's time. */
  readonly medianMs: number | null;
  readonly sampleCount: number;
};

export type SelfTest = {
  readonly generator: string;
  readonly dialect: string;
  /** By which pictures were told apart. */
  readonly carrier: string;
  readonly readings: readonly Reading[];
  /** The greatest distance of a reading, less that of no delay, from what was injected. `null` where something was not read. */
  readonly errorMs: number | null;
  readonly boundMs: number;
  /** Why it is not to be used, each a sentence; none when it is. */
  readonly faults: readonly string[];
};

/** Of fewer, the quickest may have been slow as well. */
const samplesMin = 15;

/**
 * `boundMs`: how far a reading may be off, the greater of 5 ms and what the generator's own grain is. `nothingMsMax`: what nothing injected
 * may read as. `frameMs`: the time between two pictures; the median may be off by half of it.
 */
export function judgeReadings(
  about: { readonly generator: string; readonly dialect: string; readonly carrier: string },
  readings: readonly Reading[],
  { boundMs, nothingMsMax, frameMs }: Readonly<Record<"boundMs" | "nothingMsMax" | "frameMs", number>>,
): SelfTest {
  const faults: string[] = [];
  for (const { injectedMs, readMs, sampleCount } of readings) {
    if (readMs === null || sampleCount < samplesMin) {
      faults.push(
        `With ${injectedMs} ms injected, ${sampleCount} pictures were told apart, and a reading takes ${samplesMin}: nothing was measured.`,
      );
    }
  }
  const nothing = readings.find(({ injectedMs }) => injectedMs === 0)?.readMs ?? null;
  let errorMs: number | null = null;
  if (faults.length === 0 && nothing !== null) {
    const increments = readings.map(({ injectedMs, readMs }) => ({ injectedMs, readMs: readMs! - nothing }));
    errorMs = Math.max(...increments.map(({ injectedMs, readMs }) => Math.abs(readMs - injectedMs)));
    const unit = unitOf(increments);
    if (unit !== null) faults.push(unit);
    else {
      if (nothing < 0 || nothing > nothingMsMax) {
        faults.push(
          `With nothing injected it reads ${nothing.toFixed(1)} ms, and on this machine that takes between 0 and ${nothingMsMax.toFixed(1)} ms: sent and received are not timed by one clock, or the machine is too busy to measure on.`,
        );
      }
      for (const { injectedMs, readMs } of increments) {
        if (Math.abs(readMs - injectedMs) > boundMs) {
          faults.push(
            `${injectedMs} ms more read as ${readMs.toFixed(1)} ms more, which is ${Math.abs(readMs - injectedMs).toFixed(1)} ms off; at most ${boundMs.toFixed(1)} ms is allowed. Let nothing else run on this machine, and try again.`,
          );
        }
      }
      for (const { injectedMs, readMs, medianMs } of readings) {
        const aboveMs = (medianMs ?? readMs!) - nothing - injectedMs;
        if (aboveMs > boundMs + frameMs / 2) {
          faults.push(
            `With ${injectedMs} ms injected the median is ${aboveMs.toFixed(1)} ms above that; at most ${(boundMs + frameMs / 2).toFixed(1)} ms, half a picture's time and the bound, is allowed: one picture is taken for another, or the machine is too busy to measure on.`,
          );
        }
      }
    }
  } else if (faults.length === 0) {
    faults.push("Nothing was read without a delay, and the others are told from that.");
  }
  return { ...about, readings, errorMs, boundMs, faults };
}

/** A sentence where all readings are off by the same power of ten. */
function unitOf(increments: readonly { injectedMs: number; readMs: number }[]): string | null {
  const ratios = increments
    .filter(({ injectedMs }) => injectedMs > 0)
    .map(({ injectedMs, readMs }) => readMs / injectedMs);
  for (const [factor, unit] of [
    [1000, "microseconds"],
    [1 / 1000, "seconds"],
    [1e6, "nanoseconds"],
  ] as const) {
    if (ratios.length > 0 && ratios.every((ratio) => Math.abs(ratio / factor - 1) < 0.2)) {
      return `Delays of ${increments.map(({ injectedMs }) => injectedMs).join(", ")} ms read ${factor} times as long: these are ${unit}.`;
    }
  }
  return null;
}
