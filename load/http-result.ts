/**
 * What the HTTP side came to, as the one result shape: a row of figures and some verdicts a question. It has no record of load, which is of
 * sessions and pictures.
 */
import { availableParallelism, cpus } from "node:os";
import type { Figure } from "../reports/figure.ts";
import { type RunResult, resultSchema, type Verdict } from "../reports/result.ts";
import { percentileFigures } from "./figures.ts";
import type { HttpMeasurement, HttpPace } from "./http-load.ts";

export type HttpResultAbout = {
  readonly measurements: readonly HttpMeasurement[];
  readonly pace: HttpPace;
  /** What p99 of each question may be, milliseconds. */
  readonly p99MsMax: number | null;
  /** Host and port. */
  readonly target: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** What to type to do it again. */
  readonly replay: string;
};

/**
 * Of the requests whose turn came, how many may not have been made: those that waited for a slow answer are the ones that would have been slow. A
 * hundredth would be all that p99 stands on; this is half of it, as with pictures.
 */
export const unmadeMax = 0.005;

/** Of the time. What is answered while our event loop stands still is read late: a hundredth of it is all that p99 stands on. */
export const stalledMax = 0.01;

export function httpResult(about: HttpResultAbout): RunResult {
  const { measurements, pace, target, startedAt, durationMs } = about;
  return {
    schema: resultSchema,
    kind: "load",
    subject: "load http",
    target,
    startedAt,
    durationMs,
    // Nothing in it is left to chance.
    seed: 0,
    environment: {
      node: process.version,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: String(availableParallelism()),
      pace: paceWords(pace),
    },
    verdicts: measurements.flatMap((one) => verdictsOf(one, about)),
    stale: [],
    harness: [],
    figures: measurements
      .map(({ question, latency }): Figure[] => percentileFigures(question, latency))
      // Columns stand in the order in which they first come: the fullest row says it.
      .toSorted((one, other) => other.length - one.length)
      .flat(),
  };
}

/** How requests are spread over a second, as it is. */
export function paceWords({ rate, connections, seconds }: HttpPace): string {
  const share = rate / connections;
  const each =
    share === 1
      ? "each makes one a second"
      : `each makes ${Number.isInteger(share) ? share : `${Math.floor(share)} or ${Math.ceil(share)}`} at the beginning of its second, one after the other`;
  return `${rate} requests a second for ${seconds} s over ${connections} connections that begin ${(1000 / connections).toFixed(1)} ms apart; ${each}`;
}

function verdictsOf(measured: HttpMeasurement, { p99MsMax, durationMs, replay }: HttpResultAbout): Verdict[] {
  const { question, latency, dueCount, answeredCount, troubles, eventLoopStalled } = measured;
  const told = Object.entries(troubles).map(([name, count]) => `${count} × ${name}`);
  const troubleCount = Object.values(troubles).reduce((sum, count) => sum + count, 0);
  const unmadeCount = dueCount - answeredCount - troubleCount;
  const unmade =
    unmadeCount > unmadeMax * dueCount
      ? `${question}: ${unmadeCount} of the ${dueCount} requests whose turn came were not made, since earlier ones were not answered (at most ${unmadeMax * 100} %): those that waited are in no figure. Ask for a lower rate, or take more connections.`
      : null;
  const stalled =
    eventLoopStalled > stalledMax
      ? `${question}: our own event loop stood still for ${(eventLoopStalled * 100).toFixed(1)} % of the time (at most ${stalledMax * 100} %), and read what came meanwhile late. Let nothing else run on this machine, or ask for a lower rate.`
      : null;
  const verdict = (
    name: string,
    { owes, does, got, holds }: { owes: string; does: string; got: string; holds: boolean },
    why: string | null,
  ): Verdict => ({
    id: `threshold/${question}-${name}`,
    area: "threshold",
    does,
    owes,
    source: { kind: "assumed", where: "the command" },
    sets: [],
    outcome: why !== null ? "inconclusive" : holds ? "passed" : "failed",
    findings:
      why === null && !holds
        ? [{ rule: "The HTTP side answers as it was asked to.", expected: owes, got }]
        : [],
    why,
    known: null,
    durationMs,
    waitedMs: durationMs,
    replay,
  });
  const counted = `${answeredCount} of ${dueCount}${unmadeCount > 0 ? `, ${unmadeCount} not made` : ""}`;
  const answers = [counted, ...told].join(", ");
  // What was refused was refused, however many more were not asked.
  const answered = verdict(
    "answered",
    { owes: `${question} answered with 2xx`, does: answers, got: answers, holds: troubleCount === 0 },
    troubleCount === 0 ? unmade : null,
  );
  if (p99MsMax === null) return [answered];
  const p99Ms = latency.count === 0 ? null : latency.percentile(99) / 1000;
  const owes = `${question} p99 ≤ ${p99MsMax} ms`;
  const does = p99Ms === null ? "nothing was measured" : `${p99Ms.toFixed(1)} ms of ${latency.count}`;
  const got =
    p99Ms === null
      ? `nobody knows: no ${question} was answered with 2xx`
      : `${does}${latency.count < 100 ? ", of which it is the greatest" : ""}`;
  return [
    answered,
    // With the slow ones missing, p99 is at least what it says; read late, at most.
    verdict(
      "p99",
      { owes, does, got, holds: p99Ms !== null && p99Ms <= p99MsMax },
      p99Ms !== null && p99Ms <= p99MsMax ? unmade : p99Ms === null ? null : stalled,
    ),
  ];
}
