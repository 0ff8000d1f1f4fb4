/**
 * HdrHistogram's compressed V2 encoding, read: what a record of load keeps its histograms in. Reports lean on nobody who makes histograms, and
 * reading one takes a page. Knows no units.
 */
import { inflateSync } from "node:zlib";

/** Values that the histogram does not tell apart, from `low` to `high`, both included. */
export type Bucket = { readonly low: number; readonly high: number; readonly count: number };

const compressedCookie = 0x1c849304;
const plainCookie = 0x1c849303;
const headerBytes = 40;
const plainBytesMax = 4 * 1024 ** 2;

/** Those with a count, ascending; none of `""`; `null` where it cannot be read. */
export function bucketsOf(encoded: string): readonly Bucket[] | null {
  if (encoded === "") return [];
  try {
    return read(Buffer.from(encoded, "base64"));
  } catch {
    return null;
  }
}

function read(packed: Buffer): Bucket[] | null {
  if (cookieOf(packed) !== compressedCookie) return null;
  const bytes = inflateSync(packed.subarray(8), { maxOutputLength: plainBytesMax });
  const digits = bytes.readUInt32BE(12);
  if (cookieOf(bytes) !== plainCookie || digits < 1 || digits > 5) return null;
  const unit = 2 ** Math.floor(Math.log2(Number(bytes.readBigUInt64BE(16)) || 1));
  /** So many values each twice as wide as the half before. */
  const half = 2 ** (Math.ceil(Math.log2(2 * 10 ** digits)) - 1);
  const buckets: Bucket[] = [];
  let index = 0;
  let at = headerBytes;
  while (at < bytes.length) {
    const [value, next] = signedAt(bytes, at);
    at = next;
    if (value < 0) {
      // So many without a count.
      index -= value;
      continue;
    }
    if (value > 0) {
      const doublings = Math.max(0, Math.floor(index / half) - 1);
      const width = unit * 2 ** doublings;
      const low = (index - doublings * half) * width;
      buckets.push({ low, high: low + width - 1, count: value });
    }
    index += 1;
  }
  return buckets;
}

/** ZigZag LEB128, of nine bytes at most, of which the last has eight bits. */
function signedAt(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0n;
  let at = start;
  for (let shift = 0n; ; shift += 7n) {
    const byte = BigInt(bytes.readUInt8(at++));
    if (shift === 56n) {
      value |= byte << shift;
      break;
    }
    value |= (byte & 0x7fn) << shift;
    if (byte < 0x80n) break;
  }
  return [Number((value >> 1n) ^ -(value & 1n)), at];
}

/** Without the nibble that is its word size. */
function cookieOf(bytes: Buffer): number {
  return bytes.readUInt32BE(0) & ~0xf0;
}

/** Of several histograms, counted together. */
export function mergedBuckets(several: readonly (readonly Bucket[])[]): readonly Bucket[] {
  const sums = new Map<number, Bucket>();
  for (const bucket of several.flat()) {
    const known = sums.get(bucket.low);
    sums.set(bucket.low, known ? { ...bucket, count: known.count + bucket.count } : bucket);
  }
  return [...sums.values()].sort((one, other) => one.low - other.low);
}

export function countIn(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

/** The value that so many of 100 do not exceed, as the upper end of its bucket; `null` without values. */
export function percentileIn(buckets: readonly Bucket[], percent: number): number | null {
  let left = Math.max(1, Math.ceil((countIn(buckets) * percent) / 100 - 1e-9));
  for (const { high, count } of buckets) {
    left -= count;
    if (left <= 0) return high;
  }
  return null;
}
