import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type ManualClock, manualClock, realClock } from "./clock.ts";
import { createDice } from "./dice.ts";

describe("the real clock", () => {
  test("starts near 0, counts in fractions and never runs backwards", () => {
    const clock = realClock();
    const times = Array.from({ length: 1000 }, () => clock.now());
    expect(times[0]).toBeGreaterThanOrEqual(0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.some((time) => !Number.isInteger(time))).toBe(true);
  });

  test("counts what is set and neither fired nor cancelled", async () => {
    const clock = realClock();
    let ticks = 0;
    const fired = new Promise<void>((resolve) => clock.after(1, resolve));
    const cancelled = clock.after(3_600_000, () => expect.unreachable("a cancelled timer fired"));
    const ticked = new Promise<void>((resolve) => {
      const interval = clock.every(1, () => {
        if (++ticks < 3) return;
        interval.cancel();
        resolve();
      });
    });
    expect(clock.pendingCount).toBe(3);
    cancelled.cancel();
    cancelled.cancel();
    expect(clock.pendingCount).toBe(2);
    await Promise.all([fired, ticked]);
    expect(clock.pendingCount).toBe(0);
    expect(ticks).toBe(3);
  });
});

describe("the real clock, on delays longer than a timer of Node holds", () => {
  const days = 24 * 3_600_000;

  test("after() waits for all of it, once, and can be cancelled on the way", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const clock = realClock();
    const fired: string[] = [];
    clock.after(60 * days, () => fired.push("kept"));
    const cancelled = clock.after(60 * days, () => fired.push("cancelled"));
    vi.advanceTimersByTime(30 * days);
    cancelled.cancel();
    vi.advanceTimersByTime(30 * days - 1);
    expect([fired, clock.pendingCount]).toEqual([[], 1]);
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(60 * days);
    expect([fired, clock.pendingCount, vi.getTimerCount()]).toEqual([["kept"], 0, 0]);
  });

  test("every() does not run at once", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const clock = realClock();
    let ticks = 0;
    const interval = clock.every(60 * days, () => ticks++);
    vi.advanceTimersByTime(1000);
    interval.cancel();
    expect(ticks).toBe(0);
  });
});

describe("the manual clock", () => {
  test("stands still until it is told to go on, and its date goes along", () => {
    const clock = manualClock(new Date("2026-05-01T12:00:00Z"));
    expect([clock.now(), clock.date().toISOString()]).toEqual([0, "2026-05-01T12:00:00.000Z"]);
    clock.advance(61_000);
    expect([clock.now(), clock.date().toISOString()]).toEqual([61_000, "2026-05-01T12:01:01.000Z"]);
  });

  test("runs timers when they are due, in order, each at its own time", () => {
    const clock = manualClock();
    const seen: string[] = [];
    const see = (name: string) => () => void seen.push(`${name} ${clock.now()}`);
    clock.after(30, see("late"));
    clock.after(10, see("first"));
    clock.after(10, see("second"));
    const interval = clock.every(15, see("interval"));
    clock.after(20, () => clock.after(5, see("set by a timer")));
    clock.advance(9);
    expect(seen).toEqual([]);
    clock.advance(31);
    expect(seen).toEqual([
      "first 10",
      "second 10",
      "interval 15",
      "set by a timer 25",
      "late 30",
      "interval 30",
    ]);
    expect(clock.pendingCount).toBe(1);
    interval.cancel();
    expect(clock.pendingCount).toBe(0);
    clock.advance(1000);
    expect(seen).toHaveLength(6);
  });

  test("a timer may cancel itself and another that is due at the same time", () => {
    const clock = manualClock();
    let ticks = 0;
    const interval = clock.every(5, () => {
      ticks++;
      victim.cancel();
      interval.cancel();
    });
    const victim = clock.after(5, () => expect.unreachable("a cancelled timer fired"));
    clock.advance(100);
    expect(ticks).toBe(1);
    expect(clock.pendingCount).toBe(0);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 2, 8.64e15])(
    "refuses to advance by %s",
    async (ms) => {
      const clock = manualClock();
      clock.advance(5);
      const sentence = `not by ${ms}: time does not run backwards, and dates end`;
      expect(() => clock.advance(ms)).toThrow(sentence);
      await expect(clock.advanceSettled(ms)).rejects.toThrow(sentence);
      expect(clock.now()).toBe(5);
    },
  );

  test.each([
    ["10", '"10", which is a text'],
    [undefined, "undefined, which is nothing"],
    [10n, "of the type bigint"],
  ])("refuses to advance by what is no number: %s", async (ms, sentence) => {
    const clock = manualClock();
    clock.advance(5);
    expect(() => clock.advance(ms as never)).toThrow(sentence);
    await expect(clock.advanceSettled(ms as never)).rejects.toThrow(sentence);
    expect(clock.now()).toBe(5);
  });

  test("goes as far as dates do", () => {
    const clock = manualClock(new Date(0));
    clock.advance(8.64e15);
    expect(clock.date().toISOString()).toBe("+275760-09-13T00:00:00.000Z");
    clock.advance(0);
    expect(() => clock.advance(1)).toThrow("by 0 to 0 ms");
  });

  test("now() is what was advanced, to the fraction, and at the due time while a timer runs", () => {
    const clock = manualClock();
    const seen: number[] = [];
    clock.after(0.25, () => seen.push(clock.now()));
    clock.after(-5, () => seen.push(clock.now()));
    clock.after(Number.NaN, () => seen.push(clock.now()));
    clock.advance(0);
    expect(seen).toEqual([0, 0]);
    clock.advance(0.5);
    clock.advance(0.125);
    expect([seen, clock.now()]).toEqual([[0, 0, 0.25], 0.625]);
  });

  test("never runs backwards, whoever advances it from within a timer", () => {
    const clock = manualClock();
    const seen: string[] = [];
    const see = (name: string) => seen.push(`${name} ${clock.now()}`);
    clock.after(10, () => {
      clock.advance(100);
      see("advanced");
    });
    clock.after(20, () => see("within"));
    clock.after(110, () => see("at its end"));
    clock.after(130, () => see("never"));
    clock.advance(50);
    expect([seen, clock.now()]).toEqual([["within 20", "at its end 110", "advanced 110"], 110]);
  });

  test("a timer that throws has run; the clock goes on from there", () => {
    const clock = manualClock();
    let ticks = 0;
    const interval = clock.every(10, () => {
      if (++ticks === 2) throw new Error("thrown");
    });
    expect(() => clock.advance(100)).toThrow("thrown");
    expect([clock.now(), ticks]).toEqual([20, 2]);
    clock.advance(80);
    expect([clock.now(), ticks]).toEqual([100, 10]);
    interval.cancel();
  });

  test("two that are due together run in the order they were set, an interval each time", () => {
    const clock = manualClock();
    const seen: string[] = [];
    const intervals = ["a", "b", "c"].map((name) => clock.every(10, () => void seen.push(name)));
    clock.advance(10);
    clock.after(10, () => seen.push("d"));
    clock.advance(10);
    expect(seen.join("")).toBe("abcabcd");
    for (const interval of intervals) interval.cancel();
  });

  test("runs what a plain sort would, whatever is set and cancelled", () => {
    const dice = createDice(1);
    const clock = manualClock();
    const seen: number[] = [];
    const timers = Array.from({ length: 2000 }, (_, index) => {
      const dueMs = Math.floor(dice.next() * 300);
      return { index, dueMs, timer: clock.after(dueMs, () => seen.push(index)) };
    });
    const kept = timers.filter(({ timer }) => {
      if (dice.next() < 0.6) return true;
      timer.cancel();
      return false;
    });
    expect(clock.pendingCount).toBe(kept.length);
    clock.advance(300);
    expect(seen).toEqual([...kept].sort((a, b) => a.dueMs - b.dueMs).map(({ index }) => index));
    expect(clock.pendingCount).toBe(0);
  });

  test("a timer is cancelled once, and no other with it", () => {
    const clock = manualClock();
    const seen: number[] = [];
    const timers = [1, 2, 3, 4].map((ms) => clock.after(ms, () => seen.push(ms)));
    for (let i = 0; i < 3; i++) timers[1]!.cancel();
    expect(clock.pendingCount).toBe(3);
    clock.advance(1);
    timers[0]!.cancel();
    expect(clock.pendingCount).toBe(2);
    clock.advance(10);
    expect(seen).toEqual([1, 3, 4]);
  });

  test("stops at a million timers, and says what to do", async () => {
    const clock = manualClock();
    let ticks = 0;
    let often = clock.after(1, tick);
    function tick(): void {
      ticks++;
      often = clock.after(1, tick);
    }
    const sentence =
      "1000000 timers have run, and the clock stands at 1000000 ms, 2072600000 ms short of where it was to go. Advance in smaller steps";
    expect(() => clock.advance(24 * 24 * 3_600_000)).toThrow(sentence);
    expect([ticks, clock.now()]).toEqual([1_000_000, 1_000_000]);
    often.cancel();
  });

  test("does not begin what intervals would make too long, and runs what is just not", async () => {
    const clock = manualClock();
    let ticks = 0;
    const intervals = [1000, 1000, 2000].map((intervalMs) => clock.every(intervalMs, () => ticks++));
    const days = 24 * 3_600_000;
    const sentence =
      /by 2073600000 ms at once: some 5184000 timers would run .*, of which 1000000 may[.] Advance in smaller steps/;
    expect(() => clock.advance(24 * days)).toThrow(sentence);
    await expect(clock.advanceSettled(24 * days)).rejects.toThrow(sentence);
    expect([ticks, clock.now()]).toEqual([0, 0]);
    clock.advance(400_000);
    expect(ticks).toBe(1000);
    expect(() => clock.advance(400_002_000)).toThrow("some 1000005 timers");
    for (const interval of intervals) interval.cancel();
    clock.advance(24 * days);
    expect(ticks).toBe(1000);
  });
});

describe("the manual clock, settled", () => {
  /** A queue, as dialects have it: one timer awaited after the other. */
  async function walk(clock: ManualClock, seen: string[], name: string, stepMs: number): Promise<void> {
    for (let step = 1; step <= 3; step++) {
      await new Promise<void>((resolve) => clock.after(stepMs, resolve));
      await Promise.resolve();
      seen.push(`${name}${step} ${clock.now()}`);
    }
  }

  test("a loop that awaits timers goes on at its due times, as advance() alone cannot have it", async () => {
    const clock = manualClock();
    const seen: string[] = [];
    const walking = [walk(clock, seen, "a", 10), walk(clock, seen, "b", 15)];
    await clock.advanceSettled(44);
    expect(seen).toEqual(["a1 10", "b1 15", "a2 20", "b2 30", "a3 30"]);
    await clock.advanceSettled(1);
    await Promise.all(walking);
    expect([seen.at(-1), clock.now(), clock.pendingCount]).toEqual(["b3 45", 45, 0]);

    const jumpy: string[] = [];
    const jumping = walk(clock, jumpy, "a", 10);
    clock.advance(30);
    await clock.advanceSettled(0);
    expect(jumpy).toEqual(["a1 75"]);
    await clock.advanceSettled(20);
    await jumping;
  });

  test("what was set off before comes first, and immediate callbacks count", async () => {
    const clock = manualClock();
    const seen: number[] = [];
    const later = (run: () => void) =>
      setImmediate(() => void Promise.resolve().then(() => setImmediate(run)));
    later(() => clock.after(5, () => later(() => clock.after(5, () => seen.push(clock.now())))));
    await clock.advanceSettled(10);
    expect(seen).toEqual([10]);
  });

  test("calls are done one after the other, one that fails too", async () => {
    const clock = manualClock();
    const seen: string[] = [];
    const walking = walk(clock, seen, "a", 10);
    clock.after(12, () => {
      throw new Error("thrown");
    });
    const calls = [15, -1, 5, 10].map((ms) =>
      clock.advanceSettled(ms).then(
        () => seen.push(`done ${clock.now()}`),
        ({ message }) => seen.push(`${String(message).slice(0, 9)} ${clock.now()}`),
      ),
    );
    expect(clock.now()).toBe(0);
    await Promise.all(calls);
    expect(seen).toEqual(["a1 10", "thrown 12", "The clock 12", "done 17", "a2 20", "done 27"]);
    await clock.advanceSettled(3);
    await walking;
  });

  test("stops between two timers when it is told to, in its turn or before, and whoever comes next is served", async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const seen: number[] = [];
    const interval = clock.every(10, () => {
      seen.push(clock.now());
      if (seen.length === 3) stop.abort("nobody waits");
    });
    const about = { signal: stop.signal };
    const [running, waiting, next] = [
      clock.advanceSettled(1000, about),
      clock.advanceSettled(1000, about),
      clock.advanceSettled(10),
    ];
    await expect(running).rejects.toThrow("stopped at 30 ms, as nobody waits: 970 ms short");
    await expect(waiting).rejects.toThrow("stopped at 30 ms, as nobody waits: 1000 ms short");
    await next;
    expect([seen, clock.now()]).toEqual([[10, 20, 30, 40], 40]);
    interval.cancel();
  });

  test("six hundred sessions tick for two minutes within a moment", async () => {
    const clock = manualClock();
    let ticks = 0;
    const intervals = Array.from({ length: 600 }, () => clock.every(1000, () => ticks++));
    clock.advance(120_000);
    expect(ticks).toBe(72_000);
    for (const interval of intervals) interval.cancel();
    expect(clock.pendingCount).toBe(0);
  });
});
