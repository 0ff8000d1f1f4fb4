import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyOutcome, loaded } from "./_results.ts";
import { resultCtrf } from "./ctrf.ts";
import { resultsHtml } from "./html.ts";
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

const cli = join(import.meta.dirname, "../cli.ts");
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

test("several runs are one comment, with the pictures of each", async () => {
  const { code, stdout } = await report(run, run, "--format", "markdown");
  const pictures = new Map([...paths(run)]);
  expect(code).toBe(0);
  expect(stdout.match(/^## /gm)).toHaveLength(2);
  for (const path of pictures.values()) expect(stdout.split(path)).toHaveLength(3);
});

describe("one HTML file", () => {
  const made = (file: string) => readFileSync(join(folder, file), "utf8");

  test("shows the latest run", async () => {
    expect(await report("--html", "latest.html")).toEqual({
      code: 0,
      stdout: "Wrote latest.html.\n",
      stderr: "",
    });
    expect(made("latest.html")).toBe(resultsHtml([everyOutcome]));
  });

  test("shows several side by side", async () => {
    writeFileSync(join(folder, "other.json"), JSON.stringify({ ...everyOutcome, subject: "sdk@0.0.46" }));
    expect((await report(run, "other.json", "--html", "both.html")).code).toBe(0);
    expect(made("both.html")).toBe(resultsHtml([everyOutcome, { ...everyOutcome, subject: "sdk@0.0.46" }]));
  });

  test("compares two runs of load, and no more than two", async () => {
    writeFileSync(join(folder, "steady.json"), JSON.stringify(loaded));
    writeFileSync(join(folder, "spike.json"), JSON.stringify({ ...loaded, subject: "load spike" }));
    const pair = ["steady.json", "spike.json"];
    expect((await node(cli, "report", ...pair, run, "--html", "pair.html")).code).toBe(0);
    expect(made("pair.html")).toContain(">Comparison<");
    expect((await node(cli, "report", ...pair, "steady.json", "--html", "three.html")).code).toBe(0);
    expect(made("three.html")).not.toContain(">Comparison<");
  });

  test("a place that cannot be written is told before anything is read, and leaves nothing", async () => {
    expect(await report("gone", "--html", "none/report.html")).toMatchObject({
      code: 3,
      stdout: "",
      stderr:
        "lucy-testkit: --html cannot be written: ENOENT: no such file or directory, open 'none/report.html'. Name a file in a folder that is there.\n",
    });
    expect((await report("gone", "--html", "new.html")).stderr).toMatch(/There is no run at/);
    expect(existsSync(join(folder, "new.html"))).toBe(false);
  });
});

test.each([
  [
    ["runs/latest", "runs/latest"],
    3,
    "lucy-testkit: 2 runs are named, and --format text shows one. Name one, or put them side by side: --html report.html, or --format markdown.\n",
  ],
  [
    ["--html", "a.html", "--format", "text"],
    3,
    "error: option '--html <file>' cannot be used with option '--format <format>'\n",
  ],
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
  const { code, stdout } = await node(cli, "report", "--format", "json");
  expect({ code, subject: JSON.parse(stdout).subject }).toEqual({ code: 0, subject: everyOutcome.subject });
});
