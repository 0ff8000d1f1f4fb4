/** A clock whose timers go off when a test says so. */
import type { Clock } from "../clock.ts";

export function handClock() {
  const timers = new Set<{ delayMs: number; run: () => void }>();
  const clock: Clock = {
    now: () => 0,
    after(delayMs, run) {
      const timer = { delayMs, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  return {
    clock,
    /** Delays of the timers that run. */
    waiting: () => [...timers].map(({ delayMs }) => delayMs),
    fire(delayMs: number) {
      for (const timer of [...timers]) {
        if (timer.delayMs !== delayMs) continue;
        timers.delete(timer);
        timer.run();
      }
    },
  };
}
