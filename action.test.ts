/**
 * The GitHub action, as far as it can be tried where there is no GitHub: its steps are taken out of action.yml and run as a runner does, in an
 * empty folder, with what a runner sets and nothing else.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";

type Step = {
  readonly name: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly "working-directory"?: string;
};

const root = import.meta.dirname;
const text = readFileSync(join(root, "action.yml"), "utf8");
const action = parse(text) as {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
};

/** Lines `name=value`, as they are in GITHUB_OUTPUT. */
const outputsIn = (file: string) =>
  Object.fromEntries(
    readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split("=", 2)),
  );

/** Its bash steps in an empty folder, until one fails. */
async function run(given: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
  const home = mkdtempSync(join(tmpdir(), "lucy-action-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const workspace = join(home, "workspace");
  const temporary = join(home, "temporary");
  for (const path of [workspace, temporary]) mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(workspace, name), content);
  const output = join(temporary, "output");
  const summary = join(temporary, "summary");
  for (const path of [output, summary]) writeFileSync(path, "");
  const expression = (template: string) =>
    template.replace(/\$\{\{ *(.+?) *\}\}/g, (_all, what: string) => {
      if (what === "github.action_path") return root;
      const [, name] = /^inputs\.([a-z-]+)$/.exec(what) ?? [];
      const value = name && (given[name] ?? action.inputs[name]?.default);
      if (value === undefined) throw new Error(`A runner knows no ${what} here.`);
      return value;
    });
  let said = "";
  let code = 0;
  for (const step of action.runs.steps) {
    if (step.run === undefined || code !== 0) continue;
    const script = join(temporary, "step.sh");
    writeFileSync(script, step.run);
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], {
      cwd: expression(step["working-directory"] ?? workspace),
      env: {
        PATH: process.env.PATH,
        HOME: home,
        TMPDIR: temporary,
        CI: "true",
        GITHUB_ACTIONS: "true",
        GITHUB_ACTION_PATH: root,
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: summary,
        GITHUB_SERVER_URL: "https://github.com",
        GITHUB_REPOSITORY: "some/app",
        GITHUB_RUN_ID: "17",
        ...Object.fromEntries(
          Object.entries(step.env ?? {}).map(([name, value]) => [name, expression(value)]),
        ),
      },
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
    code = await new Promise((resolve) => child.once("close", (ended) => resolve(ended ?? -1)));
  }
  return {
    code,
    said,
    outputs: outputsIn(output),
    summary: readFileSync(summary, "utf8"),
    files: readdirSync(workspace).sort(),
    read: (name: string) => readFileSync(join(workspace, name), "utf8"),
  };
}

test("what passes: its outputs, its report, and the job's summary", async () => {
  const ran = await run({ client: "reference-direct", only: "connect/plain,state/empty-set" });
  expect([ran.code, ran.said]).toEqual([0, expect.stringContaining("2 passed")]);
  expect(ran.outputs).toEqual({ verdict: "passed", passed: "2", failed: "0", report: "lucy-report.html" });
  expect(ran.files).toEqual(["lucy-junit.xml", "lucy-report.html", "runs"]);
  expect(ran.read("lucy-report.html")).toContain("reference-direct");
  expect(ran.summary).toMatch(/^<!-- lucy-testkit: conformance reference-direct -->\n/);
  expect(ran.summary).toContain("Made by [this job](<https://github.com/some/app/actions/runs/17>)");
}, 120_000);

test("what fails, by an input each: several clients, a baseline, a report elsewhere", async () => {
  const broken = "reference-direct+ignores-refusals";
  const known = [{ scenario: "state/bad-image", reason: "It is a mutant.", link: "mutants/clients.ts" }];
  const files = { "known.json": JSON.stringify({ client: broken, known }) };
  const given = { only: "state/bad-image", jobs: "1" };
  const failed = await run({ ...given, client: `reference-direct,${broken}`, report: "made/report.html" });
  expect([failed.code, failed.said]).toEqual([1, expect.stringContaining("1 failed")]);
  expect(failed.outputs).toEqual({ verdict: "failed", passed: "1", failed: "1", report: "made/report.html" });
  expect(failed.read("made/report.html")).toContain("which the server refuses, rejects");
  expect(failed.summary).toContain(`❌ ${broken.replace("+", "\\+")} against mock: failed`);
  const excused = await run({ ...given, client: broken, baseline: "known.json" }, files);
  expect([excused.code, excused.outputs]).toEqual([
    0,
    expect.objectContaining({ verdict: "passed", failed: "0" }),
  ]);
}, 120_000);

test("a driver of somebody's own, which dies: broken, and a report that says so", async () => {
  const driver = `process.stdout.write(JSON.stringify({event:"hello",contract:1,client:"x",dialect:"direct",capabilities:[]})+"\\n"); process.stdin.once("data", () => process.exit(7));`;
  const { code, outputs, summary } = await run(
    { client: "command", "client-command": "node driver.mjs", only: "connect/plain" },
    { "driver.mjs": driver },
  );
  expect([code, outputs.verdict, outputs.report]).toEqual([3, "broken", "lucy-report.html"]);
  expect(summary).toContain("exited with code 7");
}, 120_000);

test.each([
  [{ client: "refrence" }, "Did you mean reference?"],
  [{ client: "reference", "requirement-set": "direct-0.9" }, 'requirement set "direct-0.9"'],
])(
  "%j is told in a sentence, and nothing is kept",
  async (given, sentence) => {
    const { code, said, outputs, files } = await run(given);
    expect([code, said]).toEqual([3, expect.stringContaining(sentence)]);
    expect(outputs).toEqual({ verdict: "broken", passed: "0", failed: "0", report: "" });
    expect(files).toEqual([]);
  },
  60_000,
);

test("every input is used, every output is written, and what others made is named by its commit", () => {
  const { inputs, outputs, runs } = action;
  for (const name of Object.keys(inputs)) expect(text).toContain(`\${{ inputs.${name} }}`);
  const used = [...text.matchAll(/\$\{\{ inputs\.([a-z-]+) \}\}/g)].map(([, name]) => name!);
  expect([...new Set(used)].sort()).toEqual(Object.keys(inputs).sort());
  for (const [name, { value }] of Object.entries(outputs)) {
    expect(value).toBe(`\${{ steps.judge.outputs.${name} }}`);
  }
  expect(Object.keys(outputs).sort()).toEqual(["failed", "passed", "report", "verdict"]);
  for (const { name, uses, run, shell } of runs.steps) {
    expect([name, shell]).toEqual([name, run === undefined ? undefined : "bash"]);
    if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  }
  // What a runner puts into a script is run by it, whoever wrote it.
  for (const { run = "" } of runs.steps) expect(run).not.toContain("${{");
});
