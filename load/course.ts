/** The seconds of a run as a few spans that a person can read at a glance: how it went over time, which is what a ramp and a soak are for. */
import type { LoadRecord } from "../reports/load-record.ts";
import { toldPercents } from "./figures.ts";
import { decodeHistogram } from "./histogram.ts";
import type { MeasuredSecond } from "./measurement.ts";
import { addHistograms } from "./merge.ts";

/** As many columns as a terminal has room for. */
const spansMax = 10;

/** `seconds`: in their order. Spans of equally many of them; those in which nothing was are left out. @throws Error as `decodeHistogram` does */
export function courseOf(seconds: readonly MeasuredSecond[]): LoadRecord["course"] {
  const first = seconds[0]?.second;
  const last = seconds.at(-1)?.second;
  if (first === undefined || last === undefined) return [];
  const width = Math.ceil((last - first + 1) / spansMax);
  const spans = Map.groupBy(seconds, ({ second }) => Math.floor((second - first) / width));
  return [...spans.keys()]
    .sort((one, other) => one - other)
    .map((index) => {
      const of = spans.get(index)!;
      const glass = decodeHistogram(addHistograms(of.map(({ glassToGlass }) => glassToGlass)));
      const fps = decodeHistogram(addHistograms(of.map((one) => one.fps)));
      const sum = (name: "framesDecided" | "framesLost") => of.reduce((total, one) => total + one[name], 0);
      const told = glass.count > 0 ? toldPercents(glass.count) : [];
      const glassMs = (percent: number) => (told.includes(percent) ? glass.percentile(percent) / 1000 : null);
      return {
        fromSecond: first + index * width,
        untilSecond: Math.min(first + (index + 1) * width, last + 1),
        sessions: of.reduce((most, { sessions }) => Math.max(most, sessions), 0),
        fps: fps.count > 0 ? fps.percentile(50) / 1000 : null,
        glassP50Ms: glassMs(50),
        glassP99Ms: glassMs(99),
        framesDecided: sum("framesDecided"),
        framesLost: sum("framesLost"),
      };
    });
}
