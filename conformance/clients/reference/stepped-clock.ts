/**
 * A clock that runs by itself until it is stepped for the first time, and from then on goes only as far as it is stepped: what was
 * waiting waits on for what was left of it.
 */
import type { Clock, Timer } from "../../clock.ts";

export type SteppedClock = Clock & {
  /** Runs all that is due within `ms`, in order. Sockets and promises have a turn after each. */
  advance(ms: number): Promise<void>;
  /** What waits for its time. */
  readonly waitingCount: number;
};

type Task = { readonly dueMs: number; readonly run: () => void; timer: Timer | null };

export function createSteppedClock(real: Clock): SteppedClock {
  const tasks = new Set<Task>();
  let steppedMs: number | null = null;

  const now = () => steppedMs ?? real.now();
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const firstBy = (limitMs: number) =>
    [...tasks].filter(({ dueMs }) => dueMs <= limitMs).sort((one, other) => one.dueMs - other.dueMs)[0];

  function run(task: Task): void {
    tasks.delete(task);
    task.run();
  }

  return {
    now,
    after(delayMs, work) {
      const task: Task = { dueMs: now() + delayMs, run: work, timer: null };
      tasks.add(task);
      if (steppedMs === null) task.timer = real.after(delayMs, () => run(task));
      return {
        cancel() {
          task.timer?.cancel();
          tasks.delete(task);
        },
      };
    },
    get waitingCount() {
      return tasks.size;
    },
    async advance(ms) {
      if (steppedMs === null) {
        steppedMs = real.now();
        for (const { timer } of tasks) timer?.cancel();
      }
      const untilMs = steppedMs + ms;
      for (let task = firstBy(untilMs); task; task = firstBy(untilMs)) {
        steppedMs = Math.max(steppedMs, task.dueMs);
        run(task);
        await turn();
      }
      steppedMs = untilMs;
    },
  };
}
