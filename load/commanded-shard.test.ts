/** Jobs as another load tool's configuration has them, and what is counted, told and left, with made-up sessions on a clock that a test moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CommandedAbout,
  type CommandedJob,
  type News,
  partOf,
  readFlow,
  readJob,
  startCommandedShard,
} from "./commanded-shard.ts";
import type { Generator, Observer } from "./generator.ts";
import { steppedClock } from "./generators/node/_stepped-clock.ts";
import { decodeHistogram } from "./histogram.ts";
import { readShard } from "./shard-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-commanded-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const job = (settings: unknown, more: Partial<CommandedJob> = {}): CommandedJob => ({
  settings,
  target: "ws://127.0.0.1:8787",
  flows: [],
  index: 0,
  count: 1,
  startAtMs: 0,
  ...more,
});

test("a flow is a script: thinks say when, and for how long", () => {
  expect(
    readFlow([
      { think: 1 },
      { set: { prompt: "a" }, everySeconds: 0.5 },
      { think: "500ms" },
      { set: { image: null } },
      { think: "0.1m" },
    ]),
  ).toEqual({
    script: [
      { afterSeconds: 1, everySeconds: 0.5, set: { prompt: "a" } },
      { afterSeconds: 1.5, set: { image: null } },
    ],
    holdSeconds: 7.5,
  });
});

test("settings are a plan's, and the loopback needs neither leave nor key", () => {
  const about = readJob(
    job({ clip: "vp8-180p15", dialect: "direct", thresholds: ["fps >= 13"], results: "r" }),
    {},
  );
  expect(about.plan).toMatchObject({
    name: "artillery",
    clip: "vp8-180p15",
    dialect: "direct",
    arrivals: [],
  });
  expect(about.plan.thresholds.map(({ text }) => text)).toEqual(["fps >= 13"]);
  expect(about).toMatchObject({ budget: null, results: "r", target: { realtimeUrl: "ws://127.0.0.1:8787" } });
});

const think = [{ think: 1 }];
const remote = { allowRemote: true, sessionsMax: 5, secondsMax: 60, creditsMax: 3 };

describe("a sentence for", () => {
  test.each<[string, CommandedJob, NodeJS.ProcessEnv, RegExp]>([
    ["no fields", job("fast"), {}, /config\.engines\.lucy is "fast"\. It takes fields/],
    [
      "a field of no plan",
      job({ dialct: "direct" }),
      {},
      /lucy: It has no "dialct"\. Did you mean "dialect"\?/,
    ],
    ["a wrong value", job({ clip: "vp9" }), {}, /config\.engines\.lucy: "clip" is "vp9"/],
    ["a wrong budget", job({ sessionsMax: 0 }), {}, /"sessionsMax" is 0\. It takes a whole number from 1/],
    ["what Artillery says", job({ arrivals: [] }), {}, /has "arrivals", and the phases say who comes/],
    ["a flow of another engine", job({}, { flows: [[{ get: { url: "/" } }]] }), {}, /flow\[0\] is \{"get"/],
    ["a flow without time", job({}, { flows: [[{ set: { prompt: "a" } }]] }), {}, /has no think/],
    ["a think of another tool", job({}, { flows: [[{ think: "1 day" }]] }), {}, /"think" is "1 day"/],
    [
      "an unknown image",
      job({}, { flows: [[{ set: { image: "x" } }, ...think]] }),
      {},
      /"script\[0\]\.set\.image" is "x"/,
    ],
    ["two things at once", job({}, { flows: [[{ think: 1, set: { prompt: "a" } }]] }), {}, /flow\[0\] is/],
    ["no target", job({}, { target: undefined }), {}, /takes a WebSocket's address/],
    [
      "another machine",
      job({}, { target: "wss://api3.decart.ai" }),
      {},
      /Say allowRemote: true as well, with sessionsMax, secondsMax and creditsMax/,
    ],
    [
      "another machine without a key",
      job(remote, { target: "wss://api3.decart.ai" }),
      {},
      /taken from DECART_API_KEY, and never from a script/,
    ],
  ])("%s", (_name, given, environment, says) => {
    expect(() => readJob(given, environment)).toThrow(says);
  });
});

test("a flow with a template is looked at once it is filled in", () => {
  const about = readJob(job({}, { flows: [[{ set: { image: "{{ image }}" } }, ...think]] }), {});
  expect(about.scriptOf([{ set: { image: "board-png" } }, ...think]).script).toHaveLength(1);
  expect(() => about.scriptOf([{ set: { image: "nothing" } }, ...think])).toThrow(/"nothing"/);
});

test("the budget is shared out, so that no process need ask another", () => {
  const given = job(remote, { target: "wss://api3.decart.ai", index: 1, count: 2 });
  expect(readJob(given, { DECART_API_KEY: "k" }).budget).toEqual({
    sessionsMax: 2,
    secondsMax: 60,
    creditsMax: 1.5,
  });
  const parts = [0, 1, 2].map((index) => partOf({ sessionsMax: 5, secondsMax: 9, creditsMax: 3 }, index, 3));
  expect(parts.map(({ sessionsMax }) => sessionsMax)).toEqual([2, 2, 1]);
});

const selfTest = {
  ...{ generator: "node", dialect: "direct", carrier: "strip", errorMs: 1, boundMs: 5 },
  readings: [],
  faults: [],
};

/** Sessions that are connected at once, and get what a test gives them. */
function begin(more: Partial<CommandedAbout> = {}) {
  const stepped = steppedClock();
  const observers: Observer[] = [];
  const generator: Generator = {
    name: "node",
    blindSpots: [],
    now: stepped.clock.now,
    async open(_about, observer) {
      observers.push(observer);
      return {
        id: null,
        set: async () => ({ calledMs: stepped.clock.now(), ackedMs: stepped.clock.now() + 7 }),
        stats: async () => Promise.reject(new Error("none")),
        close: async () => {},
      };
    },
    async close() {},
  };
  const news: News[] = [];
  const about = { ...readJob(job({ dialect: "direct" }), {}), ...more };
  const shard = startCommandedShard(about, {
    generator,
    clock: stepped.clock,
    selfTests: [selfTest],
    told: (message) => news.push(structuredClone(message)),
  });
  const measured = () => news.filter((message) => message.kind === "measured");
  return {
    clock: stepped.clock,
    advance: stepped.advance,
    stall: stepped.stall,
    timerCount: () => stepped.timerCount,
    shard,
    observers,
    count: (name: string) => measured().reduce((sum, { counts }) => sum + (counts[name as never] ?? 0), 0),
    times: (name: string) => measured().flatMap(({ times }) => times[name as never] ?? []),
    doubts: () => news.flatMap((message) => (message.kind === "doubted" ? message.why : [])),
  };
}

/** Until what was resolved has been gone on with. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("what is told is what the file has, and it is there when a session has left", async () => {
  const results = join(folder, "whole");
  const { shard, advance, observers, count, times } = begin({ results });
  const left = shard.arrive(0, [{ set: { prompt: "a" } }, { think: 2 }]);
  await settle();
  for (let frame = 0; frame < 20; frame++) {
    const dueMs = (1000 / 15) * frame;
    observers[0]!.sent({ frame, dueMs, sentMs: dueMs });
    if (frame !== 10) {
      observers[0]!.received({ atMs: dueMs + 50 + frame, frame, carrier: "strip", output: null });
    }
  }
  advance(1500);
  await settle();
  expect(count("frames-received")).toBe(19);
  advance(500);
  expect(await left).toEqual({ trouble: null });
  const { measurement, count: shards, plan, durationMs } = readShard(join(results, "shard-0.json"));
  for (const [name, value] of Object.entries(measurement.counts))
    expect([name, count(name)]).toEqual([name, value]);
  for (const [name, text] of Object.entries(measurement.histograms)) {
    expect([name, times(name).length]).toEqual([name, text === "" ? 0 : decodeHistogram(text).count]);
  }
  expect(count("frames-lost")).toBe(1);
  expect(times("glass-to-glass")[3]).toBeCloseTo(53, 6);
  expect(times("set-to-ack")).toEqual([7]);
  expect({ shards, durationMs, arrivals: plan.arrivals }).toEqual({
    shards: 1,
    durationMs: 2000,
    arrivals: [],
  });
  await shard.stop();
});

test("a flow that cannot be followed is that user's trouble", async () => {
  const results = join(folder, "flow");
  const { shard, observers } = begin({ results });
  const { trouble } = await shard.arrive(0, [{ think: "soon" }]);
  expect(trouble).toContain('"think" is "soon"');
  expect(observers).toHaveLength(0);
  await shard.stop();
  expect(readShard(join(results, "shard-0.json")).troubles).toEqual({ [trouble!]: 1 });
});

test("who is open when it is stopped is closed, and in the file", async () => {
  const results = join(folder, "stopped");
  const { shard, timerCount, observers } = begin({ results });
  void shard.arrive(0, [{ think: 60 }]);
  await settle();
  observers[0]!.sent({ frame: 0, dueMs: 0, sentMs: 0 });
  await shard.stop();
  expect(readShard(join(results, "shard-0.json")).measurement.counts["frames-sent"]).toBe(1);
  expect(timerCount()).toBe(0);
});

test.each([
  ["sessions", { sessionsMax: 1, secondsMax: 60, creditsMax: 9 }, 5, "The budget of 1 sessions was spent"],
  ["seconds", { sessionsMax: 9, secondsMax: 3, creditsMax: 9 }, 3, "The budget of 3 seconds was spent"],
  [
    "credits",
    { sessionsMax: 9, secondsMax: 60, creditsMax: 0.08 },
    4,
    "The budget of 0.08 credits was spent",
  ],
])("a budget of %s ends it", async (of, budget, seconds, says) => {
  const results = join(folder, `budget-${of}`);
  const { shard, advance, doubts, clock } = begin({ budget, results });
  const first = shard.arrive(0, [{ think: 5 }]);
  await settle();
  for (let second = 0; second < seconds; second++) {
    advance(1000);
    await settle();
  }
  await first;
  expect(clock.now()).toBe(seconds * 1000);
  if (of !== "sessions") expect(doubts().join()).toContain(says);
  expect((await shard.arrive(1, [{ think: 5 }])).trouble).toContain(says);
  await shard.stop();
  const { troubles, measurement } = readShard(join(results, "shard-0.json"));
  expect(Object.keys(troubles).join()).toContain(says);
  expect(measurement.counts["sessions-due"]).toBe(1);
});

test("credits are those of the time that has passed, however late it is looked at", async () => {
  const budget = { sessionsMax: 9, secondsMax: 60, creditsMax: 0.08 };
  const { shard, advance, stall, doubts, clock } = begin({ budget, results: join(folder, "late-credits") });
  const left = shard.arrive(0, [{ think: 50 }]);
  await settle();
  stall(4500);
  advance(0);
  await left;
  expect(doubts().join()).toContain("The budget of 0.08 credits was spent");
  expect(clock.now()).toBe(4500);
  await shard.stop();
});

test("a session that replaces a lost one is spent as well, and one too many ends all", async () => {
  const results = join(folder, "reconnects");
  const budget = { sessionsMax: 2, secondsMax: 60, creditsMax: 9 };
  const { shard, observers, advance, doubts: all } = begin({ budget, results });
  // The machine that runs this may be busy.
  const doubts = () => all().filter((why) => why.includes("budget"));
  const first = shard.arrive(0, [{ think: 60 }]);
  await settle();
  const again = () => {
    observers[0]!.lost(100, "gone");
    observers[0]!.recovered(200);
  };
  again();
  expect((await shard.arrive(1, [{ think: 1 }])).trouble).toContain("The budget of 2 sessions was spent");
  expect(doubts()).toEqual([]);
  again();
  expect(doubts().join()).toContain("More sessions were opened than the budget of 2, 3 with those");
  again();
  await first;
  advance(1000);
  expect(doubts()).toHaveLength(1);
  await shard.stop();
});

test("the file has what the instrument read, and says that nobody here knows who came late", async () => {
  const results = join(folder, "known");
  const { shard, advance } = begin({ results });
  const left = shard.arrive(0, [{ think: 1 }]);
  await settle();
  advance(1000);
  await left;
  await shard.stop();
  const { selfTests, blindSpots, measurement } = readShard(join(results, "shard-0.json"));
  expect(selfTests).toEqual([selfTest]);
  expect(blindSpots).toEqual([expect.stringMatching(/^Sessions came when the load tool said so/)]);
  expect(measurement.counts["sessions-late"]).toBe(0);
});

test("a file that cannot be written any more is said once, and ends nobody's session", async () => {
  const results = join(folder, "gone");
  const { shard, doubts } = begin({ results });
  rmSync(results, { recursive: true });
  const unwritten = () => doubts().filter((why) => why.includes("could not be written"));
  for (const session of [0, 1]) expect((await shard.arrive(session, [])).trouble).toContain("no think");
  await shard.stop();
  expect(unwritten()).toEqual([expect.stringMatching(/gone\/shard-0\.json could not be written: ENOENT/)]);
});

test("a file that cannot be written is said before anybody comes", () => {
  expect(() => begin({ results: "/dev/null/results" })).toThrow(/ENOTDIR/);
});
