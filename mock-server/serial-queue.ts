/** Runs tasks one after the other in the order they came, however long each takes. Bounded. */
export type SerialQueue = {
  /** `false`, and nothing is run, when too many are waiting already or the queue is closed. */
  add(task: () => Promise<void> | void): boolean;
  close(): void;
};

/** `failed` gets what a task throws; the next one runs all the same. */
export function createSerialQueue(lengthMax: number, failed: (error: unknown) => void): SerialQueue {
  let last: Promise<void> = Promise.resolve();
  let length = 0;
  let closed = false;
  return {
    add(task) {
      if (closed || length >= lengthMax) return false;
      length++;
      last = last
        .then(() => (closed ? undefined : task()))
        .catch(failed)
        .finally(() => length--);
      return true;
    },
    close() {
      closed = true;
    },
  };
}
