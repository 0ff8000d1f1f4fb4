/**
 * A result as the test cases that CI systems know, once for all their formats. Stale entries of a baseline and trouble of the harness are cases,
 * too: what fails the gate is red in whatever shows it.
 */
import type { Picture, RunResult, Verdict } from "./result.ts";
import { exitCodeOf, exitCodes } from "./result.ts";
import { cut, escapeControls } from "./shown-text.ts";
import { type Standing, standingOf } from "./tally.ts";

export type TestCase = {
  /** The area; `baseline` and `harness` for what is no scenario. */
  readonly group: string;
  readonly name: string;
  readonly standing: Standing | "stale" | "harness";
  /** A line; null where there is nothing to say. */
  readonly message: string | null;
  /** What to read, a line each. Without control characters, as is the message. */
  readonly lines: readonly string[];
  readonly durationMs: number;
  /** Of a scenario. */
  readonly verdict: Verdict | null;
};

const lineMax = 4000;
const line = (text: string) => cut(escapeControls(text), lineMax);

export function testCases(result: RunResult, pictures: ReadonlyMap<Picture, string> = new Map()): TestCase[] {
  const { verdicts, stale, harness } = result;
  const broken =
    harness.length === 0 && exitCodeOf(result) === exitCodes.harness ? ["Nobody could be judged."] : harness;
  const sentences = (group: string, standing: "stale" | "harness", all: readonly string[]) =>
    all.map(
      (sentence): TestCase => ({
        group,
        name: cut(escapeControls(sentence), 120),
        standing,
        message: line(sentence),
        lines: [],
        durationMs: 0,
        verdict: null,
      }),
    );
  return [
    ...verdicts.map((verdict) => caseOf(verdict, pictures)),
    ...sentences("baseline", "stale", stale),
    ...sentences("harness", "harness", broken),
  ];
}

function caseOf(verdict: Verdict, pictures: ReadonlyMap<Picture, string>): TestCase {
  return {
    group: line(verdict.area),
    name: line(verdict.id),
    standing: standingOf(verdict),
    message: messageOf(verdict),
    lines: verdict.outcome === "passed" ? [] : linesOf(verdict, pictures),
    durationMs: verdict.durationMs,
    verdict,
  };
}

function messageOf({ outcome, known, findings, why }: Verdict): string | null {
  switch (outcome) {
    case "passed":
      return null;
    case "failed": {
      const [first, ...more] = findings.map(({ rule }) => rule);
      const found = `${first ?? "No finding is given."}${more.length > 0 ? ` (and ${more.length} more)` : ""}`;
      if (known === null) return line(found);
      return line(`Known to fail: ${known.reason}${known.link === "" ? "" : ` (${known.link})`}`);
    }
    default:
      return line(why ?? "No reason is given.");
  }
}

function linesOf(verdict: Verdict, paths: ReadonlyMap<Picture, string>): string[] {
  const { does, owes, source, findings, replay } = verdict;
  return [
    `does      ${does}`,
    `owes      ${owes}`,
    `says who  ${source.kind}, ${source.where}`,
    ...findings.flatMap(({ rule, expected, got, window = [], pictures = [] }) => [
      "",
      `rule      ${rule}`,
      `expected  ${expected}`,
      `got       ${got}`,
      ...window.slice(0, 100).map((text) => `          ${text}`),
      ...pictures.map(
        (picture) => `picture   ${[paths.get(picture), picture.caption].filter(Boolean).join(": ")}`,
      ),
    ]),
    "",
    `replay    ${replay}`,
  ].map(line);
}
