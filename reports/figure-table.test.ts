/** Figures and their tables. */
import { describe, expect, test } from "vitest";
import { median, meetsAim, quantile, ratioOf } from "./figure.ts";
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

const relayed = { name: "relayed", unit: "ms", values: [10, 30, 50] };

describe("ratioOf", () => {
  test("pairs each run with its own, and not the medians", () => {
    expect(ratioOf({ ...relayed, beside: [100, 40, 50] })).toBe(0.75);
  });
  test("is null with nothing beside", () => {
    expect(ratioOf(relayed)).toBeNull();
  });
  test("of runs that do not pair up is an error", () => {
    expect(() => ratioOf({ ...relayed, beside: [100] })).toThrow(
      'Figure "relayed" has 3 values beside 1. Take both once in each run.',
    );
  });
});

test.each([
  [{ aim: { atMost: 30 } }, true],
  [{ aim: { atMost: 29 } }, false],
  [{ aim: { atLeast: 30 } }, true],
  [{ aim: { atLeast: 31 } }, false],
  [{ aim: { atMost: 0.5 }, beside: [100, 100, 100] }, true],
  [{ aim: { atMost: 30 }, beside: [0.1, 0.1, 0.1] }, false],
  [{}, null],
])("the median 30 with %j meets its aim: %j", (more, expected) => {
  expect(meetsAim({ ...relayed, ...more })).toBe(expected);
});

const figures = [
  { name: "encode | vp8", unit: "ms", values: [7.123, 6.5, 8], aim: { atMost: 10 } },
  { name: "sessions", unit: "", values: [6], aim: { atLeast: 7 } },
  { name: "memory", unit: "MB", values: [0] },
];

test("text lines its columns up and shows the spread only where there is one", () => {
  expect(figureText(figures)).toBe(
    [
      "figure        median              unit  runs  aim",
      "encode | vp8  7.12 (6.50 … 8.00)  ms    3     ≤ 10: met",
      "sessions      6                         1     ≥ 7: missed",
      "memory        0                   MB    1",
    ].join("\n"),
  );
});

test("what was measured side by side stands side by side, with its ratio; a hole stays empty", () => {
  const loopback = { of: "loopback", unit: "ms", values: [50.5, 60.5] };
  const beside = { unit: "ms", aim: { atMost: 0.6 }, beside: loopback.values };
  expect(
    figureText([
      { name: "relay", ...loopback },
      { name: "relay", of: "direct", ...beside, values: [20.2, 24.2] },
      { name: "relay", of: "livekit", ...beside, values: [40.4, 48.4] },
      { name: "memory", of: "livekit", unit: "MB", values: [3, 4] },
    ]),
  ).toBe(
    [
      "figure  loopback            direct                       livekit                      unit  runs  aim",
      "relay   55.5 (50.5 … 60.5)  0.40 × · 22.2 (20.2 … 24.2)  0.80 × · 44.4 (40.4 … 48.4)  ms    2     ≤ 0.6 ×: met, missed",
      "memory                                                   3.5 (3 … 4)                  MB    2",
    ].join("\n"),
  );
});

test("Markdown escapes what would end a cell", () => {
  expect(figureMarkdown(figures).split("\n").slice(0, 3)).toEqual([
    "| figure | median | unit | runs | aim |",
    "| --- | --- | --- | --- | --- |",
    "| encode \\| vp8 | 7.12 (6.50 … 8.00) | ms | 3 | ≤ 10: met |",
  ]);
});
