/**
 * The engine as Artillery calls it, with its real processes, against a mock in this one; and, in the long form, a real `artillery run` of the
 * package as npm packs it.
 */
import { execFile, execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { type MockServer, startMockServer } from "../../mock-server/index.ts";
import { readJob } from "../commanded-shard.ts";
import { readShard } from "../shard-files.ts";
import LucyEngine, { type Script } from "./index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const commanded = join(root, "load/commanded-shard-process.ts");
let folder: string;
let lucy: MockServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-artillery-"));
  lucy = await startMockServer({ port: 0, sessionsMax: 20 });
});
afterAll(async () => {
  await lucy.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What Artillery's workers have, and their exit code becomes. */
const artillery = { suggestedExitCode: 0 };
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  artillery.suggestedExitCode = 0;
  Object.assign(globalThis, { artillery });
});
const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
  vi.restoreAllMocks();
  Reflect.deleteProperty(globalThis, "artillery");
});

type Worker = { readonly worker: number; readonly totalWorkers: number };

/** One of Artillery's workers, with this engine in it. */
function begin(
  settings: object,
  {
    worker = 2,
    totalWorkers = 2,
    target = lucy.realtimeUrl,
    processFile = commanded,
  } = {} as Partial<Worker> & {
    target?: string;
    processFile?: string;
  },
) {
  const script: Script = {
    config: { target, engines: { lucy: settings }, phases: [{ worker, totalWorkers }] },
  };
  const run = new EventEmitter();
  const counters: Record<string, number> = {};
  const times: Record<string, number[]> = {};
  const errors: string[] = [];
  let started = 0;
  const scenarioEvents = new EventEmitter()
    .on("counter", (name: string, by: number) => {
      counters[name] = (counters[name] ?? 0) + by;
    })
    .on("histogram", (name: string, value: number) => {
      times[name] ??= [];
      times[name].push(value);
    })
    .on("started", () => started++)
    .on("error", (sentence: string) => errors.push(sentence));
  // Artillery's own, of a string with one variable in it.
  const template = (value: unknown, { vars = {} }: { vars?: object }) =>
    JSON.parse(JSON.stringify(value).replace(/\{\{ (\w+) \}\}/g, (_, name) => (vars as never)[name]));
  const engine = new LucyEngine(script, run, { template }, processFile);
  const scenario = (flow: unknown) => engine.createScenario({ flow }, scenarioEvents);
  /** Rejects as Artillery's callback is called with an error. */
  const user = (flow: unknown, vars: object = {}) =>
    new Promise<void>((resolve, reject) =>
      scenario(flow)({ vars }, (error) => (error ? reject(error) : resolve())),
    );
  const end = () => run.emit("done");
  ended.push(async () => end());
  return { engine, user, end, counters, times, errors, started: () => started };
}

test("two workers: what Artillery is told, and files that are of one run", async () => {
  const results = join(folder, "two");
  const settings = { dialect: "direct", clip: "vp8-180p15", results, thresholds: ["sessions-failed == 0"] };
  const flow = [{ think: 1 }, { set: { prompt: "A {{ colour }} coat" } }, { think: 1.5 }];
  // The first one tests the instrument, for all of them.
  const workers = [1, 2].map((worker) => begin(settings, { worker }));
  for (const { engine } of workers) await engine.init();
  await Promise.all(
    workers.flatMap(({ user }) => [user(flow, { colour: "red" }), user(flow, { colour: "green" })]),
  );
  const shards = [0, 1].map((index) => readShard(join(results, `shard-${index}.json`)));
  for (const [index, { counters, times, errors, started }] of workers.entries()) {
    expect(errors).toEqual([]);
    expect(started()).toBe(2);
    expect(counters).toMatchObject({
      "lucy.sessions_connected": 2,
      "lucy.sessions_failed": 0,
      "lucy.sets_called": 2,
      "lucy.sets_acked": 2,
      "lucy.reconnects": 0,
    });
    expect(counters["lucy.frames_received"]).toBeGreaterThan(20);
    expect(times["lucy.connect_ms"]).toHaveLength(2);
    expect(times["lucy.time_to_first_frame_ms"]).toHaveLength(2);
    expect(times["lucy.set_to_ack_ms"]).toHaveLength(2);
    expect(times["lucy.glass_to_glass_ms"]!.length).toBeGreaterThan(20);
    expect(times["lucy.fps"]!.length).toBeGreaterThan(0);
    const { counts } = shards[index]!.measurement;
    expect(counters["lucy.frames_received"]).toBe(counts["frames-received"]);
    expect(counters["lucy.sets_visible"]).toBe(counts["sets-visible"]);
  }
  // Templates are filled in for each user.
  const coats = new Set(JSON.stringify(lucy.journal.lines).match(/A \w+ coat/g));
  expect([...coats].toSorted()).toEqual(["A green coat", "A red coat"]);
  // As `lucy-testkit load merge` adds them up.
  const files = shards.map(({ index }) => join(results, `shard-${index}.json`));
  expect((await run(["load", "merge", ...files])).out).toContain("4 due · 4 connected · 0 failed");
}, 90_000);

test("whoever stops Artillery keeps what was measured until then", async () => {
  const results = join(folder, "stopped");
  const { user, end, counters } = begin({ dialect: "direct", results });
  const left = expect(user([{ think: 600 }])).rejects.toThrow("ended with code 0");
  await vi.waitFor(() => expect(counters["lucy.frames_received"]).toBeGreaterThan(0), 15_000);
  end();
  await left;
  const { measurement } = readShard(join(results, "shard-1.json"));
  expect(measurement.counts["frames-received"]).toBeGreaterThanOrEqual(counters["lucy.frames_received"]!);
  await vi.waitFor(() => expect(lucy.open.sessions).toBe(0), 5000);
}, 30_000);

test("a session that fails is an error of Artillery's, in the server's words", async () => {
  const crowded = await startMockServer({ port: 0, sessionsMax: 1 });
  ended.push(() => crowded.close());
  const { user, counters, errors } = begin({ dialect: "direct" }, { target: crowded.realtimeUrl });
  const flow = [{ think: 1 }];
  const [first, second] = await Promise.allSettled([user(flow), user(flow)]);
  expect([first!.status, second!.status].toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(errors).toEqual([expect.stringContaining("Concurrent session limit reached.")]);
  expect(counters).toMatchObject({ "lucy.sessions_connected": 1, "lucy.sessions_failed": 1 });
}, 30_000);

describe("nothing can be measured, every user says why, and Artillery is to end with 3, where", () => {
  test.each<[string, object, Parameters<typeof begin>[1], RegExp]>([
    ["the settings are broken", { dialect: "morse" }, {}, /"dialect" is "morse"/],
    ["nobody is at the target", {}, { target: "ws://127.0.0.1:1" }, /127\.0\.0\.1:1 cannot be reached/],
    [
      "the target is another machine",
      {},
      { target: "wss://api3.decart.ai" },
      /may cost money\. Say allowRemote: true/,
    ],
  ])("%s", async (_where, settings, more, says) => {
    const { engine, user, errors } = begin(settings, more);
    await engine.init();
    for (let count = 0; count < 2; count++) await expect(user([{ think: 1 }])).rejects.toThrow(says);
    expect(errors).toHaveLength(2);
    expect(console.error).toHaveBeenCalledOnce();
    expect(artillery.suggestedExitCode).toBe(3);
  });
});

test.each([
  ["at once", "process.exit(7)"],
  ["later", '(kind === "begin" ? process.send({ kind: "ready" }) : process.exit(7))'],
])("a process that goes away %s takes nobody's answer with it", async (name, does) => {
  const processFile = join(folder, `gone-${name.replace(" ", "-")}.mjs`);
  writeFileSync(processFile, `process.on("message", ({ kind }) => ${does});`);
  const { user } = begin({}, { processFile });
  await expect(user([{ think: 1 }])).rejects.toThrow("The process that opens sessions ended with code 7.");
  expect(artillery.suggestedExitCode).toBe(3);
});

test("doubts are counted, and refuse the verdict", async () => {
  const processFile = join(folder, "doubtful.mjs");
  writeFileSync(
    processFile,
    `process.on("message", ({ kind, index }) => {
      if (kind === "begin") return process.send({ kind: "ready" });
      process.send({ kind: "doubted", count: 2, why: ["Slow.", "Late."] });
      process.send({ kind: "left", index, trouble: null });
    });`,
  );
  const { user, counters } = begin({}, { processFile });
  await user([{ think: 1 }]);
  expect(counters["lucy.doubts"]).toBe(2);
  expect(artillery.suggestedExitCode).toBe(2);
});

test.each(["example.yaml", "README.md"])("the settings and the flow of %s are read", (file) => {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  const { config, scenarios } = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? text);
  const flows = scenarios.map(({ flow }: { flow: unknown }) => flow);
  const { target, engines } = config;
  const job = { settings: engines.lucy, target, flows: [], index: 0, count: 1, startAtMs: 0 };
  const { scriptOf, results } = readJob(job, {});
  expect(results).toBe("lucy-results/{{ $testId }}");
  for (const flow of flows) expect(scriptOf(flow).script.length).toBeGreaterThan(1);
});

describe("the package", () => {
  /** Of a folder that has Artillery in it, or nothing. */
  function installInto(modules: string): void {
    mkdirSync(modules, { recursive: true });
    const packing = { cwd: import.meta.dirname, stdio: "pipe", shell: process.platform === "win32" } as const;
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], packing);
    rmSync(join(modules, "artillery-engine-lucy"), { recursive: true, force: true });
    mkdirSync(join(modules, "artillery-engine-lucy"));
    execFileSync("tar", [
      ...["-xzf", join(folder, "artillery-engine-lucy-0.1.0.tgz")],
      ...["-C", join(modules, "artillery-engine-lucy"), "--strip-components=1"],
    ]);
    // In place of what is compiled from it, the source; its exports are tried with its own package.
    const testkit = join(modules, "lucy-testkit");
    rmSync(testkit, { recursive: true, force: true });
    mkdirSync(testkit);
    const exports = { "./commanded-shard": "./commanded-shard.mjs" };
    writeFileSync(join(testkit, "package.json"), JSON.stringify({ name: "lucy-testkit", exports }));
    const source = JSON.stringify(pathToFileURL(commanded).href);
    writeFileSync(join(testkit, "commanded-shard.mjs"), `import ${source};`);
  }

  test("is one file, found and taken as Artillery does, and finds lucy-testkit", async () => {
    const modules = join(folder, "user/node_modules");
    installInto(modules);
    const path = createRequire(join(modules, "artillery/runner.js")).resolve("artillery-engine-lucy");
    expect(readdirSync(join(modules, "artillery-engine-lucy")).toSorted()).toEqual([
      "README.md",
      "dist",
      "package.json",
    ]);
    expect(readFileSync(path, "utf8").match(/from "[^"]+"/g)).toEqual([
      'from "node:child_process"',
      'from "node:module"',
    ]);
    const { default: Engine } = await import(pathToFileURL(path).href);
    const engine = new Engine({ config: { target: "ws://127.0.0.1:1" } }, new EventEmitter(), {
      template: (value: unknown) => value,
    });
    const events = new EventEmitter().on("error", () => {});
    const user = engine.createScenario({ flow: [{ think: 1 }] }, events);
    const error = await new Promise<Error | null>((resolve) => user({}, resolve));
    // So the process of lucy-testkit was there, and looked.
    expect(error?.message).toContain("127.0.0.1:1 cannot be reached");
  }, 30_000);

  // It installs some 300 packages the first time.
  if (process.env.LUCY_LONG) {
    const home = join(root, ".cache/artillery-2.0.34");

    test("runs in Artillery: its thresholds decide, and the shard is beside them", async () => {
      if (!existsSync(join(home, "node_modules/artillery"))) {
        mkdirSync(home, { recursive: true });
        writeFileSync(join(home, "package.json"), '{ "private": true }');
        execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "artillery@2.0.34"], {
          cwd: home,
          stdio: "pipe",
          shell: process.platform === "win32",
          env: { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" },
        });
      }
      installInto(join(home, "node_modules"));
      rmSync(join(home, "lucy-results"), { recursive: true, force: true });
      cpSync(join(import.meta.dirname, "example.yaml"), join(home, "example.yaml"));

      const kept = await artilleryRun();
      expect(kept.out).toContain("ok: lucy.glass_to_glass_ms.p99 < 500");
      expect(kept.out).not.toContain("fail: ");
      expect(kept.out).toMatch(/lucy\.sessions_connected: \.+ 4$/m);
      // The machine may be busy: then nobody can tell, and it says so.
      expect(kept.code).toBe(/lucy\.doubts: \.+ [1-9]/.test(kept.out) ? 2 : 0);
      const [results] = readdirSync(join(home, "lucy-results"));
      const merge = await run(["load", "merge", join(home, "lucy-results", results!, "shard-0.json")]);
      expect(merge.out).toContain("4 due · 4 connected · 0 failed");
      expect([0, 2]).toContain(merge.code);

      const impossible = JSON.stringify({
        config: { ensure: { thresholds: [{ "lucy.glass_to_glass_ms.p99": 0.1 }] } },
      });
      const failed = await artilleryRun("--overrides", impossible);
      expect(failed.out).toContain("fail: lucy.glass_to_glass_ms.p99 < 0.1");
      expect(failed.code).toBe(1);
    }, 300_000);

    function artilleryRun(...more: string[]) {
      const bin = join(home, "node_modules/artillery/bin/run");
      return spawned([bin, "run", "--target", lucy.realtimeUrl, ...more, "example.yaml"], home);
    }
  }
});

function run(args: string[]) {
  return spawned([join(root, "cli.ts"), ...args], folder);
}

function spawned(args: string[], cwd: string) {
  const env = { ...process.env, ARTILLERY_DISABLE_TELEMETRY: "true" };
  return new Promise<{ code: number; out: string }>((resolve) =>
    execFile(process.execPath, args, { cwd, env, maxBuffer: 2 ** 24 }, (error, out, errors) =>
      resolve({ code: error ? Number(error.code) : 0, out: out + errors }),
    ),
  );
}
