import { expect, test } from "vitest";
import type { Verdict } from "../reports/result.ts";
import { requirementSets, setsMet, setsOf } from "./requirement-sets.ts";

const ids = [...new Set(Object.values(requirementSets).flat())];
const verdicts = (outcome: Verdict["outcome"], changed: Record<string, Verdict["outcome"]> = {}) =>
  ids.map((id) => ({ id, outcome: changed[id] ?? outcome })) as Verdict[];

const page = requirementSets["product-page"]![0]!;

test.each<[string, Verdict[], string, string[]]>([
  ["all passes", verdicts("passed"), "livekit", ["livekit-0.1", "product-page"]],
  ["all passes, of the other dialect", verdicts("passed"), "direct", ["direct-0.0", "product-page"]],
  [
    "something cannot be done",
    verdicts("passed", { [page]: "unsupported" }),
    "direct",
    ["direct-0.0", "product-page"],
  ],
  ["something fails", verdicts("passed", { [page]: "failed" }), "direct", []],
  ["nobody can tell of something", verdicts("passed", { [page]: "inconclusive" }), "direct", []],
  [
    "something was not run",
    verdicts("passed").slice(1),
    "direct",
    ["product-page"].filter(() => !setsOf(ids[0]!).includes("product-page")),
  ],
  ["nothing can be done", verdicts("unsupported"), "direct", []],
])("%s", (_name, given, dialect, expected) => {
  expect(setsMet({ verdicts: given, environment: { dialect } })).toEqual(expected);
});
