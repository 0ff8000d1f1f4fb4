/** Two runs that were kept, compared: reads them, says whether they may be compared at all, and puts it into words. */
import type { RunResult } from "../reports/result.ts";
import { readResult } from "../reports/store.ts";
import { compare } from "./compare.ts";
import type { Measurement } from "./measurement.ts";

export type Compared = { readonly text: string; readonly isWorse: boolean };

/** Paths of runs' folders or of results; several of a side with commas. @throws Error with a sentence where one is no run of load */
export function compareFiles(a: string, b: string): Compared {
  const [left, right] = [a, b].map((paths) => paths.split(",").map((path) => readLoad(path.trim())));
  const comparisons = compare(left!.map(measurementOf), right!.map(measurementOf));
  const marks = { better: "✓", worse: "✗", "no difference": "=", "too few samples": "?" } as const;
  const lines = comparisons.map(({ verdict, sentence }) => `${marks[verdict]} ${sentence}`);
  const count = (wanted: string) => comparisons.filter(({ verdict }) => verdict === wanted).length;
  return {
    text: [
      `${a} → ${b}`,
      ...differences(left![0]!, right![0]!),
      "",
      ...lines,
      "",
      `${count("better")} better, ${count("worse")} worse, ${count("no difference")} without a difference, ${count("too few samples")} of too few samples`,
    ].join("\n"),
    isWorse: count("worse") > 0,
  };
}

function readLoad(path: string): RunResult & Required<Pick<RunResult, "load">> {
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

function measurementOf({ load }: { load: NonNullable<RunResult["load"]> }): Measurement {
  return load.measurement as unknown as Measurement;
}

/** What else is not the same, and may be the reason. */
function differences(a: RunResult, b: RunResult): string[] {
  const about = ({ subject, environment, load }: RunResult): Record<string, string> => ({
    plan: subject,
    generator: environment.generator ?? "",
    cpu: environment.cpu ?? "",
    cores: environment.cores ?? "",
    ...(load && { camera: String(load.plan.clip), dialects: load.dialects.join(" and ") }),
  });
  const [left, right] = [about(a), about(b)];
  const unlike = Object.keys(left)
    .filter((name) => left[name] !== right[name])
    .map((name) => `! Not the same ${name}: ${left[name]} and ${right[name]}.`);
  const doubted = [a, b].flatMap(({ load }, index) =>
    (load?.doubts ?? []).map((doubt) => `! Of ${index === 0 ? "the first" : "the second"}: ${doubt}`),
  );
  return [...unlike, ...doubted];
}
