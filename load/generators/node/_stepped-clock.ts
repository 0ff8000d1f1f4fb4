/** A clock that goes as far as a test says, timers in their order on the way; or stands still for everybody, as an event loop that is away. */
import type { Clock } from "../../clock.ts";

export function steppedClock() {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    sleep: (delayMs) => new Promise((resolve) => void clock.after(delayMs, resolve)),
  };
  return {
    clock,
    get timerCount() {
      return timers.size;
    },
    advance(byMs: number): void {
      const untilMs = nowMs + byMs;
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
      }
      nowMs = untilMs;
    },
    /** Time passes and nothing runs. */
    stall(forMs: number): void {
      nowMs += forMs;
    },
  };
}
