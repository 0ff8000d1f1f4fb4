import { expect, test } from "vitest";
import { matchGoldenText } from "./_golden.ts";
import { allPassed, doubted, everyOutcome, failedOf, hostile, loaded, resultOf, usual } from "./_results.ts";
import { prose, resultMarkdown } from "./markdown.ts";
import { picturePaths } from "./store.ts";

test.each([
  ["all-passed", allPassed],
  ["usual", usual],
  ["every-outcome", everyOutcome],
  ["hostile", hostile],
  ["loaded", loaded],
  ["doubted", doubted],
])("%s reads as it did when it was looked at", (name, result) => {
  matchGoldenText(`${name}.md`, resultMarkdown(result, { pictures: picturePaths(result) }));
});

test.each([
  ["a | b", "a \\| b"],
  ["<script>", "\\<script\\>"],
  ["[x](https://a.b)", "\\[x\\]\\(https\\://a.b\\)"],
  ["www.evil.example", "www\\.evil.example"],
  ["*a* _b_ `c` ~d~ $e$", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\$e\\$"],
  ["# no title", "\\# no title"],
  ["- no item", "\\- no item"],
  ["1. no item", "1\\. no item"],
  ["    no code", "no code"],
  ["=== no underline", "\\=== no underline"],
  ["two\nlines", "two\\\\u000alines"],
  ["&lt;", "&amp;lt;"],
  ["@octocat, (@team/a)", "@&#8203;octocat, \\(@&#8203;team/a\\)"],
  ["sdk@0.1.20", "sdk@0.1.20"],
  ["fixes #1, a/b#2", "fixes \\#&#8203;1, a/b\\#&#8203;2"],
])("%j is text and nothing else", (text, expected) => {
  expect(prose(text)).toBe(expected);
});

test("no tag, fence or mention of a hostile text is left", () => {
  const markdown = resultMarkdown(hostile);
  const outside = markdown
    .replace(/^(`{3,})\w+\n[\s\S]*?\n\1$/gm, "")
    .replace(/(`+)[^`][\s\S]*?[^`]\1(?!`)/g, "");
  expect(outside.replace(/<\/?(details( open)?|summary|code|sub|br)>/g, "")).not.toMatch(
    /(?<!\\)<(?!pictures)/,
  );
  expect(outside).not.toMatch(/(?<!\w)@\w/);
  expect(outside).not.toContain("```");
});

test("what a comment cannot hold is counted, and the verdict is there", () => {
  const findings = [{ rule: "r", expected: "e".repeat(9000), got: "g".repeat(9000) }];
  const many = Array.from({ length: 100 }, (_, number) => failedOf(`state/${number}`, { findings }));
  const markdown = resultMarkdown(resultOf(many));
  expect(markdown.length).toBeLessThan(65_536);
  expect(markdown).toMatch(/^## ❌ sdk@0\.1\.20 against mock: failed\n\nFailed, exit code 1: 100 failures/);
  expect(markdown).toMatch(/\d+ parts of this report did not fit; `result\.json` has all\./);
  expect(markdown).toContain("| **all** |");
});
