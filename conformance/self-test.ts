/**
 * What `npm test` judges: the newest published SDK and the reference client in full, the others' smoke, every mutant once. With `--all` every client
 * in full, and every mutant against all scenarios that name it. Prints a line for each that is not as it should be, and writes how many there were.
 *
 *   node conformance/self-test.ts [--all] [--out file]
 */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitCodeOf, failures, type RunResult } from "../reports/result.ts";
import { resultsTable } from "../reports/results-table.ts";
import { saveRun } from "../reports/store.ts";
import { readBaseline } from "./baseline.ts";
import { openClient } from "./clients/index.ts";
import { realClock as clock } from "./clock.ts";
import { baselinePath, selectScenarios } from "./command.ts";
import { runMutants } from "./mutants/run-mutants.ts";
import { runSuite, toKeep } from "./run-suite.ts";
import { scenarios } from "./scenarios/index.ts";

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    out: { type: "string" },
    jobs: { type: "string", default: "4" },
  },
});
const jobs = Number(values.jobs);
const seed = 1;
const smoke = "connect/plain,state/prompt,goodbye/disconnect";

const inFull = ["reference-direct", "reference-livekit", "sdk@0.1.20"];
const others = ["sdk@0.0.41", "sdk@0.0.46", "sdk@0.1.3", "sdk@0.1.6", "sdk@0.1.14", "aiortc"];
const runs: readonly (readonly [name: string, only: string])[] = [
  ...inFull.map((name) => [name, ""] as const),
  ...others.map((name) => [name, values.all ? "" : smoke] as const),
];

const counted = { passed: 0, failed: 0, skipped: 0 };
const results: RunResult[] = [];
// One after the other: two at once took as long, and left more for nobody to tell.
for (const [name, only] of runs) {
  const result = await judge(name, only);
  if (!result) continue;
  results.push(result);
  count(result);
}
if (values.all) {
  const isLivekit = ({ subject }: RunResult) => /^(reference-livekit$|sdk@0[.]1[.])/.test(subject);
  for (const [dialect, own] of Map.groupBy(results, (result) => (isLivekit(result) ? "LiveKit" : "Direct"))) {
    console.log(`\n## ${dialect}\n\n${resultsTable(own)}`);
  }
}
await killMutants();
if (values.out) writeFileSync(values.out, JSON.stringify(counted));
process.exitCode = counted.failed > 0 ? 1 : 0;

async function killMutants(): Promise<void> {
  const startedMs = clock.now();
  const mutants = await runMutants({ clock, seed, jobs, isBrief: !values.all });
  for (const { name, scenario, isKilled, told } of mutants) {
    if (isKilled) counted.passed++;
    else {
      counted.failed++;
      console.log(`✗ ${name} is not noticed by ${scenario}: ${told}`);
    }
  }
  const killed = mutants.filter(({ isKilled }) => isKilled).length;
  console.log(`mutants: ${killed} of ${mutants.length} noticed, in ${seconds(clock.now() - startedMs)} s`);
}

/** `null` where the client cannot be had here, which is said. */
async function judge(name: string, only: string): Promise<RunResult | null> {
  const wanted = selectScenarios(only);
  const client = await openClient(name, clock);
  try {
    if (name === "aiortc") {
      // Python may lack: then nobody could tell, and the table says so.
      try {
        await (await client.open()).close();
      } catch (error) {
        console.log(`– ${name} is unsupported here: ${(error as Error).message}`);
        counted.skipped += wanted.length;
        return null;
      }
    }
    const path = baselinePath(name);
    const ids = scenarios.map(({ id }) => id);
    const { result, runs } = await runSuite({
      client,
      scenarios: wanted,
      clock,
      seed,
      jobs,
      baseline: existsSync(path) ? readBaseline(path, name, ids) : null,
      startedAt: new Date().toISOString(),
      isWhole: wanted.length === scenarios.length,
    });
    saveRun(toKeep({ result, runs }));
    return result;
  } finally {
    await client.close();
  }
}

/** Each verdict is a test: one that is known to fail, and fails, passes. */
function count(result: RunResult): void {
  const { subject, verdicts, stale, harness, durationMs } = result;
  const failed = failures(result);
  for (const { id, findings, replay } of failed) {
    console.log(
      `✗ ${subject} ${id}: ${findings[0]?.rule}; expected ${findings[0]?.expected}; got ${findings[0]?.got}`,
    );
    console.log(`  ${replay}`);
  }
  for (const sentence of [...stale, ...harness]) console.log(`✗ ${subject}: ${sentence}`);
  const open = verdicts.filter(({ outcome }) => outcome === "inconclusive");
  // The reference client is what the suite holds for right: it does all that its dialect knows.
  const lacks = subject.startsWith("reference")
    ? verdicts.filter(
        ({ outcome, why }) => outcome === "unsupported" && !why?.startsWith("It means something in"),
      )
    : [];
  for (const { id, why } of lacks) console.log(`✗ ${subject} ${id}: ${why}`);
  for (const { id, why } of open) console.log(`? ${subject} ${id}: ${why}`);
  const judged = verdicts.filter(({ outcome }) => outcome === "passed" || outcome === "failed").length;
  counted.failed += failed.length + stale.length + harness.length + lacks.length;
  counted.passed += judged - failed.length;
  counted.skipped += open.length;
  const known = verdicts.filter((verdict) => verdict.known !== null).length;
  console.log(
    `${subject}: ${judged - failed.length - known} passed, ${known} known failures, ${failed.length} new, ${open.length} inconclusive, ${verdicts.length - judged - open.length} unsupported, in ${seconds(durationMs)} s (exit code ${exitCodeOf(result)})`,
  );
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
