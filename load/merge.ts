/** Adding measurements: of shards, of sessions. Two halves come to the whole, bucket by bucket. */
import { createHistogram } from "./histogram.ts";
import {
  type CountName,
  countNames,
  type EncodedHistogram,
  type HistogramName,
  histogramNames,
  type MeasuredSecond,
  type Measurement,
} from "./measurement.ts";

/** Of none it is a measurement of nothing. @throws Error as `decodeHistogram` does */
export function addMeasurements(measurements: readonly Measurement[]): Measurement {
  const seconds = Map.groupBy(
    measurements.flatMap(({ seconds }) => seconds),
    ({ second }) => second,
  );
  return {
    histograms: Object.fromEntries(
      histogramNames.map((name) => [name, addHistograms(measurements.map((one) => one.histograms[name]))]),
    ) as Record<HistogramName, EncodedHistogram>,
    counts: Object.fromEntries(
      countNames.map((name) => [name, measurements.reduce((sum, { counts }) => sum + counts[name], 0)]),
    ) as Record<CountName, number>,
    seconds: [...seconds.keys()]
      .sort((a, b) => a - b)
      .map((second) => addSeconds(second, seconds.get(second)!)),
  };
}

function addSeconds(second: number, rows: readonly MeasuredSecond[]): MeasuredSecond {
  const sum = (name: "sessions" | "framesReceived" | "framesDecided" | "framesLost") =>
    rows.reduce((total, row) => total + row[name], 0);
  return {
    second,
    sessions: sum("sessions"),
    framesReceived: sum("framesReceived"),
    framesDecided: sum("framesDecided"),
    framesLost: sum("framesLost"),
    glassToGlass: addHistograms(rows.map(({ glassToGlass }) => glassToGlass)),
    fps: addHistograms(rows.map(({ fps }) => fps)),
  };
}

/** @throws Error as `decodeHistogram` does */
export function addHistograms(encoded: readonly EncodedHistogram[]): EncodedHistogram {
  const filled = encoded.filter((one) => one !== "");
  if (filled.length <= 1) return filled[0] ?? "";
  const sum = createHistogram();
  for (const one of filled) sum.add(one);
  return sum.encode();
}
