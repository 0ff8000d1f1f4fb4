/** Trailers against golden bytes, and against the worker that livekit-client runs in a page. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { createDice } from "../dice.ts";
import { readTrailer, stripTrailer, writeTrailer } from "./packet-trailer.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hex = (given: Uint8Array) => Buffer.from(given).toString("hex");
const magic = "4c4b5453";

describe("golden vectors", () => {
  test.each([
    [0n, "fef7 ffffffffffffffff f0"],
    [1n, "fef7 fffffffffffffffe f0"],
    [1_767_225_600_000_000n, "fef7 fff9b8b7b9dfbfff f0"],
    [0x0123456789abcdefn, "fef7 fedcba9876543210 f0"],
    [2n ** 64n - 1n, "fef7 0000000000000000 f0"],
  ])("timestamp %i", (userTimestamp, expected) => {
    const trailer = bytes(expected + magic);
    expect(hex(writeTrailer(userTimestamp))).toBe(hex(trailer));
    const read = { userTimestamp, frameId: null, byteLength: 15 };
    expect(readTrailer(trailer)).toEqual(read);
    const picture = Buffer.concat([bytes("00010203"), trailer]);
    expect(readTrailer(picture)).toEqual(read);
    expect(hex(stripTrailer(picture, read))).toBe("00010203");
  });

  test.each([
    ["a frame id alone", "fdfb fffffffe f4", { userTimestamp: null, frameId: 1, byteLength: 11 }],
    ["both", "fef7 fffffffffffffffe fdfb 00000000 ea", [1n, 0xffffffff, 21]],
    ["both, the other way round", "fdfb fffffeff fef7 fffffffffffffffe ea", [1n, 256, 21]],
    ["user data", "fcfd 4142 f6", [null, null, 9]],
    ["user data of no length", "fcff f8", [null, null, 7]],
    ["a kind that is not known, beside one that is", "aafe 00 fdfb fffffffe f1", [null, 1, 14]],
  ])("%s", (_what, given, expected) => {
    const [userTimestamp, frameId, byteLength] = Array.isArray(expected) ? expected : Object.values(expected);
    const trailer = bytes(`ff ff ${given}${magic}`);
    expect(readTrailer(trailer)).toEqual({ userTimestamp, frameId, byteLength });
  });

  test.each([-1n, 2n ** 64n])("there is no timestamp %i", (userTimestamp) => {
    expect(() => writeTrailer(userTimestamp)).toThrow(RangeError);
  });
});

test.each([
  ["nothing", ""],
  ["the magic alone", magic],
  ["an envelope around nothing", `fa${magic}`],
  ["a length of less than the envelope", `fef7 fffffffffffffffe fb${magic}`],
  ["a length of nothing", `fef7 fffffffffffffffe ff${magic}`],
  ["a length beyond the picture", `fef7 fffffffffffffffe ef${magic}`],
  ["a length one too short", `00 fef7 fffffffffffffffe f1${magic}`],
  ["a length one too long", `00 fef7 fffffffffffffffe ef${magic}`],
  ["no first byte", `f7 fffffffffffffffe f0${magic}`],
  ["another magic", "fef7 fffffffffffffffe f0 4c4b5454"],
  ["something behind it", `fef7 fffffffffffffffe f0${magic}00`],
  ["a timestamp of 7 bytes", `fef8 fffffffffffffe f1${magic}`],
  ["a frame id of 3 bytes", `fdfc fffffe f5${magic}`],
  ["a value that reaches into the envelope", `fef7 fffffffffffffffe fdfb fffe ec${magic}`],
  ["a byte left over", `fef7 fffffffffffffffe 00 ef${magic}`],
  ["kinds that are not known, only", `aafe 00 f7${magic}`],
])("%s is no trailer", (_what, given) => {
  expect(readTrailer(bytes(given))).toBeNull();
});

test("a trailer cut short anywhere, or with any of its bits turned, is not read as longer or shorter", () => {
  const trailer = writeTrailer(1_767_225_600_000_000n);
  for (let from = 1; from < trailer.length; from++) expect(readTrailer(trailer.subarray(from))).toBeNull();
  for (let to = 0; to < trailer.length; to++) expect(readTrailer(trailer.subarray(0, to))).toBeNull();
  for (let bit = 0; bit < trailer.length * 8; bit++) {
    const turned = Buffer.from(trailer);
    turned[bit >> 3]! ^= 1 << (bit & 7);
    // One bit makes the timestamp's kind the user data's, which may have 8 bytes, too.
    const isTrailer = bit === 1 || (bit >> 3 >= 2 && bit >> 3 < 10);
    expect(readTrailer(Buffer.concat([Buffer.alloc(300), turned]))?.byteLength).toBe(
      isTrailer ? 15 : undefined,
    );
  }
});

test("random bytes before a magic are hardly ever a trailer, and never throw", () => {
  const dice = createDice("trailer");
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const noise = Buffer.from(Array.from({ length: dice.next() * 40 }, () => dice.next() * 256));
    if (readTrailer(Buffer.concat([noise, bytes(magic)]))) read++;
  }
  expect(read).toBeLessThan(20);
});

describe("beside livekit-client", () => {
  type Posted = { kind: string; data: { metadata: { userTimestamp: bigint; frameId: number } } };
  const posted: Posted[] = [];
  let nowMs = 0;

  beforeAll(async () => {
    vi.stubGlobal("self", {});
    vi.stubGlobal("onmessage", null);
    vi.stubGlobal("postMessage", (message: Posted) => posted.push(message));
    await import("livekit-client-2.23/frame-metadata-worker");
    return () => vi.unstubAllGlobals();
  });

  /** One picture through the worker, as a page would have it do. */
  async function through(kind: "encode" | "decode", picture: Uint8Array, about: object): Promise<Uint8Array> {
    const into = new TransformStream();
    const outOf = new TransformStream();
    const data = { readableStream: into.readable, writableStream: outOf.writable, trackId: "TR", ...about };
    (onmessage as (event: object) => void)({ data: { kind, data } });
    const frame = { data: new Uint8Array(picture).buffer, timestamp: 1, getMetadata: () => ({}) };
    void into.writable.getWriter().write(frame);
    const { value } = await outOf.readable.getReader().read();
    return new Uint8Array(value.data);
  }

  test.each([
    { frameId: false, nowMs: 1_767_225_600_123 },
    { frameId: true, nowMs: 1_767_225_600_456 },
    { frameId: false, nowMs: 4_102_444_800_000 },
  ])("we read what it writes: $nowMs, frame id $frameId", async (given) => {
    nowMs = given.nowMs;
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
    const picture = bytes("00010203");
    const packetTrailer = { timestamp: true, frameId: given.frameId };
    const trailed = await through("encode", picture, { packetTrailer });
    vi.restoreAllMocks();
    const trailer = readTrailer(trailed);
    const userTimestamp = BigInt(given.nowMs) * 1000n;
    const byteLength = given.frameId ? 21 : 15;
    expect(trailer).toEqual({ userTimestamp, frameId: given.frameId ? 1 : null, byteLength });
    expect(hex(stripTrailer(trailed, trailer!))).toBe(hex(picture));
    if (!given.frameId) expect(hex(trailed)).toBe(hex(Buffer.concat([picture, writeTrailer(userTimestamp)])));
  });

  test.each([1n, 1_767_225_600_123_456n, 2n ** 64n - 1n])(
    "it reads what we write: %i",
    async (userTimestamp) => {
      posted.length = 0;
      const picture = bytes("00010203");
      const given = Buffer.concat([picture, writeTrailer(userTimestamp)]);
      const left = await through("decode", given, { hasPacketTrailer: true });
      expect(hex(left)).toBe(hex(picture));
      expect(posted.map(({ kind, data }) => [kind, data.metadata.userTimestamp])).toEqual([
        ["metadata", userTimestamp],
      ]);
    },
  );
});
