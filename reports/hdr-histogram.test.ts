import { deflateSync, inflateSync } from "node:zlib";
import { encodeIntoCompressedBase64, Float64Histogram } from "hdr-histogram-js";
import { expect, test } from "vitest";
import { bucketsOf, countIn, mergedBuckets, percentileIn } from "./hdr-histogram.ts";

function encoded(values: readonly (readonly [value: number, count: number])[], digits = 3, low = 1) {
  const hdr = new Float64Histogram(low, 3_600_000_000, digits as 3);
  for (const [value, count] of values) hdr.recordValueWithCount(value, count);
  return { hdr, text: encodeIntoCompressedBase64(hdr) };
}

test.each([
  ["a zero", [[0, 1]], 3],
  ["the ends of the ranges", [1, 2047, 2048, 2050, 4094, 4096, 4100, 1e6, 3.6e9].map((one) => [one, 1]), 3],
  [
    "counts of several bytes",
    [
      [50, 1],
      [5000, 127],
      [70_000, 128],
      [1e6, 40_000],
      [2e8, 2 ** 40],
    ],
    3,
  ],
  [
    "two digits",
    [
      [3, 1],
      [300, 5],
      [123_456, 9],
    ],
    2,
  ],
] as [string, [number, number][], number][])("%s reads as the package reads it", (_what, values, digits) => {
  const { hdr, text } = encoded(values, digits);
  const buckets = bucketsOf(text)!;
  expect(buckets.map(({ count }) => count)).toEqual(values.map(([, count]) => count));
  for (const [index, [value]] of values.entries()) {
    expect(buckets[index]).toMatchObject({
      low: hdr.lowestEquivalentValue(value),
      high: hdr.highestEquivalentValue(value),
    });
  }
  for (const percent of [1, 50, 90, 99.9, 100]) {
    expect(percentileIn(buckets, percent)).toBe(hdr.getValueAtPercentile(percent));
  }
});

test("several are counted together", () => {
  const [one, other] = [
    encoded([
      [10, 2],
      [20, 1],
    ]),
    encoded([
      [5, 1],
      [20, 3],
    ]),
  ].map(({ text }) => bucketsOf(text)!);
  const merged = mergedBuckets([one!, other!]);
  expect(merged.map(({ low, count }) => [low, count])).toEqual([
    [5, 1],
    [10, 2],
    [20, 4],
  ]);
  expect(countIn(merged)).toBe(7);
});

test("nothing is nothing, and has no percentile", () => {
  expect(bucketsOf("")).toEqual([]);
  expect(percentileIn([], 50)).toBeNull();
});

const good = encoded([[10, 2]]).text;
/** Right in all but its size. */
const bomb = (() => {
  const plain = Buffer.concat([
    inflateSync(Buffer.from(good, "base64").subarray(8)),
    Buffer.alloc(64 * 1024 ** 2),
  ]);
  return Buffer.concat([Buffer.from(good, "base64").subarray(0, 8), deflateSync(plain)]);
})();

test.each([
  ["no base64", "<script>"],
  ["another thing", Buffer.from("hello, hello, hello").toString("base64")],
  ["one that is cut short", good.slice(0, 30)],
  ["one that grows without end", bomb.toString("base64")],
])("%s is not read", (_what, text) => {
  expect(bucketsOf(text)).toBeNull();
});
