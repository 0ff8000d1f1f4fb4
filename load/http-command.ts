/** `lucy-testkit load http`: the HTTP side of a target on this machine. */
import { Command } from "commander";
import { isLoopback, readEndpoint } from "../conformance/index.ts";
import { exitCodes } from "../reports/result.ts";
import { ending, oneOf, whole } from "./command-parts.ts";
import { httpQuestions, measureHttp } from "./http-load.ts";
import { startMockProcess } from "./mock-process.ts";
import { reach } from "./run-load.ts";
import { httpText, httpTroubles } from "./words.ts";

type Typed = {
  target?: string;
  only: string;
  rate: number;
  seconds: number;
  connections: number;
};

export function httpCommand(): Command {
  return new Command("http")
    .description("Measure the HTTP side under a steady rate: tokens, files, watch-stream, health.")
    .option("--target <address>", "ws://… on this machine; without it, a mock of its own")
    .option("--only <names>", `with commas: ${httpQuestions.join(",")}`, httpQuestions.join(","))
    .option("--rate <count>", "requests a second", whole(1, 10_000), 50)
    .option("--seconds <count>", "how long each is asked", whole(1, 3600), 5)
    .option("--connections <count>", "connections at once", whole(1, 1000), 10)
    .action((typed: Typed) => ending(() => askHttp(typed)));
}

async function askHttp(typed: Typed): Promise<number> {
  if (typed.target !== undefined && !isLoopback(typed.target)) {
    throw new Error(
      `${typed.target.slice(0, 80)} is not this machine. Requests at a steady rate go to this machine only: a mock's ws://127.0.0.1:8787.`,
    );
  }
  const target =
    typed.target === undefined
      ? null
      : readEndpoint(typed.target, { allowRemote: false, budget: {}, environment: process.env }).endpoint;
  if (target) await reach(target);
  const questions = typed.only.split(",").map((name) => oneOf(httpQuestions)(name.trim()));
  const mock = target ? null : await startMockProcess(["--mode", "none"]);
  try {
    const measured = [];
    for (const question of questions) {
      measured.push(
        await measureHttp({
          target: target ?? { url: mock!.url, realtimeUrl: mock!.realtimeUrl, apiKey: "dct_load" },
          question,
          rate: typed.rate,
          seconds: typed.seconds,
          connections: typed.connections,
        }),
      );
    }
    console.log(httpText(measured));
    const { refused, behind } = httpTroubles(measured);
    for (const sentence of [...refused, ...behind]) console.log(sentence);
    if (refused.length > 0) return exitCodes.failed;
    return behind.length > 0 ? exitCodes.inconclusive : exitCodes.passed;
  } finally {
    await mock?.stop();
  }
}
