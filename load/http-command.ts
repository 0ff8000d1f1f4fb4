/** `lucy-testkit load http`: the HTTP side of a target on this machine. */
import { Command, Option } from "commander";
import { isLoopback, readEndpoint } from "../conformance/index.ts";
import { markdownWords } from "../reports/markdown-file.ts";
import { realClock as clock, epochMs } from "./clock.ts";
import { checkShown, ending, oneOf, type Shown, shown, whole } from "./command-parts.ts";
import {
  checkPace,
  connectionsMax,
  type HttpPace,
  type HttpQuestion,
  httpQuestions,
  measureHttp,
} from "./http-load.ts";
import { httpResult, paceWords } from "./http-result.ts";
import { startMockProcess } from "./mock-process.ts";
import { reach } from "./run-load.ts";

type Typed = Shown & {
  target?: string;
  only: readonly HttpQuestion[];
  rate: number;
  seconds: number;
  connections?: number;
  p99Max?: number;
};

export function httpCommand(): Command {
  return new Command("http")
    .description("Measure the HTTP side under a steady rate: tokens, files, watch-stream, health.")
    .option("--target <address>", "ws://… on this machine; without it, a mock of its own")
    .addOption(
      new Option("--only <names>", `with commas: ${httpQuestions.join(",")}`)
        .argParser(questionsOf)
        .default(httpQuestions, "all of them"),
    )
    .option("--rate <count>", "requests a second", whole(1, 10_000), 50)
    .option("--seconds <count>", "how long each is asked", whole(1, 3600), 5)
    .option(
      "--connections <count>",
      `how many share the rate, at most as many as that (default: the rate, up to ${connectionsMax})`,
      whole(1, connectionsMax),
    )
    .option("--p99-max <ms>", "fail where p99 of a question is more", whole(1, 60_000))
    .option("--json <file>", "write the whole result")
    .option("--markdown <file>", markdownWords)
    .option("--html <file>", "write one HTML file")
    .option("--junit <file>", "write JUnit XML")
    .addHelpText(
      "after",
      "\nExit codes: 0 all was answered in time, 1 something was not, 2 nobody can tell, 3 nothing could be measured.",
    )
    .action((typed: Typed) => ending(() => askHttp(typed)));
}

async function askHttp(typed: Typed): Promise<number> {
  if (typed.target !== undefined && !isLoopback(typed.target)) {
    throw new Error(
      `${typed.target.slice(0, 80)} is not this machine. Requests at a steady rate go to this machine only: a mock's ws://127.0.0.1:8787.`,
    );
  }
  const { rate, seconds } = typed;
  const pace: HttpPace = {
    rate,
    seconds,
    connections: typed.connections ?? Math.min(rate, connectionsMax),
  };
  checkPace(pace);
  checkShown(typed);
  const { only: questions } = typed;
  const endpoint =
    typed.target === undefined
      ? null
      : readEndpoint(typed.target, { allowRemote: false, budget: {}, environment: process.env }).endpoint;
  if (endpoint) await reach(endpoint);
  const mock = endpoint ? null : await startMockProcess(["--mode", "none"]);
  try {
    const target = endpoint ?? { url: mock!.url, realtimeUrl: mock!.realtimeUrl, apiKey: "dct_load" };
    console.log(`Each of ${questions.join(", ")}: ${paceWords(pace)}.`);
    const startedMs = clock.now();
    const startedAt = new Date(epochMs()).toISOString();
    const measurements = [];
    for (const question of questions) measurements.push(await measureHttp({ target, question, ...pace }));
    const result = httpResult({
      measurements,
      pace,
      p99MsMax: typed.p99Max ?? null,
      target: new URL(target.url).host,
      startedAt,
      durationMs: clock.now() - startedMs,
      replay: replayOf(typed),
    });
    return shown(result, typed);
  } finally {
    await mock?.stop();
  }
}

/** Each once. */
function questionsOf(text: string): HttpQuestion[] {
  return [...new Set(text.split(",").map((name) => oneOf(httpQuestions)(name.trim())))];
}

/** What to type again. */
function replayOf({ target, only, rate, seconds, connections, p99Max }: Typed): string {
  return [
    "lucy-testkit load http",
    ...(target === undefined ? [] : [`--target ${target}`]),
    `--only ${only.join(",")} --rate ${rate} --seconds ${seconds}`,
    ...(connections === undefined ? [] : [`--connections ${connections}`]),
    ...(p99Max === undefined ? [] : [`--p99-max ${p99Max}`]),
  ].join(" ");
}
