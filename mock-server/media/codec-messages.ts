/** What the main thread and a codec worker say to each other. `id` names one session's pipeline. */
import type { InputStrip } from "../../fixtures/strips.ts";
import type { PictureEffect } from "../faults/fault.ts";
import type { Look } from "../transforms/look.ts";
import type { PictureCodec } from "./codec-name.ts";

export type PipelineSettings = {
  readonly codec: PictureCodec;
  readonly outputCodec: PictureCodec;
  readonly bitsPerSecond: number;
  /** Whether strips are read and written; without them the whole picture belongs to the eye. */
  readonly strips: boolean;
  /** Whether the sender's pixel marker is read off each picture, and written onto the one made from it. */
  readonly pixelMarker: boolean;
  /** Pixels; `null` for the size that comes in. */
  readonly outputSize: { readonly width: number; readonly height: number } | null;
};

/**
 * `frames`: for how many pictures, not counting those that are left out and those that repeat the one before. Of a sequence's last it means
 * nothing: that one stays.
 */
export type LookStep = { readonly look: Look; readonly frames: number };

export type ToWorker =
  | { type: "open"; id: number; settings: PipelineSettings; look: Look }
  /** From the next picture on, one after the other, at least one; what is left of those before is not shown any more. */
  | { type: "look"; id: number; steps: readonly LookStep[] }
  | {
      type: "picture";
      id: number;
      data: Uint8Array<ArrayBuffer>;
      timestamp: number;
      receivedMs: number;
      userTimestamp: bigint | null;
      effect: PictureEffect | null;
    }
  | { type: "key"; id: number }
  | { type: "bitrate"; id: number; bitsPerSecond: number }
  | { type: "close"; id: number }
  /** Close everything and exit. */
  | { type: "stop" };

/** CPU milliseconds of the worker's thread. */
export type StageCost = {
  readonly decodeMs: number;
  readonly transformMs: number;
  readonly encodeMs: number;
};

/** One output picture and what it was made from. */
export type EditedPicture = {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly key: boolean;
  readonly width: number;
  readonly height: number;
  /** RTP timestamp and arrival of the input picture. */
  readonly timestamp: number;
  readonly receivedMs: number;
  /** What the trailer of the picture that is to be seen said; `null` where it had none. Microseconds. */
  readonly userTimestamp: bigint | null;
  /** Revision of the state it shows, and the hashes of what it shows of it: a fault may have put them together otherwise. */
  readonly revision: number;
  readonly promptHash: number;
  readonly imageHash: number;
  /** How many pictures this session sent before it. One that is sent again keeps its own. */
  readonly outputCount: number;
  /** What the sender's strip said; `null` where none could be read. */
  readonly input: InputStrip | null;
  readonly cost: StageCost;
};

export type FromWorker =
  | { type: "picture"; id: number; picture: EditedPicture }
  /** Decoded, but a newer one was waiting: left out, so that the session never falls behind. `skipped`: its effect says so. */
  | { type: "dropped"; id: number; timestamp: number; skipped: boolean }
  /** The decoder gave no picture, or one that is not edited for `why`: the session needs a key picture from its sender. */
  | { type: "undecodable"; id: number; timestamp: number; why?: string | undefined }
  | { type: "failed"; id: number; error: string };
