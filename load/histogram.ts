/**
 * Histograms that merge without loss: whole numbers from 0 to an hour of microseconds, 3 significant digits, so that a value is at most 0.1 % off.
 * The one file that imports hdr-histogram-js. What is counted, it does not know.
 */
import { inflateSync } from "node:zlib";
import {
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  Float64Histogram,
  type JsHistogram,
} from "hdr-histogram-js";
import type { EncodedHistogram } from "./measurement.ts";

/** One hour of microseconds. A longer wait is recorded as one hour. */
export const valueMax = 3_600_000_000;
const valueMin = 1;
const significantDigits = 3;

/** Values that the histogram does not tell apart: from `low` to `high`, both included. */
export type Bucket = { readonly low: number; readonly high: number; readonly count: number };

export type Histogram = {
  /** @throws RangeError for what is no number or is negative: a wrong clock, or a wrong unit */
  record(value: number, count?: number): void;
  /** Bucket by bucket, without loss. @throws Error as `decodeHistogram` does */
  add(other: Histogram | EncodedHistogram): void;
  readonly count: number;
  /**
   * The value that so many of 100 do not exceed, as the upper end of its bucket: 0 < `percent` ≤ 100. Never between two values, unlike a
   * quantile of the figures.
   * @throws RangeError without values: no figure is no zero
   */
  percentile(percent: number): number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Those with a count, ascending. */
  buckets(): Generator<Bucket>;
  /** HdrHistogram's compressed V2 encoding, base64; `""` without values. The same counts give the same text, on one version of Node. */
  encode(): EncodedHistogram;
  clear(): void;
};

export function createHistogram(): Histogram {
  return around(new Float64Histogram(valueMin, valueMax, significantDigits));
}

/** The range is fixed: it stands in the encoding, and one that grew would make texts differ whose counts do not. */
function around(hdr: JsHistogram): Histogram {
  const filled = (what: string) => {
    if (hdr.totalCount > 0) return;
    throw new RangeError(
      `A histogram without values has no ${what}. Ask for its count first: nothing was measured.`,
    );
  };
  return {
    record(value, count = 1) {
      if (!(value >= 0)) {
        throw new RangeError(
          `${value} µs cannot be recorded: a time is 0 or more. Two clocks were mixed, or a time was never taken.`,
        );
      }
      hdr.recordValueWithCount(Math.min(valueMax, Math.round(value)), count);
    },
    add(other) {
      if (other === "") return;
      const added = typeof other === "string" ? decodeHistogram(other) : other;
      for (const { low, count } of added.buckets()) hdr.recordValueWithCount(low, count);
    },
    get count() {
      return hdr.totalCount;
    },
    percentile(percent) {
      filled(`percentile ${percent}`);
      return hdr.getValueAtPercentile(percent);
    },
    get mean() {
      filled("mean");
      return hdr.mean;
    },
    get min() {
      filled("least value");
      return hdr.getValueAtPercentile(0);
    },
    get max() {
      filled("greatest value");
      return hdr.getValueAtPercentile(100);
    },
    *buckets() {
      if (hdr.totalCount === 0) return;
      const last = hdr.countsArrayIndex(hdr.maxValue);
      for (let index = 0; index <= last; index++) {
        const count = hdr.getCountAtIndex(index);
        if (count === 0) continue;
        const low = hdr.valueFromIndex(index);
        yield { low, high: hdr.highestEquivalentValue(low), count };
      }
    },
    encode: () => (hdr.totalCount === 0 ? "" : encodeIntoCompressedBase64(hdr)),
    clear: () => hdr.reset(),
  };
}

/** Cookies of HdrHistogram's V2 encoding, without the nibble that is its word size. */
const compressedCookie = 0x1c849304;
const plainCookie = 0x1c849303;
const headerBytes = 40;
/** A count takes nine bytes at most, and there are so many. */
const plainBytesMax =
  headerBytes + 9 * new Float64Histogram(valueMin, valueMax, significantDigits).countsArrayLength;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What `encode` gave, here or elsewhere. @throws Error with a sentence: where it is cut, spoilt, or of another range */
export function decodeHistogram(encoded: EncodedHistogram): Histogram {
  if (encoded === "") return createHistogram();
  const why = faultOf(encoded);
  if (why === null) return around(decodeFromCompressedBase64(encoded, 64) as JsHistogram);
  const start = JSON.stringify(encoded.slice(0, 20));
  throw new Error(
    `A histogram that begins with ${start} cannot be read: ${why}. It takes HdrHistogram's compressed V2 encoding in base64, of ${valueMin} to ${valueMax} with ${significantDigits} digits. Measure again, or take the file as it was written.`,
  );
}

/** The package believes what a header says, and would take hours over a wrong length: all of it is checked here. */
function faultOf(encoded: string): string | null {
  if (!base64.test(encoded)) return "it is no base64";
  const packed = Buffer.from(encoded, "base64");
  if (packed.length < 8 || cookieOf(packed) !== compressedCookie) return "it is no compressed histogram";
  if (packed.readUInt32BE(4) !== packed.length - 8) return "it was cut short, or goes on too long";
  let plain: Buffer;
  try {
    plain = inflateSync(packed.subarray(8), { maxOutputLength: plainBytesMax });
  } catch {
    return "it does not decompress to a histogram of ours";
  }
  if (plain.length <= headerBytes || cookieOf(plain) !== plainCookie)
    return "it is compressed, but no histogram";
  if (plain.readUInt32BE(4) !== plain.length - headerBytes) return "its counts are cut short";
  const digits = plain.readUInt32BE(12);
  const low = Number(plain.readBigUInt64BE(16));
  const high = Number(plain.readBigUInt64BE(24));
  if (digits === significantDigits && low === valueMin && high === valueMax) return null;
  return `its values go from ${low} to ${high} with ${digits} digits`;
}

function cookieOf(bytes: Buffer): number {
  return bytes.readUInt32BE(0) & ~0xf0;
}
