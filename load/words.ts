/** What a person at a terminal reads of a run of load while it goes on, and of the self-test. Pure. */
import { creditsPerSecond } from "../conformance/index.ts";
import { arrivalsOf, sessionsAtOnce } from "./arrivals.ts";
import { type Plan, secondsOf } from "./plan.ts";
import type { Progress } from "./run-shards.ts";
import type { SelfTest } from "./self-test-readings.ts";

/** What is about to happen. `target`: as it was typed. */
export function aheadText(
  plan: Plan,
  {
    target,
    isPaid,
    hosts,
  }: { readonly target: string | null; readonly isPaid: boolean; readonly hosts: readonly string[] },
): string {
  const count = [...arrivalsOf(plan)].length;
  const sessions = count === 1 ? "1 session" : `${count} sessions, up to ${sessionsAtOnce(plan)} at once`;
  const lines = [
    `${plan.name}: ${sessions}, ${Math.ceil(secondsOf(plan))} s, against ${target ?? "a mock of its own"}.`,
  ];
  if (isPaid) {
    const credits = count * plan.holdSeconds * creditsPerSecond;
    lines.push(`Some ${credits.toFixed(1)} credits, reckoned at ${creditsPerSecond} a second of a session.`);
  }
  if (hosts.length > 0)
    lines.push(`Its pages may go to ${hosts.join(", ")} as well, and to no other host by name.`);
  return lines.join("\n");
}

/** One line, at most so many characters: what matters least is left out where they are few. */
export function progressLine(progress: Progress, secondsLeft: number, columns = 79): string {
  const { sessionsOpen, sessionsFailed, framesReceived, framesDue, framesAmiss, glassToGlassP50Ms } =
    progress;
  const part = (text: string, isNeeded = true) => ({ text, isNeeded });
  const parts = [
    part(`${sessionsOpen} open`),
    ...(sessionsFailed > 0 ? [part(`${sessionsFailed} failed`)] : []),
    part(`${framesReceived} pictures back`, false),
    part(glassToGlassP50Ms === null ? "no latency yet" : `p50 ${glassToGlassP50Ms.toFixed(1)} ms`),
    ...(framesAmiss > framesDue / 200 ? [part(`${framesAmiss} sent late or not`)] : []),
    part(secondsLeft > 0 ? `${Math.ceil(secondsLeft)} s left` : "closing"),
  ];
  const joined = (some: typeof parts) => `  ${some.map(({ text }) => text).join(" · ")}`;
  const whole = joined(parts);
  return (whole.length <= columns ? whole : joined(parts.filter(({ isNeeded }) => isNeeded))).slice(
    0,
    columns,
  );
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
  const told = readings.map(({ injectedMs, readMs, medianMs, sampleCount }) => {
    const reads =
      readMs === null
        ? "nothing"
        : `${readMs.toFixed(1).padStart(5)} (median ${medianMs!.toFixed(1)}, ${sampleCount} pictures)`;
    return `${String(injectedMs).padStart(5)} ms reads ${reads}`;
  });
  const head = `self-test ${generator}, ${dialect}, told apart by ${carrier}`;
  const verdict =
    faults.length > 0
      ? faults.map((sentence) => `  ✗ ${sentence}`).join("\n")
      : `  ✓ differences are right within ${errorMs!.toFixed(1)} ms (at most ${boundMs.toFixed(1)})`;
  return [head, ...told, verdict].join("\n");
}
