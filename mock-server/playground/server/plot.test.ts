import { describe, expect, test } from "vitest";
import { pathOf, plotHeight, plotWidth, rangeInWords, topOf } from "./plot.ts";
import { windowMs } from "./session-figures.ts";

const sample = (atMs: number, value: number | null) => ({ atMs, value });

describe("the line", () => {
  test("goes from two minutes ago, left, to now, right; 0 is at the bottom", () => {
    const path = pathOf([sample(0, 0), sample(windowMs, 10)], windowMs, 10);
    expect(path).toBe(`M0 ${plotHeight - 2}h.1L${plotWidth} 2`);
  });

  test("has a gap where a value is not known", () => {
    const path = pathOf([sample(0, 5), sample(60_000, null), sample(windowMs, 5)], windowMs, 10);
    expect(path).toBe("M0 20h.1M240 20h.1");
  });

  test("is nothing without values", () => expect(pathOf([sample(0, null)], 0, 10)).toBe(""));
});

test.each([
  [[3, null], 10, 10],
  [[10.1], 10, 20],
  [[21], 10, 50],
  [[99], 10, 100],
  [[], 5, 5],
])("the scale of %j reaches from at least %d to %d", (values, least, top) => {
  expect(topOf(values, least)).toBe(top);
});

test("tells the range in words", () => {
  expect(rangeInWords([sample(0, 14.96), sample(1, 120.4), sample(2, null)], "ms")).toBe(
    "between 15 and 120 ms",
  );
  expect(rangeInWords([sample(0, null)], "ms")).toBe("nothing yet");
});
