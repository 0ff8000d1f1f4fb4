import { expect, test } from "vitest";
import { matchGoldenText } from "./_golden.ts";
import { allPassed, everyOutcome, failedOf, hostile, resultOf, usual, verdictOf } from "./_results.ts";
import { resultJunit } from "./junit.ts";
import { exitCodeOf, type RunResult } from "./result.ts";

test.each([
  ["every-outcome", everyOutcome],
  ["hostile", hostile],
])("%s is as it was when it was looked at", (name, result) => {
  matchGoldenText(`${name}.junit.xml`, resultJunit(result));
});

/** Throws where it is no XML: tags that do not close, bare signs, characters that XML has not. */
function parseXml(xml: string): string[] {
  expect(xml).not.toMatch(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
  const open: string[] = [];
  const seen: string[] = [];
  const body = xml.replace(/^<\?xml [^?]*\?>\n/, "");
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="(?:[^<&"]|&#\d+;)*")*)(\/?)>|(?:[^<&]|&#\d+;)+/gy;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const found = token.exec(body);
    if (!found) throw new Error(`No XML from here: ${body.slice(at, at + 80)}`);
    const [, isEnd, name, , isEmpty] = found;
    if (!name) continue;
    if (isEnd) expect(open.pop()).toBe(name);
    else {
      seen.push(name);
      if (!isEmpty) open.push(name);
    }
  }
  expect(open).toEqual([]);
  return seen;
}

test.each([
  ["all passed", allPassed],
  ["usual", usual],
  ["every outcome", everyOutcome],
  ["hostile", hostile],
  ["nothing", resultOf([])],
])("it is XML, and its counts are right: %s", (_what, result) => {
  const xml = resultJunit(result);
  const seen = parseXml(xml);
  const count = (name: string) => seen.filter((one) => one === name).length;
  const [, ...counts] = /<testsuites .* tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/.exec(
    xml,
  )!;
  expect(counts.map(Number)).toEqual(["testcase", "failure", "error", "skipped"].map(count));
});

const known = { reason: "r", link: "l" };

test.each<[string, RunResult]>([
  ["all passed", allPassed],
  ["known", resultOf([verdictOf("a/b"), failedOf("a/c", { known })])],
  ["unsupported", resultOf([verdictOf("a/b"), verdictOf("a/c", { outcome: "unsupported", why: "w" })])],
  ["failed", usual],
  ["inconclusive", resultOf([verdictOf("a/b"), verdictOf("a/c", { outcome: "inconclusive", why: "w" })])],
  ["stale", resultOf([verdictOf("a/b")], { stale: ["s"] })],
  ["harness", resultOf([verdictOf("a/b")], { harness: ["h"] })],
  ["nothing judged", resultOf([verdictOf("a/c", { outcome: "unsupported", why: "w" })])],
])("it is green for exit code 0 and for no other: %s", (_what, result) => {
  expect(/<(failure|error)\b/.test(resultJunit(result))).toBe(exitCodeOf(result) !== 0);
});
