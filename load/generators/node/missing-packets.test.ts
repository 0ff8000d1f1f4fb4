/** What is asked for again, and when, with a round trip of 50 ms. */
import { expect, test } from "vitest";
import { steppedClock } from "./_stepped-clock.ts";
import { createMissingPackets } from "./missing-packets.ts";

function setUp(roundTripMs: number | null = 50) {
  const time = steppedClock();
  const asked: [atMs: number, ...sequenceNumbers: number[]][] = [];
  const missing = createMissingPackets({
    clock: time.clock,
    roundTripMs: () => roundTripMs,
    ask: (sequenceNumbers) => asked.push([time.clock.now(), ...sequenceNumbers]),
  });
  return { time, asked, missing, take: (...numbers: number[]) => numbers.forEach(missing.take) };
}

test.each([
  ["in their order", [5, 6, 7], []],
  ["in their order, past the last number", [65_534, 65_535, 0, 1], []],
  ["with a gap", [5, 8], [[0, 6, 7]]],
  ["with a gap at the last number", [65_534, 1], [[0, 65_535, 0]]],
  [
    "with two gaps",
    [5, 7, 9],
    [
      [0, 6],
      [0, 8],
    ],
  ],
  ["from another stream", [5, 5000, 5001], []],
])("packets %s", (_what, numbers, wanted) => {
  const { asked, take } = setUp();
  take(...numbers);
  expect(asked).toEqual(wanted);
});

test("one that stays missing is asked for every round trip, ten times", () => {
  const { time, asked, take } = setUp();
  take(5, 7);
  time.advance(10_000);
  // It is looked at every 20 ms.
  expect(asked).toEqual([0, 60, 120, 180, 240, 300, 360, 420, 480, 540].map((atMs) => [atMs, 6]));
  expect(time.timerCount).toBe(0);
});

test("one that comes is not asked for any more", () => {
  const { time, asked, take } = setUp();
  take(5, 8);
  time.advance(30);
  take(6);
  time.advance(40);
  take(7);
  time.advance(10_000);
  expect(asked).toEqual([
    [0, 6, 7],
    [60, 7],
  ]);
  expect(time.timerCount).toBe(0);
});

test("a round trip that is not known yet is taken for 100 ms", () => {
  const { time, asked, take } = setUp(null);
  take(5, 7);
  time.advance(150);
  expect(asked).toEqual([
    [0, 6],
    [100, 6],
  ]);
});

test("nothing is asked for after it was closed", () => {
  const { time, asked, missing, take } = setUp();
  take(5, 7);
  missing.close();
  time.advance(1000);
  expect(asked).toHaveLength(1);
  expect(time.timerCount).toBe(0);
});
