/**
 * Failures of a client that are known: each with a reason and a link. They still run. One that passes, or that matches no scenario, fails the gate,
 * and so does one that has expired.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { nearest } from "../protocol/index.ts";
import type { Verdict } from "../reports/result.ts";

const entry = z.strictObject({
  /** A scenario's id, or an area and `*`. */
  scenario: z.string().min(1),
  reason: z.string().min(1),
  /** Where one can read more: a URL, or a place in this repository. */
  link: z.string().min(1),
  /** The day from which on it is no excuse any more: `2027-01-31`. */
  expires: z.iso.date().optional(),
});
const file = z.strictObject({ client: z.string().min(1), known: z.array(entry) });

export type Baseline = z.output<typeof file>;

export class BaselineError extends Error {}

/** @throws BaselineError with a sentence */
export function readBaseline(path: string, subject: string, ids: readonly string[]): Baseline {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new BaselineError(
      `The baseline ${path} cannot be read: ${(error as Error).message}. Name a file that is there, or leave it out: --no-baseline.`,
    );
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new BaselineError(`The baseline ${path} is no JSON: ${(error as Error).message}.`);
  }
  const { data, error } = file.safeParse(given);
  if (!data) {
    const [issue] = error.issues;
    throw new BaselineError(
      `The baseline ${path} is not as it should be at ${issue!.path.join(".") || "its top"}: ${issue!.message}. It takes { "client": "${subject}", "known": [{ "scenario": "reconnect/socket-lost", "reason": "…", "link": "…" }] }.`,
    );
  }
  if (data.client !== subject) {
    throw new BaselineError(
      `The baseline ${path} is of ${data.client}, not of ${subject}. Name another with --baseline.`,
    );
  }
  for (const { scenario } of data.known) {
    if (ids.some((id) => covers(scenario, id))) continue;
    const near = nearest(scenario, ids);
    throw new BaselineError(
      `The baseline ${path} knows a failure of ${scenario}, and there is no such scenario.${near ? ` Did you mean ${near}?` : ""} lucy-testkit conformance --list shows all.`,
    );
  }
  return data;
}

function covers(pattern: string, id: string): boolean {
  return pattern.endsWith("/*") ? id.startsWith(pattern.slice(0, -1)) : pattern === id;
}

/** Whether a failure of this scenario is known. */
export function isKnown(baseline: Baseline | null, id: string): boolean {
  return baseline?.known.some(({ scenario }) => covers(scenario, id)) ?? false;
}

/** The verdicts with what is known of them, and a sentence for each entry that is not needed any more. */
export function applyBaseline(
  verdicts: readonly Verdict[],
  baseline: Baseline | null,
  { startedAt, isWhole }: { readonly startedAt: string; readonly isWhole: boolean },
): { verdicts: Verdict[]; stale: string[] } {
  const known = baseline?.known ?? [];
  const isOver = (expires: string | undefined) => expires !== undefined && startedAt.slice(0, 10) >= expires;
  const stale = known.flatMap(({ scenario, expires }) => {
    const own = verdicts.filter(({ id }) => covers(scenario, id));
    if (isOver(expires) && own.length > 0) {
      return [
        `What the baseline knows of ${scenario} expired on ${expires}. Mend it, or give it another day.`,
      ];
    }
    // What was not run, or could not be judged, says nothing.
    if (own.some(({ outcome }) => outcome === "failed" || outcome === "inconclusive")) return [];
    if (own.length === 0 && !isWhole) return [];
    return [
      `${scenario} is known to fail, and ${own.length > 0 ? own[0]!.outcome : "was not run"}. Take it out of the baseline.`,
    ];
  });
  return {
    stale,
    verdicts: verdicts.map((verdict) => {
      const entry = known.find(({ scenario, expires }) => covers(scenario, verdict.id) && !isOver(expires));
      if (verdict.outcome !== "failed" || !entry) return verdict;
      return { ...verdict, known: { reason: entry.reason, link: entry.link } };
    }),
  };
}
