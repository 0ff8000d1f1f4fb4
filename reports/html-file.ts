/** The HTML report as a file: whether there can be one is found out before anything is run for it. */
import { accessSync, closeSync, constants, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type HtmlOptions, resultsHtml } from "./html.ts";
import type { RunResult } from "./result.ts";

/** Leaves no new file. @throws Error with a sentence where it cannot be written */
export function checkHtmlFile(file: string): void {
  orSentence(file, () => {
    const status = statSync(file, { throwIfNoEntry: false });
    // To open a pipe waits for its reader.
    if (status && !status.isFile() && !status.isDirectory()) return accessSync(file, constants.W_OK);
    closeSync(openSync(file, "a"));
    if (!status) rmSync(file);
  });
}

/** Results side by side. @throws Error with a sentence where it cannot be written */
export function writeHtmlFile(file: string, results: readonly RunResult[], options: HtmlOptions = {}): void {
  const text = resultsHtml(results, options);
  orSentence(file, () => writeFileSync(file, text));
}

function orSentence(file: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new Error(
      `--html cannot be written to ${file}: ${(error as Error).message}. Name a file in a folder that is there.`,
    );
  }
}
