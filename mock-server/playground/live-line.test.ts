import { describe, expect, it } from "vitest";
import { axisMax, linePath, type Sample } from "./live-line.ts";

const every1000Ms = (...values: (number | null)[]): Sample[] =>
  values.map((value, index) => ({ atMs: 5000 + index * 1000, value }));
const box = { width: 100, height: 10, max: 20, spanMs: 4000 };

describe("linePath()", () => {
  it.each([
    ["nothing", [], ""],
    ["one sample at the right edge", every1000Ms(20), "M100 0"],
    ["0 at the bottom and the maximum at the top", every1000Ms(0, 20), "M75 10L100 0"],
    ["a gap where there was nothing to measure", every1000Ms(10, null, 10, 10), "M25 5M75 5L100 5"],
    ["nothing older than its span", every1000Ms(5, 10, 10, 10, 10, 10), "M0 5L25 5L50 5L75 5L100 5"],
    ["no value beyond the top", every1000Ms(40), "M100 0"],
  ])("draws %s", (_what, samples, path) => {
    expect(linePath(samples, box)).toBe(path);
  });
});

describe("axisMax()", () => {
  it.each([
    [[], 1],
    [[null], 1],
    [[1], 1],
    [[3], 5],
    [[30, 31, null], 50],
    [[51], 100],
    [[101], 200],
  ])("of %j is %d", (values, max) => {
    expect(axisMax(every1000Ms(...values))).toBe(max);
  });
});
