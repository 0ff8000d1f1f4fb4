import { describe, expect, test } from "vitest";
import { createFigureLog, windowMs } from "./session-figures.ts";

const media = (picturesOut: number, residenceP50Ms: number | null = null) => ({
  picturesOut,
  residenceP50Ms,
  residenceP99Ms: residenceP50Ms,
});

function fpsAfter(...looks: [atMs: number, picturesOut: number | null][]): (number | null)[] {
  const log = createFigureLog();
  for (const [atMs, count] of looks) log.add(atMs, count === null ? null : media(count));
  return log.points.map(({ fps }) => fps);
}

describe("pictures a second", () => {
  test.each([
    ["are not known at the first look", [[0, 40]], [null]],
    [
      "are what left between two looks, over the server's time",
      [
        [0, 0],
        [2000, 60],
      ],
      [null, 30],
    ],
    [
      "are 0 where none left",
      [
        [0, 7],
        [1000, 7],
      ],
      [null, 0],
    ],
    [
      "are not counted over too short a time",
      [
        [0, 0],
        [100, 5],
        [1000, 15],
      ],
      [null, 15],
    ],
    [
      "begin anew with new media",
      [
        [0, 100],
        [1000, 3],
        [2000, 18],
      ],
      [null, null, 15],
    ],
    [
      "begin anew when media is back",
      [
        [0, 100],
        [1000, null],
        [2000, 110],
      ],
      [null, null, null],
    ],
    [
      "begin anew with another server",
      [
        [90_000, 100],
        [10, 120],
        [1010, 130],
      ],
      [null, 10],
    ],
  ] as [string, [number, number | null][], (number | null)[]][])("%s", (_, looks, fps) => {
    expect(fpsAfter(...looks)).toEqual(fps);
  });
});

test("keeps two minutes", () => {
  const log = createFigureLog();
  for (let atMs = 0; atMs <= 3 * windowMs; atMs += 1000) log.add(atMs, media(atMs));
  expect(log.points).toHaveLength(windowMs / 1000);
  expect(log.points[0]!.atMs).toBe(2 * windowMs + 1000);
});

test("tells how long pictures were in the server", () => {
  const log = createFigureLog();
  log.add(0, media(0, 12));
  log.add(1000, null);
  expect(log.points.map(({ p50Ms }) => p50Ms)).toEqual([12, null]);
});
