/**
 * What all sessions of a shard are counted into, so that a thousand sessions need no more room than one: histograms, counts, and a row for each
 * second of the run, closed to a short text once time has passed it. It grows by some 400 bytes a second of the run, and by nothing else.
 */
import { createHistogram, type Histogram } from "./histogram.ts";
import {
  type CountName,
  countNames,
  type EncodedHistogram,
  type HistogramName,
  histogramNames,
  type MeasuredSecond,
  type Measurement,
} from "./measurement.ts";

export type Tally = {
  count(name: CountName, by?: number): void;
  time(name: HistogramName, durationMs: number): void;
  /** A picture came, at `atMs`. */
  received(atMs: number): void;
  glassToGlass(atMs: number, delayMs: number): void;
  /** Pictures whose turn was at `dueMs` came back, or never did. */
  decided(dueMs: number, isLost: boolean, count?: number): void;
  /** What one session showed in one whole second of the run. */
  fps(second: number, pictureCount: number): void;
  sessionOpened(atMs: number): void;
  sessionClosed(atMs: number): void;
  /** The second of the run that a moment falls into. */
  secondOf(atMs: number): number;
  /** Until now, as it goes on: what is cheap to look at while sessions run. */
  readonly counts: Readonly<Record<CountName, number>>;
  glassToGlassP50Ms(): number | null;
  /** Until now; counting goes on. It writes down every second of the run: for the end of it. */
  measurement(): Measurement;
};

type Row = {
  sessionsChange: number;
  framesReceived: number;
  framesDecided: number;
  framesLost: number;
  glassToGlass: Histogram | EncodedHistogram;
  fps: Histogram | EncodedHistogram;
};

/** Rows with open histograms, of 200 kB each: this second's and the last's, and some for who is late. */
const openRowsMax = 4;

/** `runStartedMs`: on the clock of the sessions' times. */
export function createTally({ runStartedMs }: { readonly runStartedMs: number }): Tally {
  const histograms = Object.fromEntries(histogramNames.map((name) => [name, createHistogram()])) as Record<
    HistogramName,
    Histogram
  >;
  const counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Record<CountName, number>;
  const rows = new Map<number, Row>();
  const open = new Set<Row>();
  let firstSecond = Number.POSITIVE_INFINITY;
  let lastSecond = Number.NEGATIVE_INFINITY;

  const secondOf = (atMs: number) => Math.max(0, Math.floor((atMs - runStartedMs) / 1000));

  function rowOf(second: number): Row {
    const row = rows.get(second) ?? emptyRow();
    rows.set(second, row);
    firstSecond = Math.min(firstSecond, second);
    lastSecond = Math.max(lastSecond, second);
    return row;
  }

  function opened(row: Row, name: "glassToGlass" | "fps"): Histogram {
    const kept = row[name];
    if (typeof kept !== "string") return kept;
    const histogram = createHistogram();
    histogram.add(kept);
    row[name] = histogram;
    open.add(row);
    if (open.size > openRowsMax) {
      const [oldest] = open;
      open.delete(oldest!);
      oldest!.glassToGlass = textOf(oldest!.glassToGlass);
      oldest!.fps = textOf(oldest!.fps);
    }
    return histogram;
  }

  return {
    count(name, by = 1) {
      counts[name] += by;
    },
    time(name, durationMs) {
      histograms[name].record(durationMs * 1000);
    },
    received(atMs) {
      rowOf(secondOf(atMs)).framesReceived++;
    },
    glassToGlass(atMs, delayMs) {
      histograms["glass-to-glass"].record(delayMs * 1000);
      opened(rowOf(secondOf(atMs)), "glassToGlass").record(delayMs * 1000);
    },
    decided(dueMs, isLost, count = 1) {
      const row = rowOf(secondOf(dueMs));
      row.framesDecided += count;
      counts["frames-decided"] += count;
      if (!isLost) return;
      row.framesLost += count;
      counts["frames-lost"] += count;
    },
    fps(second, pictureCount) {
      histograms.fps.record(pictureCount * 1000);
      opened(rowOf(second), "fps").record(pictureCount * 1000);
    },
    sessionOpened(atMs) {
      rowOf(secondOf(atMs)).sessionsChange++;
    },
    sessionClosed(atMs) {
      rowOf(secondOf(atMs)).sessionsChange--;
    },
    secondOf,
    counts,
    glassToGlassP50Ms() {
      const delays = histograms["glass-to-glass"];
      return delays.count > 0 ? delays.percentile(50) / 1000 : null;
    },
    measurement() {
      const seconds: MeasuredSecond[] = [];
      let sessions = 0;
      for (let second = firstSecond; second <= lastSecond; second++) {
        const row = rows.get(second);
        sessions += row?.sessionsChange ?? 0;
        if (row || sessions > 0) seconds.push(measuredSecond(second, sessions, row ?? emptyRow()));
      }
      return {
        histograms: Object.fromEntries(
          histogramNames.map((name) => [name, histograms[name].encode()]),
        ) as Record<HistogramName, EncodedHistogram>,
        counts: { ...counts },
        seconds,
      };
    },
  };
}

function emptyRow(): Row {
  return { sessionsChange: 0, framesReceived: 0, framesDecided: 0, framesLost: 0, glassToGlass: "", fps: "" };
}

function measuredSecond(second: number, sessions: number, row: Row): MeasuredSecond {
  const { framesReceived, framesDecided, framesLost, glassToGlass, fps } = row;
  return {
    second,
    sessions,
    framesReceived,
    framesDecided,
    framesLost,
    glassToGlass: textOf(glassToGlass),
    fps: textOf(fps),
  };
}

function textOf(histogram: Histogram | EncodedHistogram): EncodedHistogram {
  return typeof histogram === "string" ? histogram : histogram.encode();
}
