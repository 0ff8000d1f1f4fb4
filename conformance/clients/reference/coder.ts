/**
 * Codes the camera's pictures. Where there is no codec it plays a clip instead, whose pictures carry input strips too: their frame ids
 * start again from 0 with each round, and on each request for a key picture.
 */

import { readClip } from "../../../fixtures/clips.ts";
import type { Frame } from "../../../fixtures/frame.ts";
import type { Camera, Codec } from "../../client.ts";
import type { Codecs } from "./screen.ts";

export type Coder = { encode(picture: Frame, forceKey: boolean): Uint8Array; close(): void };

const bitsPerPixel = 0.25;

export function openCoder(codecs: Codecs | null, codec: Codec, { width, height, fps }: Camera): Coder {
  if (!codecs) return clipCoder(codec, height);
  const encoder = codecs.createEncoder(codec, width, height, Math.round(width * height * fps * bitsPerPixel));
  return {
    encode(picture, forceKey) {
      encoder.frame.y.set(picture.y);
      encoder.frame.u.set(picture.u);
      encoder.frame.v.set(picture.v);
      return encoder.encode(forceKey).data;
    },
    close: encoder.close,
  };
}

function clipCoder(codec: Codec, height: number): Coder {
  if (codec === "vp9")
    throw new Error("Without node-av there is no VP9; ask for vp8 or h264, or install it.");
  const { frames } = readClip(`${codec}-${height >= 720 ? "720p30" : "180p15"}`);
  let next = 0;
  return {
    encode(_picture, forceKey) {
      if (forceKey) next = 0;
      return frames[next++ % frames.length]!.data;
    },
    close() {},
  };
}
