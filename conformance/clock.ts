/** The only file of conformance that reads time or sets timers. Milliseconds. */
export type Timer = { cancel(): void };

export type Clock = {
  now(): number;
  after(delayMs: number, run: () => void): Timer;
};

export const realClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
