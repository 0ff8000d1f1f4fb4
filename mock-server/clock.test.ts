import { describe, expect, onTestFinished, test, vi } from "vitest";
import { manualClock, realClock } from "./clock.ts";

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

  test.each([-1, Number.NaN])("refuses to advance by %s", (ms) => {
    expect(() => manualClock().advance(ms)).toThrow("0 ms or more");
  });
});
