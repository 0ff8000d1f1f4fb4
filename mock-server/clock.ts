/**
 * The only file of mock-server that reads time or sets timers. Everything timed goes through a `Clock`, so that a test can
 * put another one in its place.
 */
import { setImmediate } from "node:timers/promises";

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
  /**
   * Lets so much time pass; timers run in the order they are due, each at its own time. Milliseconds, 0 or more.
   * @throws RangeError for anything else, and at once where intervals would run more than 1,000,000 times; after so many timers that
   * nobody could foresee, time stands where the last of them was due
   */
  advance(ms: number): void;
  /**
   * The same, and what each timer sets off settles before the next one runs: promises and immediate callbacks, not what comes over
   * a socket. So a loop that awaits one timer after the other goes on at its due times. Calls are done one after the other.
   * @throws ClockStopped once `signal` says so: time stands where the last timer was due
   */
  advanceSettled(ms: number, about?: AdvanceAbout): Promise<void>;
};

export type AdvanceAbout = {
  /** Stops it between two timers. The reason, if it is a text, is told: `whoever asked has gone`. */
  readonly signal?: AbortSignal;
};

export class ClockStopped extends Error {}

/** The last moment that a `Date` can tell, in the year 275760. */
const dateMsMax = 8.64e15;
/** What an hour of ten sessions with a picture every 33 ms takes: one advance() that needs more will hardly end. */
const timersMax = 1_000_000;

type DueTimer = Timer & {
  dueMs: number;
  readonly order: number;
  /** `null`: it runs once. */
  readonly everyMs: number | null;
  place: number;
  run(): void;
};

/** Starts at 0 ms, and at `date` on the wall. */
export function manualClock(date = new Date("2026-01-01T00:00:00Z")): ManualClock {
  let nowMs = 0;
  let setCount = 0;
  const pending = createDueTimers();
  let settling = Promise.resolve();

  function hold(delayMs: number, everyMs: number | null, run: (timer: DueTimer) => void): Timer {
    const timer: DueTimer = {
      // As with setTimeout, what is no number is no delay.
      dueMs: nowMs + Math.max(0, delayMs || 0),
      order: setCount++,
      everyMs,
      place: -1,
      run: () => run(timer),
      cancel: () => pending.remove(timer),
    };
    pending.add(timer);
    return timer;
  }

  /** Runs timers one by one, a step each: whoever takes the steps may do something in between. */
  function* steps(ms: number): Generator<void, void> {
    const msMax = dateMsMax - date.getTime() - nowMs;
    // A text would be added as one: "10" at 5 ms makes 510.
    if (typeof ms !== "number") {
      throw new RangeError(
        `The clock advances by a number of milliseconds, 0 to ${msMax}, not by ${shown(ms)}, which is ${kindOf(ms)}.`,
      );
    }
    if (!(ms >= 0 && ms <= msMax)) {
      throw new RangeError(
        `The clock advances by 0 to ${msMax} ms, not by ${ms}: time does not run backwards, and dates end in the year 275760.`,
      );
    }
    const untilMs = nowMs + ms;
    const dueCount = pending.countUntil(untilMs);
    if (dueCount > timersMax) {
      throw new RangeError(
        `The clock does not advance by ${ms} ms at once: some ${dueCount} timers would run on the way, of which ${timersMax} may. Advance in smaller steps, or first end what ticks, sessions for one.`,
      );
    }
    let count = 0;
    for (let timer = pending.first; timer && timer.dueMs <= untilMs; timer = pending.first) {
      if (count++ === timersMax) {
        throw new RangeError(
          `${timersMax} timers have run, and the clock stands at ${nowMs} ms, ${untilMs - nowMs} ms short of where it was to go. Advance in smaller steps, or cancel the timer that comes back so often.`,
        );
      }
      nowMs = timer.dueMs;
      timer.run();
      yield;
    }
    // A timer may have advanced the clock itself, and further.
    nowMs = Math.max(nowMs, untilMs);
  }

  async function advanceSettled(ms: number, { signal }: AdvanceAbout): Promise<void> {
    const startMs = nowMs;
    const look = () => {
      if (!signal?.aborted) return;
      const why = typeof signal.reason === "string" ? `, as ${signal.reason}` : "";
      throw new ClockStopped(
        `The clock was stopped at ${nowMs} ms${why}: ${Math.max(0, startMs + ms - nowMs)} ms short of where it was to go.`,
      );
    };
    look();
    await settle();
    for (const _ of steps(ms)) {
      await settle();
      look();
    }
  }

  return {
    now: () => nowMs,
    date: () => new Date(date.getTime() + nowMs),
    after: (delayMs, run) =>
      hold(delayMs, null, (timer) => {
        timer.cancel();
        run();
      }),
    every(intervalMs, run) {
      const everyMs = Math.max(1, intervalMs || 0);
      return hold(intervalMs, everyMs, (timer) => {
        pending.remove(timer);
        timer.dueMs += everyMs;
        pending.add(timer);
        run();
      });
    },
    get pendingCount() {
      return pending.size;
    },
    advance(ms) {
      for (const _ of steps(ms));
    },
    advanceSettled(ms, about = {}) {
      const done = settling.then(() => advanceSettled(ms, about));
      // Whoever comes next is not to blame for this one.
      settling = done.catch(() => {});
      return done;
    },
  };
}

function shown(value: unknown): string {
  return (typeof value === "string" ? JSON.stringify(value) : String(value)).slice(0, 60);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return typeof value === "string" ? "a text" : `of the type ${typeof value}`;
}

/** Twice: a promise that an immediate callback resolves may set another one off. */
async function settle(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** A binary heap. Of two that are due together, the one set first comes first, an interval each time. */
function createDueTimers() {
  const heap: DueTimer[] = [];

  const isBefore = (one: DueTimer, other: DueTimer) =>
    one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);

  function put(timer: DueTimer, place: number): void {
    heap[place] = timer;
    timer.place = place;
  }

  function rise(timer: DueTimer, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(timer, heap[above]!)) break;
      put(heap[above]!, place);
      place = above;
    }
    put(timer, place);
  }

  function sink(timer: DueTimer, from: number): void {
    let place = from;
    for (let below = 2 * place + 1; below < heap.length; below = 2 * place + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, timer)) break;
      put(heap[below]!, place);
      place = below;
    }
    put(timer, place);
  }

  return {
    get size() {
      return heap.length;
    },
    get first(): DueTimer | undefined {
      return heap[0];
    },
    /** How often those that are here run until then, if none is cancelled. */
    countUntil(untilMs: number): number {
      let count = 0;
      for (const { dueMs, everyMs } of heap) {
        if (dueMs <= untilMs) count += everyMs === null ? 1 : 1 + Math.floor((untilMs - dueMs) / everyMs);
      }
      return count;
    },
    add(timer: DueTimer): void {
      rise(timer, heap.length);
    },
    /** Nothing happens to one that is not here. */
    remove(timer: DueTimer): void {
      const { place } = timer;
      if (place < 0) return;
      timer.place = -1;
      const last = heap.pop()!;
      if (last === timer) return;
      const above = (place - 1) >> 1;
      if (place > 0 && isBefore(last, heap[above]!)) rise(last, place);
      else sink(last, place);
    },
  };
}
