import { describe, expect, test } from "vitest";
import {
  dePacketizeRtpPackets,
  H264Packetizer,
  RtpHeader,
  RtpPacket,
  Vp8Packetizer,
  Vp9Packetizer,
} from "werift";
import { readClip } from "../../../fixtures/clips.ts";
import { createDice, type Dice } from "../../dice.ts";
import { type CodecName, codecNames } from "../codec-name.ts";
import { writeTrailer } from "../packet-trailer.ts";
import { splitUnits } from "./h264.ts";
import { payloadFormats } from "./index.ts";

const sizeMax = 1180;

/** Uint8Array and Buffer of the same bytes are alike here. */
const hex = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString("hex");

/** Bytes in front of the picture's own, as we pack: H.264's are the fragment's two, or the unit's own first. */
const descriptorLengths: Record<CodecName, (payload: Uint8Array) => number> = {
  vp8: () => 4,
  vp9: () => 3,
  h264: (payload) => ((payload[0]! & 31) === 28 ? 2 : 1),
};

function randomBytes(dice: Dice, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(dice.next() * 256));
}

/** A coded picture of a codec, as far as payload formats look: VP8's first bit, NAL units. */
function randomPicture(codec: CodecName, dice: Dice, length: number, key: boolean): Uint8Array {
  const bytes = randomBytes(dice, length);
  if (codec === "vp8") bytes[0] = key ? bytes[0]! & 0xfe : bytes[0]! | 1;
  if (codec !== "h264") return bytes;
  // No byte below 4, so that there is no start code inside; then the unit's type.
  const body = bytes.map((byte) => Math.max(4, byte));
  body[0] = key ? 0x65 : 0x41;
  const sets = key ? [0, 0, 0, 1, 0x67, 66, 192, 31, 0, 0, 0, 1, 0x68, 206, 60, 128] : [];
  return Uint8Array.of(...sets, 0, 0, 0, 1, ...body);
}

describe.each(codecNames)("%s", (codec) => {
  test("random pictures of every size come back byte for byte", () => {
    const dice = createDice(`payloads/${codec}`);
    const format = payloadFormats[codec]();
    const edges = [1, 2, 3, 1175, 1176, 1177, 1178, 1179, 1180, 1181, 1182, 2352, 2354, 2356];
    const sizes = [...edges, ...Array.from({ length: 60 }, () => 1 + Math.floor(dice.next() * 20_000))];
    for (const size of sizes) {
      for (const key of [true, false]) {
        const picture = randomPicture(codec, dice, size, key);
        const payloads = format.pack(picture, key, sizeMax);
        expect(Math.max(...payloads.map(({ length }) => length))).toBeLessThanOrEqual(sizeMax);
        expect(format.startsKeyPicture(payloads[0]!)).toBe(key);
        expect(hex(format.unpack(payloads))).toBe(hex(picture));
      }
    }
  });

  test("the middle of a picture does not begin one, and alone is no picture", () => {
    const dice = createDice(1);
    const format = payloadFormats[codec]();
    const payloads = format.pack(randomPicture(codec, dice, 5000, true), true, sizeMax);
    const rest = payloads.filter((payload) => !format.startsKeyPicture(payload));
    expect(rest.length).toBeGreaterThanOrEqual(4);
    expect(format.unpack(rest.slice(-2))).toBeNull();
    expect(format.unpack([])).toBeNull();
  });

  test("damaged payloads give a picture, or null, and never throw", () => {
    const dice = createDice(`fuzz/${codec}`);
    const format = payloadFormats[codec]();
    const whole = format.pack(randomPicture(codec, dice, 3000, true), true, sizeMax);
    for (let round = 0; round < 3000; round++) {
      const payloads = whole.map((payload) => {
        const copy = Buffer.from(payload);
        for (let hits = Math.floor(dice.next() * 4); hits > 0; hits--) {
          // Most hits are at the front, where the descriptors are.
          const reach = dice.next() < 0.8 ? 12 : copy.length;
          copy[Math.floor(dice.next() * reach)] = Math.floor(dice.next() * 256);
        }
        return dice.next() < 0.3 ? copy.subarray(0, Math.floor(dice.next() * 8)) : copy;
      });
      if (dice.next() < 0.5)
        payloads.splice(0, 0, Buffer.from(randomBytes(dice, Math.floor(dice.next() * 6))));
      for (const payload of payloads) {
        expect(typeof format.startsKeyPicture(payload)).toBe("boolean");
        expect(format.cutTail(payload, 15)?.length ?? payload.length - 15).toBe(payload.length - 15);
      }
      const picture = format.unpack(payloads);
      expect(picture === null || picture instanceof Uint8Array).toBe(true);
      const bytesIn = payloads.reduce((sum, { length }) => sum + length, 0);
      expect(picture?.length ?? 0).toBeLessThanOrEqual(bytesIn + 5 * (bytesIn + payloads.length));
    }
  });

  test("a picture's tail can be cut off its last payload, unless nothing would be left in it", () => {
    const dice = createDice(`tails/${codec}`);
    const format = payloadFormats[codec]();
    for (const size of [16, 17, 400, 1176, 1177, 1178, 1180, 1190, 1200, 3000, 9999]) {
      const picture = randomPicture(codec, dice, size, true);
      const payloads = format.pack(picture, true, sizeMax);
      const last = payloads.pop()!;
      for (const byteCount of [1, 5, 15, 21]) {
        const before = hex(last);
        const cut = format.cutTail(last, byteCount);
        expect(hex(last)).toBe(before);
        expect(cut === null).toBe(last.length - byteCount <= descriptorLengths[codec](last));
        if (cut) expect(hex(format.unpack([...payloads, cut]))).toBe(hex(picture.subarray(0, -byteCount)));
      }
    }
  });

  test("no bytes at all begin nothing", () => {
    expect(payloadFormats[codec]().startsKeyPicture(new Uint8Array())).toBe(false);
    expect(payloadFormats[codec]().unpack([new Uint8Array()])).toBeNull();
  });

  test("what is unpacked has memory of its own, all of it", () => {
    const format = payloadFormats[codec]();
    const payloads = format.pack(randomPicture(codec, createDice(2), 2000, true), true, sizeMax);
    const picture = format.unpack(payloads)!;
    expect(picture.buffer.byteLength).toBe(picture.byteLength);
    const before = hex(picture);
    for (const payload of payloads) payload.fill(0);
    expect(hex(picture)).toBe(before);
  });
});

describe.each(["vp8-180p15", "h264-180p15", "vp8-720p30", "h264-720p30"] as const)("clip %s", (name) => {
  const { codec, frames } = readClip(name);

  test("every picture comes back byte for byte", () => {
    const format = payloadFormats[codec]();
    for (const { data, key } of frames) {
      const payloads = format.pack(data, key, sizeMax);
      expect(format.startsKeyPicture(payloads[0]!)).toBe(key);
      expect(hex(format.unpack(payloads))).toBe(hex(fourByteCodes(codec, data)));
    }
  });

  test("werift reads what we pack", () => {
    const format = payloadFormats[codec]();
    for (const { data, key } of frames) {
      const packets = format
        .pack(data, key, sizeMax)
        .map(
          (payload, index, all) =>
            new RtpPacket(new RtpHeader({ marker: index === all.length - 1 }), payload),
        );
      const read = dePacketizeRtpPackets(codec === "vp8" ? "VP8" : "MPEG4/ISO/AVC", packets);
      expect(hex(read.data)).toBe(hex(fourByteCodes(codec, data)));
      expect(read.isKeyframe).toBe(key);
    }
  });

  test("we read what werift packs", () => {
    const format = payloadFormats[codec]();
    const packetizer = codec === "vp8" ? new Vp8Packetizer() : new H264Packetizer();
    for (const { data, key } of frames) {
      const payloads = packetizer.packetize(Buffer.from(data), 0).map(({ payload }) => payload);
      expect(format.startsKeyPicture(payloads[0]!)).toBe(key);
      expect(hex(format.unpack(payloads))).toBe(hex(fourByteCodes(codec, data)));
    }
  });
});

/** Annex B with every start code four bytes long, and no zeros behind a unit. */
function fourByteCodes(codec: CodecName, picture: Uint8Array): Uint8Array {
  if (codec !== "h264") return picture;
  return Buffer.concat(splitUnits(picture).flatMap((unit) => [Uint8Array.of(0, 0, 0, 1), unit]));
}

describe("VP8 descriptors (RFC 7741, section 4.2)", () => {
  const extended = [false, true].flatMap((long) =>
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((bits) => ({
      I: Boolean(bits & 8),
      L: Boolean(bits & 4),
      T: Boolean(bits & 2),
      K: Boolean(bits & 1),
      long,
    })),
  );

  test.each(extended)("X I=$I L=$L T=$T K=$K, 15 bit id $long", ({ I, L, T, K, long }) => {
    const flags = (I ? 0x80 : 0) | (L ? 0x40 : 0) | (T ? 0x20 : 0) | (K ? 0x10 : 0);
    const descriptor = (first: number) => [
      first | 0x80,
      flags,
      ...(I ? (long ? [0x92, 0x34] : [0x12]) : []),
      ...(L ? [0xff] : []),
      ...(T || K ? [0xff] : []),
    ];
    check("vp8", descriptor);
  });

  test.each<[string, number]>([
    ["plain", 0],
    ["N, a picture nothing depends on", 0x20],
    ["R, reserved", 0x40],
  ])("one byte: %s", (_name, bits) => check("vp8", (first) => [first | bits]));

  test("a later partition does not begin a picture", () => {
    const format = payloadFormats.vp8();
    expect(format.startsKeyPicture(Uint8Array.of(0x11, 0x00))).toBe(false);
    expect(format.unpack([Uint8Array.of(0x11, 0x00)])).toBeNull();
  });

  test.each([[[0x90]], [[0x90, 0x80]], [[0x90, 0x80, 0x80]], [[0x90, 0xf0, 0x80, 1, 2]]])(
    "a descriptor cut short, %o, is damage",
    (bytes) => {
      const format = payloadFormats.vp8();
      expect(format.startsKeyPicture(Uint8Array.from(bytes))).toBe(false);
      expect(format.unpack([Uint8Array.from(bytes), Uint8Array.of(0, 1)])).toBeNull();
    },
  );

  function check(codec: "vp8", descriptor: (first: number) => number[]) {
    const format = payloadFormats[codec]();
    const payloads = [Uint8Array.of(...descriptor(0x10), 0x10, 0x02), Uint8Array.of(...descriptor(0), 0x03)];
    expect(hex(format.unpack(payloads))).toBe("100203");
    expect(payloads.map(format.startsKeyPicture)).toEqual([true, false]);
    const delta = Uint8Array.of(...descriptor(0x10), 0x11);
    expect(format.startsKeyPicture(delta)).toBe(false);
  }
});

describe("VP9 descriptors (RFC 9628, section 4.2)", () => {
  test("spatial layers come one after the other, each without its trailer but the last", () => {
    const dice = createDice("layers");
    const format = payloadFormats.vp9();
    const trailer = writeTrailer(1_767_225_600_000_000n);
    const layers = [200, 2000, 5000].map((length) => randomBytes(dice, length));
    const payloads = layers.flatMap((layer) => format.pack(Buffer.concat([layer, trailer]), true, sizeMax));
    expect(hex(format.unpack(payloads))).toBe(hex(Buffer.concat([...layers, trailer])));
  });

  const structure = {
    "one layer, no sizes": [0x00],
    "two layers with sizes": [0x30, 5, 0, 2, 208, 2, 128, 1, 104],
    "a group of two": [0x08, 2, 0x04, 1, 0x08, 1, 2],
  };
  const rows = [
    { name: "B only", flags: 0, after: [] },
    { name: "I, 7 bits", flags: 0x80, after: [0x12] },
    { name: "I, 15 bits", flags: 0x80, after: [0x92, 0x34] },
    { name: "I L", flags: 0xa0, after: [0x12, 0x00, 0xff] },
    { name: "I L F: no TL0PICIDX", flags: 0xb0, after: [0x12, 0x00] },
    { name: "I P", flags: 0xc0, after: [0x12] },
    { name: "I P F, one reference", flags: 0xd0, after: [0x12, 0x02] },
    { name: "I P F, two references", flags: 0xd0, after: [0x12, 0x03, 0x04] },
    { name: "I P F, three references, the most there are", flags: 0xd0, after: [0x12, 0x03, 0x05, 0x07] },
    { name: "I P L F, one reference", flags: 0xf0, after: [0x12, 0x00, 0x02] },
    { name: "Z, which changes nothing", flags: 0x81, after: [0x12] },
    ...Object.entries(structure).map(([name, bytes]) => ({
      name: `I V: ${name}`,
      flags: 0x82,
      after: [0x12, ...bytes],
    })),
    {
      name: "I L V: two layers with sizes",
      flags: 0xa2,
      after: [0x12, 0x00, 0xff, ...structure["two layers with sizes"]],
    },
  ];

  test.each(rows)("$name", ({ flags, after }) => {
    const format = payloadFormats.vp9();
    const first = Uint8Array.of(flags | 0x08, ...after, 1, 2);
    const last = Uint8Array.of(
      (flags & ~0x02) | 0x04,
      ...after.slice(0, flags & 0x02 ? headLength(flags) : after.length),
      3,
    );
    expect(hex(format.unpack([first, last]))).toBe("010203");
    expect(format.startsKeyPicture(first)).toBe((flags & 0x40) === 0);
    expect(format.startsKeyPicture(last)).toBe(false);
  });

  /** Bytes of a row's descriptor before its scalability structure. */
  function headLength(flags: number) {
    return 1 + (flags & 0x20 ? 2 : 0);
  }

  test.each([
    [[0x88]],
    [[0xc8]],
    [[0xd8, 0x12]],
    [[0x8a, 0x12]],
    [[0x8a, 0x12, 0x10, 0, 0]],
    [[0x8a, 0x12, 0x08, 200, 0x0c]],
  ])("a descriptor cut short, %o, is damage", (bytes) => {
    expect(payloadFormats.vp9().unpack([Uint8Array.from(bytes)])).toBeNull();
    expect(payloadFormats.vp9().startsKeyPicture(Uint8Array.from(bytes))).toBe(false);
  });

  test("we read what werift packs, and it reads what we pack", () => {
    const dice = createDice("vp9");
    const packetizer = new Vp9Packetizer();
    const format = payloadFormats.vp9();
    for (const key of [true, false]) {
      // werift looks into the bitstream for the key flag: 0x82 begins a key picture, 0x86 another.
      const picture = Uint8Array.of(key ? 0x82 : 0x86, 0x49, 0x83, 0x42, ...randomBytes(dice, 4000));
      const payloads = packetizer.packetize(Buffer.from(picture), 0).map(({ payload }) => payload);
      expect(hex(format.unpack(payloads))).toBe(hex(picture));
      const packets = format
        .pack(picture, key, sizeMax)
        .map((payload) => new RtpPacket(new RtpHeader(), payload));
      expect(hex(dePacketizeRtpPackets("VP9", packets).data)).toBe(hex(picture));
    }
  });
});

describe("H.264 payloads (RFC 6184, section 5)", () => {
  const code = [0, 0, 0, 1];
  const rows: { name: string; payloads: number[][]; picture: number[] | null; key?: boolean }[] = [
    { name: "a single unit", payloads: [[0x41, 1, 2]], picture: [...code, 0x41, 1, 2] },
    { name: "a single IDR unit", payloads: [[0x65, 1]], picture: [...code, 0x65, 1], key: true },
    {
      name: "two slices",
      payloads: [
        [0x65, 1],
        [0x65, 2],
      ],
      picture: [...code, 0x65, 1, ...code, 0x65, 2],
      key: true,
    },
    {
      name: "STAP-A of parameter sets, then the picture",
      payloads: [
        [0x78, 0, 2, 0x67, 9, 0, 1, 0x68],
        [0x65, 1],
      ],
      picture: [...code, 0x67, 9, ...code, 0x68, ...code, 0x65, 1],
      key: true,
    },
    {
      name: "STAP-A that begins with a delimiter, then an IDR",
      payloads: [
        [0x78, 0, 2, 0x09, 0x10, 0, 2, 0x67, 9],
        [0x65, 1],
      ],
      picture: [...code, 0x09, 0x10, ...code, 0x67, 9, ...code, 0x65, 1],
      key: true,
    },
    { name: "STAP-A of a slice", payloads: [[0x78, 0, 2, 0x41, 9]], picture: [...code, 0x41, 9] },
    {
      name: "FU-A in three",
      payloads: [
        [0x7c, 0x85, 1],
        [0x7c, 0x05, 2],
        [0x7c, 0x45, 3],
      ],
      picture: [...code, 0x65, 1, 2, 3],
      key: true,
    },
    {
      name: "FU-A of a delta, other importance bits",
      payloads: [
        [0x3c, 0x81, 1],
        [0x3c, 0x41, 2],
      ],
      picture: [...code, 0x21, 1, 2],
    },
    {
      name: "a delimiter in a packet of its own, then an IDR",
      payloads: [
        [0x09, 0x10],
        [0x65, 1],
      ],
      picture: [...code, 0x09, 0x10, ...code, 0x65, 1],
      key: true,
    },
    {
      name: "FU-A without its start",
      payloads: [
        [0x7c, 0x05, 2],
        [0x7c, 0x45, 3],
      ],
      picture: null,
    },
    {
      name: "FU-A without its end",
      payloads: [
        [0x7c, 0x85, 1],
        [0x7c, 0x05, 2],
      ],
      picture: null,
    },
    {
      name: "FU-A that starts twice",
      payloads: [
        [0x7c, 0x85, 1],
        [0x7c, 0x85, 2],
        [0x7c, 0x45, 3],
      ],
      picture: null,
    },
    {
      name: "another unit inside a FU-A",
      payloads: [
        [0x7c, 0x85, 1],
        [0x41, 9],
        [0x7c, 0x45, 3],
      ],
      picture: null,
    },
    { name: "FU-A of nothing", payloads: [[0x7c, 0x85]], picture: null },
    { name: "STAP-A cut short", payloads: [[0x78, 0, 9, 0x67]], picture: null },
    { name: "STAP-A of nothing", payloads: [[0x78]], picture: null },
    { name: "STAP-A with half a length", payloads: [[0x78, 0, 1, 0x67, 0]], picture: null },
    { name: "STAP-B, not of this mode", payloads: [[0x79, 0, 0, 0, 1, 0x67]], picture: null },
    { name: "FU-B, not of this mode", payloads: [[0x7d, 0x85, 0, 0, 1]], picture: null },
    { name: "type 0", payloads: [[0x60, 1]], picture: null },
  ];

  test.each([
    {
      name: "two units",
      payload: [0x78, 0, 2, 0x67, 9, 0, 4, 0x65, 1, 2, 3],
      cut: [0x78, 0, 2, 0x67, 9, 0, 2, 0x65, 1],
    },
    { name: "one", payload: [0x78, 0, 4, 0x41, 1, 2, 3], cut: [0x78, 0, 2, 0x41, 1] },
    { name: "nothing left but the unit's type", payload: [0x78, 0, 3, 0x41, 1, 2], cut: null },
    { name: "a last unit that is cut short", payload: [0x78, 0, 9, 0x41, 1, 2, 3], cut: null },
    { name: "a byte too many", payload: [0x78, 0, 4, 0x41, 1, 2, 3, 0], cut: null },
    { name: "nothing", payload: [0x78], cut: null },
  ])("two bytes are cut off an aggregate of $name, and its length follows", ({ payload, cut }) => {
    expect(hex(payloadFormats.h264().cutTail(Uint8Array.from(payload), 2))).toBe(
      cut && hex(Uint8Array.from(cut)),
    );
  });

  test.each(rows)("$name", ({ payloads, picture, key }) => {
    const format = payloadFormats.h264();
    const bytes = payloads.map((payload) => Uint8Array.from(payload));
    expect(hex(format.unpack(bytes))).toBe(picture && hex(Uint8Array.from(picture)));
    // Of a picture that is damaged it does not matter how it began.
    if (picture) expect(bytes.some(format.startsKeyPicture)).toBe(key ?? false);
  });

  test.each<[string, number[], number[][]]>([
    [
      "three-byte start codes",
      [0, 0, 1, 0x67, 9, 0, 0, 1, 0x65, 1],
      [
        [0x67, 9],
        [0x65, 1],
      ],
    ],
    [
      "zeros behind a unit",
      [0, 0, 0, 1, 0x41, 1, 0, 0, 0, 0, 0, 1, 0x41, 2, 0, 0],
      [
        [0x41, 1],
        [0x41, 2],
      ],
    ],
    ["bytes before the first start code", [9, 9, 0, 0, 1, 0x41, 1], [[0x41, 1]]],
    ["no start code", [1, 1, 1, 0, 1], []],
    ["a start code and nothing", [0, 0, 1], []],
    ["nothing", [], []],
  ])("splits units: %s", (_name, picture, units) => {
    expect(splitUnits(Uint8Array.from(picture)).map((unit) => [...unit])).toEqual(units);
  });
});
