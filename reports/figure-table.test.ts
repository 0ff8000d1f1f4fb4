/** Figures and their tables. */
import { describe, expect, test } from "vitest";
import { median, quantile } from "./figure.ts";
import { figureMarkdown, figureText } from "./figure-table.ts";

describe("quantile", () => {
  test.each([
    [[3], 0.5, 3],
    [[1, 2], 0.5, 1.5],
    [[9, 1, 5], 0.5, 5],
    [[0, 10], 0.99, 9.9],
  ])("of %j at %d is %d", (values, q, expected) => {
    expect(quantile(values, q)).toBeCloseTo(expected);
  });
  test("of nothing is an error, not a zero", () => {
    expect(() => median([])).toThrow("no values");
  });
});

const figures = [
  { name: "encode | vp8", unit: "ms", values: [7.123, 6.5, 8], aim: "≤ 10" },
  { name: "sessions", unit: "", values: [6] },
];

test("text lines its columns up and shows the spread only where there is one", () => {
  expect(figureText(figures)).toBe(
    [
      "figure        median  unit  min … max    runs  aim",
      "encode | vp8    7.12  ms    6.50 … 8.00  3     ≤ 10",
      "sessions        6.00                     1",
    ].join("\n"),
  );
});

test("Markdown escapes what would end a cell", () => {
  expect(figureMarkdown(figures).split("\n")[2]).toBe(
    "| encode \\| vp8 | 7.12 | ms | 6.50 … 8.00 | 3 | ≤ 10 |",
  );
});
