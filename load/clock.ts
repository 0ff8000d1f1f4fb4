/** The only file of load that reads time or sets timers. Milliseconds. */
export type Clock = {
  now(): number;
  after(delayMs: number, run: () => void): { cancel(): void };
  sleep(delayMs: number): Promise<void>;
};

export const realClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};

/** Milliseconds since 1970, for what several processes or machines agree on: when a run starts. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
