import { deflateSync } from "node:zlib";
import { build, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { describe, expect, test } from "vitest";
import { createDice } from "./dice.ts";
import { createHistogram, decodeHistogram, valueMax } from "./histogram.ts";

function filled(values: readonly number[]) {
  const histogram = createHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Microseconds as they come: most around 80 ms, some a hundred times that. */
function someTimes(seed: number, count: number): number[] {
  const dice = createDice(seed, "times");
  return Array.from({ length: count }, () =>
    Math.round(40_000 * (1 + 2 * dice.next()) * 100 ** (dice.next() ** 8)),
  );
}

describe.each([1, 2, 3, 4, 5])("on random values, seed %i", (seed) => {
  const values = someTimes(seed, 2111);
  const sorted = values.toSorted((a, b) => a - b);
  const histogram = filled(values);

  test.each([0.1, 1, 50, 90, 99, 99.9, 100])(
    "percentile %d is the sorted value's, within 0.1 %%",
    (percent) => {
      const exact = sorted[Math.ceil((percent / 100) * sorted.length) - 1]!;
      const told = histogram.percentile(percent);
      expect(told).toBeGreaterThanOrEqual(exact);
      expect(told).toBeLessThanOrEqual(exact * 1.001);
    },
  );

  test("so are the ends and the mean", () => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(histogram.mean / mean - 1)).toBeLessThan(0.001);
    expect(Math.abs(histogram.min / sorted[0]! - 1)).toBeLessThan(0.001);
    expect(Math.abs(histogram.max / sorted.at(-1)! - 1)).toBeLessThan(0.001);
    expect(histogram.count).toBe(values.length);
  });

  test("its buckets hold every value once", () => {
    const buckets = [...histogram.buckets()];
    for (const { low, high, count } of buckets) {
      expect(values.filter((value) => value >= low && value <= high)).toHaveLength(count);
    }
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
  });

  test("two parts come to the whole, to the byte, in either order and over their texts", () => {
    const [a, b] = [filled(values.slice(0, 700)), filled(values.slice(700))];
    const whole = histogram.encode();
    const merged = createHistogram();
    merged.add(b.encode());
    merged.add(a);
    expect(merged.encode()).toBe(whole);
    expect(decodeHistogram(whole).encode()).toBe(whole);
    b.add(a.encode());
    expect([...b.buckets()]).toEqual([...histogram.buckets()]);
  });
});

test("nothing is written as nothing, and has no statistics", () => {
  const empty = createHistogram();
  expect(empty.encode()).toBe("");
  expect(decodeHistogram("").count).toBe(0);
  expect([...empty.buckets()]).toEqual([]);
  expect(() => empty.percentile(99)).toThrow(/no percentile 99.*nothing was measured/);
  expect(() => empty.mean).toThrow(RangeError);
  expect(() => empty.min).toThrow(RangeError);
  expect(() => empty.max).toThrow(RangeError);
});

test("zero is a value, an hour is the longest, fractions are rounded", () => {
  const histogram = filled([0, valueMax * 2, 1.6]);
  expect(histogram.percentile(1)).toBe(0);
  expect(histogram.percentile(50)).toBe(2);
  expect(histogram.max / valueMax).toBeCloseTo(1, 3);
  histogram.clear();
  expect(histogram.encode()).toBe("");
});

test.each([-1, Number.NaN])("%d is refused: two clocks were mixed", (value) => {
  expect(() => createHistogram().record(value)).toThrow(/cannot be recorded.*clocks/);
});

test("a count beyond 32 bits is kept", () => {
  const histogram = createHistogram();
  histogram.record(1000, 3e9);
  histogram.add(histogram.encode());
  expect(decodeHistogram(histogram.encode()).count).toBe(6e9);
});

describe("what is no histogram of ours", () => {
  const good = filled(someTimes(1, 50)).encode();
  const bytes = Buffer.from(good, "base64");
  const packed = (plain: Buffer) => {
    const body = deflateSync(plain);
    const head = Buffer.from(bytes.subarray(0, 8));
    head.writeUInt32BE(body.length, 4);
    return Buffer.concat([head, body]).toString("base64");
  };
  const other = build({ lowestDiscernibleValue: 1, highestTrackableValue: 1000, autoResize: false });
  other.recordValue(5);
  const long = Buffer.alloc(41);
  long.writeUInt32BE(0x1c849313, 0);
  long.writeUInt32BE(0xffff_ffff, 4);

  test.each([
    ["a sentence", "not measured", /no base64/],
    ["base64 of something", Buffer.from("something").toString("base64"), /no compressed histogram/],
    ["cut short", bytes.subarray(0, -3).toString("base64"), /cut short/],
    [
      "spoilt",
      Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(bytes.length - 12)]).toString("base64"),
      /decompress/,
    ],
    ["compressed text", packed(Buffer.from("a".repeat(100))), /no histogram/],
    ["a bomb", packed(Buffer.alloc(50_000_000)), /decompress/],
    ["of a length that would be read for hours", packed(long), /counts are cut short/],
    ["of another range", encodeIntoCompressedBase64(other), /from 1 to 1000/],
  ])("%s", (_, encoded, why) => {
    expect(() => decodeHistogram(encoded)).toThrow(why);
    expect(() => decodeHistogram(encoded)).toThrow(/cannot be read: .* Measure again/);
  });
});
