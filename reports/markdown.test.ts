import { expect, test } from "vitest";
import { matchGoldenText } from "./_golden.ts";
import { allPassed, doubted, everyOutcome, failedOf, hostile, loaded, resultOf, usual } from "./_results.ts";
import { prose, resultsMarkdown } from "./markdown.ts";
import { picturePaths } from "./store.ts";

test.each([
  ["all-passed", allPassed],
  ["usual", usual],
  ["every-outcome", everyOutcome],
  ["hostile", hostile],
  ["loaded", loaded],
  ["doubted", doubted],
])("%s reads as it did when it was looked at", (name, result) => {
  matchGoldenText(`${name}.md`, resultsMarkdown([result], { pictures: picturePaths(result) }));
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
  const [mark, ...lines] = resultsMarkdown([hostile]).split("\n");
  const markdown = lines.join("\n");
  expect(mark).toMatch(/^<!-- lucy-testkit: conformance [\w@.+/, -]+ -->$/);
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
  const markdown = resultsMarkdown([resultOf(many)]);
  expect(markdown.length).toBeLessThan(65_536);
  expect(markdown).toMatch(/\n## ❌ sdk@0\.1\.20 against mock: failed\n\nFailed, exit code 1: 100 failures/);
  expect(markdown).toMatch(/\d+ parts of this report did not fit; `result\.json` has all\./);
  expect(markdown).toContain("| **all** |");
});

test("several clients make one comment, with a line for each and a part of the room for each", () => {
  const findings = [{ rule: "r", expected: "e".repeat(9000), got: "g".repeat(9000) }];
  const many = Array.from({ length: 40 }, (_, number) => failedOf(`state/${number}`, { findings }));
  const broken = { ...resultOf(many), subject: "aiortc" };
  const markdown = resultsMarkdown([broken, usual, { ...broken, subject: "command" }]);
  expect(markdown.length).toBeLessThan(65_536);
  expect(markdown.split("\n").slice(0, 7)).toEqual([
    "<!-- lucy-testkit: conformance aiortc, conformance sdk@0.1.20, conformance command -->",
    "",
    "| | verdict | passed | failed | known to fail | unsupported |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
    "| aiortc | ❌ failed |  | 40 |  |  |",
    "| sdk@0.1.20 | ❌ failed | 56 | 1 | 1 | 2 |",
    "| command | ❌ failed |  | 40 |  |  |",
  ]);
  expect(markdown.match(/^## .*$/gm)).toHaveLength(3);
  expect(markdown.match(/parts of this report did not fit/g)).toHaveLength(2);
});

test("a bot finds its comment by a mark that nobody's name can end", () => {
  const [mark] = resultsMarkdown([{ ...allPassed, subject: "a --> <b> -- c\n&" }]).split("\n");
  expect(mark).toBe("<!-- lucy-testkit: conformance a - b - c -->");
});
