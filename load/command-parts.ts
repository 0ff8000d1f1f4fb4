/** What the commands of load share: values as they are typed, where else a result is written, and how a command ends. */
import { writeFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { resultsHtml } from "../reports/html.ts";
import { resultJunit } from "../reports/junit.ts";
import { writeMarkdownFile } from "../reports/markdown-file.ts";
import { exitCodeOf, exitCodes, type RunResult } from "../reports/result.ts";
import { picturePaths, readResult, runsFolder, saveRun } from "../reports/store.ts";
import { resultText } from "../reports/text.ts";
import { checkRunsFolder, checkWritable } from "../reports/writable.ts";
import { InstrumentBroken } from "./run-load.ts";

/** Where else to write a result. */
export type Shown = {
  readonly json?: string;
  readonly markdown?: string;
  readonly html?: string;
  readonly junit?: string;
};

/** Before anything is measured: afterwards it would cost the run. @throws Error with a sentence for each place that cannot be written */
export function checkShown({ json, markdown, html, junit }: Shown): void {
  checkRunsFolder();
  checkWritable({ "--json": json, "--markdown": markdown, "--html": html, "--junit": junit });
}

/** As it was kept: without any key. Resolves what a process ends with. */
export function shown(measured: RunResult, typed: Shown): number {
  // A run of days takes a while to draw, and whoever loses patience knows where it is.
  const folder = saveRun({ result: measured }, runsFolder, (at) => console.log(`\nKept in ${at}.`));
  const result = readResult(folder);
  const pictures = picturePaths(result, folder);
  const { stdout } = process;
  console.log(`\n${resultText(result, { colour: stdout.isTTY === true && stdout.hasColors(), pictures })}`);
  console.log(`\nAll of it: ${folder}`);
  if (typed.json !== undefined) writeFileSync(typed.json, `${JSON.stringify(result, null, 2)}\n`);
  if (typed.markdown !== undefined) writeMarkdownFile(typed.markdown, [result]);
  if (typed.html !== undefined) writeFileSync(typed.html, resultsHtml([result]));
  if (typed.junit !== undefined) writeFileSync(typed.junit, resultJunit(result, pictures));
  return exitCodeOf(result);
}

/** What was typed wrong, or cannot be had, is nobody's failure. */
export async function ending(run: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    if (error instanceof InstrumentBroken) {
      console.error("lucy-testkit: the instrument does not read what is known, so nothing was measured.");
    } else console.error(`lucy-testkit: ${(error as Error).message}`);
    process.exitCode = exitCodes.harness;
  }
}

export function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}, not ${text}.`);
  };
}

export function oneOf<Name extends string>(names: readonly Name[]) {
  return (text: string): Name => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It takes ${names.join(", ")}, not ${text}.`);
  };
}
