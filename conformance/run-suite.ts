/** Many scenarios against one client, a few at a time; what failed on time is run again alone. Holds the verdicts against the baseline. */
import { cpus } from "node:os";
import { type RunResult, resultSchema, type Verdict } from "../reports/result.ts";
import type { Run } from "../reports/store.ts";
import { applyBaseline, type Baseline, isKnown } from "./baseline.ts";
import type { Client } from "./client.ts";
import type { Clock } from "./clock.ts";
import { runScenario, type ScenarioRun } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";

export type SuiteAbout = {
  readonly client: Client;
  readonly scenarios: readonly Scenario[];
  readonly clock: Clock;
  readonly seed: number;
  /** Scenarios at once. */
  readonly jobs: number;
  readonly baseline: Baseline | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Whether all scenarios that there are run: only then can the baseline have entries too many. */
  readonly isWhole: boolean;
  /** Called with each run that ended, in the order in which they do. */
  ended?(run: ScenarioRun, counts: { readonly done: number; readonly of: number }): void;
};

export type SuiteRun = { readonly result: RunResult; readonly runs: readonly ScenarioRun[] };

export async function runSuite(about: SuiteAbout): Promise<SuiteRun> {
  const { client, scenarios, clock, seed, jobs, baseline, ended } = about;
  const startedMs = clock.now();
  const runs = new Map<string, ScenarioRun>();
  let done = 0;

  const run = (scenario: Scenario) =>
    runScenario(scenario, { client, seed, clock, replay: replayOf(client, scenario, seed) });
  const note = (scenario: Scenario, one: ScenarioRun) => {
    runs.set(scenario.id, one);
    ended?.(one, { done: ++done, of: scenarios.length });
  };

  const again: Scenario[] = [];
  const queue = [...scenarios];
  const workers = Array.from({ length: Math.min(jobs, scenarios.length) }, async () => {
    for (let scenario = queue.shift(); scenario; scenario = queue.shift()) {
      const one = await run(scenario);
      if (one.verdict.outcome === "failed" && !isKnown(baseline, scenario.id)) again.push(scenario);
      else note(scenario, one);
    }
  });
  for (const { status, reason } of (await Promise.allSettled(
    workers.map((worker) =>
      worker.catch((error) => {
        // Whoever else runs comes to an end.
        queue.length = 0;
        throw error;
      }),
    ),
  )) as PromiseRejectedResult[]) {
    if (status === "rejected") throw reason;
  }
  for (const scenario of again) note(scenario, onSecondThought(await run(scenario)));

  const inOrder = scenarios.map(({ id }) => runs.get(id)!);
  const judged = applyBaseline(
    inOrder.map(({ verdict }) => verdict),
    baseline,
    about,
  );
  const dialect = inOrder.find(({ recording }) => recording)?.recording?.hellos.client?.dialect;
  return {
    runs: inOrder,
    result: {
      schema: resultSchema,
      kind: "conformance",
      subject: client.name,
      target: "mock",
      startedAt: about.startedAt,
      durationMs: Math.round(clock.now() - startedMs),
      seed,
      environment: {
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        cpus: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
        jobs: String(jobs),
        ...(dialect && { dialect }),
      },
      verdicts: judged.verdicts,
      stale: judged.stale,
      harness: inOrder.flatMap(({ harness }) => harness ?? []),
      figures: [],
    },
  };
}

/** It failed before. What passes now may have had too little of the machine then: nobody can tell. */
function onSecondThought(second: ScenarioRun): ScenarioRun {
  if (second.verdict.outcome !== "passed") return second;
  const verdict: Verdict = {
    ...second.verdict,
    outcome: "inconclusive",
    why: "It failed, and passed when it was run again by itself: the machine may have been busy. Run it again with fewer jobs.",
  };
  return { ...second, verdict };
}

/** What of a suite's run is kept beside its result: the journal of each scenario, and what drivers wrote. */
export function toKeep({ result, runs }: SuiteRun): Run {
  return {
    result,
    journals: new Map(
      runs.flatMap(({ verdict, recording }) => (recording ? [[verdict.id, recording.journal]] : [])),
    ),
    driverLog: runs.flatMap(({ verdict, log }) => log.map((line) => `${verdict.id}  ${line}`)),
  };
}

/** What to type to see it again. */
export function replayOf(
  { name, typed = `--client ${name}` }: Pick<Client, "name" | "typed">,
  { id }: Pick<Scenario, "id">,
  seed: number,
): string {
  return `npx lucy-testkit conformance ${typed} --only ${id} --seed ${seed} --jobs 1`;
}
