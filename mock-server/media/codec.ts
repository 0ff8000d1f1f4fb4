/**
 * The one file that imports node-av: coded pictures in, I420 out, and back. Strictly one picture in, one picture out, on the
 * calling thread, with one codec thread, so that the same input gives the same bytes. Runs in codec workers.
 */
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_VP8,
  AV_LOG_QUIET,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_RANGE_MPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_UNSPECIFIED,
} from "node-av/constants";
import { Codec, CodecContext, Log, Frame as NativeFrame, Packet, Rational } from "node-av/lib";
import { chroma, type Frame } from "../../fixtures/frame.ts";
import type { CodecName } from "./codec-name.ts";

Log.setLevel(AV_LOG_QUIET);

/**
 * FFmpeg's own are faster, and return every picture they find. A picture of VP9 may have spatial layers, one after the other without
 * an index, of which only the last is to be seen: libvpx does that.
 */
const decoders: Record<CodecName, () => Codec | null> = {
  vp8: () => Codec.findDecoder(AV_CODEC_ID_VP8),
  vp9: () => Codec.findDecoderByName("libvpx-vp9" as never),
  h264: () => Codec.findDecoder(AV_CODEC_ID_H264),
};

/**
 * Settings measured for one 720p picture (CPU ms, one thread). libvpx speed is negative on purpose: positive values follow
 * the wall clock, cost twice as much and differ from run to run. At 2.5 Mbit/s, -12 took 6.1 ms for 43.1 dB, -14 5.6 for 42.5,
 * -16 5.2 for 41.0; a static threshold of 1000 saves a tenth and costs 0.1 dB.
 */
const encoders: Record<CodecName, { name: string; options: Record<string, string | number> }> = {
  vp8: {
    name: "libvpx",
    options: {
      deadline: "realtime",
      "cpu-used": -14,
      "static-thresh": 1000,
      // A key picture of at most 4.5 pictures' worth of bits: without it the first one is 200 kB, 20 ms of packets.
      "max-intra-rate": 450,
      "lag-in-frames": 0,
      "auto-alt-ref": 0,
      "error-resilient": 0,
    },
  },
  vp9: {
    name: "libvpx-vp9",
    options: { deadline: "realtime", "cpu-used": 8, "lag-in-frames": 0, "auto-alt-ref": 0, "aq-mode": 0 },
  },
  h264: {
    name: "libx264",
    options: {
      preset: "ultrafast",
      tune: "zerolatency",
      profile: "baseline",
      "forced-idr": 1,
      "x264-params": "sliced-threads=0:scenecut=0",
    },
  },
};

export type Decoder = {
  /** Hands `use` the picture of one access unit, if there is one. The planes are valid only inside `use`; do not write to them. */
  decode(data: Uint8Array, use: (picture: PaddedFrame) => void): boolean;
  close(): void;
};

/**
 * What the samples of a picture mean, in the code points of ITU-T H.273 (2: not said); `range` is 1 for 16 to 235, 2 for 0 to 255.
 * VP8 can say none of it, VP9 only the matrix and the range.
 */
export type Colors = {
  readonly matrix: number;
  readonly primaries: number;
  readonly transfer: number;
  readonly range: number;
};

/** A `Frame`'s. */
export const bt601: Colors = {
  matrix: AVCOL_SPC_BT470BG,
  primaries: AVCOL_PRI_UNSPECIFIED,
  transfer: AVCOL_TRC_UNSPECIFIED,
  range: AVCOL_RANGE_MPEG,
};

/** A decoder's picture: rows may be longer than the picture is wide. */
export type PaddedFrame = {
  width: number;
  height: number;
  /** Views of the decoder's memory, made when asked for: each costs the collector something. */
  readonly planes: readonly Uint8Array[];
  readonly strides: readonly number[];
  readonly colors: Colors;
  /** The same picture for the encoder of this file, which copies it without views; `null` where no codec made it. */
  readonly native: NativeFrame | null;
};

/** Decodes what one peer sends. Damaged data is not an error here: it gives no picture, and the caller asks for a key frame. */
export function createDecoder(codec: CodecName): Decoder {
  const native = decoders[codec]();
  if (!native) throw new Error(`node-av has no ${codec} decoder.`);
  const context = new CodecContext();
  context.allocContext3(native);
  context.threadCount = 1;
  context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  check(context.open2Sync(native, null), `open the ${codec} decoder`);
  const packet = new Packet();
  packet.alloc();
  const frame = new NativeFrame();
  frame.alloc();

  return {
    decode(data, use) {
      packet.unref();
      packet.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (context.sendPacketSync(packet) < 0) return false;
      let seen = false;
      while (context.receiveFrameSync(frame) >= 0) {
        if (frame.format === AV_PIX_FMT_YUV420P || frame.format === AV_PIX_FMT_YUVJ420P) {
          use(viewOf(frame));
          seen = true;
        }
        frame.unref();
      }
      return seen;
    },
    close() {
      frame.free();
      packet.free();
      context.freeContext();
    },
  };
}

function viewOf(native: NativeFrame): PaddedFrame {
  return {
    width: native.width,
    height: native.height,
    get planes() {
      return native.data!;
    },
    get strides() {
      return native.linesize;
    },
    get colors() {
      return colorsOf(native);
    },
    native,
  };
}

/**
 * What is not said is BT.601: Chromium sends that without a word, from canvas and camera, in every codec and size, and yet takes
 * H.264 and VP9 that say nothing for BT.709 (Chromium 150, measured). So we say it.
 */
function colorsOf({ colorSpace, colorPrimaries, colorTrc, colorRange }: NativeFrame): Colors {
  return {
    matrix: colorSpace === AVCOL_SPC_UNSPECIFIED ? bt601.matrix : colorSpace,
    primaries: colorPrimaries,
    transfer: colorTrc,
    range: colorRange === AVCOL_RANGE_UNSPECIFIED ? bt601.range : colorRange,
  };
}

export type Encoder = {
  /** The picture to fill before `encode`; its samples are the codec's own memory, so nothing is copied. */
  readonly frame: Frame;
  /**
   * Copies a decoder's picture into `frame`; where the sizes differ, the nearest sample is taken. What is coded says of its colours
   * what this picture says; where that changes, the encoder is opened anew, which costs a key frame.
   */
  take(picture: PaddedFrame): void;
  /** Codes `frame`. The bytes are a copy that belongs to the caller. */
  encode(forceKey: boolean): { data: Uint8Array<ArrayBuffer>; key: boolean };
  /** Takes effect with the next picture; for VP8 and VP9 the encoder is opened anew, which costs a key frame. */
  setBitrate(bitsPerSecond: number): void;
  close(): void;
};

export function createEncoder(
  codec: CodecName,
  width: number,
  height: number,
  bitsPerSecond: number,
): Encoder {
  const { name, options } = encoders[codec];
  const native = Codec.findEncoderByName(name as never);
  if (!native) throw new Error(`node-av has no ${name} encoder.`);

  const picture = new NativeFrame();
  picture.alloc();
  picture.width = width;
  picture.height = height;
  picture.format = AV_PIX_FMT_YUV420P;
  // Alignment 1 keeps the rows unpadded, which is what `Frame` promises.
  check(picture.getBuffer(1), `allocate a ${width}×${height} picture`);
  const [y, u, v] = picture.data!;
  const chromaLength = chroma(width) * chroma(height);
  if (picture.linesize[0] !== width || picture.linesize[1] !== chroma(width)) {
    throw new Error(`Expected unpadded rows of ${width} samples, got ${picture.linesize.join(", ")}.`);
  }
  const frame: Frame = {
    width,
    height,
    y: y!.subarray(0, width * height),
    u: u!.subarray(0, chromaLength),
    v: v!.subarray(0, chromaLength),
  };
  const packet = new Packet();
  packet.alloc();

  let bitRate = bitsPerSecond;
  let colors = bt601;
  let context = open();
  let count = 0n;

  function open(): CodecContext {
    const opened = new CodecContext();
    opened.allocContext3(native);
    opened.width = width;
    opened.height = height;
    opened.pixelFormat = AV_PIX_FMT_YUV420P;
    opened.timeBase = new Rational(1, 30);
    opened.framerate = new Rational(30, 1);
    opened.threadCount = 1;
    opened.maxBFrames = 0;
    // Key frames only when somebody asks for one: a scheduled one would be a burst for nothing.
    opened.gopSize = 100_000;
    // Typed as what FFmpeg has names for; a bitstream can say any number.
    Object.assign(opened, {
      colorSpace: colors.matrix,
      colorPrimaries: colors.primaries,
      colorTrc: colors.transfer,
      colorRange: colors.range,
    });
    applyRate(opened, bitRate);
    for (const [key, value] of Object.entries(options)) {
      check(
        opened.setOption(key, String(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN),
        `set ${key}=${value} for ${name}`,
      );
    }
    // Not open2Sync with a Dictionary: node-av 6.1.1 frees the caller's and crashes at the next collection.
    check(opened.open2Sync(native, null), `open ${name} at ${width}×${height}`);
    return opened;
  }

  function reopen(): void {
    context.freeContext();
    context = open();
  }

  return {
    frame,
    take(from) {
      const { native } = from;
      const same = from.width === width && from.height === height && native?.format === picture.format;
      if (same) check(picture.copy(native), "copy a picture");
      else copyPicture(from, frame);
      const said = from.colors;
      if (sameColors(said, colors)) return;
      colors = said;
      reopen();
    },
    encode(forceKey) {
      picture.pictType = forceKey ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
      picture.pts = count++;
      check(context.sendFrameSync(picture), `encode a picture with ${name}`);
      check(context.receivePacketSync(packet), `take a coded picture from ${name}`);
      const data = new Uint8Array(packet.data!);
      const key = packet.isKeyframe;
      packet.unref();
      return { data, key };
    },
    setBitrate(next) {
      bitRate = next;
      if (codec === "h264") applyRate(context, bitRate);
      else reopen();
    },
    close() {
      packet.free();
      picture.free();
      context.freeContext();
    },
  };
}

/** Copies a decoder's picture into an unpadded one; where the sizes differ, the nearest sample is taken. */
export function copyPicture(from: PaddedFrame, to: Frame): void {
  const { planes, strides } = from;
  const sizes = [
    [from.width, from.height, to.width, to.height, to.y],
    [chroma(from.width), chroma(from.height), chroma(to.width), chroma(to.height), to.u],
    [chroma(from.width), chroma(from.height), chroma(to.width), chroma(to.height), to.v],
  ] as const;
  for (const [index, [fromWidth, fromHeight, width, height, target]] of sizes.entries()) {
    const plane = planes[index]!;
    const stride = strides[index]!;
    for (let line = 0; line < height; line++) {
      const start = (height === fromHeight ? line : Math.floor((line * fromHeight) / height)) * stride;
      if (width === fromWidth) target.set(plane.subarray(start, start + width), line * width);
      else
        for (let x = 0; x < width; x++)
          target[line * width + x] = plane[start + Math.floor((x * fromWidth) / width)]!;
    }
  }
}

function sameColors(one: Colors, other: Colors): boolean {
  return (Object.keys(one) as (keyof Colors)[]).every((key) => one[key] === other[key]);
}

/** Constant-ish rate with a buffer of half a second: large enough for a key frame, small enough to keep the rate. */
function applyRate(context: CodecContext, bitsPerSecond: number): void {
  context.bitRate = BigInt(bitsPerSecond);
  context.rcMaxRate = BigInt(bitsPerSecond);
  context.rcBufferSize = Math.round(bitsPerSecond / 2);
}

function check(code: number, doing: string): void {
  if (code < 0) throw new Error(`FFmpeg could not ${doing} (error ${code}).`);
}
