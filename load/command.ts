/** `lucy-testkit load`: measures at a terminal, and in a CI. */
import { existsSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { type RemoteBudget, readEndpoint } from "../conformance/index.ts";
import { markdownWords } from "../reports/markdown-file.ts";
import { exitCodes } from "../reports/result.ts";
import { checkWritable } from "../reports/writable.ts";
import { realClock as clock, epochMs } from "./clock.ts";
import { checkShown, ending, oneOf, type Shown, shown, whole } from "./command-parts.ts";
import { partOf as shareOf } from "./commanded-shard.ts";
import { compareFiles } from "./compare-files.ts";
import { dialects, type GeneratorName, generatorNames, type Target } from "./generator.ts";
import { httpCommand } from "./http-command.ts";
import { type Plan, planNames, readPlan } from "./plan.ts";
import {
  checkSessions,
  type LoadNews,
  partOf,
  reach,
  runLoad,
  stoppedWords,
  testInstrument,
  watchBudget,
} from "./run-load.ts";
import { startShards } from "./run-shards.ts";
import type { SelfTest } from "./self-test-readings.ts";
import { readShard, tryShardFile } from "./shard-files.ts";
import { loadResult } from "./to-result.ts";
import { startWarming } from "./warm-up.ts";
import { aheadText, progressLine, selfTestText } from "./words.ts";

type Typed = Shown & {
  target?: string;
  plan: string;
  shards: number;
  generator?: GeneratorName;
  dialect?: (typeof dialects)[number] | "both";
  selfTest?: boolean;
  frames?: string;
  shard?: { index: number; count: number };
  startAt?: number;
  shardFile?: string;
  allowRemote?: boolean;
  sessionsMax?: number;
  secondsMax?: number;
  creditsMax?: number;
  allowHosts?: string[];
};

const exitWords =
  "Exit codes: 0 all thresholds held, 1 one did not, 2 nobody can tell, 3 nothing could be measured.";
const compareWords =
  "Exit codes: 0 nothing is worse, 1 something is, 2 nobody can tell (too few samples, a run that is doubted, or not the same plan), 3 there is nothing to compare.";

export function loadCommand(): Command {
  const load = new Command("load")
    .enablePositionalOptions()
    .description(
      "Measure what a person would see: per-frame latency, fps, freezes, set to visible; against a mock or an endpoint.",
    )
    .option("--target <address>", "ws://…; without it, a mock of its own, as the plan says")
    .option("--plan <name or file>", `${planNames().join(", ")}, or a YAML file`, "smoke")
    .option("--shards <count>", "processes that share the sessions", whole(1, 64), 1)
    .option(
      "--generator <name>",
      `${generatorNames.join(" or ")} (default: the plan's)`,
      oneOf(generatorNames),
    )
    .option("--dialect <name>", "direct, livekit or both (default: the plan's)", oneOf([...dialects, "both"]))
    .option("--self-test", "only read known delays with the instrument, and say what was read")
    .option("--frames <file>", "write a line of JSON for each source picture")
    .option("--shard <i/n>", "be one shard of several machines, the first is 0/n; with --shard-file", shardOf)
    .option("--start-at <time>", "when all shards start, ISO 8601: 2026-11-28T17:00:00Z", moment)
    .option("--shard-file <file>", "where this shard leaves what it measured, for load merge")
    .option("--json <file>", "write the whole result")
    .option("--markdown <file>", markdownWords)
    .option("--html <file>", "write one HTML file")
    .option("--junit <file>", "write JUnit XML")
    .option(
      "--allow-remote",
      "a target that is not this machine may be asked; its key comes from DECART_API_KEY",
    )
    .option("--sessions-max <count>", "budget of a remote run", whole(1, 10_000))
    .option("--seconds-max <seconds>", "budget of a remote run", whole(1, 86_400))
    .option("--credits-max <credits>", "budget of a remote run", whole(1, 100_000))
    .option(
      "--allow-hosts <names>",
      "of a remote run in a browser: where else its pages may go, with commas; *.example.com for all of them",
      hostsIn,
    )
    .addHelpText("after", `\n${exitWords} One that is stopped keeps what was measured, and ends with 2.`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitCodes.passed : exitCodes.harness))
    .action((typed: Typed) => ending(() => (typed.shard ? measureShard(typed) : measure(typed))));
  load
    .command("compare")
    .description("Say what of b is better or worse than in a, with intervals: two runs' folders or results.")
    .argument("<a>", "a run's folder or result; several of one side with commas")
    .argument("<b>", "the same")
    .addHelpText("after", `\n${compareWords}`)
    .action((a: string, b: string) => ending(async () => compareRuns(a, b)));
  load
    .command("merge")
    .description("Add up the files that shards left, on whichever machines, into one result.")
    .argument("<files...>")
    .option("--wait-seconds <seconds>", "how long to wait until all files are there", whole(0, 86_400), 0)
    .option("--json <file>", "write the whole result")
    .option("--markdown <file>", markdownWords)
    .option("--html <file>", "write one HTML file")
    .option("--junit <file>", "write JUnit XML")
    .addHelpText("after", `\n${exitWords}`)
    .action((files: string[], typed: MergeTyped) => ending(() => mergeShards(files, typed)));
  // Commander hands down what it does on a wrong word to commands that it makes itself.
  load.addCommand(httpCommand().copyInheritedSettings(load));
  return load;
}

type MergeTyped = Shown & { waitSeconds: number };

async function measure(typed: Typed): Promise<number> {
  const flag =
    typed.startAt !== undefined ? "--start-at" : typed.shardFile !== undefined ? "--shard-file" : null;
  if (flag !== null) {
    throw new Error(`${flag} is for one shard of several machines. Say which it is as well: --shard 0/4.`);
  }
  const plan = planOf(typed);
  const told = teller();
  const stopped = stopOnSignals();
  if (typed.selfTest) {
    await testInstrument({ plan, clock, told, stopped });
    return exitCodes.passed;
  }
  const { target, budget, hosts } = targetOf(typed, plan);
  checkShown(typed);
  const { frames } = typed;
  const parts = Array.from({ length: frames === undefined ? 0 : typed.shards }, (_, index) =>
    partOf(frames!, index, typed.shards),
  );
  for (const part of parts) checkWritable({ "--frames": part });
  console.log(aheadText(plan, { target: typed.target ?? null, isPaid: budget !== null, hosts }));
  let selfTests: readonly SelfTest[] | null = null;
  if (budget) {
    checkSessions(plan, budget);
    selfTests = await rehearse(plan, target!, told, stopped);
  }
  const result = await runLoad({
    plan,
    target,
    budget,
    hosts,
    shards: typed.shards,
    selfTests,
    rowsFile: frames ?? null,
    replay: replayOf(typed),
    clock,
    stopped,
    told,
  });
  return shown(result, typed);
}

/** Aborts with the first SIGINT or SIGTERM: sessions are closed and what was measured is kept. With the second, the process ends. */
function stopOnSignals(): AbortSignal {
  const stopped = new AbortController();
  for (const [signal, number] of [["SIGINT", 2] as const, ["SIGTERM", 15] as const]) {
    process.on(signal, () => {
      if (stopped.signal.aborted) process.exit(128 + number);
      console.error(
        `\n${signal}: sessions are closed, and what was measured is kept. Once more ends at once.`,
      );
      stopped.abort();
    });
  }
  return stopped.signal;
}

/** The dry run: what is wrong with the plan costs nothing to find here. @throws Error where not even one session works against a mock */
async function rehearse(
  plan: Plan,
  { url }: Target,
  told: (news: LoadNews) => void,
  stopped: AbortSignal,
): Promise<readonly SelfTest[]> {
  console.log(`${url} is not this machine: one session against a mock first.`);
  const selfTests = await testInstrument({ plan, clock, told, stopped });
  const { load } = await runLoad({
    plan: rehearsalOf(plan),
    target: null,
    budget: null,
    hosts: [],
    shards: 1,
    selfTests,
    rowsFile: null,
    replay: "",
    clock,
    stopped,
    told,
  });
  const connected = load!.measurement.counts["sessions-connected"] ?? 0;
  if (connected === 0) {
    const why = Object.keys(load!.troubles)[0] ?? "Nobody says why.";
    throw new Error(`The rehearsal against a mock opened no session, so nothing remote was asked. ${why}`);
  }
  return selfTests;
}

/** One session of each dialect, some seconds long. */
function rehearsalOf(plan: Plan): Plan {
  const one = {
    seconds: 0,
    sessionsPerSecond: { from: 0, to: 0 },
    sessions: plan.dialect === "both" ? 2 : 1,
  };
  return { ...plan, arrivals: [one], holdSeconds: Math.min(5, plan.holdSeconds), thresholds: [] };
}

/** One of the shards of several machines: measures, leaves its file, judges nothing. */
async function measureShard(typed: Typed): Promise<number> {
  const plan = planOf(typed);
  const { index, count } = typed.shard!;
  const { target, budget, hosts } = targetOf(typed, plan);
  checkSessions(plan, budget);
  if (!target || typed.shardFile === undefined) {
    throw new Error(
      "A shard takes --target and --shard-file: what several measure is one target, and is added up afterwards.",
    );
  }
  if (typed.startAt === undefined) {
    throw new Error(
      "A shard takes --start-at, the same for all of them: 30 s from now or later, 60 s for a remote target, since each tests its instrument first.",
    );
  }
  const startAtMs = typed.startAt;
  if (startAtMs < epochMs()) {
    throw new Error(
      `This shard came ${((epochMs() - startAtMs) / 1000).toFixed(1)} s after --start-at. Set a later moment for all of them.`,
    );
  }
  tryShardFile(typed.shardFile);
  checkWritable({ "--frames": typed.frames });
  const stopped = stopOnSignals();
  await reach(target);
  const told = teller();
  const selfTests = budget
    ? await rehearse(plan, target, told, stopped)
    : await testInstrument({ plan, clock, told, stopped });
  if (stopped.aborted) throw new Error("The shard was stopped before anything was measured.");
  if (startAtMs < epochMs()) {
    throw new Error(
      "The self-test ended after --start-at. Set a moment at least 30 s later for all shards, 60 s for a remote target.",
    );
  }
  const warming = await startWarming(plan).catch(() => null);
  const run = startShards(
    [
      {
        ...{ plan, target, hosts, index, count, warmAt: warming?.target ?? null },
        ...{ selfTests, resultFile: typed.shardFile, rowsFile: typed.frames ?? null },
      },
    ],
    {
      clock,
      startAtMs,
      progressed(progress) {
        told({ kind: "progress", progress, secondsLeft: 0 });
        spending.saw(progress);
      },
    },
  );
  // Each of the machines spends its part.
  const spending = watchBudget(budget && shareOf(budget, index, count), {
    startAtMs,
    clock,
    over: run.stop,
  });
  const stop = () => run.stop(stoppedWords);
  stopped.addEventListener("abort", stop, { once: true });
  if (stopped.aborted) stop();
  void run.begun.catch(() => {}).then(() => warming?.over());
  await run.done.finally(() => spending.stop());
  const { doubts } = readShard(typed.shardFile);
  for (const sentence of doubts) console.log(`\n? ${sentence}`);
  console.log(`\nWrote ${typed.shardFile}. Add the shards up with lucy-testkit load merge.`);
  return doubts.length > 0 ? exitCodes.inconclusive : exitCodes.passed;
}

async function mergeShards(files: readonly string[], typed: MergeTyped): Promise<number> {
  checkShown(typed);
  const untilMs = clock.now() + typed.waitSeconds * 1000;
  while (clock.now() < untilMs && !files.every((file) => existsSync(file))) await clock.sleep(500);
  const shards = files.map(readShard);
  const [first] = shards;
  const count = first!.count;
  const indices = new Set(shards.map(({ index }) => index));
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !indices.has(index));
  if (missing.length > 0 || shards.length !== count) {
    throw new Error(
      `These are ${shards.length} files of a run of ${count} shards${missing.length > 0 ? `; shard ${missing.join(", ")} is missing` : ", some of them twice"}. Name each once.`,
    );
  }
  for (const [at, shard] of shards.entries()) {
    if (shard.startedAt !== first!.startedAt || JSON.stringify(shard.plan) !== JSON.stringify(first!.plan)) {
      throw new Error(
        `${files[at]} is of another run than ${files[0]}: they started at ${shard.startedAt} and ${first!.startedAt}.`,
      );
    }
  }
  const result = loadResult({
    plan: first!.plan as unknown as Plan,
    shards,
    selfTests: shards.flatMap((shard) => shard.selfTests),
    serverMs: null,
    replay: `lucy-testkit load merge ${files.join(" ")}`,
  });
  return shown(result, typed);
}

function compareRuns(a: string, b: string): number {
  const { text, verdict } = compareFiles(a, b);
  console.log(text);
  return { worse: exitCodes.failed, inconclusive: exitCodes.inconclusive, held: exitCodes.passed }[verdict];
}

function planOf({ plan: name, generator, dialect }: Typed): Plan {
  const plan = readPlan(name);
  return { ...plan, ...(generator && { generator }), ...(dialect && { dialect }) };
}

function targetOf(
  typed: Pick<Typed, "target" | "allowRemote" | "sessionsMax" | "secondsMax" | "creditsMax" | "allowHosts">,
  { generator }: Plan,
): {
  target: Target | null;
  budget: RemoteBudget | null;
  hosts: readonly string[];
} {
  const { target: address, sessionsMax, secondsMax, creditsMax, allowHosts: hosts = [] } = typed;
  const { endpoint, budget } =
    address === undefined
      ? { endpoint: null, budget: null }
      : readEndpoint(address, {
          allowRemote: typed.allowRemote ?? false,
          budget: {
            ...(sessionsMax !== undefined && { sessionsMax }),
            ...(secondsMax !== undefined && { secondsMax }),
            ...(creditsMax !== undefined && { creditsMax }),
          },
          environment: process.env,
        });
  if (hosts.length > 0 && budget === null) {
    throw new Error(
      "--allow-hosts is for a target that is not this machine, with --allow-remote and its budget: a mock leads to no other host. Leave it out.",
    );
  }
  if (hosts.length > 0 && generator !== "browser") {
    throw new Error(
      "--allow-hosts is for --generator browser: the generator node goes where the service leads. Leave it out.",
    );
  }
  return { target: endpoint, budget, hosts };
}

/** What to type again; a target's address has no key in it. */
function replayOf(typed: Typed): string {
  const { plan, target, shards, generator, dialect, sessionsMax, secondsMax, creditsMax, allowHosts } = typed;
  const parts = [
    "lucy-testkit load",
    `--plan ${plan}`,
    ...(target === undefined ? [] : [`--target ${target}`]),
    ...(shards === 1 ? [] : [`--shards ${shards}`]),
    ...(generator === undefined ? [] : [`--generator ${generator}`]),
    ...(dialect === undefined ? [] : [`--dialect ${dialect}`]),
    ...(typed.allowRemote ? ["--allow-remote"] : []),
    ...(sessionsMax === undefined ? [] : [`--sessions-max ${sessionsMax}`]),
    ...(secondsMax === undefined ? [] : [`--seconds-max ${secondsMax}`]),
    ...(creditsMax === undefined ? [] : [`--credits-max ${creditsMax}`]),
    ...(allowHosts === undefined ? [] : [`--allow-hosts ${allowHosts.join(",")}`]),
  ];
  return parts.join(" ");
}

/** One line that is written over where a person looks; one every ten seconds where a file does. */
function teller(): (news: LoadNews) => void {
  const { stdout } = process;
  let saidMs = 0;
  return (news) => {
    if (news.kind === "self-test") console.log(selfTestText(news.test));
    else if (stdout.isTTY) {
      // The last column stays free: some terminals begin a new line with it.
      const line = progressLine(news.progress, news.secondsLeft, stdout.columns - 1);
      stdout.write(`\r\u001b[2K${line}`);
    } else if (clock.now() - saidMs >= 10_000) {
      saidMs = clock.now();
      console.log(progressLine(news.progress, news.secondsLeft));
    }
  };
}

function shardOf(text: string): { index: number; count: number } {
  const [, index, count] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  if (index !== undefined && Number(index) < Number(count))
    return { index: Number(index), count: Number(count) };
  throw new InvalidArgumentError(`It takes which of how many, from 0/4 to 3/4, not ${text}.`);
}

function moment(text: string): number {
  const value = Date.parse(text);
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`It takes a time as ISO 8601 writes it, 2026-11-28T17:00:00Z, not ${text}.`);
}

/** Names as Chromium's rules take them; a star stands for what is before at least two labels. */
function hostsIn(text: string): string[] {
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(
    `It takes names of hosts with commas, rooms.example.com,*.example.com, and not ${JSON.stringify(wrong.slice(0, 80))}.`,
  );
}
