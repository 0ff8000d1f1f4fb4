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
import { gridLuma } from "../../carriers/signature.ts";
import type { Codec } from "../../generator.ts";
import { lumaOfPicture } from "./picture-luma.ts";

export type Reading = {
  readonly input: InputStrip | null;
  readonly output: OutputStrip | null;
  /** `gridLuma`, where there is no input strip. */
  readonly luma?: readonly number[];
};

export type ToReader =
  | { readonly kind: "open"; readonly id: number; readonly codec: Codec }
  /** `null`: only to be answered in its turn. */
  | { readonly kind: "picture"; readonly id: number; readonly data: Uint8Array<ArrayBuffer> | null }
  | { readonly kind: "close"; readonly id: number }
  | { readonly kind: "end" };

/** One for each picture, in their order. `null`: none came of the bytes; `"unread"`: nobody looked. */
export type Outcome = Reading | null | "unread";
export type FromReader = { readonly id: number; readonly outcome: Outcome };

const port = parentPort!;
const { createDecoder } = await loadCodec();
const decoders = new Map<number, Decoder>();

function look(picture: PaddedFrame): Reading {
  const top = lumaOfPicture(picture, Math.min(picture.height, stripsHeight(picture.width, "tall")));
  const input = readInputStrip(top);
  // Only the light of a picture is left where its strip was painted over.
  return {
    input,
    output: readOutputStrip(top),
    ...(input === null && { luma: gridLuma(lumaOfPicture(picture)) }),
  };
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
  if (message.kind === "end") {
    for (const decoder of decoders.values()) decoder.close();
    port.close();
    return;
  }
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
