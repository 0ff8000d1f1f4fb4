/**
 * Codec workers, one a core, started when a session needs one and stopped when the last has left. A worker that dies takes
 * its sessions' codecs with it, not the server: each session is told and may open again.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { PictureEffect } from "../faults/fault.ts";
import type { Look } from "../transforms/look.ts";
import type { EditedPicture, FromWorker, LookStep, PipelineSettings, ToWorker } from "./codec-messages.ts";

export type CodecEvents = {
  picture(picture: EditedPicture): void;
  /** `skipped`: because its effect says so. */
  dropped(timestamp: number, skipped: boolean): void;
  /** `why` where the codec itself had nothing against the picture. */
  undecodable(timestamp: number, why?: string): void;
  /** The codec is gone; nothing more will come from it. */
  failed(error: string): void;
};

export type CodecSession = {
  /**
   * `userTimestamp` comes back with the picture made from this one. `effect`, where it asks for several things: a picture that is skipped has no
   * other effect, one that is frozen is not made black, any that is sent has its size. Nothing is frozen before something was sent.
   */
  decode(
    data: Uint8Array<ArrayBuffer>,
    timestamp: number,
    receivedMs: number,
    userTimestamp?: bigint | null,
    effect?: PictureEffect | null,
  ): void;
  /** From the next picture on, one after the other, the last for good. None: nothing changes. */
  show(steps: readonly LookStep[]): void;
  forceKey(): void;
  setBitrate(bitsPerSecond: number): void;
  close(): void;
};

export type CodecPool = {
  open(settings: PipelineSettings, look: Look, on: CodecEvents): CodecSession;
  readonly workerCount: number;
  readonly sessionCount: number;
  close(): Promise<void>;
};

type Slot = { readonly worker: Worker; readonly sessions: Map<number, CodecEvents> };

export function createCodecPool(size = availableParallelism()): CodecPool {
  const slots = new Set<Slot>();
  const stopping = new Set<Promise<unknown>>();
  let nextId = 1;

  function start(): Slot {
    const worker = new Worker(new URL(`./codec-worker${extension()}`, import.meta.url), {
      name: "lucy-codec",
    });
    const slot: Slot = { worker, sessions: new Map() };
    worker.on("message", (message: FromWorker) => {
      const events = slot.sessions.get(message.id);
      if (!events) return;
      if (message.type === "picture") events.picture(message.picture);
      else if (message.type === "failed") lose(slot, message.id, message.error);
      else if (message.type === "dropped") events.dropped(message.timestamp, message.skipped);
      else events.undecodable(message.timestamp, message.why);
    });
    worker.on("error", (error) => died(slot, (error as Error).message));
    worker.on("exit", (code) => died(slot, `it exited with code ${code}`));
    slots.add(slot);
    return slot;
  }

  function died(slot: Slot, why: string): void {
    slots.delete(slot);
    for (const id of [...slot.sessions.keys()]) lose(slot, id, `The codec worker stopped: ${why}`);
  }

  function lose(slot: Slot, id: number, error: string): void {
    const events = slot.sessions.get(id);
    slot.sessions.delete(id);
    stopIfIdle(slot);
    events?.failed(error);
  }

  function stopIfIdle(slot: Slot): void {
    if (slot.sessions.size > 0 || !slots.delete(slot)) return;
    // Not terminate(): it throws inside whatever runs, and node-av answers a throw inside a native call by aborting the process.
    slot.worker.postMessage({ type: "stop" } satisfies ToWorker);
    const stopped = once(slot.worker, "exit")
      .catch(() => {
        // It died of an error on its way out, and is gone all the same.
      })
      .finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  }

  function leastBusy(): Slot {
    if (slots.size < size) return start();
    return [...slots].reduce((best, slot) => (slot.sessions.size < best.sessions.size ? slot : best));
  }

  return {
    open(settings, look, on) {
      const slot = leastBusy();
      const id = nextId++;
      slot.sessions.set(id, on);
      const tell = (message: ToWorker, transfer: ArrayBuffer[] = []) =>
        slot.worker.postMessage(message, transfer);
      tell({ type: "open", id, settings, look });
      return {
        decode: (data, timestamp, receivedMs, userTimestamp = null, effect = null) =>
          tell({ type: "picture", id, data, timestamp, receivedMs, userTimestamp, effect }, [data.buffer]),
        show(steps) {
          if (steps.length > 0) tell({ type: "look", id, steps });
        },
        forceKey: () => tell({ type: "key", id }),
        setBitrate: (bitsPerSecond) => tell({ type: "bitrate", id, bitsPerSecond }),
        close() {
          if (!slot.sessions.delete(id)) return;
          tell({ type: "close", id });
          stopIfIdle(slot);
        },
      };
    },
    get workerCount() {
      return slots.size;
    },
    get sessionCount() {
      return [...slots].reduce((count, slot) => count + slot.sessions.size, 0);
    },
    async close() {
      for (const slot of [...slots]) {
        slot.sessions.clear();
        stopIfIdle(slot);
      }
      await Promise.all(stopping);
    },
  };
}

/** The worker's file has the ending this file has: `.ts` from a checkout, `.js` from the package. */
function extension(): string {
  return import.meta.url.slice(import.meta.url.lastIndexOf("."));
}
