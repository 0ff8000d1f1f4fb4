/** How seconds come together in spans: nothing lost between them, nothing made up. */
import { expect, test } from "vitest";
import { courseOf } from "./course.ts";
import { createHistogram } from "./histogram.ts";
import type { MeasuredSecond } from "./measurement.ts";

/** A second in which each picture took so long. */
function secondOf(second: number, glassMs: number, pictures = 60): MeasuredSecond {
  const [glass, fps] = [createHistogram(), createHistogram()];
  if (pictures > 0) {
    glass.record(glassMs * 1000, pictures);
    fps.record(30_000, 2);
  }
  return {
    second,
    sessions: second,
    framesReceived: pictures,
    framesDecided: pictures + 1,
    framesLost: 1,
    glassToGlass: glass.encode(),
    fps: fps.encode(),
  };
}

const range = (count: number) => Array.from({ length: count }, (_, second) => second);

test.each([
  [0, 0, []],
  [1, 1, [0, 1]],
  [10, 10, [9, 10]],
  [11, 6, [10, 11]],
  [100, 10, [90, 100]],
  [3500, 10, [3150, 3500]],
])("%d seconds are %d spans", (count, spans, last) => {
  const course = courseOf(range(count).map((second) => secondOf(second, 10)));
  expect(course).toHaveLength(spans);
  const end = course.at(-1);
  expect(end ? [end.fromSecond, end.untilSecond] : []).toEqual(last);
  expect(course.reduce((sum, { framesLost }) => sum + framesLost, 0)).toBe(count);
});

test("a span has the most sessions of its seconds, and percentiles of all its pictures", () => {
  const course = courseOf(range(20).map((second) => secondOf(second, second % 2 === 0 ? 10 : 200)));
  expect(course[1]).toEqual({
    fromSecond: 2,
    untilSecond: 4,
    sessions: 3,
    fps: expect.closeTo(30, 1),
    glassP50Ms: expect.closeTo(10, 1),
    glassP99Ms: expect.closeTo(200, 0),
    framesDecided: 122,
    framesLost: 2,
  });
});

test("what has too few samples has no p99, and what has none nothing; seconds without anything make no span", () => {
  const course = courseOf([secondOf(3, 10, 99), secondOf(5, 10, 0)]);
  expect(
    course.map(({ fromSecond, fps, glassP50Ms, glassP99Ms }) => [fromSecond, fps, glassP50Ms, glassP99Ms]),
  ).toEqual([
    [3, expect.closeTo(30, 1), expect.closeTo(10, 1), null],
    [5, null, null, null],
  ]);
});
