/** A test of somebody else's that fails tells its journal, and no other test's; one that passes tells nothing. Each runner runs one in a folder of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

/** What a runner printed on a file with these two tests in it. */
async function runTests(
  program: string,
  args: readonly string[],
  file: string,
  runner: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "lucy-failed-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, file),
    `import { expect, test } from ${JSON.stringify(join(import.meta.dirname, runner))};
    for (const name of ["passes", "fails"]) {
      test(name, async ({ lucy }) => {
        await fetch(lucy.url + "/v1/" + name);
        expect(name).toBe("passes");
      });
    }`,
  );
  const require = createRequire(import.meta.url);
  const cli = join(
    dirname(require.resolve(`${program}/package.json`)),
    program === "vitest" ? "vitest.mjs" : "cli.js",
  );
  // Where whoever runs us keeps its own results is no place for theirs.
  const foreign = /^(VITEST|PLAYWRIGHT_|NO_COLOR$|FORCE_COLOR$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, ...args],
      { cwd: folder, env: { ...env, NO_COLOR: "1" } },
      (_error, out, errors) => resolve(out + errors),
    );
  });
}

test("vitest", { timeout: 60_000 }, async () => {
  const said = await runTests("vitest", ["run", "--root", "."], "a.test.ts", "vitest.ts");
  expect(said).toMatch(/fails\nThe journal:\n.*http-refused.*\/v1\/fails/);
  expect(said).not.toContain("/v1/passes");
});

test("Playwright", { timeout: 60_000 }, async () => {
  const said = await runTests(
    "@playwright/test",
    ["test", "--reporter", "json"],
    "a.spec.ts",
    "playwright.ts",
  );
  type Suite = { specs: { tests: { results: { attachments: { name: string; path: string }[] }[] }[] }[] };
  const { suites } = JSON.parse(said) as { suites: Suite[] };
  const journals = suites[0]!.specs.map(({ tests }) =>
    tests[0]!.results[0]!.attachments.filter(({ name }) => name === "journal.jsonl").map(({ path }) =>
      readFileSync(path, "utf8"),
    ),
  );
  expect(journals).toEqual([[], [expect.stringMatching(/^\{.*"kind":"http-refused".*\/v1\/fails.*\}\n$/)]]);
});
