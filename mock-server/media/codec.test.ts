/** What a coded picture says of its colours, through decoder and encoder. Its samples are the affair of the media tests. */
import { expect, test } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { createFrame, type Frame } from "../../fixtures/frame.ts";
import { bt601, type Colors, createDecoder, createEncoder, type Encoder, type PaddedFrame } from "./codec.ts";
import { type CodecName, codecNames } from "./codec-name.ts";

/** Code points of ITU-T H.273: BT.709 in all it can say, and a JPEG's. */
const bt709: Colors = { matrix: 1, primaries: 1, transfer: 1, range: 1 };
const fullRange: Colors = { matrix: 6, primaries: 1, transfer: 13, range: 2 };

const frame = createFrame(64, 32);

test.each(["vp8-180p15", "h264-180p15"] as const)("%s says nothing: BT.601", (name) => {
  const { codec, frames } = readClip(name);
  expect(colorsOf(codec, frames[0]!.data)).toEqual([bt601]);
});

test("vp9: a picture in BT.601 says so, where a receiver would guess otherwise", () => {
  const encoder = createEncoder("vp9", frame.width, frame.height, 1e6);
  const { data } = encoder.encode(false);
  // color_space, the three bits behind frame_sync_code in a key picture's header (VP9 bitstream specification, 7.2.2).
  expect(data[4]! >> 5).toBe(1);
  encoder.close();
});

const unsaid = { primaries: 2, transfer: 2 };
test.each<[codec: CodecName, what: string, said: Colors, kept: Colors]>([
  ["h264", "BT.709", bt709, bt709],
  ["h264", "full range", fullRange, fullRange],
  ["vp9", "BT.709, by its matrix", bt709, { ...bt709, ...unsaid }],
  ["vp9", "full range", fullRange, { ...fullRange, ...unsaid }],
  ["vp8", "BT.601 whatever it was", bt709, bt601],
])("%s keeps %s, from the first picture on and after a new rate", (codec, _what, said, kept) => {
  const encoder = createEncoder(codec, frame.width, frame.height, 1e6);
  encoder.take(padded(frame, said));
  const first = encoder.encode(false).data;
  encoder.setBitrate(5e5);
  encoder.take(padded(frame, said));
  expect(colorsOf(codec, first, encoder.encode(true).data)).toEqual([kept, kept]);
  encoder.close();
});

test.each(["vp9", "h264"] as const)("%s: other colours in mid-stream cost one key picture", (codec) => {
  const encoder = createEncoder(codec, frame.width, frame.height, 1e6);
  const pictures = [bt601, bt601, bt709, bt709].map((colors) => code(encoder, colors));
  expect(pictures.map(({ key }) => key)).toEqual([true, false, true, false]);
  const matrices = colorsOf(codec, ...pictures.map(({ data }) => data)).map(({ matrix }) => matrix);
  expect(matrices).toEqual([bt601, bt601, bt709, bt709].map(({ matrix }) => matrix));
  encoder.close();
});

test.each(codecNames)("%s codes pictures whatever a sender says of them", (codec) => {
  const encoder = createEncoder(codec, frame.width, frame.height, 1e6);
  // A VP9 decoder refuses 0, RGB, where the samples are 4:2:0.
  for (let code = codec === "vp9" ? 1 : 0; code < 256; code++) {
    encoder.take(padded(frame, { matrix: code, primaries: code, transfer: code, range: 1 }));
    expect(encoder.encode(false).data.length).toBeGreaterThan(0);
  }
  encoder.close();
});

function code(encoder: Encoder, colors: Colors) {
  encoder.take(padded(frame, colors));
  return encoder.encode(false);
}

function padded({ width, height, y, u, v }: Frame, colors: Colors): PaddedFrame {
  return { width, height, planes: [y, u, v], strides: [width, width / 2, width / 2], colors, native: null };
}

function colorsOf(codec: CodecName, ...pictures: Uint8Array[]): Colors[] {
  const decoder = createDecoder(codec);
  const colors: Colors[] = [];
  for (const data of pictures) decoder.decode(data, (picture) => colors.push({ ...picture.colors }));
  decoder.close();
  return colors;
}
