import { expect, test } from "vitest";
import { matchGoldenText } from "./_golden.ts";
import {
  allPassed,
  doubted,
  everyOutcome,
  failedOf,
  hostile,
  loaded,
  resultOf,
  usual,
  verdictOf,
} from "./_results.ts";
import type { RunResult, Verdict } from "./result.ts";
import { widthOf } from "./shown-text.ts";
import { picturePaths } from "./store.ts";
import { resultText } from "./text.ts";

const plain = (result: RunResult) => resultText(result, { colour: false });

test.each([
  ["all-passed", allPassed],
  ["usual", usual],
  ["every-outcome", everyOutcome],
  ["hostile", hostile],
  ["loaded", loaded],
  ["doubted", doubted],
])("%s looks as it did when it was looked at", (name, result) => {
  matchGoldenText(`${name}.txt`, `${plain(result)}\n`);
});

const failing = (failures: readonly Verdict[]) =>
  resultOf(allPassed.verdicts.map((verdict) => failures.find(({ id }) => id === verdict.id) ?? verdict));
const known = { reason: "Known since 0.1.3.", link: "https://example.com/3" };

test.each<[string, RunResult]>([
  ["all passed", allPassed],
  ["one failed", failing([failedOf("state/does-thing-1")])],
  ["two failed", failing([failedOf("state/does-thing-1"), failedOf("acks/does-thing-2")])],
  [
    "one failed, and four are known to",
    failing([
      failedOf("state/does-thing-1"),
      ...[1, 2, 3, 4].map((number) => failedOf(`queue/does-thing-${number}`, { known })),
    ]),
  ],
  ["a usual day", usual],
])("a terminal of 24 rows and 100 columns holds it: %s", (_what, result) => {
  const lines = plain(result).split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100);
});

test("nothing but a line to be copied is wider than the terminal, whatever it says", () => {
  const wideLines = plain(hostile)
    .split("\n")
    .filter((line) => widthOf(line) > 100);
  expect(wideLines.filter((line) => !line.startsWith("    replay"))).toEqual([]);
});

test("a run of load is as wide as a terminal, however much it tells", () => {
  expect(Math.max(...plain(loaded).split("\n").map(widthOf))).toBeLessThanOrEqual(100);
});

test("a run of one span has no course beside its figures", () => {
  const load = { ...loaded.load!, course: loaded.load!.course.slice(0, 1) };
  expect(plain({ ...loaded, load })).not.toContain("from second");
});

test("nothing steers the terminal but our own colours", () => {
  const coloured = resultText(hostile, { colour: true });
  const ours = new RegExp(`${"\u001b"}\\[[\\d;]*m`, "g");
  expect(coloured.replace(ours, "")).toBe(plain(hostile));
  expect(plain(hostile)).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
});

test("a known failure is told in full where there is room", () => {
  expect(
    plain(resultOf([failedOf("a/b", { known })]))
      .split("\n")
      .slice(4, 9),
  ).toEqual([
    "! a/b",
    "    known     Known since 0.1.3. · https://example.com/3",
    "    rule      The prompt shows.",
    '    expected  "a red fox"',
    "    got       null",
  ]);
});

test("of many findings the first are told", () => {
  const finding = {
    rule: "r",
    expected: "e",
    got: "g",
    window: Array.from({ length: 9 }, (_, i) => `l${i}`),
  };
  const text = plain(resultOf([failedOf("a/b", { findings: Array(5).fill(finding) })]));
  expect(text.match(/rule {6}r/g)).toHaveLength(3);
  expect(text).toContain("… and 2 lines more");
  expect(text).toContain("and 2 findings more");
});

test("an area of many scenarios is counted", () => {
  const many = Array.from({ length: 200 }, (_, number) => verdictOf(`state/${number}`));
  expect(plain(resultOf([...many, failedOf("state/x")]))).toContain("  state  ✓200 ✗1");
});

test("pictures that are somewhere are named by their path", () => {
  expect(resultText(everyOutcome, { colour: false, pictures: picturePaths(everyOutcome) })).toContain(
    "pictures  pictures/state.sets-image.1.png: Picture 81, the last before",
  );
});

test.each<[string, Partial<RunResult>, readonly Verdict[], string]>([
  ["nothing was asked", {}, [], "Nothing judged, exit code 3: "],
  ["load without verdicts", { kind: "load" }, [], "Passed, exit code 0: nothing failed."],
  [
    "a stale entry",
    { stale: ["s"] },
    [verdictOf("a/b")],
    "Failed, exit code 1: 1 entry of the baseline that nothing needs.",
  ],
  [
    "both",
    { stale: ["s", "t"] },
    [failedOf("a/b")],
    "Failed, exit code 1: 1 failure that no baseline knows, and 2 entries of the baseline that nothing needs.",
  ],
  [
    "inconclusive",
    {},
    [verdictOf("a/b"), verdictOf("a/c", { outcome: "inconclusive", why: "w" })],
    "Inconclusive, exit code 2: 1 scenario could not be judged, and nothing new failed. Run again with fewer jobs.",
  ],
  [
    "known",
    {},
    [failedOf("a/b", { known })],
    "Passed, exit code 0: nothing failed that the baseline does not know.",
  ],
])("the last line says how it ended and what the exit code means: %s", (_what, more, verdicts, last) => {
  expect(plain(resultOf(verdicts, more)).split("\n").at(-1)).toContain(last);
});
