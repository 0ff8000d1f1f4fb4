/** Two runs that were kept, compared: reads them, says whether they may be compared at all, and puts it into words. */
import { isLoopback } from "../conformance/index.ts";
import type { RunResult } from "../reports/result.ts";
import { readResult } from "../reports/store.ts";
import { type Comparison, compare } from "./compare.ts";
import type { Measurement } from "./measurement.ts";

/** `inconclusive`: whether it is worse, nobody can tell from these runs, and the text says why. */
export type Compared = {
  readonly text: string;
  readonly verdict: "held" | "worse" | "inconclusive";
  readonly comparisons: readonly Comparison[];
  /** What is not the same around the two, and why nobody can tell whether the second is worse: a sentence each. */
  readonly surroundings: readonly string[];
  readonly why: readonly string[];
};

type Load = RunResult & Required<Pick<RunResult, "load">>;

/** Paths of runs' folders or of results; several of a side with commas. @throws Error with a sentence where one is no run of load */
export function compareFiles(a: string, b: string): Compared {
  const [left, right] = [a, b].map((paths) => paths.split(",").map((path) => readLoad(path.trim()))) as [
    Load[],
    Load[],
  ];
  const comparisons = compare(left.map(measurementOf), right.map(measurementOf));
  const around = surroundings(left, right);
  const marks = { better: "✓", worse: "✗", "no difference": "=", "too few samples": "?" } as const;
  const lines = comparisons.map(({ verdict, sentence }) => `${marks[verdict]} ${sentence}`);
  const count = (wanted: string) => comparisons.filter(({ verdict }) => verdict === wanted).length;
  const why = [
    ...unlike(left, right),
    ...doubted("the first", left),
    ...doubted("the second", right),
    ...untold(comparisons),
    ...moreFailed(left, right),
  ];
  return {
    text: [
      `${a} → ${b}`,
      ...around.map((sentence) => `! ${sentence}`),
      "",
      ...lines,
      "",
      `${count("better")} better, ${count("worse")} worse, ${count("no difference")} without a difference, ${count("too few samples")} of too few samples`,
      ...(left.length === 1 && right.length === 1
        ? [
            "How much runs differ from each other, one run each does not say: name several of a side with commas.",
          ]
        : []),
      ...(why.length > 0
        ? ["", "Nobody can tell whether the second is worse:", ...why.map((one) => `? ${one}`)]
        : []),
    ].join("\n"),
    comparisons,
    surroundings: around,
    why,
    verdict: why.length > 0 ? "inconclusive" : count("worse") > 0 ? "worse" : "held",
  };
}

function readLoad(path: string): Load {
  const result = readResult(path);
  const { load } = result;
  if (!load) {
    throw new Error(
      result.kind === "load"
        ? `${path} is a run of load http, which keeps figures and no histograms. Compare runs of load; of two of load http, lay the reports side by side.`
        : `${path} is a run of ${result.kind}. Compare runs of load.`,
    );
  }
  return { ...result, load };
}

function measurementOf({ load }: Load): Measurement {
  return load.measurement as unknown as Measurement;
}

/** Words about a plan, and what it owes: the same is measured whatever they are. */
const ofNoMatter = ["name", "about", "thresholds"];

/** What was asked of the two is not the same, so neither is what came of it. */
function unlike(left: readonly Load[], right: readonly Load[]): string[] {
  return differences(left, right, ({ load }) => ({
    ...Object.fromEntries(
      Object.entries(load.plan)
        .filter(([name]) => !ofNoMatter.includes(name))
        .map(([name, value]) => [`${name} in their plans`, JSON.stringify(value)]),
    ),
  }));
}

/** What may be why, and what a comparison may be about. */
function surroundings(left: readonly Load[], right: readonly Load[]): string[] {
  return differences(left, right, ({ target, environment }) => ({
    // A mock of its own has another port each time.
    target: isLoopback(`ws://${target}`) ? "this machine" : target,
    ...Object.fromEntries(
      ["generator", "cpu", "cores", "memory", "node"].map((name) => [name, environment[name] ?? "unknown"]),
    ),
  }));
}

/** A sentence for each that is not the same in all runs. */
function differences(
  left: readonly Load[],
  right: readonly Load[],
  about: (run: Load) => Readonly<Record<string, string>>,
): string[] {
  const [first, second] = [left, right].map((runs) => runs.map(about)) as [
    Record<string, string>[],
    Record<string, string>[],
  ];
  const valuesOf = (runs: readonly Record<string, string>[], name: string) => [
    ...new Set(runs.map((run) => run[name] ?? "nothing")),
  ];
  return [...new Set([...first, ...second].flatMap(Object.keys))].flatMap((name) => {
    if (valuesOf([...first, ...second], name).length === 1) return [];
    const [one, other] = [first, second].map((runs) =>
      valuesOf(runs, name)
        .map((value) => (value.length > 60 ? `${value.slice(0, 59)}…` : value))
        .join(" or "),
    );
    return [`Not the same ${name}: ${one} and ${other}.`];
  });
}

function doubted(side: string, runs: readonly Load[]): string[] {
  return [...new Set(runs.flatMap(({ load }) => load.doubts))].map((doubt) => `Of ${side}: ${doubt}`);
}

/** Of pictures there has to be something to tell; of connections, say, there are few in any run. */
function untold(comparisons: readonly Comparison[]): string[] {
  const missing = (side: "a" | "b", other: "a" | "b") => [
    ...new Set(
      comparisons
        // To have had nothing to come back from is no lack.
        .filter((one) => one.metric !== "reconnect" && one[side] === null && one[other] !== null)
        .map(({ metric }) => metric),
    ),
  ];
  const lacks = [
    ["The first", missing("a", "b")] as const,
    ["The second", missing("b", "a")] as const,
  ].filter(([, metrics]) => metrics.length > 0);
  if (lacks.length > 0) {
    return lacks.map(([side, metrics]) => `${side} has nothing of ${metrics.join(", ")}.`);
  }
  const ofPictures = comparisons.filter(({ metric }) => /^(glass-to-glass|signature-delay)$/.test(metric));
  const needed = ofPictures.length > 0 ? ofPictures : comparisons;
  return needed.every(({ verdict }) => verdict === "too few samples")
    ? ["Of how late pictures are there are too few samples. Measure for longer, or several runs of each."]
    : [];
}

/** Whoever is not connected is in no figure. */
function moreFailed(left: readonly Load[], right: readonly Load[]): string[] {
  const [one, other] = [left, right].map((runs) => {
    const sum = (name: "sessions-failed" | "sessions-ended" | "sessions-due") =>
      runs.reduce((total, { load }) => total + (load.measurement.counts[name] ?? 0), 0);
    return { gone: sum("sessions-failed") + sum("sessions-ended"), due: sum("sessions-due") };
  }) as [{ gone: number; due: number }, { gone: number; due: number }];
  if (other.gone * one.due <= one.gone * other.due) return [];
  return [
    `${other.gone} of ${other.due} sessions of the second failed or ended early, and ${one.gone} of ${one.due} of the first.`,
  ];
}
