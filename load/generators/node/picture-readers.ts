/** Readers of pictures, one a connection, that share a thread: coded pictures in, in their order, what can be read of them out, a little later. */
import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Codec } from "../../generator.ts";
import type { FromReader, Outcome, ToReader } from "./read-pictures.ts";

export type { Outcome, Reading } from "./read-pictures.ts";

export type Use = (outcome: Outcome) => void;

export type PictureReader = {
  /**
   * The bytes belong to the reader from then on. `use` is called once for each picture, in their order, and not after `close`; with `"unread"`
   * where the reader is behind and passes over some.
   */
  read(data: Uint8Array<ArrayBuffer>, key: boolean, use: Use): void;
  close(): void;
};

export type PictureReaders = {
  open(codec: Codec): PictureReader;
  close(): Promise<void>;
};

/** Of one connection: two seconds of them. Whoever is further behind does not catch up. */
const waitingCountMax = 60;

/** @throws Error that says what is missing */
export async function startPictureReaders(): Promise<PictureReaders> {
  const extension = extname(import.meta.filename);
  const worker = new Worker(new URL(`./read-pictures${extension}`, import.meta.url), { name: "lucy-reader" });
  try {
    await once(worker, "message");
  } catch (error) {
    throw new Error(
      `Pictures cannot be decoded (${(error as Error).message}). Run npm install, so that node-av is there, or read no pictures.`,
    );
  }
  const waiting = new Map<number, Use[]>();
  let openedCount = 0;
  worker.on("message", ({ id, outcome }: FromReader) => waiting.get(id)?.shift()?.(outcome));
  const say = (message: ToReader, given: ArrayBuffer[] = []) => worker.postMessage(message, given);

  return {
    open(codec) {
      const id = openedCount++;
      const uses: Use[] = [];
      let isBehind = false;
      waiting.set(id, uses);
      say({ kind: "open", id, codec });
      return {
        read(data, key, use) {
          // Those up to the next key picture are made from what was left out.
          isBehind = uses.length >= waitingCountMax || (isBehind && !key);
          uses.push(use);
          if (isBehind) say({ kind: "picture", id, data: null });
          else say({ kind: "picture", id, data }, [data.buffer]);
        },
        close() {
          waiting.delete(id);
          say({ kind: "close", id });
        },
      };
    },
    async close() {
      // Not terminate(): node-av answers a throw inside a native call by aborting the process.
      const gone = once(worker, "exit");
      say({ kind: "end" });
      await gone;
    },
  };
}
