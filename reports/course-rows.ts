/** How a run of load went over time, as cells, once for all who show it: a row a quantity, its name first, a cell a span. */
import type { LoadRecord } from "./load-record.ts";

export function courseRows(course: LoadRecord["course"]): string[][] {
  const isLossy = course.some(({ framesLost }) => framesLost > 0);
  const ms = (value: number | null) => (value === null ? "–" : value.toFixed(value < 100 ? 1 : 0));
  return [
    ["from second", ...course.map(({ fromSecond }) => String(fromSecond))],
    ["sessions", ...course.map(({ sessions }) => String(sessions))],
    ["fps", ...course.map(({ fps }) => (fps === null ? "–" : fps.toFixed(1)))],
    ["p50 ms", ...course.map(({ glassP50Ms }) => ms(glassP50Ms))],
    ["p99 ms", ...course.map(({ glassP99Ms }) => ms(glassP99Ms))],
    ...(isLossy ? [["lost", ...course.map(({ framesLost }) => String(framesLost))]] : []),
  ];
}
