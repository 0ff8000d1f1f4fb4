/** A shard with made-up sessions: what comes late, what is stopped while it opens, and the file, which is there once and whatever happens. */
import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { epochMs } from "./clock.ts";
import type { Generator, Observer } from "./generator.ts";
import { steppedClock } from "./generators/node/_stepped-clock.ts";
import { decodeHistogram } from "./histogram.ts";
import type { HistogramName } from "./measurement.ts";
import { type Plan, parsePlan } from "./plan.ts";
import type { Progress, ShardJob } from "./run-shards.ts";
import { leaveMsMax, linesMsMax, runShard } from "./shard.ts";
import { readShard } from "./shard-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-shard-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const about = `about: Sessions a second apart.
dialect: direct
clip: vp8-180p15
arrivals: [{ seconds: 3, sessionsPerSecond: { from: 1, to: 1 } }]
spacing: even
holdSeconds: 2
`;

let runs = 0;
/** `connectMs`: what connecting takes; `null`: for ever, until somebody leaves. `closes`: whether sessions do. */
function begin({
  plan = {},
  connectMs = 50 as number | null,
  closes = true as boolean | Error,
  ...more
}: Partial<Omit<ShardJob, "plan">> & {
  plan?: Partial<Plan>;
  connectMs?: number | null;
  closes?: boolean | Error;
} = {}) {
  const time = steppedClock();
  const setsMs: number[] = [];
  const observers: Observer[] = [];
  let leftCount = 0;
  const generator: Generator = {
    name: "node",
    blindSpots: [],
    now: time.clock.now,
    async open(_about, observer, leaving) {
      const calledMs = time.clock.now();
      if (connectMs === null) {
        await new Promise((_resolve, reject) => {
          leaving!.addEventListener("abort", () => {
            leftCount++;
            reject(new Error("The app left."));
          });
        });
      } else await time.clock.sleep(connectMs);
      observers.push(observer);
      return {
        id: null,
        connected: { calledMs, connectedMs: time.clock.now() },
        async set() {
          setsMs.push(time.clock.now());
          return { calledMs: time.clock.now(), ackedMs: time.clock.now() + 7 };
        },
        stats: async () => Promise.reject(new Error("none")),
        close() {
          if (closes instanceof Error) return Promise.reject(closes);
          return closes ? Promise.resolve() : new Promise<void>(() => {});
        },
      };
    },
    async close() {},
  };
  const stopped = new AbortController();
  const progress: Progress[] = [];
  const resultFile = more.resultFile ?? join(folder, `${runs++}.json`);
  const done = runShard(
    {
      plan: { ...parsePlan(about, "about.yaml"), ...plan },
      target: { url: "http://127.0.0.1:1", realtimeUrl: "ws://127.0.0.1:1", apiKey: "k" },
      index: 0,
      count: 1,
      startAtMs: epochMs(),
      selfTests: [],
      rowsFile: null,
      ...more,
      resultFile,
    },
    { generator, clock: time.clock, stopped: stopped.signal, progressed: (one) => void progress.push(one) },
  );
  done.catch(() => {});
  return {
    done,
    observers,
    progress,
    setsMs,
    resultFile,
    stall: time.stall,
    /** Its files are open. */
    begun: () => vi.waitFor(() => expect(time.timerCount).toBeGreaterThan(0)),
    stop: (why: string) => stopped.abort(why),
    get leftCount() {
      return leftCount;
    },
    get timerCount() {
      return time.timerCount;
    },
    async pass(ms: number) {
      await settle();
      for (let passed = 0; passed < ms; passed += 10) {
        time.advance(10);
        await settle();
      }
    },
    counts: () => readShard(resultFile).measurement.counts,
    maxMs: (name: HistogramName) =>
      decodeHistogram(readShard(resultFile).measurement.histograms[name]).max / 1000,
  };
}

/** Until what was resolved has been gone on with. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a session that comes late", () => {
  test("because nothing had its turn is timed from when it was due, and counted", async () => {
    const shard = begin();
    const { pass, stall, done, counts, maxMs, observers } = shard;
    await pass(900);
    // The second was due at 1000 and comes at 1400.
    stall(500);
    await pass(100);
    observers[1]!.received({ atMs: 1500, frame: null, carrier: null, output: null });
    await pass(4000);
    await done;
    expect(counts()).toMatchObject({ "sessions-due": 3, "sessions-connected": 3, "sessions-late": 1 });
    expect(maxMs("connect")).toBeGreaterThan(440);
    expect(maxMs("connect")).toBeLessThan(470);
    expect(maxMs("time-to-first-frame")).toBeGreaterThan(490);
    expect(maxMs("time-to-first-frame")).toBeLessThan(520);
    expect(shard.timerCount).toBe(0);
  });

  test("by less than a picture's time is not counted, and waits all the same", async () => {
    const { pass, stall, done, counts, maxMs } = begin();
    await pass(960);
    stall(60);
    await pass(5000);
    await done;
    expect(counts()["sessions-late"]).toBe(0);
    expect(maxMs("connect")).toBeGreaterThan(60);
  });

  test("is none where all come at once", async () => {
    const all = { seconds: 0, sessionsPerSecond: { from: 0, to: 0 }, sessions: 200 };
    const { pass, done, counts, maxMs } = begin({ plan: { arrivals: [all] } });
    await pass(3000);
    await done;
    expect(counts()).toMatchObject({ "sessions-connected": 200, "sessions-late": 0 });
    expect(maxMs("connect")).toBeLessThan(65);
  });
});

test("steps are due when they are, however late one was called: none is left out, and the next is not later", async () => {
  const one = { seconds: 0, sessionsPerSecond: { from: 0, to: 0 }, sessions: 1 };
  const script = [{ afterSeconds: 0.1, everySeconds: 0.1, set: { prompt: "a" } }];
  const { pass, stall, done, setsMs, maxMs } = begin({
    plan: { arrivals: [one], script, holdSeconds: 0.95 },
    connectMs: 0,
  });
  await pass(240);
  stall(205);
  await pass(2000);
  await done;
  expect(setsMs.map((ms) => Math.round(ms))).toEqual([120, 220, 445, 445, 520, 620, 720, 820, 920]);
  // That which was due at 320.
  expect(maxMs("set-to-ack")).toBeCloseTo(132, 0);
});

describe("a shard that is stopped", () => {
  test("gives up what is being opened, blames no server, and says why", async () => {
    const shard = begin({ connectMs: null });
    await shard.pass(1500);
    shard.stop("The budget was spent.");
    await shard.pass(100);
    await shard.done;
    const { doubts, troubles } = readShard(shard.resultFile);
    expect(doubts).toEqual(["The budget was spent."]);
    expect(troubles).toEqual({});
    expect(shard.counts()).toMatchObject({
      "sessions-due": 2,
      "sessions-connected": 0,
      "sessions-failed": 0,
    });
    expect([shard.leftCount, shard.timerCount]).toEqual([2, 0]);
  });

  test("leaves its file though a session does not close", async () => {
    const shard = begin({ closes: false });
    await shard.pass(1500);
    shard.stop("Somebody stopped it.");
    await shard.pass(leaveMsMax - 100);
    expect(() => readShard(shard.resultFile)).toThrow("cannot be read");
    await shard.pass(200);
    await shard.done;
    expect(shard.counts()).toMatchObject({ "sessions-connected": 2 });
    expect(shard.timerCount).toBe(0);
  });

  test("before it began leaves a file of nothing", async () => {
    const shard = begin();
    shard.stop("Somebody stopped it.");
    await shard.pass(100);
    await shard.done;
    expect(shard.counts()["sessions-due"]).toBe(0);
  });
});

test("sessions that replace a lost one count among those that were opened", async () => {
  const { pass, observers, progress, done } = begin();
  await pass(500);
  observers[0]!.lost(500, "gone");
  observers[0]!.recovered(600);
  await pass(1000);
  expect(progress.at(-1)).toMatchObject({ sessionsOpened: 3, sessionsOpen: 2 });
  await pass(5000);
  await done;
});

test("what was known before goes into the file, which is there once all is over", async () => {
  const test = { generator: "node", dialect: "direct", carrier: "strip", errorMs: 1, boundMs: 5 };
  const { pass, done, resultFile } = begin({ selfTests: [{ ...test, readings: [], faults: [] }] });
  await pass(4500);
  expect(existsSync(resultFile)).toBe(false);
  await pass(1000);
  await done;
  expect(readShard(resultFile)).toMatchObject({ selfTests: [test], doubts: [] });
});

describe("a file that cannot be written is a sentence before anybody comes:", () => {
  test.each(["resultFile", "rowsFile"])("%s", async (name) => {
    const { done, observers } = begin({ [name]: join(folder, "nowhere/file") });
    await expect(done).rejects.toThrow(/nowhere\/file cannot be written: ENOENT.*Name a file in a folder/);
    expect(observers).toHaveLength(0);
  });
});

test("a session that cannot be closed has not failed: it was measured", async () => {
  const shard = begin({ closes: new Error("The socket is gone.") });
  await shard.pass(6000);
  await shard.done;
  expect(readShard(shard.resultFile).troubles).toEqual({ "close: The socket is gone.": 3 });
  expect(shard.counts()).toMatchObject({ "sessions-connected": 3, "sessions-failed": 0 });
});

test("whoever reads the lines and stops costs lines, and no measurement", async () => {
  const rowsFile = join(folder, "pipe");
  execFileSync("mkfifo", [rowsFile]);
  const reader = openSync(rowsFile, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  const shard = begin({ rowsFile });
  await shard.begun();
  await shard.pass(500);
  // More than a pipe holds.
  for (let frame = 0; frame < 1500; frame++) shard.observers[0]!.sent({ frame, dueMs: 100, sentMs: 100 });
  await shard.pass(5500);
  expect(existsSync(shard.resultFile)).toBe(false);
  await shard.pass(linesMsMax);
  await shard.done;
  const { troubles } = readShard(shard.resultFile);
  expect(troubles).toEqual({ [`${rowsFile} has not all its lines: nobody took them for 5 s.`]: 1 });
  expect(shard.timerCount).toBe(0);
});

test("a disk that is full costs lines, and no measurement", async () => {
  const { pass, done, observers, resultFile, begun } = begin({ rowsFile: "/dev/full" });
  await begun();
  await pass(500);
  observers[0]!.sent({ frame: 0, dueMs: 100, sentMs: 100 });
  await pass(5500);
  await done;
  const { troubles, doubts } = readShard(resultFile);
  expect(Object.keys(troubles)).toEqual([
    expect.stringMatching(/^\/dev\/full has not all its lines: ENOSPC/),
  ]);
  expect(doubts).toEqual([]);
});

test("a line of JSON for each source picture", async () => {
  const rowsFile = join(folder, "rows.ndjson");
  const { pass, done, observers, begun } = begin({ rowsFile });
  await begun();
  await pass(500);
  for (const frame of [0, 1]) observers[0]!.sent({ frame, dueMs: 100, sentMs: 100 });
  await pass(5500);
  await done;
  const lines = readFileSync(rowsFile, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).frame)).toEqual([0, 1]);
});
