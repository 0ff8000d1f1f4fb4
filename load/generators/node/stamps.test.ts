/** Times that tell pictures apart, at a rate whose times are no whole microseconds. */
import { expect, test } from "vitest";
import { createStamps } from "./stamps.ts";

const stamps = createStamps(1_764_000_000_000.5, 30);

test("a picture's stamp is the time of its turn, and leads back to it", () => {
  expect(stamps.of(0)).toBe(1_764_000_000_000_500n);
  expect(stamps.of(1)).toBe(1_764_000_000_033_833n);
  for (const frame of [0, 1, 2, 29, 30, 100_000]) expect(stamps.frameOf(stamps.of(frame))).toBe(frame);
});

test.each([
  ["between two pictures", stamps.of(5) + 1n],
  ["before the first", stamps.of(0) - 33_333n],
  ["of another clock", 0n],
])("a stamp %s is no picture's", (_what, stamp) => {
  expect(stamps.frameOf(stamp)).toBeNull();
});
