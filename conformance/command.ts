/** `lucy-testkit conformance`: judges clients at a terminal, and in a CI. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { nearest } from "../protocol/index.ts";
import { resultCtrf } from "../reports/ctrf.ts";
import { resultsHtml } from "../reports/html.ts";
import { resultJunit } from "../reports/junit.ts";
import { strikeKeys } from "../reports/keys.ts";
import { markdownWords, writeMarkdownFile } from "../reports/markdown-file.ts";
import { exitCodeOf, exitCodes, type RunResult, resultSchema } from "../reports/result.ts";
import { picturePaths, readResult, saveRun } from "../reports/store.ts";
import { resultText } from "../reports/text.ts";
import { checkRunsFolder, checkWritable } from "../reports/writable.ts";
import { type Baseline, readBaseline } from "./baseline.ts";
import type { Client } from "./client.ts";
import { clientNames, clientsKnown, openClient } from "./clients/index.ts";
import { realClock } from "./clock.ts";
import { compareWith } from "./fidelity.ts";
import { createGuard, readEndpoint } from "./remote-guard.ts";
import { requirementSets, setsMet } from "./requirement-sets.ts";
import type { ScenarioRun } from "./run-scenario.ts";
import { runSuite, toKeep } from "./run-suite.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";

type Typed = {
  client?: string;
  clientCommand?: string;
  driverPort: number;
  only: string;
  list?: boolean;
  baseline?: string | false;
  junit?: string | undefined;
  ctrf?: string | undefined;
  json?: string | undefined;
  markdown?: string;
  html?: string;
  seed: number;
  jobs: number;
  endpoint?: string;
  allowRemote?: boolean;
  sessionsMax?: number;
  secondsMax?: number;
  creditsMax?: number;
};

/** `kept`: the results of this command so far, for what shows them side by side. */
type Judged = Typed & { readonly kept: RunResult[] };

const jobsDefault = 4;

export function conformanceCommand(): Command {
  return (
    new Command("conformance")
      .description("Judge a client by its messages and its pictures.")
      .option("--client <names>", `${clientsKnown}, command; several with commas`)
      .option("--client-command <command>", 'what starts a driver of your own: "python my_driver.py"')
      .option("--driver-port <port>", "where --client websocket waits for drivers", whole(0, 65_535), 0)
      .option(
        "--only <ids>",
        "areas, scenarios or requirement sets, with commas: reconnect,acks/late,product-page",
        "",
      )
      .option("--list", "say which scenarios there are, and who demands them")
      .option(
        "--baseline <file>",
        "failures that are known (default: the one that comes along for this client)",
      )
      .option("--no-baseline", "know of no failures")
      .option("--junit <file>", "write JUnit XML")
      .option("--ctrf <file>", "write CTRF JSON")
      .option("--json <file>", "write the whole result")
      .option("--markdown <file>", markdownWords)
      .option("--html <file>", "write one HTML file, a column a client")
      .option("--seed <number>", "seed of all dice", whole(0, 2 ** 32 - 1), 1)
      .option("--jobs <count>", "scenarios at once", whole(1, 32), jobsDefault)
      .option(
        "--endpoint <address>",
        "compare the mock with a real endpoint, wss://…; its key comes from DECART_API_KEY",
      )
      .option("--allow-remote", "an endpoint that is not this machine may be asked")
      .option("--sessions-max <count>", "budget of a remote run", whole(1, 1000))
      .option("--seconds-max <seconds>", "budget of a remote run", whole(1, 36_000))
      .option("--credits-max <credits>", "budget of a remote run", whole(1, 10_000))
      // What was typed wrong is nobody's failure.
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitCodes.passed : exitCodes.harness))
      .action(async (typed: Typed) => {
        try {
          process.exitCode = await conform(typed);
        } catch (error) {
          console.error(`lucy-testkit: ${(error as Error).message}`);
          process.exitCode = exitCodes.harness;
        }
      })
  );
}

function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}, not ${text}.`);
  };
}

/** The worst exit code of all clients. */
async function conform(typed: Typed): Promise<number> {
  const wanted = selectScenarios(typed.only);
  if (typed.list) {
    console.log(listed(wanted));
    return exitCodes.passed;
  }
  const given = typed.client ?? (typed.clientCommand === undefined ? undefined : "command");
  if (given === undefined) {
    throw new Error(
      "Say who is to be judged: --client sdk@0.1.20, or --client-command and what starts your driver.",
    );
  }
  const names = clientNames(given);
  const { junit, ctrf, json, html, markdown } = typed;
  // One file a client, where there are several.
  const own = (file: string | undefined, name: string) =>
    file === undefined || names.length === 1
      ? file
      : file.replace(/([.]\w+)?$/, `.${name.replaceAll(/[@:/]/g, "-")}$1`);
  const clients = names.map((name) => ({
    name,
    files: { junit: own(junit, name), ctrf: own(ctrf, name), json: own(json, name) },
  }));
  checkRunsFolder();
  checkWritable({ "--html": html, "--markdown": markdown });
  for (const { files } of clients) {
    checkWritable({ "--junit": files.junit, "--ctrf": files.ctrf, "--json": files.json });
  }
  const kept: RunResult[] = [];
  const codes: number[] = [];
  try {
    for (const { name, files } of clients) {
      codes.push(await judge(name, wanted, { ...typed, ...files, kept }));
    }
  } finally {
    // Where a later client cannot be had, what was said of those before it is there.
    if (kept.length > 0 && html !== undefined) writeFileSync(html, resultsHtml(kept));
    if (kept.length > 0 && markdown !== undefined) writeMarkdownFile(markdown, kept);
  }
  return worstFirst.find((code) => codes.includes(code))!;
}

/** As in one run: whether the harness broke is asked before whether a client failed. */
const worstFirst = [exitCodes.harness, exitCodes.failed, exitCodes.inconclusive, exitCodes.passed];

async function judge(name: string, wanted: readonly Scenario[], typed: Judged): Promise<number> {
  if (typed.endpoint !== undefined) return compare(name, wanted, typed, typed.endpoint);
  const baseline = baselineOf(name, typed);
  const client = await open(name, typed);
  try {
    const { result, runs } = await runSuite({
      client,
      scenarios: wanted,
      clock: realClock,
      seed: typed.seed,
      // Drivers that come by themselves come one by one.
      jobs: name === "websocket" ? 1 : typed.jobs,
      baseline,
      startedAt: new Date().toISOString(),
      isWhole: wanted.length === scenarios.length,
      ended: progress(name),
    });
    write(result, runs, typed);
    return exitCodeOf(result);
  } finally {
    await client.close();
  }
}

/** A client of whom one driver was seen to start. @throws Error with a sentence */
async function open(name: string, { clientCommand, driverPort }: Typed): Promise<Client> {
  const tell = (sentence: string) => console.error(sentence);
  const client = await openClient(name, realClock, { command: clientCommand, driverPort, tell });
  if (name === "websocket") return client;
  try {
    await (await client.open()).close();
  } catch (error) {
    await client.close();
    throw new Error(`The driver of ${name} cannot be had: ${(error as Error).message}`);
  }
  return client;
}

/** Where the mock and an endpoint look different to this client. */
async function compare(
  name: string,
  wanted: readonly Scenario[],
  typed: Judged,
  address: string,
): Promise<number> {
  const { endpoint, budget } = readEndpoint(address, {
    allowRemote: typed.allowRemote ?? false,
    budget: typed,
    environment: process.env,
  });
  if (budget && name.startsWith("sdk@")) {
    throw new Error(
      "Pages of the SDK never leave this machine. Compare with reference-direct, reference-livekit, aiortc or a driver of your own.",
    );
  }
  const client = await open(name, typed);
  const startedMs = realClock.now();
  const startedAt = new Date().toISOString();
  const guard = createGuard(budget, realClock);
  try {
    const { verdicts, harness } = await compareWith(wanted, {
      client,
      endpoint,
      guard,
      clock: realClock,
      seed: typed.seed,
    });
    const { sessions, seconds, credits } = guard.spent;
    const result: RunResult = {
      schema: resultSchema,
      kind: "conformance",
      subject: name,
      target: `mock beside ${endpoint.realtimeUrl}`,
      startedAt,
      durationMs: Math.round(realClock.now() - startedMs),
      seed: typed.seed,
      environment: {
        node: process.version,
        spent: `${sessions} sessions, ${Math.round(seconds)} s, about ${credits.toFixed(2)} credits`,
      },
      verdicts,
      stale: [],
      harness,
      figures: [],
    };
    write(result, [], typed);
    return exitCodeOf(result);
  } finally {
    await client.close();
  }
}

/** Those of an area, of an id, or of a requirement set. @throws Error for one that there is none of */
export function selectScenarios(only: string): readonly Scenario[] {
  const asked = only
    .split(",")
    .map((text) => text.trim().replace(/\/\*?$/, ""))
    .filter(Boolean);
  if (asked.length === 0) return scenarios;
  const ids = scenarios.map(({ id }) => id as string);
  const areas = new Set(ids.map((id) => id.slice(0, id.indexOf("/"))));
  const known = [...areas, ...ids, ...Object.keys(requirementSets)];
  for (const text of asked) {
    if (known.includes(text)) continue;
    const near = nearest(text, known);
    throw new Error(
      `There is no scenario, area or requirement set "${text.slice(0, 80)}".${near ? ` Did you mean ${near}?` : ""} lucy-testkit conformance --list shows all.`,
    );
  }
  return scenarios.filter(({ id }) =>
    asked.some((text) => id === text || id.startsWith(`${text}/`) || requirementSets[text]?.includes(id)),
  );
}

function listed(wanted: readonly Scenario[]): string {
  const width = Math.max(...wanted.map(({ id }) => id.length));
  return wanted
    .map(
      ({ id, does, owes, source }) =>
        `${id.padEnd(width)}  ${does}\n${" ".repeat(width)}  ${owes} (${source.kind}: ${source.where})`,
    )
    .join("\n");
}

/** `sdk@0.1.20` is judged by `baselines/sdk-0.1.20.json`. */
export function baselinePath(name: string): string {
  return join(import.meta.dirname, "baselines", `${name.replaceAll("@", "-")}.json`);
}

function baselineOf(name: string, { baseline }: Typed): Baseline | null {
  if (baseline === false) return null;
  const path = baseline ?? baselinePath(name);
  if (baseline === undefined && !existsSync(path)) return null;
  return readBaseline(
    path,
    name,
    scenarios.map(({ id }) => id),
  );
}

/** A line that is written over where there is a terminal, and none elsewhere. */
function progress(name: string) {
  const { isTTY } = process.stderr;
  return ({ verdict }: ScenarioRun, { done, of }: { done: number; of: number }) => {
    if (!isTTY) return;
    const line = `${name}  ${done} of ${of}  ${verdict.outcome} ${verdict.id}`;
    process.stderr.write(done === of ? "\r\u001b[K" : `\r\u001b[K${line.slice(0, 100)}`);
  };
}

function write(result: RunResult, runs: readonly ScenarioRun[], typed: Judged): void {
  const colour = (process.stdout.isTTY && process.stdout.hasColors()) ?? false;
  let folder: string;
  try {
    folder = saveRun(toKeep({ result, runs }));
  } catch (error) {
    // Nobody is to lose a verdict over a full disk.
    console.log(resultText(strikeKeys(result), { colour }));
    throw error;
  }
  const kept = readResult(folder);
  const pictures = picturePaths(kept, folder);
  if (typed.junit) writeFileSync(typed.junit, resultJunit(kept, pictures));
  if (typed.ctrf) writeFileSync(typed.ctrf, resultCtrf(kept, pictures));
  if (typed.json) writeFileSync(typed.json, `${JSON.stringify(kept, null, 1)}\n`);
  typed.kept.push(kept);
  console.log(resultText(kept, { colour, pictures }));
  const met = setsMet(kept);
  if (met.length > 0) console.log(`\nConforms to ${met.join(", ")}.`);
  console.log(`\nAll of it: ${folder}`);
}
