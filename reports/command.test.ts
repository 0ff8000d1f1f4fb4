import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyOutcome } from "./_results.ts";
import { resultCtrf } from "./ctrf.ts";
import { resultJunit } from "./junit.ts";
import { picturePaths, saveRun } from "./store.ts";
import { resultText } from "./text.ts";

/** The command by itself: the whole of `cli.ts` brings the mock server along, which takes its time to load. */
const command = `import { reportCommand } from ${JSON.stringify(new URL("command.ts", import.meta.url).href)};
await reportCommand().parseAsync(process.argv.slice(1), { from: "user" });`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-report-"));
  saveRun({ result: everyOutcome }, join(folder, "runs"));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const report = (...args: string[]) => node("--input-type=module", "--eval", command, "--", ...args);

async function node(...args: string[]): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, args, { cwd: folder });
  try {
    return { code: 0, ...(await run) };
  } catch (error) {
    return error as Ended;
  }
}

const run = "runs/2026-01-31T12-00-00Z";
const paths = (folder: string) => picturePaths(everyOutcome, folder);
const text = (start: string) => `${resultText(everyOutcome, { colour: false, pictures: paths(start) })}\n`;

describe("what is shown", () => {
  test.each([
    ["the latest run, as text", [], text("runs/latest")],
    ["a run by its path", [run], text(run)],
    ["a run by its name", ["2026-01-31T12-00-00Z"], text(run)],
    ["as JUnit", ["--format", "junit"], resultJunit(everyOutcome, paths("runs/latest"))],
    ["as CTRF", ["--format", "ctrf"], resultCtrf(everyOutcome, paths("runs/latest"))],
    ["as JSON", ["--format", "json"], `${JSON.stringify(everyOutcome, null, 2)}\n`],
  ])("%s", async (_what, args, stdout) => {
    expect(await report(...args)).toEqual({ code: 0, stdout, stderr: "" });
  });

  test("a file, whose pictures are named as seen from it", async () => {
    const out = join("made", "report.md");
    expect(await report("--format", "markdown", "--out", out)).toEqual({
      code: 0,
      stdout: `Wrote ${out}.\n`,
      stderr: "",
    });
    expect(readFileSync(join(folder, out), "utf8")).toContain(
      "](<../runs/latest/pictures/state.sets-image.1.png>)",
    );
  });
});

test.each([
  [["runs/gone"], 3, "lucy-testkit: There is no run at runs/gone. In runs there is 2026-01-31T12-00-00Z.\n"],
  [["gone"], 3, "lucy-testkit: There is no run at runs/gone. In runs there is 2026-01-31T12-00-00Z.\n"],
  [
    ["--out", "runs"],
    3,
    "lucy-testkit: runs cannot be written: EISDIR: illegal operation on a directory, open 'runs'.\n",
  ],
  [
    ["--format", "html"],
    3,
    "error: option '--format <format>' argument 'html' is invalid. Allowed choices are text, markdown, junit, ctrf, json.\n",
  ],
])("%j ends with %d and a sentence", async (args, code, stderr) => {
  expect(await report(...args)).toMatchObject({ code, stdout: "", stderr });
});

test("nothing is written where nothing could be read", async () => {
  writeFileSync(join(folder, "broken.json"), "{");
  expect((await report("broken.json", "--out", "never.txt")).code).toBe(3);
  expect(existsSync(join(folder, "never.txt"))).toBe(false);
});

test("it is a command of lucy-testkit", async () => {
  const { code, stdout } = await node(join(import.meta.dirname, "../cli.ts"), "report", "--format", "json");
  expect({ code, subject: JSON.parse(stdout).subject }).toEqual({ code: 0, subject: everyOutcome.subject });
});
