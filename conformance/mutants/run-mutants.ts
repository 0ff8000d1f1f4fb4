/** Each broken client against the scenarios that name it, each broken server against its own: who is not noticed shows a hole. */

import type { Dialect } from "../client.ts";
import { referenceClient } from "../clients/reference/index.ts";
import type { Clock } from "../clock.ts";
import { runScenario } from "../run-scenario.ts";
import { scenarios } from "../scenarios/index.ts";
import { mutants } from "./clients.ts";
import { servers } from "./servers.ts";

export type MutantRun = {
  /** `splits-a-set`, `server torn-set` */
  readonly name: string;
  readonly about: string;
  readonly scenario: string;
  readonly dialect: Dialect;
  readonly isKilled: boolean;
  /** What was found, or why nothing was. */
  readonly told: string;
};

type Try = Omit<MutantRun, "isKilled" | "told"> & { run(): Promise<{ isKilled: boolean; told: string }> };

/** Scenarios and mutants that have nobody, a sentence each. */
export function unpaired(): string[] {
  const named = scenarios.flatMap(({ id, kills }) => kills.map((name) => ({ id, name })));
  const names = mutants.map(({ name }) => name);
  return [
    ...scenarios.filter(({ kills }) => kills.length === 0).map(({ id }) => `${id} kills no mutant.`),
    ...named
      .filter(({ name }) => !names.includes(name))
      .map(({ id, name }) => `${id} kills ${name}, and there is no such mutant.`),
    ...names
      .filter((name) => !named.some((one) => one.name === name))
      .map((name) => `No scenario kills ${name}.`),
    ...servers
      .filter(({ scenario }) => !scenarios.some(({ id }) => id === scenario))
      .map(({ name, scenario }) => `${name} is for ${scenario}, and there is no such scenario.`),
  ];
}

export async function runMutants(about: {
  readonly clock: Clock;
  readonly seed: number;
  readonly jobs: number;
  /** Each mutant once, against the first scenario that names it, in place of all of them. */
  readonly isBrief?: boolean;
  ended?(run: MutantRun): void;
}): Promise<MutantRun[]> {
  const { clock, seed, jobs, isBrief = false, ended } = about;
  const all = [...clientTries(clock, seed), ...serverTries(clock, seed)];
  const tries = isBrief ? all.filter(({ name }, n) => all.findIndex((one) => one.name === name) === n) : all;
  const runs: MutantRun[] = [];
  const queue = [...tries];
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let one = queue.shift(); one; one = queue.shift()) {
        const { run, ...told } = one;
        const mutantRun = { ...told, ...(await run()) };
        runs.push(mutantRun);
        ended?.(mutantRun);
      }
    }),
  );
  return tries.map(
    ({ name, scenario }) => runs.find((run) => run.name === name && run.scenario === scenario)!,
  );
}

function clientTries(clock: Clock, seed: number): Try[] {
  return scenarios.flatMap((scenario) =>
    scenario.kills.flatMap((name) => {
      const mutant = mutants.find((one) => one.name === name);
      if (!mutant) return [];
      const dialect = mutant.dialect ?? scenario.dialects?.[0] ?? "direct";
      return {
        name,
        about: mutant.about,
        scenario: scenario.id,
        dialect,
        async run() {
          const client = referenceClient({ dialect, mutant: name }, clock);
          const { verdict } = await runScenario(scenario, { client, seed, clock, replay: "" });
          await client.close();
          return {
            isKilled: verdict.outcome === "failed",
            told: verdict.findings[0]?.rule ?? verdict.why ?? "nothing was found",
          };
        },
      };
    }),
  );
}

function serverTries(clock: Clock, seed: number): Try[] {
  return servers.flatMap(({ name, about, scenario: id, faults, finds }) => {
    const scenario = scenarios.find((one) => one.id === id);
    if (!scenario) return [];
    return {
      name: `server ${name}`,
      about,
      scenario: id,
      dialect: "direct",
      async run() {
        const client = referenceClient({ dialect: "direct" }, clock);
        const { verdict } = await runScenario(scenario, { client, seed, clock, replay: "", spoiled: faults });
        await client.close();
        const found = verdict.findings.find(({ rule }) => finds.test(rule));
        return {
          isKilled: verdict.outcome === "failed" && found !== undefined,
          told: found?.rule ?? verdict.why ?? verdict.findings[0]?.rule ?? "nothing was found",
        };
      },
    };
  });
}
