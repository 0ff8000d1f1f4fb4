/**
 * A thread that decodes what comes back, so that this never keeps the sending waiting, and reads it. The one place of this generator where a
 * picture is a picture: whoever wants more of it looks in `look`.
 */
import { parentPort } from "node:worker_threads";
import {
  type InputStrip,
  type OutputStrip,
  readInputStrip,
  readOutputStrip,
  stripsHeight,
} from "../../../fixtures/index.ts";
import { type Decoder, loadCodec, type PaddedFrame } from "../../../mock-server/index.ts";
import type { Codec } from "../../generator.ts";

export type Reading = { readonly input: InputStrip | null; readonly output: OutputStrip | null };

export type ToReader =
  | { readonly kind: "open"; readonly id: number; readonly codec: Codec }
  /** `null`: only to be answered in its turn. */
  | { readonly kind: "picture"; readonly id: number; readonly data: Uint8Array<ArrayBuffer> | null }
  | { readonly kind: "close"; readonly id: number };

/** One for each picture, in their order. `null`: none came of the bytes; `"unread"`: nobody looked. */
export type Outcome = Reading | null | "unread";
export type FromReader = { readonly id: number; readonly outcome: Outcome };

const port = parentPort!;
const { createDecoder } = await loadCodec();
const decoders = new Map<number, Decoder>();

function look({ width, height, planes: [y], strides: [stride] }: PaddedFrame): Reading {
  const lines = Math.min(height, stripsHeight(width, "tall"));
  const luma = { width, height: lines, y: packRows(y!, stride!, width, lines) };
  return { input: readInputStrip(luma), output: readOutputStrip(luma) };
}

/** Rows without what stands behind each. */
function packRows(y: Uint8Array, stride: number, width: number, lines: number): Uint8Array {
  if (stride === width) return y.subarray(0, width * lines);
  const packed = new Uint8Array(width * lines);
  for (let line = 0; line < lines; line++) {
    packed.set(y.subarray(line * stride, line * stride + width), line * width);
  }
  return packed;
}

function read(id: number, data: Uint8Array | null): Outcome {
  if (data === null) return "unread";
  let reading: Reading | null = null;
  decoders.get(id)!.decode(data, (picture) => {
    reading = look(picture);
  });
  return reading;
}

port.on("message", (message: ToReader) => {
  const { id } = message;
  if (message.kind === "open") decoders.set(id, createDecoder(message.codec));
  else if (message.kind === "picture")
    port.postMessage({ id, outcome: read(id, message.data) } satisfies FromReader);
  else {
    decoders.get(id)!.close();
    decoders.delete(id);
  }
});
port.postMessage("ready");
