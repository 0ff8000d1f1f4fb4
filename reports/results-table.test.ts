import { expect, test } from "vitest";
import { failedOf, hostile, resultOf, verdictOf } from "./_results.ts";
import { resultsTable } from "./results-table.ts";

const known = { reason: "r", link: "" };

test("areas are rows, subjects are columns; all stand in the last row", () => {
  const results = [
    resultOf([verdictOf("connect/a"), verdictOf("state/a"), verdictOf("state/b")], { subject: "reference" }),
    resultOf([
      verdictOf("connect/a"),
      failedOf("state/a", { known }),
      failedOf("state/b"),
      verdictOf("media/a", { outcome: "unsupported", why: "w" }),
      verdictOf("goodbye/a", { outcome: "inconclusive", why: "w" }),
    ]),
    resultOf([verdictOf("connect/a")], { target: "api.example" }),
  ];
  expect(resultsTable(results)).toBe(
    [
      "| area | reference | sdk@0.1.20 | sdk@0.1.20 against api.example |",
      "| --- | --- | --- | --- |",
      "| connect | 1/1 | 1/1 | 1/1 |",
      "| state | 2/2 | 0/2, 1 known, **1 new** |  |",
      "| media |  | unsupported |  |",
      "| goodbye |  | 1 inconclusive |  |",
      "| **all** | 3/3 | 1/3, 1 known, **1 new**, 1 inconclusive | 1/1 |",
    ].join("\n"),
  );
});

test("a hostile text ends no cell", () => {
  const lines = resultsTable([hostile, hostile]).split("\n");
  expect(lines.map((line) => line.match(/(?<!\\)\|/g)?.length)).toEqual(lines.map(() => 4));
});

test("of nothing it is a head", () => {
  expect(resultsTable([])).toBe("| area |\n| --- |\n| **all** |");
});
