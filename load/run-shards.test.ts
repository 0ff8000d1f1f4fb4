/** Shards as processes: each leaves its file with why it ended, whoever ends it, and none is left behind. */
import { execFileSync, fork } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type MockServer, startMockServer } from "../mock-server/index.ts";
import { realClock as clock, epochMs } from "./clock.ts";
import { type Plan, parsePlan } from "./plan.ts";
import { type FromShard, startShards, type WaitingJob } from "./run-shards.ts";
import { readShard } from "./shard-files.ts";

// Processes come up in seconds where the machine is busy, and a shard that is stopped has 25.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let lucy: MockServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-run-shards-"));
  lucy = await startMockServer({ port: 0, mode: "relay", sessionsMax: 20 });
});
afterAll(async () => {
  await lucy.close();
  rmSync(folder, { recursive: true, force: true });
});

const plan = parsePlan(
  "about: One session.\ndialect: direct\nclip: vp8-180p15\narrivals: [{ sessions: 1 }]\nholdSeconds: 60\n",
  "one.yaml",
);

const job = (name: string, more: Partial<WaitingJob> = {}): WaitingJob => ({
  plan,
  target: { url: lucy.url, realtimeUrl: lucy.realtimeUrl, apiKey: "dct_load" },
  index: 0,
  count: 1,
  selfTests: [],
  warmAt: null,
  resultFile: join(folder, `${name}.json`),
  rowsFile: null,
  ...more,
});

describe("what was measured is kept, with why it ended,", () => {
  test("where whoever started it stops it", async () => {
    const given = job("stopped");
    const run = startShards([given], {
      clock,
      startAtMs: null,
      progressed({ framesReceived }) {
        if (framesReceived > 0) run.stop("The budget was spent.");
      },
    });
    await run.done;
    const { doubts, measurement } = readShard(given.resultFile);
    expect(doubts).toEqual(["The budget was spent."]);
    expect(measurement.counts["frames-received"]).toBeGreaterThan(0);
    await vi.waitFor(() => expect(lucy.open.sessions).toBe(0));
  });

  test("where the system tells its process to end", async () => {
    const given = job("terminated");
    const child = fork(fileURLToPath(new URL("./shard-process.ts", import.meta.url)));
    const ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? code));
    });
    const said: string[] = [];
    child.on("message", (message: FromShard) => {
      said.push(message.kind);
      if (message.kind === "ready") child.send({ kind: "start", startAtMs: epochMs() });
      if (message.kind === "progress" && message.progress.framesReceived > 0) child.kill("SIGTERM");
    });
    child.send({ kind: "run", job: given });
    expect(await ended).toBe(0);
    expect(said.at(-1)).toBe("done");
    const { doubts, measurement } = readShard(given.resultFile);
    expect(doubts).toEqual([expect.stringContaining("told to end (SIGTERM)")]);
    expect(measurement.counts["frames-received"]).toBeGreaterThan(0);
    await vi.waitFor(() => expect(lucy.open.sessions).toBe(0));
  });

  test("where it is stopped while nobody answers", async () => {
    // Accepted, and never more: opening would take half a minute.
    const heard = lucy.nextSession();
    lucy.faults.add({ name: "drop", only: "answer" });
    const given = job("opening");
    const run = startShards([given], { clock, startAtMs: null, progressed() {} });
    await heard;
    run.stop("Somebody stopped it.");
    await run.done;
    lucy.faults.healAll();
    const { doubts, troubles, measurement } = readShard(given.resultFile);
    expect([doubts, troubles]).toEqual([["Somebody stopped it."], {}]);
    expect(measurement.counts).toMatchObject({ "sessions-due": 1, "sessions-failed": 0 });
  });
});

test("a file that cannot be written ends the run with a sentence", async () => {
  const run = startShards([job("rows", { rowsFile: join(folder, "nowhere/rows.ndjson") })], {
    clock,
    startAtMs: null,
    progressed() {},
  });
  await expect(run.done).rejects.toThrow(/^Shard 1 of 1 broke: .*nowhere\/rows\.ndjson cannot be written/);
});

test("a process that has left, and hangs in a line that nobody takes, is ended", async () => {
  const rowsFile = join(folder, "pipe");
  execFileSync("mkfifo", [rowsFile]);
  const pipe = openSync(rowsFile, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(pipe));
  // Full.
  expect(() => {
    for (;;) writeSync(pipe, " ".repeat(4096));
  }).toThrow("EAGAIN");
  const given = job("hanging", { rowsFile, plan: { ...plan, holdSeconds: 1 } });
  await startShards([given], { clock, startAtMs: null, progressed() {} }).done;
  expect(Object.keys(readShard(given.resultFile).troubles)).toEqual([
    expect.stringMatching(/pipe has not all its lines: nobody took them/),
  ]);
});

test("one that breaks before all are up ends the others, which wait for it no longer", async () => {
  const [broken, whole] = [0, 1].map((index) => job(`one-of-two-${index}`, { index, count: 2 }));
  const none = { ...broken!, plan: { ...plan, clip: "none" as Plan["clip"] } };
  const run = startShards([{ ...none, warmAt: broken!.target }, whole!], {
    clock,
    startAtMs: null,
    progressed() {},
  });
  await expect(run.done).rejects.toThrow(/^Shard 1 of 2 broke: /);
  await expect(run.begun).rejects.toThrow(/^Shard 1 of 2 broke: /);
  // It is killed otherwise, and leaves none.
  expect(readShard(whole!.resultFile).doubts).toEqual(["A shard was stopped before its plan was done."]);
});

test("shards that are up after their start do not begin, and the file says why", async () => {
  const given = job("late");
  const run = startShards([given], { clock, startAtMs: epochMs(), progressed() {} });
  const says = /^The warm-up ended after --start-at\. Set a moment at least 30 s later/;
  await expect(run.begun).rejects.toThrow(says);
  await expect(run.done).rejects.toThrow(says);
  const { doubts, measurement } = readShard(given.resultFile);
  expect([doubts, measurement.counts["sessions-due"]]).toEqual([[expect.stringMatching(says)], 0]);
});

/** Takes connections and says nothing, until it lets them go. */
async function startSilent() {
  const sockets: Socket[] = [];
  const heard = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    heard.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const letGo = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(letGo);
  const host = `127.0.0.1:${port}`;
  return {
    target: { url: `http://${host}`, realtimeUrl: `ws://${host}`, apiKey: "k" },
    heard: heard.promise,
    letGo,
  };
}

test("shards start at one moment, and not before all are up", async () => {
  const at = Date.parse("2030-01-01T00:00:00Z");
  const set = startShards([job("later")], { clock, startAtMs: at, progressed() {} });
  expect(await set.begun).toBe(at);
  set.stop("Nobody waits so long.");
  await set.done;

  const silent = await startSilent();
  const two = [0, 1].map((index) =>
    job(`two-${index}`, {
      ...{ index, count: 2, plan: { ...plan, holdSeconds: 1 } },
      warmAt: index === 1 ? silent.target : null,
    }),
  );
  const run = startShards(two, { clock, startAtMs: null, progressed() {} });
  await silent.heard;
  const heldMs = epochMs();
  silent.letGo();
  const startAtMs = await run.begun;
  // The second has its news in time.
  expect(startAtMs).toBeGreaterThan(heldMs + 200);
  await run.done;
  const kept = two.map(({ resultFile }) => readShard(resultFile));
  expect(kept.map(({ startedAt }) => Date.parse(startedAt))).toEqual([0, 1].map(() => Math.trunc(startAtMs)));
});
