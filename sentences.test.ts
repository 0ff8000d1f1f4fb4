/** What goes wrong in the first hour, typed as people type it: each is a sentence with what offended and what to do, and no stack. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSocket } from "./mock-server/_socket-client.ts";

const cli = join(import.meta.dirname, "cli.ts");
let folder: string;
let mock: ChildProcess;
/** What the mock listens on. */
let port: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-sentences-"));
  mock = spawn(process.execPath, [cli, "mock", "--port", "0", "--mode", "none"], { cwd: folder });
  let said = "";
  for await (const chunk of mock.stdout!.iterator({ destroyOnReturn: false })) {
    said += chunk;
    port = /Open +\S+?:(\d+)\//.exec(said)?.[1] ?? "";
    if (port) break;
  }
  mock.stdout!.resume();
  mock.stderr!.resume();
}, 60_000);
afterAll(async () => {
  mock.kill("SIGTERM");
  await once(mock, "close");
  rmSync(folder, { recursive: true });
});

/** Its end, in a folder that has these files. */
function typed(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return new Promise<{ code: number; out: string; errors: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder }, (error, out, errors) =>
      resolve({ code: error ? Number(error.code) : 0, out, errors }),
    );
  });
}

const old = '{ "schema": "lucy-testkit/result/0", "verdicts": [] }';
const reference = ["conformance", "--client", "reference-direct", "--only", "connect/plain"];
const baseline = (text: string) => ({ "baseline.json": text });

test.each<[string, () => string[], Record<string, string>, number, () => string]>([
  [
    "mock, a taken port",
    () => ["mock", "--port", port],
    {},
    1,
    () =>
      `Port ${port} on 127.0.0.1 is taken. Stop what listens there, or choose another: --port 0 picks a free one.`,
  ],
  [
    "conformance, a taken port",
    () => ["conformance", "--client", "websocket", "--driver-port", port],
    {},
    3,
    () =>
      `Port ${port} on 127.0.0.1 is taken, so drivers cannot be waited for there. Stop what listens there, or choose another: --driver-port 0 picks a free one.`,
  ],
  [
    "report, a result of another version",
    () => ["report", "old.json"],
    { "old.json": old },
    3,
    () =>
      "old.json is a result of lucy-testkit/result/0, and this lucy-testkit reads lucy-testkit/result/1. Show it with the version that made it, or run again.",
  ],
  [
    "load compare, a result of another version",
    () => ["load", "compare", "old.json", "old.json"],
    { "old.json": old },
    3,
    () =>
      "old.json is a result of lucy-testkit/result/0, and this lucy-testkit reads lucy-testkit/result/1. Show it with the version that made it, or run again.",
  ],
  [
    "load compare, something else",
    () => ["load", "compare", "else.json", "else.json"],
    { "else.json": "{}" },
    3,
    () =>
      'else.json is no result: its "schema" is not lucy-testkit/result/1. Name the folder of a run, or its result.json.',
  ],
  [
    "load merge, a shard of another version",
    () => ["load", "merge", "shard.json"],
    { "shard.json": '{ "schema": "lucy-testkit/shard/0" }' },
    3,
    () =>
      'shard.json is no shard of this version: its "schema" is "lucy-testkit/shard/0", and this one reads lucy-testkit/shard/1. Merge with the version that measured it, or measure again with this one on all machines.',
  ],
  [
    "load compare, a run that is not there",
    () => ["load", "compare", "gone", "gone"],
    {},
    3,
    () => "There is no run at gone. Make one: `lucy-testkit conformance` or `lucy-testkit load`.",
  ],
  [
    "a baseline that is not there",
    () => [...reference, "--baseline", "gone.json"],
    {},
    3,
    () =>
      "The baseline gone.json cannot be read: ENOENT: no such file or directory, open 'gone.json'. Name a file that is there, or leave it out: --no-baseline.",
  ],
  [
    "a baseline of another client",
    () => [...reference, "--baseline", "baseline.json"],
    baseline('{ "client": "sdk@0.0.46", "known": [] }'),
    3,
    () =>
      "The baseline baseline.json is of sdk@0.0.46, not of reference-direct. Name another with --baseline.",
  ],
  [
    "a baseline of another version, which knows a scenario that is no more",
    () => [...reference, "--baseline", "baseline.json"],
    baseline(
      '{ "client": "reference-direct", "known": [{ "scenario": "connect/plan", "reason": "r", "link": "l" }] }',
    ),
    3,
    () =>
      "The baseline baseline.json knows a failure of connect/plan, and there is no such scenario. Did you mean connect/plain? lucy-testkit conformance --list shows all.",
  ],
  [
    "a scenario file with a fault that there is none of",
    () => ["mock", "--port", "0", "--scenario", "faults.yaml"],
    { "faults.yaml": "faults:\n  - name: packet-los\n" },
    1,
    () => 'faults.yaml:2: Fault 1: there is no fault "packet-los". Did you mean "packet-loss"?',
  ],
  [
    "a scenario file that is not YAML",
    () => ["mock", "--port", "0", "--scenario", "faults.yaml"],
    { "faults.yaml": "faults: [\n" },
    1,
    () =>
      "faults.yaml:2:1: what ends here is not YAML: a quote, a bracket, a comma or a colon is missing. Close what was opened.",
  ],
  [
    "a plan with a misspelt key",
    () => ["load", "--plan", "plan.yaml"],
    { "plan.yaml": "name: mine\nabout: Mine.\narivals: []\n" },
    3,
    () =>
      'plan.yaml:3: A plan has no "arivals". Did you mean "arrivals"? It has name, about, dialect, model, clip, generator, server, arrivals, spacing, holdSeconds, script, reads, thresholds, seed.',
  ],
])(
  "%s",
  async (_what, args, files, code, sentence) => {
    const ended = await typed(args(), files);
    expect(ended.errors).toContain(`lucy-testkit: ${sentence()}`);
    // One line, which says all: no stack, no name of a class.
    expect(ended.errors).toMatch(/^lucy-testkit: [^\n]+[.]\n$/);
    expect(ended).toMatchObject({ code, out: "" });
  },
  60_000,
);

test("an upload that is no image is told to who uploaded it", async () => {
  const form = new FormData();
  form.append("file", new Blob(["no picture"], { type: "image/png" }), "me.png");
  const headers = { "x-api-key": "dct_local" };
  const response = await fetch(`http://127.0.0.1:${port}/v1/files`, { method: "POST", headers, body: form });
  expect(response.status).toBe(422);
  expect(((await response.json()) as { detail: [{ msg: string }] }).detail[0].msg).toBe(
    "The file looks like text; JPEG, PNG and WebP are taken. Convert it to one of them.",
  );
});

test.each([
  ["text", "no picture"],
  ["a film", "\u0000\u0000\u0000\u0018ftypmp42"],
])("an image of a session that is %s is told to its client", async (_what, bytes) => {
  await using client = await openSocket(`ws://127.0.0.1:${port}`);
  const image = Buffer.from(bytes, "latin1").toString("base64");
  client.send({ type: "set_image", image_data: image, prompt: "a fox" });
  const { success, error } = await client.take("set_image_ack");
  expect([success, error]).toEqual([false, expect.stringMatching(/^[A-Z].*JPEG, PNG and WebP.*\.$/)]);
});
