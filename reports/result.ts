/**
 * The one result shape: what a run of conformance or load found, as plain data. Everything that shows or keeps results reads this, and nothing
 * else; whoever runs something fills it in.
 */
import type { Figure } from "./figure.ts";
import type { LoadRecord } from "./load-record.ts";

export const resultSchema = "lucy-testkit/result/1";

/** `unsupported`: the client says that it cannot do that. `inconclusive`: nobody can tell, and `why` says why. */
export const outcomes = ["passed", "failed", "unsupported", "inconclusive"] as const;
export type Outcome = (typeof outcomes)[number];

/** Something that is not as it is owed. */
export type Finding = {
  /** What is owed, in a sentence. */
  readonly rule: string;
  readonly expected: string;
  readonly got: string;
  /** What happened around it, a line each, oldest first. */
  readonly window?: readonly string[];
  readonly pictures?: readonly Picture[];
};

/** `png`: base64. */
export type Picture = { readonly caption: string; readonly png: string };

export type Verdict = {
  /** `area/what-happens` */
  readonly id: string;
  readonly area: string;
  readonly does: string;
  readonly owes: string;
  readonly source: { readonly kind: "documented" | "observed" | "assumed"; readonly where: string };
  /** Requirement sets that it is in. */
  readonly sets: readonly string[];
  readonly outcome: Outcome;
  /** Of one that failed: at least one. */
  readonly findings: readonly Finding[];
  /** Of one that is unsupported or inconclusive: a sentence. */
  readonly why: string | null;
  /** A failure that the baseline knows. */
  readonly known: { readonly reason: string; readonly link: string } | null;
  readonly durationMs: number;
  /** Of it, how long nothing was done but wait. */
  readonly waitedMs: number;
  /** What to type to see it again. */
  readonly replay: string;
};

export type RunResult = {
  readonly schema: typeof resultSchema;
  readonly kind: "conformance" | "load";
  /** Who was judged or measured: `sdk@0.1.20`. */
  readonly subject: string;
  /** What it ran against: `mock`, or a host. */
  readonly target: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly seed: number;
  /** Versions, cores, load: by name. */
  readonly environment: Readonly<Record<string, string>>;
  readonly verdicts: readonly Verdict[];
  /** Entries of the baseline that were not needed, each a sentence: they fail the gate. */
  readonly stale: readonly string[];
  /** Trouble of the harness itself, each a sentence: then nobody is to be blamed. */
  readonly harness: readonly string[];
  readonly figures: readonly Figure[];
  /** Of a run of load. */
  readonly load?: LoadRecord;
};

export const exitCodes = { passed: 0, failed: 1, inconclusive: 2, harness: 3 } as const;

/** Failures that no baseline knows. */
export function failures({ verdicts }: RunResult): Verdict[] {
  return verdicts.filter(({ outcome, known }) => outcome === "failed" && known === null);
}

/** How a run ends for a gate: 3 when the harness broke or judged nothing, else 1, 2 or 0. */
export function exitCodeOf(result: RunResult): number {
  const { verdicts, stale, harness, load } = result;
  const isJudged = verdicts.some(({ outcome }) => outcome === "passed" || outcome === "failed");
  if (harness.length > 0 || (!isJudged && result.kind === "conformance")) return exitCodes.harness;
  // Nobody was connected: there is nothing to be slow or quick.
  if (load?.measurement.counts["sessions-connected"] === 0) return exitCodes.harness;
  if (failures(result).length > 0 || stale.length > 0) return exitCodes.failed;
  const isDoubted = (load?.doubts.length ?? 0) > 0;
  return isDoubted || verdicts.some(({ outcome }) => outcome === "inconclusive")
    ? exitCodes.inconclusive
    : exitCodes.passed;
}
