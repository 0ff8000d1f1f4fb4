/** What SDKs measure glass to glass by, through the pipeline and real codecs: packet trailers and the pixel marker. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { movingSquare } from "../../fixtures/cameras.ts";
import { readPixelMarker, writePixelMarker } from "../../fixtures/pixel-marker.ts";
import { readOutputStrip } from "../../fixtures/strips.ts";
import { manualClock } from "../clock.ts";
import { makeLook } from "../pictures/make-look.ts";
import { initialState } from "../state.ts";
import { createDecoder, createEncoder } from "./codec.ts";
import { type CodecName, codecNames } from "./codec-name.ts";
import { type CodecPool, createCodecPool } from "./codec-pool.ts";
import { readTrailer, stripTrailer, writeTrailer } from "./packet-trailer.ts";
import { payloadFormats } from "./payloads/index.ts";
import { createPipeline, type PipelineOptions } from "./pipeline.ts";

const sizeMax = 1180;
const firstMicros = 1_767_225_600_000_000n;
const stampOf = (index: number) => firstMicros + BigInt(index) * 33_333n;
const sequenceOf = (index: number) => (index * 40_503 + 1) & 0xffff;

type Coded = { readonly data: Uint8Array; readonly key: boolean };

let pool: CodecPool;
beforeEach(() => {
  pool = createCodecPool(1);
});
afterEach(() => pool.close());

/** A camera's pictures, coded; with a pixel marker each, if `marked`. */
function filmed(codec: CodecName, width: number, height: number, count: number, marked = false): Coded[] {
  const encoder = createEncoder(codec, width, height, 1_500_000);
  const coded = Array.from({ length: count }, (_, index) => {
    const { y, u, v } = movingSquare(index, width, height);
    encoder.frame.y.set(y);
    encoder.frame.u.set(u);
    encoder.frame.v.set(v);
    if (marked) writePixelMarker(encoder.frame, sequenceOf(index));
    return encoder.encode(false);
  });
  encoder.close();
  return coded;
}

const withTail = (pictures: readonly Coded[], tail: (index: number) => Uint8Array): Coded[] =>
  pictures.map(({ data, key }, index) => ({ key, data: Buffer.concat([data, tail(index)]) }));

/**
 * Sends pictures and gives what came back, put together again: one after the other, so that none is left out, or `atOnce`. Time
 * stands still, so that no key picture is made at a time of its own.
 */
async function through(
  given: Partial<PipelineOptions> & { codec: CodecName },
  pictures: readonly Coded[],
  atOnce = false,
) {
  const format = payloadFormats[given.codec]();
  const taken = new Map<number, Uint8Array>();
  const plain = new Map<number, Uint8Array>();
  const clock = manualClock();
  let settledCount = 0;
  let undecodableCount = 0;
  let woken = () => {};
  const settle = () => {
    settledCount++;
    woken();
  };
  const pipeline = createPipeline(
    {
      mode: "transcode",
      outputCodec: given.codec,
      clock,
      codecs: pool,
      look: makeLook(initialState, null),
      strips: true,
      pixelMarker: false,
      outputSize: null,
      bitrate: { start: 1_500_000, min: 300_000, max: 3_500_000 },
      latencyMs: 0,
      ...given,
    },
    {
      shown() {},
      needsKey() {},
      noted(kind) {
        if (kind !== "undecodable-picture") return;
        undecodableCount++;
        settle();
      },
      failed: (error) => expect.unreachable(error),
    },
  );
  const into = (seen: Map<number, Uint8Array>, then = () => {}) => ({
    sendVideo(payloads: readonly Buffer[], timestamp: number) {
      seen.set(timestamp, format.unpack(payloads)!);
      then();
    },
    sendAudio() {},
  });
  pipeline.add({ ...into(taken), takesTrailers: true });
  pipeline.add(into(plain, settle));
  let sequenceNumber = 0;
  for (const [index, { data, key }] of pictures.entries()) {
    const payloads = format.pack(data, key, sizeMax);
    for (const [place, payload] of payloads.entries()) {
      const marker = place === payloads.length - 1;
      pipeline.receiveVideo({
        sequenceNumber: sequenceNumber++,
        timestamp: index,
        marker,
        payload,
        receivedMs: 0,
      });
    }
    while (!atOnce && settledCount <= index) await new Promise<void>((resolve) => (woken = resolve));
  }
  while (settledCount + pipeline.stats.dropped < pictures.length) {
    await new Promise<void>((resolve) => (woken = resolve));
  }
  pipeline.close();
  expect(clock.pendingCount).toBe(0);
  return { taken, plain, undecodableCount };
}

/** Luma of each picture in turn, or `null` where there is none. */
function decoded(codec: CodecName, pictures: Iterable<Uint8Array>) {
  const decoder = createDecoder(codec);
  const all = [...pictures].map((data) => {
    let picture: { width: number; height: number; y: Uint8Array } | null = null;
    decoder.decode(data, ({ width, height, planes, strides }) => {
      const y = new Uint8Array(width * height);
      for (let line = 0; line < height; line++) {
        y.set(planes[0]!.subarray(line * strides[0]!, line * strides[0]! + width), line * width);
      }
      picture = { width, height, y };
    });
    return picture as { width: number; height: number; y: Uint8Array } | null;
  });
  decoder.close();
  return all;
}

const hex = (pictures: Iterable<Uint8Array>) =>
  Array.from(pictures, (data) => Buffer.from(data).toString("hex"));

describe.each(codecNames)("packet trailers, %s", (codec) => {
  test("come back on the picture made from theirs; who takes none gets what a sender without any gives", async () => {
    const pictures = filmed(codec, 320, 180, 12);
    const without = await through({ codec }, pictures);
    // Not on all: a picture must not inherit the one before's.
    const has = (index: number) => index % 4 !== 3;
    const trailed = withTail(pictures, (index) =>
      has(index) ? writeTrailer(stampOf(index)) : Buffer.alloc(0),
    );
    const { taken, plain, undecodableCount } = await through({ codec }, trailed);
    expect(undecodableCount).toBe(0);
    expect([...plain.keys()]).toEqual([...pictures.keys()]);
    expect(hex(plain.values())).toEqual(hex(without.plain.values()));
    expect(hex(without.taken.values())).toEqual(hex(without.plain.values()));
    const stripped = [...taken].map(([index, data]) => {
      const trailer = readTrailer(data);
      expect(trailer?.userTimestamp).toBe(has(index) ? stampOf(index) : undefined);
      return trailer ? stripTrailer(data, trailer) : data;
    });
    expect(hex(stripped)).toEqual(hex(plain.values()));
    const seen = decoded(codec, stripped);
    expect(seen.map((picture) => picture && readOutputStrip(picture)?.outputCount)).toEqual([
      ...pictures.keys(),
    ]);
  });

  test("of pictures that are left out are left out with them", async () => {
    const trailed = withTail(filmed(codec, 320, 180, 25), (index) => writeTrailer(stampOf(index)));
    const { taken, plain } = await through({ codec }, trailed, true);
    expect(taken.size).toBeLessThan(25);
    expect([...taken.keys()]).toEqual([...plain.keys()]);
    expect([...taken.keys()].at(-1)).toBe(24);
    for (const [index, data] of taken) expect(readTrailer(data)?.userTimestamp).toBe(stampOf(index));
  });

  test("that are none are no reason to send one, nor to stop", async () => {
    const tails = [
      writeTrailer(firstMicros).subarray(0, -1),
      writeTrailer(firstMicros).subarray(1),
      Buffer.from("fef7ffffffffeff04c4b5453", "hex"),
      Buffer.from("4c4b5453"),
    ];
    const pictures = filmed(codec, 320, 180, 8);
    const odd = withTail(pictures, (index) => (index % 2 ? tails[index >> 1]! : Buffer.alloc(0)));
    const { taken, plain, undecodableCount } = await through({ codec }, odd);
    expect(hex(taken.values())).toEqual(hex(plain.values()));
    expect([...taken.values()].map((data) => readTrailer(data))).toEqual(Array(taken.size).fill(null));
    // Behind VP9's picture libvpx looks for another layer, and when it finds something else, it wants a key picture first.
    expect(undecodableCount).toBe(codec === "vp9" ? 7 : 0);
    expect(plain.size + undecodableCount).toBe(pictures.length);
  });
});

test("VP9 with a trailer behind each layer is decoded like one without any", async () => {
  const [base, upper, ...rest] = filmed("vp9", 320, 180, 4);
  const format = payloadFormats.vp9();
  const join = (tail: Uint8Array) =>
    format.unpack(
      [base!, upper!].flatMap(({ data }) => format.pack(Buffer.concat([data, tail]), true, sizeMax)),
    )!;
  const trailed = join(writeTrailer(firstMicros));
  const pictures = (first: Uint8Array) => [first, ...rest.map(({ data }) => data)];
  const expected = decoded("vp9", pictures(join(Buffer.alloc(0))));
  expect(expected).not.toContain(null);
  expect(decoded("vp9", pictures(stripTrailer(trailed, readTrailer(trailed)!)))).toEqual(expected);
});

describe.each([
  ["h264", 1280, 720],
  ["h264", 640, 360],
  ["vp8", 1280, 720],
  ["vp8", 640, 360],
] as const)("the pixel marker, %s at %i×%i", (codec, width, height) => {
  const indices = [...Array(4).keys()];
  const prompted = (prompt: string | null) => makeLook({ ...initialState, prompt }, null);

  async function marks(
    given: Partial<Omit<PipelineOptions, "codec">>,
    marked = true,
  ): Promise<(number | null)[]> {
    const { plain } = await through(
      { codec, ...given },
      filmed(codec, width, height, indices.length, marked),
    );
    return decoded(codec, plain.values()).map((picture) => picture && readPixelMarker(picture));
  }

  test.each([null, "a man in a red hat", "blur", "mirror", "invert", "flip, then edges"])(
    "is on the picture that was made from its own: %s",
    async (prompt) => {
      expect(await marks({ look: prompted(prompt), pixelMarker: true })).toEqual(indices.map(sequenceOf));
    },
  );

  test("does not outlive editing where nobody asks for it, and is not made up", async () => {
    const nothing = indices.map(() => null);
    expect(await marks({ look: prompted("mirror") })).toEqual(nothing);
    expect(await marks({ look: prompted("mirror"), pixelMarker: true }, false)).toEqual(nothing);
  });

  test.each([
    [1280, 704],
    [704, 1280],
    [426, 240],
  ])("is 8 pixels a block at %i×%i, too", async (outputWidth, outputHeight) => {
    const outputSize = { width: outputWidth, height: outputHeight };
    expect(await marks({ look: prompted("invert"), pixelMarker: true, outputSize })).toEqual(
      indices.map(sequenceOf),
    );
  });

  test("is left out where it does not fit", async () => {
    const outputSize = { width: 160, height: 90 };
    expect(await marks({ look: prompted("invert"), pixelMarker: true, outputSize })).toEqual(
      indices.map(() => null),
    );
  });
});
