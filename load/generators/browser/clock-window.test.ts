import { expect, test } from "vitest";
import { errorOf, middleOf, movedBetween, narrow, openWindow } from "./clock-window.ts";

/** A page whose clock is 1000 ms behind ours, read after so long on the way there and before so long on the way back. */
const look = (beforeMs: number, thereMs: number, backMs: number) => ({
  beforeMs,
  pageMs: beforeMs + thereMs - 1000,
  afterMs: beforeMs + thereMs + backMs,
});

test.each([
  ["one look", [look(5, 4, 6)], { lowMs: 995.9, highMs: 1006 }],
  ["a slow way there and a slow way back", [look(5, 9, 1), look(50, 1, 9)], { lowMs: 998.9, highMs: 1001 }],
  ["a slow look after a quick one", [look(5, 1, 1), look(50, 40, 90)], { lowMs: 998.9, highMs: 1001 }],
])("%s bounds the difference", (_, looks, expected) => {
  const window = looks.reduce(narrow, openWindow);
  expect(window.lowMs).toBeCloseTo(expected.lowMs, 9);
  expect(window.highMs).toBeCloseTo(expected.highMs, 9);
  expect(Math.abs(middleOf(window) - 1000)).toBeLessThanOrEqual(errorOf(window));
});

test.each([
  [{ lowMs: 10, highMs: 12 }, { lowMs: 11, highMs: 15 }, 0],
  [{ lowMs: 10, highMs: 12 }, { lowMs: 5, highMs: 20 }, 0],
  [{ lowMs: 10, highMs: 12 }, { lowMs: 15, highMs: 16 }, 3],
  [{ lowMs: 10, highMs: 12 }, { lowMs: 6, highMs: 6.5 }, 3.5],
])("from %j to %j the clocks moved by %d ms at least", (first, later, movedMs) => {
  expect(movedBetween(first, later)).toBe(movedMs);
});
