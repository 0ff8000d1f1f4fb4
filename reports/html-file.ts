/** The HTML report as a file: whether there can be one is found out before anything is run for it. */
import { writeFileSync } from "node:fs";
import { type HtmlOptions, resultsHtml } from "./html.ts";
import type { RunResult } from "./result.ts";
import { tryFile } from "./try-file.ts";

/** Leaves no new file. @throws Error with a sentence where it cannot be written */
export function checkHtmlFile(file: string): void {
  orSentence(file, () => tryFile(file));
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
