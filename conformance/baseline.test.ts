import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Verdict } from "../reports/result.ts";
import { applyBaseline, type Baseline, readBaseline } from "./baseline.ts";

const ids = ["reconnect/socket-lost", "reconnect/storm", "acks/late"];

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "lucy-baseline-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "baseline.json");
  writeFileSync(path, text);
  return path;
}

const entry = { scenario: "acks/late", reason: "It settles the wrong call.", link: "B-10" };

test.each<[string, string, RegExp]>([
  ["no JSON", "{", /is no JSON: .+/],
  ["no list", '{"client":"sdk@1"}', /is not as it should be at known: .+ It takes \{ "client": "sdk@1"/],
  ["no reason", '{"client":"sdk@1","known":[{"scenario":"acks/late","link":"x"}]}', /at known\.0\.reason/],
  [
    "another key",
    JSON.stringify({ client: "sdk@1", known: [{ ...entry, until: "x" }] }),
    /known\.0: Unrecognized key: "until"/,
  ],
  [
    "no date",
    JSON.stringify({ client: "sdk@1", known: [{ ...entry, expires: "soon" }] }),
    /known\.0\.expires/,
  ],
  ["another client's", JSON.stringify({ client: "sdk@2", known: [] }), /is of sdk@2, not of sdk@1\./],
  [
    "no such scenario",
    JSON.stringify({ client: "sdk@1", known: [{ ...entry, scenario: "acks/lat" }] }),
    /there is no such scenario\. Did you mean acks\/late\? lucy-testkit conformance --list/,
  ],
  [
    "no such area",
    JSON.stringify({ client: "sdk@1", known: [{ ...entry, scenario: "media/*" }] }),
    /media\/\*/,
  ],
])("a file that has %s is refused with a sentence", (_name, text, sentence) => {
  expect(() => readBaseline(fileOf(text), "sdk@1", ids)).toThrow(sentence);
});

test("a file that is not there is refused with a sentence", () => {
  expect(() => readBaseline("no/such.json", "sdk@1", ids)).toThrow(/no\/such\.json cannot be read: ENOENT/);
});

const verdict = (id: string, outcome: Verdict["outcome"]) => ({ id, outcome, known: null }) as Verdict;
const about = { startedAt: "2026-11-28T10:00:00Z", isWhole: true };

function baseline(...known: Partial<Baseline["known"][number]>[]): Baseline {
  return { client: "sdk@1", known: known.map((one) => ({ ...entry, ...one })) };
}

test.each<[string, Baseline | null, Verdict["outcome"], boolean, RegExp | null]>([
  ["nothing known, it fails", null, "failed", false, null],
  ["known, it fails", baseline({}), "failed", true, null],
  ["its area is known, it fails", baseline({ scenario: "acks/*" }), "failed", true, null],
  [
    "known, it passes",
    baseline({}),
    "passed",
    false,
    /^acks\/late is known to fail, and passed\. Take it out/,
  ],
  ["known, it is unsupported", baseline({}), "unsupported", false, /is known to fail, and unsupported\./],
  ["known, nobody can tell", baseline({}), "inconclusive", false, null],
  ["another is known, it fails", baseline({ scenario: "reconnect/storm" }), "failed", false, /was not run\./],
  ["known until another day, it fails", baseline({ expires: "2026-11-29" }), "failed", true, null],
  [
    "known until today, it fails",
    baseline({ expires: "2026-11-28" }),
    "failed",
    false,
    /expired on 2026-11-28\./,
  ],
])("%s", (_name, known, outcome, isKnown, stale) => {
  const applied = applyBaseline([verdict("acks/late", outcome)], known, about);
  expect(applied.verdicts[0]!.known).toEqual(isKnown ? { reason: entry.reason, link: entry.link } : null);
  expect(applied.stale).toHaveLength(stale ? 1 : 0);
  if (stale) expect(applied.stale[0]).toMatch(stale);
});

test("what was not run says nothing where not all was", () => {
  const known = baseline({ scenario: "reconnect/storm" });
  const applied = applyBaseline([verdict("acks/late", "passed")], known, { ...about, isWhole: false });
  expect(applied.stale).toEqual([]);
});
