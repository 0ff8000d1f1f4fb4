/**
 * Pictures without a codec, as the pipeline and its worker take them: the planes of I420 one after the other, then width and height
 * in 16 bits each. Decoding and encoding them is copying.
 */
import { chroma, type Frame } from "../../fixtures/frame.ts";
import { bt601, copyPicture, type Decoder, type Encoder } from "./codec.ts";

/** Behind the planes, so that they begin where the memory does: some who take them look nowhere else. */
const sizeLength = 4;

/** `planes`: of `width × height` pixels, each at most 65535. The result is a copy. */
export function writeI420(planes: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(planes.length + sizeLength);
  bytes.set(planes);
  const size = new DataView(bytes.buffer, planes.length);
  size.setUint16(0, width);
  size.setUint16(2, height);
  return bytes;
}

/** The picture in these bytes, which it shares; `null` when they are not as many as it takes. */
export function readI420(bytes: Uint8Array): Frame | null {
  const end = bytes.length - sizeLength;
  if (end < 0) return null;
  const size = new DataView(bytes.buffer, bytes.byteOffset + end);
  const width = size.getUint16(0);
  const height = size.getUint16(2);
  const lumaLength = width * height;
  const chromaLength = chroma(width) * chroma(height);
  if (end !== lumaLength + 2 * chromaLength) return null;
  return {
    width,
    height,
    y: bytes.subarray(0, lumaLength),
    u: bytes.subarray(lumaLength, lumaLength + chromaLength),
    v: bytes.subarray(lumaLength + chromaLength, end),
  };
}

export function createI420Decoder(): Decoder {
  return {
    decode(data, use) {
      const frame = readI420(data);
      if (!frame) return false;
      const { width, height, y, u, v } = frame;
      const strides = [width, chroma(width), chroma(width)];
      use({ width, height, planes: [y, u, v], strides, colors: bt601, native: null });
      return true;
    },
    close() {},
  };
}

export function createI420Encoder(width: number, height: number): Encoder {
  const bytes = writeI420(new Uint8Array(width * height + 2 * chroma(width) * chroma(height)), width, height);
  const frame = readI420(bytes)!;
  return {
    frame,
    take: (picture) => copyPicture(picture, frame),
    encode: () => ({ data: bytes.slice(), key: true }),
    setBitrate() {},
    close() {},
  };
}
