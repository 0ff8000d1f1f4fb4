/** Runs in the page: counts the timers that an SDK has set and that wait. It changes nothing about them, and knows nothing of what they are for. */
export type RecordedTimers = {
  /** Timeouts that are yet to come, and intervals that are not cleared. */
  readonly count: number;
};

type Start = (run: (...given: unknown[]) => void, delayMs?: number, ...given: unknown[]) => number;
type Stop = (id?: number) => void;
type Timers = { setTimeout: Start; setInterval: Start; clearTimeout: Stop; clearInterval: Stop };

/** Those that are set from now on. Who keeps functions of its own from before is not seen: cameras, the driver itself. */
export function recordTimers(): RecordedTimers {
  const page = globalThis as unknown as Timers;
  const { setTimeout, setInterval, clearTimeout, clearInterval } = page;
  const waiting = new Set<number | undefined>();
  page.setTimeout = (run, delayMs, ...given) => {
    const id = setTimeout(() => {
      waiting.delete(id);
      run(...given);
    }, delayMs);
    waiting.add(id);
    return id;
  };
  page.setInterval = (...about) => {
    const id = setInterval(...about);
    waiting.add(id);
    return id;
  };
  // Either clears both kinds: https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#dom-clearinterval
  page.clearTimeout = (id) => {
    waiting.delete(id);
    clearTimeout(id);
  };
  page.clearInterval = (id) => {
    waiting.delete(id);
    clearInterval(id);
  };
  return {
    get count() {
      return waiting.size;
    },
  };
}
