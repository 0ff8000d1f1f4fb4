/**
 * `npm run bench`: the figures of the mock server on this machine. Not a test: nothing passes or fails. Each figure is the
 * median of several runs with their least and greatest; a ratio is the median of the runs' own ratios. Close what else runs here
 * before you believe an absolute one.
 *
 *   npm run bench -- --runs 3 --only stages,glass --markdown
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Figure } from "../../reports/figure.ts";
import { figureMarkdown, figureText } from "../../reports/figure-table.ts";
import { capacity } from "./capacity.ts";
import { connect } from "./connect.ts";
import { control } from "./control.ts";
import { firstSuccess } from "./first-success.ts";
import { gates } from "./gates.ts";
import { generator } from "./generator.ts";
import { glass } from "./glass.ts";
import { page } from "./page.ts";
import { sessions } from "./sessions.ts";
import { set } from "./set.ts";
import { stages } from "./stages.ts";
import { startUp } from "./start-up.ts";

/** A measurement: takes one value for each of its figures a run. */
export type Bench = {
  readonly name: string;
  /** How its figures are made. */
  readonly about: string;
  /** When not to believe them. */
  readonly doubt: string;
  run(runs: number): Promise<Figure[]>;
};

const benches: readonly Bench[] = [
  startUp,
  firstSuccess,
  connect,
  glass,
  set,
  sessions,
  stages,
  capacity,
  control,
  gates,
  page,
  generator,
];

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    only: { type: "string", default: benches.map(({ name }) => name).join(",") },
    markdown: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const wanted = values.only.split(",");
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (!Number.isInteger(runs) || runs < 1 || runs > 20 || unknown.length > 0) {
  console.error(
    unknown.length > 0
      ? `There is no bench ${unknown.join(", ")}. There are ${benches.map(({ name }) => name).join(", ")}.`
      : `--runs takes a whole number from 1 to 20, not ${values.runs}.`,
  );
  process.exit(1);
}

console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, load ${loadAverage()}`);
for (const bench of benches.filter(({ name }) => wanted.includes(name))) {
  console.log(`\n${bench.name}: ${bench.about}\nDoubt: ${bench.doubt}\n`);
  const figures = await bench.run(runs);
  console.log(values.markdown ? figureMarkdown(figures) : figureText(figures));
}
console.log(`\nload ${loadAverage()}`);

function loadAverage(): string {
  try {
    return readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 2).join(" ");
  } catch {
    return "unknown";
  }
}
