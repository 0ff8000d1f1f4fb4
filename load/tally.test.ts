/** What the tally tells while sessions run, and that a run of days is added up as one of seconds is. */
import { expect, test } from "vitest";
import { createTally } from "./tally.ts";

test("how it stands is told without writing down every second", () => {
  const tally = createTally({ runStartedMs: 0 });
  expect(tally.glassToGlassP50Ms()).toBeNull();
  tally.count("frames-due", 3);
  for (const delayMs of [90, 40, 50]) tally.glassToGlass(1000, delayMs);
  expect(tally.counts["frames-due"]).toBe(3);
  expect(tally.glassToGlassP50Ms()).toBeCloseTo(50, 1);
});

test("seconds go from the first to the last, however many there are", () => {
  const tally = createTally({ runStartedMs: 0 });
  const count = 200_000;
  // The last comes first.
  for (let second = count; second > 0; second--) tally.received(second * 1000);
  const { seconds } = tally.measurement();
  expect([seconds.length, seconds[0]!.second, seconds.at(-1)!.second]).toEqual([count, 1, count]);
});
