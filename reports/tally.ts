/** A result counted and put into words, once for all who show it. */

import { exitCodeOf, exitCodes, failures, type RunResult, type Verdict } from "./result.ts";
import { counted } from "./shown-text.ts";

/** How a verdict stands for the gate: its outcome, with failures that the baseline knows apart. In the order in which they are told. */
export const standings = ["passed", "failed", "known", "unsupported", "inconclusive"] as const;
export type Standing = (typeof standings)[number];

export function standingOf({ outcome, known }: Verdict): Standing {
  return outcome === "failed" && known !== null ? "known" : outcome;
}

/** What is said of so many: `2 known to fail`. */
export const standingWords: Readonly<Record<Standing, string>> = {
  passed: "passed",
  failed: "failed",
  known: "known to fail",
  unsupported: "unsupported",
  inconclusive: "inconclusive",
};

/** What stands for it where there is room for one character. */
export const standingMarks: Readonly<Record<Standing, string>> = {
  passed: "✓",
  failed: "✗",
  known: "!",
  unsupported: "–",
  inconclusive: "?",
};

export type Tally = Readonly<Record<Standing, number>> & {
  /** Passed and failed: what tells something of the client. */
  readonly judged: number;
};

export function tallyOf(verdicts: readonly Verdict[]): Tally {
  const tally = { passed: 0, failed: 0, known: 0, unsupported: 0, inconclusive: 0 };
  for (const verdict of verdicts) tally[standingOf(verdict)] += 1;
  return { ...tally, judged: tally.passed + tally.failed + tally.known };
}

/** Verdicts by area, areas in the order in which they first come. */
export function areasOf(verdicts: readonly Verdict[]): Map<string, Verdict[]> {
  return Map.groupBy(verdicts, ({ area }) => area);
}

/** Verdicts that stand so. */
export function verdictsOf({ verdicts }: RunResult, wanted: Standing): Verdict[] {
  return verdicts.filter((verdict) => standingOf(verdict) === wanted);
}

/** Why the numbers of a run of load are not to be believed, or some of them, a sentence each. */
export function doubtsOf(result: RunResult): readonly string[] {
  const whys = verdictsOf(result, "inconclusive").map(({ why }) => why ?? "No reason is given.");
  return [...new Set([...(result.load?.doubts ?? []), ...whys])];
}

/** Why nobody could be judged, by how many that is so for; the commonest first. */
export function unsupportedWhys(result: RunResult): [why: string, count: number][] {
  const whys = Map.groupBy(verdictsOf(result, "unsupported"), ({ why }) => why ?? "No reason is given.");
  return [...whys].map(([why, of]): [string, number] => [why, of.length]).sort((a, b) => b[1] - a[1]);
}

/** How it ended, in a word and in a closing sentence with the exit code and what that means. */
export function endOf(result: RunResult): { readonly word: string; readonly sentence: string } {
  const { kind, verdicts, stale, harness } = result;
  const code = exitCodeOf(result);
  const tally = tallyOf(verdicts);
  const end = (word: string, why: string) => ({
    word,
    sentence: `${word[0]!.toUpperCase()}${word.slice(1)}, exit code ${code}: ${why}`,
  });
  switch (code) {
    case exitCodes.harness:
      if (harness.length === 0 && kind === "load")
        return end("nothing measured", "no session was connected. What the sessions were told says why.");
      return harness.length > 0
        ? end(
            "broken",
            `the harness had trouble (${counted(harness.length, "time")}), so nobody is to be blamed. Mend that first.`,
          )
        : end(
            "nothing judged",
            "nobody could be judged. Ask for more scenarios, or see why they could not be.",
          );
    case exitCodes.failed: {
      const news = failures(result).length;
      if (kind === "load") return end("failed", `${counted(news, "threshold")} did not hold.`);
      const whys = [
        ...(news > 0 ? [`${counted(news, "failure")} that no baseline knows`] : []),
        ...(stale.length > 0
          ? [`${counted(stale.length, "entry", "entries")} of the baseline that nothing needs`]
          : []),
      ];
      return end("failed", `${whys.join(", and ")}.`);
    }
    case exitCodes.inconclusive:
      return end(
        "inconclusive",
        kind === "load"
          ? `${counted(tally.inconclusive, "threshold")} could not be judged, since the numbers are not to be believed. The doubts say what to do.`
          : `${counted(tally.inconclusive, "scenario")} could not be judged, and nothing new failed. Run again with fewer jobs.`,
      );
    default:
      if (tally.known > 0) return end("passed", "nothing failed that the baseline does not know.");
      return end(
        "passed",
        kind === "load" ? "nothing failed." : "all that could be judged is as it is owed.",
      );
  }
}
