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
  /** The real clock takes 24 days for the longest interval there is. */
  every(intervalMs: number, run: () => void): Timer;
  /** Timers set and neither fired nor cancelled: what a test counts to see that nothing is left behind. */
  readonly pendingCount: number;
};

/** `setTimeout` takes a longer delay for 1 ms. */
const delayMsMax = 2 ** 31 - 1;

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
      let handle: NodeJS.Timeout;
      const wait = (leftMs: number) => {
        handle = setTimeout(
          () => {
            if (leftMs > delayMsMax) return wait(leftMs - delayMsMax);
            pending.delete(timer);
            run();
          },
          Math.min(leftMs, delayMsMax),
        );
      };
      wait(delayMs);
      const timer = hold(() => clearTimeout(handle));
      return timer;
    },
    every(intervalMs, run) {
      const handle = setInterval(run, Math.min(intervalMs, delayMsMax));
      return hold(() => clearInterval(handle));
    },
    get pendingCount() {
      return pending.size;
    },
  };
}

/** A clock that stands still until it is told to go on. */
export type ManualClock = Clock & {
  /** Lets so much time pass; timers run in the order they are due, each at its own time. Milliseconds, 0 or more. */
  advance(ms: number): void;
};

/** Starts at 0 ms, and at `date` on the wall. */
export function manualClock(date = new Date("2026-01-01T00:00:00Z")): ManualClock {
  let nowMs = 0;
  const pending = new Set<Timer & { dueMs: number; run(): void }>();

  function hold(delayMs: number, run: (timer: { dueMs: number; cancel(): void }) => void): Timer {
    const timer = {
      dueMs: nowMs + Math.max(0, delayMs),
      run: () => run(timer),
      cancel() {
        pending.delete(timer);
      },
    };
    pending.add(timer);
    return timer;
  }

  function nextDue(untilMs: number) {
    const due = [...pending].filter(({ dueMs }) => dueMs <= untilMs);
    // A stable sort: of two that are due together, the one set first runs first.
    return due.sort((a, b) => a.dueMs - b.dueMs)[0];
  }

  return {
    now: () => nowMs,
    date: () => new Date(date.getTime() + nowMs),
    after: (delayMs, run) =>
      hold(delayMs, (timer) => {
        timer.cancel();
        run();
      }),
    every: (intervalMs, run) =>
      hold(intervalMs, (timer) => {
        timer.dueMs += Math.max(1, intervalMs);
        run();
      }),
    get pendingCount() {
      return pending.size;
    },
    advance(ms) {
      if (!(ms >= 0))
        throw new RangeError(`advance() takes 0 ms or more, not ${ms}: time does not run backwards.`);
      const untilMs = nowMs + ms;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
        nowMs = timer.dueMs;
        timer.run();
      }
      nowMs = untilMs;
    },
  };
}
