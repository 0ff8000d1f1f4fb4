/** What a person at a terminal reads of a run of load while it goes on, of the self-test, and of the HTTP side. Pure. */
import type { HttpMeasurement } from "./http-load.ts";
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
  const told = readings.map(({ injectedMs, readMs, sampleCount }) =>
    readMs === null
      ? `${injectedMs} ms: nothing`
      : `${injectedMs} ms reads ${readMs.toFixed(1)} (${sampleCount} pictures)`,
  );
  const head = `self-test ${generator}, ${dialect}, told apart by ${carrier}`;
  const verdict =
    faults.length > 0
      ? faults.map((sentence) => `  ✗ ${sentence}`).join("\n")
      : `  ✓ differences are right within ${errorMs!.toFixed(1)} ms (at most ${boundMs.toFixed(1)})`;
  return `${head}\n  ${told.join(" · ")}\n${verdict}`;
}

/** A row a question. */
export function httpText(measurements: readonly HttpMeasurement[]): string {
  const head = ["", "asked", "answered", "p50", "p90", "p99", "max", ""];
  const rows = measurements.map(({ question, latency, dueCount, answeredCount, troubles }) => {
    const at = (percent: number) =>
      latency.count > 0 ? `${(latency.percentile(percent) / 1000).toFixed(1)} ms` : "–";
    const more = Object.entries(troubles).map(([name, count]) => `${count} × ${name}`);
    return [question, String(dueCount), String(answeredCount), ...[50, 90, 99, 100].map(at), more.join(", ")];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `behind`: fewer requests were made than should have been, so the slow ones are not among those that were measured. */
export function httpTroubles(measurements: readonly HttpMeasurement[]): {
  readonly refused: readonly string[];
  readonly behind: readonly string[];
} {
  const told = ({ troubles }: HttpMeasurement) =>
    Object.values(troubles).reduce((sum, count) => sum + count, 0);
  return {
    refused: measurements
      .filter((one) => told(one) > 0)
      .map((one) => `✗ ${one.question}: ${told(one)} of ${one.dueCount} requests were not answered well.`),
    behind: measurements
      .filter((one) => told(one) + one.answeredCount < one.dueCount * 0.9)
      .map(
        (one) =>
          `? ${one.question}: ${told(one) + one.answeredCount} of the ${one.dueCount} requests whose turn came were made: those that waited are in no figure. Ask for a lower rate, or take more connections.`,
      ),
  };
}
