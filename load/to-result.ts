/** What the shards of a run come to, as the one result shape: figures, thresholds as verdicts, and all that another run needs to be compared. */
import { type Figure, median } from "../reports/figure.ts";
import type { LoadRecord } from "../reports/load-record.ts";
import { type RunResult, resultSchema, type Verdict } from "../reports/result.ts";
import { courseOf } from "./course.ts";
import { columnOf, percentileFigures, toldPercents } from "./figures.ts";
import { decodeHistogram } from "./histogram.ts";
import { doubts } from "./honesty.ts";
import { addMachines } from "./machine.ts";
import { type HistogramName, histogramNames, type Measurement } from "./measurement.ts";
import { addMeasurements } from "./merge.ts";
import { clipOf, type Plan } from "./plan.ts";
import type { SelfTest } from "./self-test-readings.ts";
import type { ShardFile } from "./shard-files.ts";
import { judgeThreshold, shown } from "./thresholds.ts";

export type LoadAbout = {
  readonly plan: Plan;
  readonly shards: readonly ShardFile[];
  readonly selfTests: readonly SelfTest[];
  /** The median time that pictures stayed in the server, as it says itself. */
  readonly serverMs: number | null;
  /** What to type to do it again. */
  readonly replay: string;
};

/** @throws RangeError without shards */
export function loadResult({ plan, shards, selfTests, serverMs, replay }: LoadAbout): RunResult {
  const [first] = shards;
  if (!first) throw new RangeError("There are no shards. A run has at least one.");
  const measurement = addMeasurements(shards.map((shard) => shard.measurement));
  const { counts } = measurement;
  const found = [
    ...doubts({
      shards: shards.flatMap((shard) => shard.shards),
      framesDue: counts["frames-due"],
      framesOffAir: counts["frames-off-air"],
      framesSent: counts["frames-sent"],
      framesLate: counts["frames-late"],
      sessionsDue: counts["sessions-due"],
      sessionsLate: counts["sessions-late"],
      frameMs: 1000 / fpsOf(plan),
      isNode: plan.generator === "node",
    }),
    ...new Set(shards.flatMap((shard) => shard.doubts)),
  ];
  const troubles: Record<string, number> = {};
  for (const shard of shards) {
    for (const [sentence, count] of Object.entries(shard.troubles))
      troubles[sentence] = (troubles[sentence] ?? 0) + count;
  }
  const durationMs = Math.max(...shards.map((shard) => shard.durationMs));
  return {
    schema: resultSchema,
    kind: "load",
    subject: `load ${plan.name}`,
    target: first.target,
    startedAt: first.startedAt,
    durationMs,
    seed: plan.seed,
    environment: {
      ...addMachines(shards.map(({ machine }) => machine)),
      generator: `${plan.generator} × ${shards.length}`,
    },
    verdicts: plan.thresholds.map((threshold) =>
      verdictOf(threshold, measurement, found, { durationMs, replay }),
    ),
    stale: [],
    harness: [],
    figures: figuresOf(measurement),
    load: {
      plan: plan as unknown as LoadRecord["plan"],
      generator: plan.generator,
      dialects: first.dialects,
      blindSpots: first.blindSpots,
      selfTests: selfTests.map(plainTest),
      shards: shards.flatMap((shard) => shard.shards),
      serverMs,
      transport: transportOf(shards),
      doubts: found,
      troubles,
      course: courseOf(measurement.seconds),
      measurement: { ...measurement, seconds: [...measurement.seconds] },
    },
  };
}

const rows: readonly HistogramName[] = histogramNames.filter((name) => name !== "fps");

/** A row a time, a column a percentile; what nothing was measured of has none. */
function figuresOf({ histograms }: Measurement): Figure[] {
  const timed = rows.map((name) => percentileFigures(name, decodeHistogram(histograms[name])));
  const fps = decodeHistogram(histograms.fps);
  // Of seconds, the slow ones are the bad ones: a column further to the right is worse here, too.
  const paced = (fps.count === 0 ? [] : toldPercents(fps.count)).map((percent) => ({
    name: "fps, as slow as",
    of: columnOf(percent),
    unit: "fps",
    values: [(percent === 100 ? fps.min : fps.percentile(100 - percent)) / 1000],
    sampleCount: fps.count,
  }));
  // Columns stand in the order in which they first come: the fullest row says it.
  return [...timed, paced].toSorted((one, other) => other.length - one.length).flat();
}

function transportOf(shards: readonly ShardFile[]): LoadRecord["transport"] {
  const all = shards.map(({ transport }) => transport);
  const middle = (values: readonly number[]) => (values.length > 0 ? median(values) : null);
  const sum = (name: "packetsReceived" | "packetsLost" | "keyRequests" | "picturesUnseen") => {
    const known = all.map((one) => one[name]).filter((value) => value !== null);
    return known.length > 0 ? known.reduce((total, value) => total + value, 0) : null;
  };
  return {
    roundTripMs: middle(all.flatMap(({ roundTripsMs }) => roundTripsMs)),
    jitterMs: middle(all.flatMap(({ jittersMs }) => jittersMs)),
    packetsReceived: sum("packetsReceived"),
    packetsLost: sum("packetsLost"),
    keyRequests: sum("keyRequests"),
    picturesUnseen: sum("picturesUnseen"),
  };
}

/** A threshold that held is worth nothing where the numbers are not. */
function verdictOf(
  threshold: Plan["thresholds"][number],
  measurement: Measurement,
  found: readonly string[],
  { durationMs, replay }: { durationMs: number; replay: string },
): Verdict {
  const { outcome, value, sampleCount, sentence } = judgeThreshold(threshold, measurement);
  // A count of what failed needs no clock: it failed, whoever was slow.
  const isCounted = /^(sessions|sets)-/.test(threshold.metric) && value !== null;
  const isDoubted = found.length > 0 && !(isCounted && outcome === "failed");
  return {
    id: `threshold/${threshold.text.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-")}`,
    area: "threshold",
    does: value === null ? "nothing was measured" : `${shown(value, threshold.unit)} of ${sampleCount}`,
    owes: threshold.text,
    source: { kind: "assumed", where: "the plan" },
    sets: [],
    outcome: isDoubted ? "inconclusive" : outcome,
    findings:
      !isDoubted && outcome === "failed"
        ? [{ rule: "The threshold of the plan holds.", expected: threshold.text, got: sentence }]
        : [],
    why: isDoubted ? found[0]! : null,
    known: null,
    durationMs,
    waitedMs: durationMs,
    replay,
  };
}

function fpsOf(plan: Plan): number {
  return clipOf(plan).fps;
}

/** As results and shard files keep it. */
export function plainTest(test: SelfTest): LoadRecord["selfTests"][number] {
  return { ...test, readings: [...test.readings], faults: [...test.faults] };
}
