/** The command as a person types it: what it prints, what it leaves, what it exits with. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { clientNames, clientsKnown } from "./clients/index.ts";
import { selectScenarios } from "./command.ts";
import { scenarios } from "./scenarios/index.ts";

const root = join(import.meta.dirname, "..");

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "lucy-conformance-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Runs it in a folder of its own, where it leaves its `runs/`. */
async function conformance(args: readonly string[], cwd = folder()) {
  const child = spawn(process.execPath, [join(root, "cli.ts"), "conformance", ...args], { cwd });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (text += data));
  const [code] = await new Promise<[number]>((resolve) =>
    child.once("close", (code) => resolve([code ?? -1])),
  );
  return { code, text, cwd };
}

test.each<[string, string[], RegExp]>([
  ["nobody to be judged", [], /Say who is to be judged: --client sdk@0\.1\.20/],
  [
    "a client that there is none of",
    ["--client", "refrence"],
    /There is no client "refrence"\. Did you mean reference\?/,
  ],
  [
    "a scenario that there is none of",
    ["--client", "reference", "--only", "acks/lat"],
    /no scenario, area or requirement set "acks\/lat"\. Did you mean acks\/late\?/,
  ],
  [
    "a number that is none",
    ["--client", "reference", "--jobs", "many"],
    /whole number from 1 to 32, not many/,
  ],
  [
    "a baseline that is not there",
    ["--client", "reference-direct", "--baseline", "none.json"],
    /none\.json cannot be read/,
  ],
  ["an SDK that was never published", ["--client", "sdk@9.9.9", "--only", "connect/plain"], /9\.9\.9/],
  [
    "a driver that cannot be started",
    ["--client-command", "no-such-driver", "--only", "connect/plain"],
    /no-such-driver/,
  ],
  [
    "an endpoint elsewhere",
    ["--client", "reference-direct", "--endpoint", "wss://api3.decart.ai"],
    /Say --allow-remote as well/,
  ],
  [
    "files that cannot be written, before anything is run",
    ["--client", "reference-direct", "--html", "none/a.html", "--markdown", "none/a.md"],
    /^lucy-testkit: --html cannot be written: .*\n--markdown cannot be written: .*folder that is there\.\n$/,
  ],
  [
    "a file of one of several clients that cannot",
    ["--client", "reference", "--json", "none/a.json"],
    /^lucy-testkit: --json cannot be written: .*none\/a\.reference-direct\.json.*\n$/,
  ],
])(
  "%s: a sentence, and 3",
  async (_name, args, sentence) => {
    const { code, text } = await conformance(args);
    expect(text).toMatch(sentence);
    expect(text).not.toMatch(/\n {4}at /);
    expect(code).toBe(3);
  },
  60_000,
);

test("--help and the action name whoever can be judged, and what --only takes", async () => {
  const { text } = await conformance(["--help"]);
  const help = text.replace(/\s+/g, " ");
  const action = readFileSync(join(root, "action.yml"), "utf8");
  // Nobody connects in a workflow.
  const inAction = clientsKnown.replace(", websocket", "");
  expect(help).toContain(`${clientsKnown}, command;`);
  expect(action).toContain(`"${inAction}, or command; several with commas"`);
  for (const name of ["reference-direct", "reference-livekit", "aiortc", "websocket"]) {
    expect(clientsKnown).toContain(name);
    expect(clientNames(name)).toEqual([name]);
  }
  const [, example] = /requirement sets, with commas: (\S+)/.exec(help)!;
  expect(selectScenarios(example!).length).toBeGreaterThan(selectScenarios("product-page").length);
  for (const said of [help, action]) expect(said).toMatch(/areas, scenarios or requirement sets/i);
}, 60_000);

test("--list says all, and who demands it", async () => {
  const { code, text } = await conformance(["--list"]);
  expect(code).toBe(0);
  for (const { id, source } of scenarios) {
    expect(text).toContain(id);
    expect(text).toContain(source.where);
  }
}, 60_000);

test("what passes exits with 0, and leaves what was asked for", async () => {
  const args = [
    "--client",
    "reference-direct",
    "--only",
    "connect/plain,state/empty-set",
    "--junit",
    "j.xml",
    "--ctrf",
    "c.json",
  ];
  const { code, text, cwd } = await conformance([...args, "--json", "r.json", "--markdown", "m.md"]);
  expect(text).toMatch(/✓ 2 passed/);
  expect(code).toBe(0);
  expect(readFileSync(join(cwd, "j.xml"), "utf8")).toContain("<testcase");
  expect(JSON.parse(readFileSync(join(cwd, "c.json"), "utf8")).results.summary.passed).toBe(2);
  expect(JSON.parse(readFileSync(join(cwd, "r.json"), "utf8")).verdicts).toHaveLength(2);
  expect(readFileSync(join(cwd, "m.md"), "utf8")).toContain("reference-direct");
  expect(JSON.parse(readFileSync(join(cwd, "runs/latest/result.json"), "utf8")).seed).toBe(1);
}, 60_000);

test("a run that cannot be kept is not begun", async () => {
  const cwd = folder();
  writeFileSync(join(cwd, "runs"), "");
  const { code, text } = await conformance(["--client", "reference-direct", "--only", "connect/plain"], cwd);
  expect(text).toMatch(
    /^lucy-testkit: Runs are kept in .*runs, which cannot be written to: EEXIST.*\. Begin in another folder\.\n$/,
  );
  expect(code).toBe(3);
}, 60_000);

test("--html and --markdown show several clients, and the rule that one of them broke", async () => {
  const broken = "reference-direct+ignores-refusals";
  const { code, cwd } = await conformance([
    ...["--client", `reference-direct,${broken}`, "--only", "state/bad-image"],
    ...["--html", "report.html", "--markdown", "comment.md"],
  ]);
  expect(code).toBe(1);
  const rule = "which the server refuses, rejects";
  const html = readFileSync(join(cwd, "report.html"), "utf8");
  expect(html).toContain(rule);
  expect(html).toContain(broken);
  // Nothing is fetched and nothing run.
  expect(html.match(/<(script|iframe|object|embed)\b|\b(src|href)="(?!data:|#)[^"]*"|url\((?!data:)/g)).toBe(
    null,
  );
  const markdown = readFileSync(join(cwd, "comment.md"), "utf8");
  expect(markdown).toContain(`<!-- lucy-testkit: conformance reference-direct, conformance ${broken} -->`);
  expect(markdown.match(/^## .*$/gm)).toEqual([
    "## ✅ reference-direct against mock: passed",
    `## ❌ ${broken} against mock: failed`.replace("+", "\\+"),
  ]);
  expect(markdown).toContain(rule);
}, 60_000);

test("what fails exits with 1 and says how to see it again; known, it exits with 0; known and passing, with 1", async () => {
  const cwd = folder();
  const client = "reference-direct+ignores-refusals";
  const only = ["--client", client, "--only", "state/bad-image,connect/plain"];
  const failed = await conformance(only, cwd);
  expect(failed.text).toMatch(/✗ state\/bad-image {2}new/);
  expect(failed.text).toContain(`--client ${client} --only state/bad-image --seed 1 --jobs 1`);
  expect(failed.code).toBe(1);
  const known = (scenario: string) => {
    const entry = { scenario, reason: "It is a mutant.", link: "mutants/clients.ts" };
    writeFileSync(join(cwd, "b.json"), JSON.stringify({ client, known: [entry] }));
    return conformance([...only, "--baseline", "b.json"], cwd);
  };
  expect((await known("state/bad-image")).code).toBe(0);
  const stale = await known("connect/plain");
  expect(stale.text).toMatch(/connect\/plain is known to fail, and passed\. Take it out of the baseline\./);
  expect(stale.code).toBe(1);
}, 60_000);

test("a driver that dies is the harness's trouble, and 3", async () => {
  const driver = `process.stdout.write(JSON.stringify({event:"hello",contract:1,client:"x",dialect:"direct",capabilities:[]})+"\\n"); process.stdin.once("data", () => process.exit(7));`;
  const cwd = folder();
  writeFileSync(join(cwd, "driver.mjs"), driver);
  const { code, text } = await conformance(
    ["--client-command", "node driver.mjs", "--only", "connect/plain"],
    cwd,
  );
  expect(text).toMatch(/exited with code 7/);
  expect(code).toBe(3);
}, 60_000);
