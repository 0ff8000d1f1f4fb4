/** Markdown as a file: for a pull request's comment, or at the end of a GitHub job's summary. Knows where a job runs from its environment. */
import { appendFileSync, writeFileSync } from "node:fs";
import { resultsMarkdown } from "./markdown.ts";
import type { RunResult } from "./result.ts";

/** Of the option that names the file. */
export const markdownWords = `write Markdown, for a comment; into a GitHub job's summary with "$GITHUB_STEP_SUMMARY"`;

/** A job's summary is added to, as others write there as well; any other file is written anew. @throws Error as the system says it */
export function writeMarkdownFile(
  file: string,
  results: readonly RunResult[],
  environment: NodeJS.ProcessEnv = process.env,
): void {
  const text = resultsMarkdown(results, { job: jobPage(environment) });
  if (file === environment.GITHUB_STEP_SUMMARY) appendFileSync(file, `${text}\n`);
  else writeFileSync(file, text);
}

/** Of the job that this runs in, or null elsewhere. */
function jobPage({ GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }: NodeJS.ProcessEnv): string | null {
  const page = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
  return /^https?:\/\/[\w.:-]+\/[\w.-]+\/[\w.-]+\/actions\/runs\/\d+$/.test(page) ? page : null;
}
