/** Where Markdown goes, and what it says of the job that it was made in. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { allPassed, usual } from "./_results.ts";
import { resultsMarkdown } from "./markdown.ts";
import { writeMarkdownFile } from "./markdown-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-markdown-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a file is written anew", () => {
  const file = join(folder, "comment.md");
  for (const result of [allPassed, usual]) writeMarkdownFile(file, [result], {});
  expect(readFileSync(file, "utf8")).toBe(resultsMarkdown([usual]));
});

test("a job's summary is added to, and leads to its page", () => {
  const file = join(folder, "summary");
  const job = "https://github.com/some/app/actions/runs/17";
  const environment = {
    GITHUB_STEP_SUMMARY: file,
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "some/app",
    GITHUB_RUN_ID: "17",
  };
  for (const result of [allPassed, usual]) writeMarkdownFile(file, [result], environment);
  const [one, other] = [allPassed, usual].map((result) => resultsMarkdown([result], { job }));
  expect(readFileSync(file, "utf8")).toBe(`${one}\n${other}\n`);
  expect(one).toMatch(/Made by \[this job\]\(<https:\/\/github\.com\/some\/app\/actions\/runs\/17>\); .*\n$/);
});
