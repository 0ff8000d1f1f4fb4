/** `lucy-testkit report`: shows a run that was kept. */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Command, Option } from "commander";
import { resultCtrf } from "./ctrf.ts";
import { resultsHtml } from "./html.ts";
import type { ComparedRuns } from "./html-load.ts";
import { resultJunit } from "./junit.ts";
import { resultsMarkdown } from "./markdown.ts";
import { exitCodes, type Picture, type RunResult } from "./result.ts";
import { latestRun, picturePaths, readResult, runFolder, runsFolder } from "./store.ts";
import { resultText } from "./text.ts";
import { checkWritable } from "./writable.ts";

/** Of two runs of load, by their paths. @throws Error with a sentence where they cannot be compared */
export type CompareRuns = (first: string, second: string) => ComparedRuns;

type Typed = { readonly format: string; readonly out?: string; readonly html?: string };
type Pictures = ReadonlyMap<Picture, string>;

/** Of one run, each ends with a line end. `colour`: whether whoever looks sees colours. */
const formats: Readonly<Record<string, (result: RunResult, pictures: Pictures, colour: boolean) => string>> =
  {
    text: (result, pictures, colour) => `${resultText(result, { colour, pictures })}\n`,
    markdown: (result, pictures) => resultsMarkdown([result], { pictures }),
    junit: resultJunit,
    ctrf: resultCtrf,
    json: (result) => `${JSON.stringify(result, null, 2)}\n`,
  };

/** Who measures knows how to compare, and is not known here: without `compare`, two runs of load stand side by side and no more. */
export function reportCommand(compare: CompareRuns | null = null): Command {
  return (
    new Command("report")
      .description("Show a run that was kept: its verdict, for a terminal, a pull request or a CI system.")
      .argument(
        "[runs...]",
        `Folders of ${runsFolder}/, or files of results; several are for --html and --format markdown. (default: "${latestRun}")`,
      )
      .addOption(new Option("--format <format>", "As what.").choices(Object.keys(formats)).default("text"))
      .option("--out <file>", "Write to a file instead.")
      .addOption(
        new Option(
          "--html <file>",
          "Write one HTML file, in which several runs stand side by side.",
        ).conflicts(["format", "out"]),
      )
      .addHelpText(
        "after",
        `\nExit codes: 0 it was shown, whatever it says; ${exitCodes.harness} there was nothing to show, or nowhere.`,
      )
      // A gate takes 1 for a client that failed, and this is none.
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.harness))
      .action((typed: readonly string[], { format, out, html }: Typed) => {
        try {
          const runs = (typed.length > 0 ? typed : [latestRun]).map(found);
          if (html !== undefined) showHtml(runs, html, compare);
          else show(textOf(runs, format, out), out);
        } catch (error) {
          console.error(`lucy-testkit: ${(error as Error).message}`);
          process.exitCode = exitCodes.harness;
        }
      })
  );
}

/** A run is named by its path, or by its folder's name alone. */
function found(run: string): string {
  const isPath = /[\\/]/.test(run) || statSync(run, { throwIfNoEntry: false }) !== undefined;
  return isPath ? run : join(runsFolder, run);
}

function showHtml(runs: readonly string[], file: string, compare: CompareRuns | null): void {
  checkWritable({ "--html": file });
  const results = runs.map(readResult);
  const [first, second, ...more] = runs.filter((_, index) => results[index]!.load);
  const isPair = first !== undefined && second !== undefined && more.length === 0;
  const compared = isPair && compare ? compare(first, second) : null;
  writeFileSync(file, resultsHtml(results, { compared }));
  console.log(`Wrote ${file}.`);
}

function textOf(runs: readonly string[], format: string, out: string | undefined): string {
  const from = out === undefined ? "." : dirname(out);
  const [first, ...more] = runs.map((run) => ({ result: readResult(run), run }));
  if (more.length === 0) {
    const { stdout } = process;
    const colour = out === undefined && stdout.isTTY && stdout.hasColors();
    return formats[format]!(first!.result, picturesFrom(first!.result, first!.run, from), colour);
  }
  if (format !== "markdown") {
    throw new Error(
      `${runs.length} runs are named, and --format ${format} shows one. Name one, or put them side by side: --html report.html, or --format markdown.`,
    );
  }
  const all = [first!, ...more];
  return resultsMarkdown(
    all.map(({ result }) => result),
    { pictures: new Map(all.flatMap(({ result, run }) => [...picturesFrom(result, run, from)])) },
  );
}

function show(text: string, out: string | undefined): void {
  const { stdout } = process;
  if (out === undefined) {
    // Whoever reads may have read enough: `| head`.
    stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code !== "EPIPE") process.exitCode = exitCodes.harness;
    });
    stdout.write(text);
    return;
  }
  try {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, text);
  } catch (error) {
    throw new Error(`${out} cannot be written: ${(error as Error).message}.`);
  }
  console.log(`Wrote ${out}.`);
}

/** As seen from a folder; a result by itself has none. */
function picturesFrom(result: RunResult, run: string, from: string): Pictures {
  const folder = runFolder(run);
  return folder === null ? new Map() : picturePaths(result, relative(from, folder) || ".");
}
