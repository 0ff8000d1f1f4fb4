import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

const frames = (turns: readonly { frame: number }[]) => turns.map(({ frame }) => frame);

test.each([
  ["before the first", 99.9, [], 100],
  ["at the first", 100, [0], 140],
  ["just before the second", 139.9, [0], 140],
  ["at the second", 140, [0, 1], 180],
  ["long after", 301, [0, 1, 2, 3, 4, 5], 340],
])("a camera that wakes %s", (_, nowMs, taken, nextDueMs) => {
  const turns = createTurns(100, 25);
  expect(frames(turns.take(nowMs))).toEqual(taken);
  expect(turns.nextDueMs).toBe(nextDueMs);
  expect(turns.take(nowMs)).toEqual([]);
});

test("a late picture moves none of those after it", () => {
  const turns = createTurns(100, 25);
  expect(frames(turns.take(175))).toEqual([0, 1]);
  expect(turns.take(180)).toEqual([{ frame: 2, dueMs: 180 }]);
});

test("ten minutes of a pace that is no whole number of milliseconds leave no turn out", () => {
  const turns = createTurns(0, 29.875);
  let count = 0;
  for (let nowMs = 0; nowMs <= 600_000; nowMs += 7) count += turns.take(nowMs).length;
  expect(count).toBe(Math.floor(599.998 * 29.875) + 1);
});
