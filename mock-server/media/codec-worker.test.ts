/** What becomes of a picture in the worker when a fault wants something of it, and of looks that follow each other. Codecs are real. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { movingSquare } from "../../fixtures/cameras.ts";
import { readClip } from "../../fixtures/clips.ts";
import { below, chroma, createFrame, type Frame } from "../../fixtures/frame.ts";
import { readPixelMarker, writePixelMarker } from "../../fixtures/pixel-marker.ts";
import { readInputStrip, readOutputStrip, stripsHeight, writeInputStrip } from "../../fixtures/strips.ts";
import type { PictureEffect } from "../faults/fault.ts";
import { makeLook } from "../pictures/make-look.ts";
import { initialState } from "../state.ts";
import { copyPicture, createDecoder } from "./codec.ts";
import type { EditedPicture, PipelineSettings } from "./codec-messages.ts";
import { codecNames, type PictureCodec } from "./codec-name.ts";
import { type CodecPool, type CodecSession, createCodecPool } from "./codec-pool.ts";
import { createI420Decoder, writeI420 } from "./i420.ts";

const settings: PipelineSettings = {
  codec: "i420",
  outputCodec: "i420",
  bitsPerSecond: 1e6,
  strips: true,
  pixelMarker: false,
  outputSize: null,
};
const look = makeLook(initialState, null);

let pool: CodecPool;
beforeAll(() => {
  pool = createCodecPool(1);
  // Keeps the worker: each would take a quarter of a second to start.
  open({});
});
afterAll(async () => {
  expect(pool.sessionCount).toBe(1);
  await pool.close();
});

/** A session whose happenings can be waited for. */
function open(given: Partial<PipelineSettings>) {
  const happened: string[] = [];
  const pictures: EditedPicture[] = [];
  let woken = () => {};
  const happen = (what: string) => {
    happened.push(what);
    woken();
  };
  const session = pool.open({ ...settings, ...given }, look, {
    picture(picture) {
      pictures.push(picture);
      happen(`picture ${picture.timestamp}`);
    },
    dropped: (timestamp, skipped) => happen(`${skipped ? "skipped" : "dropped"} ${timestamp}`),
    undecodable: (timestamp) => happen(`undecodable ${timestamp}`),
    failed: (error) => happen(`failed: ${error}`),
  });
  return {
    session,
    pictures,
    async count(wanted: number) {
      const isOver = () => happened.length >= wanted || happened.at(-1)?.startsWith("failed");
      while (!isOver()) await new Promise<void>((resolve) => (woken = resolve));
      return happened;
    },
  };
}

/** A camera's picture as it comes without a codec, with its index in strip and pixel marker. */
function filmed(index: number, width = 320, height = 180): Uint8Array<ArrayBuffer> {
  const frame = movingSquare(index, width, height);
  writeInputStrip(frame, { frameId: index, timestampMs: 0, flags: 0 });
  if (height > 100) writePixelMarker(frame, index);
  return writeI420(Buffer.concat([frame.y, frame.u, frame.v]), width, height);
}

/** Sends a picture for each effect, one after the other; gives those that came back, decoded. */
async function edited(
  outputCodec: PictureCodec,
  effects: readonly (PictureEffect | null)[],
  given: Partial<PipelineSettings> = {},
  before: (session: CodecSession, index: number) => void = () => {},
) {
  const one = open({ outputCodec, ...given });
  for (const [index, effect] of effects.entries()) {
    before(one.session, index);
    one.session.decode(filmed(index), index, 0, BigInt(index), effect);
    await one.count(index + 1);
  }
  const happened = await one.count(effects.length);
  one.session.close();
  const decoder = outputCodec === "i420" ? createI420Decoder() : createDecoder(outputCodec);
  const frames = one.pictures.map(({ data, width, height }) => {
    const frame = createFrame(width, height);
    expect(
      decoder.decode(data, (picture) => {
        expect([picture.width, picture.height]).toEqual([width, height]);
        copyPicture(picture, frame);
      }),
    ).toBe(true);
    return frame;
  });
  decoder.close();
  return { frames, pictures: one.pictures, happened };
}

/** What a picture says of itself, and whether there is anything else to be seen. */
function read(frame: Frame): string {
  const { width, height } = frame;
  const { y, u, v } = below(frame, stripsHeight(width));
  const mean = (plane: Uint8Array) => plane.reduce((sum, sample) => sum + sample, 0) / plane.length;
  // On the average: codecs leave a trace of what was there before.
  const isBlack = mean(y) < 20 && Math.abs(mean(u) - 128) < 2 && Math.abs(mean(v) - 128) < 2;
  const said = `frame ${readInputStrip(frame)?.frameId}, output ${readOutputStrip(frame)?.outputCount}`;
  return `${said}, ${width}×${height}${isBlack ? ", black" : ""}`;
}

describe.each(codecNames)("effects, %s", (codec) => {
  test("make a picture black, frozen, of another size, or leave it out; what comes after is as usual", async () => {
    const large = { width: 640, height: 360 };
    const { frames, pictures, happened } = await edited(codec, [
      { freeze: true },
      {},
      { freeze: true, black: true },
      { black: true },
      { skip: true, freeze: true, black: true, size: large },
      { freeze: true },
      { size: large },
      { freeze: true },
      { freeze: true, size: { width: 480, height: 270 } },
      { black: true, size: large },
      null,
    ]);
    expect(happened.filter((what) => !what.startsWith("picture"))).toEqual(["skipped 4"]);
    expect(frames.map((frame, index) => `${pictures[index]!.timestamp}: ${read(frame)}`)).toEqual([
      "0: frame 0, output 0, 320×180",
      "1: frame 1, output 1, 320×180",
      "2: frame 1, output 1, 320×180",
      "3: frame 3, output 2, 320×180, black",
      "5: frame 3, output 2, 320×180, black",
      "6: frame 6, output 3, 640×360",
      "7: frame 6, output 3, 640×360",
      "8: frame 6, output 3, 480×270",
      "9: frame 9, output 4, 640×360, black",
      "10: frame 10, output 5, 320×180",
    ]);
    // What is told of a picture is what it says itself.
    expect(pictures.map(({ outputCount, input }) => [outputCount, input?.frameId])).toEqual(
      frames.map((frame) => [readOutputStrip(frame)?.outputCount, readInputStrip(frame)?.frameId]),
    );
  });

  test("looks that follow each other are shown for as many pictures as asked; none left out or repeated counts", async () => {
    const step = (revision: number, frames: number) => ({ look: { ...look, revision }, frames });
    const skip = { skip: true };
    const freeze = { freeze: true };
    const effects = [null, freeze, null, skip, freeze, null, null, skip, null, null, null, null, null, null];
    const { frames } = await edited(codec, effects, {}, (session, index) => {
      if (index === 1) session.show([step(1, 2), step(2, 0), step(3, 3), step(4, 1)]);
      if (index === 6) session.show([]);
      // What is left of a sequence makes way for another.
      if (index === 11) session.show([step(5, 9), step(6, 9)]);
      if (index === 12) session.show([step(7, 0)]);
    });
    const revisions = [0, 0, 1, 1, 1, 3, 3, 3, 4, 5, 7, 7];
    expect(frames.map((frame) => readOutputStrip(frame)?.revision)).toEqual(revisions);
  });
});

test("a frozen picture is the same to the last sample, whose it is goes with it; a size gets signs of its own", async () => {
  const size = { width: 426, height: 240 };
  const { frames, pictures } = await edited("i420", [null, { freeze: true }, { freeze: true, size }], {
    pixelMarker: true,
  });
  expect(Buffer.from(pictures[1]!.data).equals(pictures[0]!.data)).toBe(true);
  expect(pictures.map(({ timestamp, userTimestamp }) => [timestamp, userTimestamp])).toEqual([
    [0, 0n],
    [1, 0n],
    [2, 0n],
  ]);
  expect(frames.map((frame) => readPixelMarker(frame))).toEqual([0, 0, 0]);
  expect(read(frames[2]!)).toBe("frame 0, output 0, 426×240");
});

test("without strips all of a picture is black", async () => {
  const { frames } = await edited("i420", [{ black: true }], { strips: false });
  const { y, u, v } = frames[0]!;
  expect([new Set(y), new Set(u), new Set(v)]).toEqual([new Set([16]), new Set([128]), new Set([128])]);
});

test("repainted, a picture says nothing of itself any more, whatever its size; the session still knows", async () => {
  const repainted = { ...look, prompt: "repaint" };
  const size = { width: 426, height: 240 };
  const { frames, pictures } = await edited(
    "i420",
    [null, null, { freeze: true, size }, { black: true }, null],
    { pixelMarker: true },
    (session, index) => {
      if (index === 1) session.show([{ look: repainted, frames: 0 }]);
      if (index === 4) session.show([{ look, frames: 0 }]);
    },
  );
  expect(frames.map((frame) => readInputStrip(frame)?.frameId)).toEqual([
    0,
    undefined,
    undefined,
    undefined,
    4,
  ]);
  expect(frames.map((frame) => readOutputStrip(frame)?.outputCount)).toEqual([
    0,
    undefined,
    undefined,
    undefined,
    3,
  ]);
  expect(frames.map((frame) => readPixelMarker(frame))).toEqual([0, null, null, null, 4]);
  const known = pictures.map(({ input, userTimestamp }) => [input?.frameId, userTimestamp]);
  expect(known).toEqual([
    [0, 0n],
    [1, 1n],
    [1, 1n],
    [3, 3n],
    [4, 4n],
  ]);
});

test("a picture that strips would fill is sent without any", async () => {
  const one = open({});
  one.session.decode(filmed(1, 1280, 32), 1, 0);
  expect(await one.count(1)).toEqual(["picture 1"]);
  one.session.close();
});

test("a picture that is skipped is decoded, as later ones need it", async () => {
  const { frames } = readClip("vp8-180p15");
  const last = async (effect: PictureEffect | null) => {
    const one = open({ codec: "vp8" });
    for (let index = 0; index < 6; index++) {
      one.session.decode(new Uint8Array(frames[index]!.data), index, 0, null, index % 5 ? effect : null);
      await one.count(index + 1);
    }
    one.session.close();
    const { data } = one.pictures.at(-1)!;
    return Buffer.from(data.subarray(320 * stripsHeight(320), 320 * 180 + 2 * chroma(320) * chroma(180)));
  };
  expect((await last({ skip: true })).equals(await last(null))).toBe(true);
});

test("of pictures that wait together, one that is to be skipped takes no other's place", async () => {
  const one = open({});
  for (let index = 0; index < 30; index++) {
    one.session.decode(filmed(index), index, 0, null, { skip: index > 20 });
  }
  const happened = await one.count(30);
  one.session.close();
  expect(happened).toContain("picture 20");
  expect(happened.slice(21)).toEqual(Array.from({ length: 9 }, (_, index) => `skipped ${21 + index}`));
});

test.each([
  [8, 8, "smaller than 16×16"],
  [4096, 4096, "larger than 4096×2304"],
])("a fault that asks for %i×%i fails with what is wrong about it", async (width, height, why) => {
  const one = open({});
  one.session.decode(filmed(1), 1, 0, null, { size: { width, height } });
  const asked = "A fault asks for pictures of a size that is not encoded";
  expect(await one.count(1)).toEqual([`failed: ${asked}: a picture of ${width}×${height} is ${why}.`]);
});
