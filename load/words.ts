/** What a person at a terminal reads of a run of load while it goes on, and of the self-test. Pure. */
import type { Progress } from "./run-shards.ts";
import type { SelfTest } from "./self-test-readings.ts";

/** One line, as wide as a terminal at most. */
export function progressLine(progress: Progress, secondsLeft: number): string {
  const { sessionsOpen, sessionsFailed, framesReceived, framesDue, framesAmiss, glassToGlassP50Ms } =
    progress;
  const parts = [
    `${sessionsOpen} open`,
    ...(sessionsFailed > 0 ? [`${sessionsFailed} failed`] : []),
    `${framesReceived} pictures back`,
    glassToGlassP50Ms === null ? "no latency yet" : `p50 ${glassToGlassP50Ms.toFixed(1)} ms`,
    ...(framesAmiss > framesDue / 200 ? [`${framesAmiss} sent late or not`] : []),
    secondsLeft > 0 ? `${Math.ceil(secondsLeft)} s left` : "closing",
  ];
  return `  ${parts.join(" · ")}`.slice(0, 100);
}

/** A line a reading, and one that says whether the instrument may be used. */
export function selfTestText({
  generator,
  dialect,
  carrier,
  readings,
  errorMs,
  boundMs,
  faults,
}: SelfTest): string {
  const told = readings.map(({ injectedMs, readMs, medianMs, sampleCount }) =>
    readMs === null
      ? `${injectedMs} ms: nothing`
      : `${injectedMs} ms reads ${readMs.toFixed(1)} (median ${medianMs!.toFixed(1)}, ${sampleCount} pictures)`,
  );
  const head = `self-test ${generator}, ${dialect}, told apart by ${carrier}`;
  const verdict =
    faults.length > 0
      ? faults.map((sentence) => `  ✗ ${sentence}`).join("\n")
      : `  ✓ differences are right within ${errorMs!.toFixed(1)} ms (at most ${boundMs.toFixed(1)})`;
  return `${head}\n  ${told.join(" · ")}\n${verdict}`;
}
