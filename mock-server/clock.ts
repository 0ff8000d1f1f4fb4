/**
 * The only file of mock-server that reads time or sets timers. Everything timed goes through a `Clock`, so that a test can
 * put another one in its place.
 */
export type Timer = { cancel(): void };

export type Clock = {
  /** Milliseconds since the clock was made, with fractions; never runs backwards. */
  now(): number;
  /** Wall time, for what leaves the process as a date: token expiry, certificates, journal headers. */
  date(): Date;
  after(delayMs: number, run: () => void): Timer;
  every(intervalMs: number, run: () => void): Timer;
  /** Timers set and neither fired nor cancelled: what a test counts to see that nothing is left behind. */
  readonly pendingCount: number;
};

export function realClock(): Clock {
  const startMs = performance.now();
  const pending = new Set<Timer>();

  function hold(clear: () => void): Timer {
    const timer = {
      cancel() {
        clear();
        pending.delete(timer);
      },
    };
    pending.add(timer);
    return timer;
  }

  return {
    now: () => performance.now() - startMs,
    date: () => new Date(),
    after(delayMs, run) {
      const handle = setTimeout(() => {
        pending.delete(timer);
        run();
      }, delayMs);
      const timer = hold(() => clearTimeout(handle));
      return timer;
    },
    every(intervalMs, run) {
      const handle = setInterval(run, intervalMs);
      return hold(() => clearInterval(handle));
    },
    get pendingCount() {
      return pending.size;
    },
  };
}
