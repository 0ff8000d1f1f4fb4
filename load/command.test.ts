/** `lucy-testkit load` as somebody types it: what it measures, what it leaves, and a sentence for what cannot be done. */
import { type ChildProcess, execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type MockServer, startMockServer } from "../mock-server/index.ts";
import { exitCodeOf } from "../reports/result.ts";
import { readResult } from "../reports/store.ts";
import { realClock as clock, epochMs } from "./clock.ts";
import { steppedClock } from "./generators/node/_stepped-clock.ts";
import type { SessionReport } from "./mock-process.ts";
import { type Plan, parsePlan } from "./plan.ts";
import { checkSessions, InstrumentBroken, type LoadAbout, reach, runLoad, watchBudget } from "./run-load.ts";
import { readShard } from "./shard-files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder: string;
let lucy: MockServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lucy-load-test-"));
  lucy = await startMockServer({ port: 0, mode: "relay", sessionsMax: 20 });
  writeFileSync(file("tiny.yaml"), tiny);
});
afterAll(async () => {
  await lucy.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);
const tiny = `about: Two sessions of two seconds.
dialect: direct
clip: vp8-180p15
server: { mode: relay }
arrivals: [{ sessions: 2 }]
holdSeconds: 2
thresholds: [sessions-failed == 0]
`;

/** Until pictures of two sessions have come back. */
async function flowing(timeoutMs: number): Promise<void> {
  const pictures = async () => {
    const sessions = (await (await fetch(`${lucy.url}/_lucy/sessions`)).json()) as SessionReport[];
    return sessions.filter(({ media }) => media !== null && media.picturesOut > 5).length;
  };
  await vi.waitFor(async () => expect(await pictures()).toBe(2), { timeout: timeoutMs, interval: 100 });
}

/** What was asked to end ends in a moment, and not at once. */
async function allClosed(): Promise<void> {
  await vi.waitFor(() => expect(lucy.open.sessions).toBe(0), { timeout: 10_000 });
}

type Ended = { readonly code: number; readonly out: string; readonly error: string };

function load(...args: string[]): Promise<Ended> & { readonly child: ChildProcess } {
  const ended = Promise.withResolvers<Ended>();
  const child = execFile(
    process.execPath,
    [join(root, "cli.ts"), "load", ...args],
    { cwd: folder, env: { ...process.env, DECART_API_KEY: "" } },
    (error, out, errors) => {
      ended.resolve({ code: error ? Number(error.code) : 0, out, error: errors });
    },
  );
  return Object.assign(ended.promise, { child });
}

describe("a sentence and exit code 3 for", () => {
  const nobody = "ws://127.0.0.1:1";
  test.each<[string, () => string[], RegExp]>([
    ["a plan that is not there", () => ["--plan", "smokey"], /Did you mean "smoke"\?/],
    [
      "a broken plan",
      () => {
        writeFileSync(file("broken.yaml"), tiny.replace("holdSeconds: 2", "holdSecs: 2"));
        return ["--plan", file("broken.yaml")];
      },
      /broken\.yaml:6: A plan has no "holdSecs"\. Did you mean "holdSeconds"\?/,
    ],
    [
      "a target that is not there",
      () => ["--plan", file("tiny.yaml"), "--target", nobody],
      /127\.0\.0\.1:1 cannot be reached: .*Is the server running/s,
    ],
    [
      "another machine, asked for once",
      () => ["--target", "wss://api3.decart.ai"],
      /may cost money\. Say --allow-remote as well/,
    ],
    [
      "another machine without a budget",
      () => ["--target", "wss://api3.decart.ai", "--allow-remote"],
      /--sessions-max, --seconds-max and --credits-max/,
    ],
    [
      "another machine without a key",
      () => [
        ...["--target", "wss://api3.decart.ai", "--allow-remote"],
        ...["--sessions-max", "1", "--seconds-max", "1", "--credits-max", "1"],
      ],
      /taken from DECART_API_KEY, and never from the command line/,
    ],
    [
      "a corrupt shard",
      () => {
        writeFileSync(file("cut.json"), '{"schema":"lucy-testkit/shard/1","index":');
        return ["merge", file("cut.json")];
      },
      /cut\.json is no JSON: the shard was cut short/,
    ],
    [
      "something else than a shard",
      () => ["merge", join(root, "package.json")],
      /package\.json is no shard of this version/,
    ],
    ["runs that are not there", () => ["compare", "a", "b"], /There is no run at a/],
    [
      "requests at a steady rate to another machine",
      () => ["http", "--target", "wss://api3.decart.ai", "--only", "health"],
      /go to this machine only/,
    ],
    [
      "more connections than requests",
      () => ["http", "--rate", "3", "--connections", "4"],
      /Take at most 3 connections/,
    ],
    ["a rate that is none", () => ["http", "--rate", "x"], /from 1 to 10000, not x/],
    [
      "results that cannot be written, before anything is measured",
      () => ["--json", "none/a.json", "--markdown", "none/a.md", "--junit", "none/a.xml"],
      /^lucy-testkit: --json cannot be .*\n--markdown cannot be .*\n--junit cannot be .*\n$/,
    ],
    [
      "rows that cannot be written, before anything is measured",
      () => ["--shards", "2", "--frames", "none/rows.ndjson"],
      /^lucy-testkit: --frames cannot be written: .*none\/rows\.0\.ndjson/,
    ],
    [
      "a merged result that cannot be written, before anything is waited for",
      () => ["merge", "--wait-seconds", "60", "--json", "none/a.json", "nothing"],
      /--json cannot be written/,
    ],
    [
      "other hosts of a mock",
      () => ["--allow-hosts", "*.example.com", "--generator", "browser"],
      /--allow-hosts is for a target that is not this machine, with --allow-remote/,
    ],
    ["all hosts there are", () => ["--allow-hosts", "*"], /names of hosts with commas, .* and not "\*"/],
    ["a start without a shard", () => ["--start-at", "2030-01-01T00:00:00Z"], /--shard 0\/4/],
    ["a start that is past", () => shardArguments("0/2", new Date(0)), /s after --start-at/],
    ["a shard beyond the last", () => shardArguments("2/2", new Date()), /from 0\/4 to 3\/4, not 2\/2/],
  ])("%s", async (_name, args, says) => {
    const { code, error } = await load(...args());
    expect(error).toMatch(says);
    expect(code).toBe(3);
    expect(error).not.toMatch(/^\s+at /m);
  });

  function shardArguments(shard: string, start: Date): string[] {
    return [
      ...["--plan", file("tiny.yaml"), "--target", lucy.realtimeUrl, "--shard", shard],
      ...["--start-at", start.toISOString(), "--shard-file", file("never.json")],
    ];
  }
});

test("without anything typed: the plan smoke, against a mock of its own; kept, shown again, compared", async () => {
  const ended = await load();
  expect(ended.error).toBe("");
  expect(ended.out).toMatch(/\nKept in runs\/\S+\.\n\n[^\n]*load smoke against 127\.0\.0\.1:/);
  const result = readResult(join(folder, "runs/latest"));
  expect(ended.code).toBe(exitCodeOf(result));
  // What is slow on a busy machine may fail: whether a session works at all does not hang on that.
  const failed = result.verdicts.filter(({ outcome }) => outcome === "failed").map(({ owes }) => owes);
  expect(failed.filter((owes) => /^(sessions|sets-failed)/.test(owes))).toEqual([]);
  expect(result.load!.measurement.counts).toMatchObject({
    ...{ "sessions-due": 2, "sessions-connected": 2, "sessions-failed": 0 },
  });
  expect(result.load!.dialects).toEqual(["direct", "livekit"]);
  const compared = await load("compare", "runs/latest", "runs/latest");
  // Far too short to tell anything.
  expect(compared.out).toContain("0 better, 0 worse");
  expect(compared.out).toContain("Nobody can tell whether the second is worse");
  expect(compared.code).toBe(2);
}, 60_000);

test("the self-test alone: what was injected, what was read", async () => {
  const { code, out } = await load("--self-test", "--dialect", "direct");
  expect(out).toMatch(/ 0 ms reads +[\d.]+ .*\n +50 ms reads .*\n +100 ms reads .*\n +250 ms reads/);
  expect(out).toContain("✓ differences are right within");
  expect(code).toBe(0);
}, 60_000);

test("the HTTP side, a row a question", async () => {
  const { code, out } = await load("http", "--seconds", "1");
  // A busy machine makes less of them, which nobody can tell anything from, and says so.
  expect([0, 2]).toContain(code);
  const { kind, verdicts, figures } = readResult(join(folder, "runs/latest"));
  expect(kind).toBe("load");
  for (const name of ["health", "tokens", "files", "watch-stream"]) {
    const { sampleCount } = figures.find((figure) => figure.name === name)!;
    expect(out).toMatch(new RegExp(`^${name} +[\\d.]+ .* ms +${sampleCount}$`, "m"));
    const { does, outcome } = verdicts.find(({ owes }) => owes === `${name} answered with 2xx`)!;
    const unmade = sampleCount === 50 ? "" : `, ${50 - sampleCount!} not made`;
    expect({ does, outcome }).toEqual({
      does: `${sampleCount} of 50${unmade}`,
      outcome: unmade === "" ? "passed" : "inconclusive",
    });
  }
  expect(verdicts.map(({ owes }) => owes)).toContain("watch-stream answered with 2xx");
  const compared = await load("compare", "runs/latest", "runs/latest");
  expect(compared.error).toContain("is a run of load http");
  expect(compared.code).toBe(3);
}, 60_000);

test("two shards of two processes, a result on one screen, a line a picture", async () => {
  const ended = await load(
    ...["--plan", file("tiny.yaml"), "--shards", "2"],
    ...["--json", file("result.json"), "--frames", file("frames.ndjson")],
  );
  const { code, out, error } = ended;
  expect(error).toBe("");
  // The machine may be busy: then nobody can tell, and it says so.
  expect([0, 2]).toContain(code);
  expect(out).toContain("self-test node, direct, told apart by strip");
  // Doubts take some lines more.
  const rowsMax = code === 0 ? 30 : 36;
  expect(out.slice(out.indexOf("load tiny")).split("\n").length).toBeLessThanOrEqual(rowsMax);
  const { load: record, verdicts, figures } = readResult(file("result.json"));
  expect(verdicts.map(({ owes }) => owes)).toEqual(["sessions-failed == 0"]);
  expect(figures.map(({ name }) => name)).toContain("glass-to-glass");
  expect(record!.shards).toHaveLength(2);
  const { counts } = record!.measurement;
  expect(counts["sessions-connected"]).toBe(2);
  expect(record!.blindSpots.length).toBeGreaterThan(0);
  const rows = [0, 1].flatMap((shard) =>
    readFileSync(file(`frames.${shard}.ndjson`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
  expect(rows).toHaveLength(counts["frames-due"]!);
  expect(rows.filter(({ receivedMs }) => receivedMs !== null).length).toBeGreaterThan(20);
}, 60_000);

test("a SIGTERM closes the sessions, keeps what was measured, and says so", async () => {
  writeFileSync(file("long.yaml"), tiny.replace("holdSeconds: 2", "holdSeconds: 300"));
  const running = load("--plan", file("long.yaml"), "--target", lucy.realtimeUrl, "--json", file("cut.json"));
  // The self-test comes first, against a mock of its own.
  await flowing(50_000);
  running.child.kill("SIGTERM");
  const { code, error } = await running;
  expect(error).toContain("SIGTERM: sessions are closed, and what was measured is kept.");
  expect(code).toBe(2);
  const { load: record } = readResult(file("cut.json"));
  expect(record!.doubts.join()).toContain("Somebody stopped the run");
  expect(record!.measurement.counts["sessions-connected"]).toBe(2);
  await allClosed();
}, 60_000);

// The manifests of kubernetes/ are tried in the same way: this one is a long form.
if (process.env.LUCY_LONG)
  test("shards of several machines start at one moment, and are added up", async () => {
    const start = new Date(epochMs() + 25_000).toISOString();
    const shards = ["0", "1"].map((index) => file(`shard-${index}.json`));
    const [merged, ...ended] = await Promise.all([
      load("merge", "--wait-seconds", "90", "--json", file("merged.json"), ...shards),
      ...shards.map((path, index) =>
        load(
          ...["--plan", file("tiny.yaml"), "--target", lucy.realtimeUrl, "--shard", `${index}/2`],
          ...["--start-at", start, "--shard-file", path],
        ),
      ),
    ]);
    expect(ended.map(({ error }) => error)).toEqual(["", ""]);
    const kept = shards.map(readShard);
    expect(kept.map(({ startedAt }) => startedAt)).toEqual([start, start]);
    expect(kept.map(({ measurement }) => measurement.counts["sessions-due"])).toEqual([1, 1]);
    expect(merged!.error).toBe("");
    expect(readResult(file("merged.json")).load!.measurement.counts).toMatchObject({
      ...{ "sessions-due": 2, "sessions-connected": 2 },
    });
    const other = await load("merge", shards[0]!);
    expect(other.code).toBe(3);
    expect(other.error).toContain("shard 1 is missing");
  }, 120_000);

if (process.env.LUCY_LONG)
  test("a shard that is stopped leaves its file, which says so", async () => {
    writeFileSync(file("long.yaml"), tiny.replace("holdSeconds: 2", "holdSeconds: 300"));
    const running = load(
      ...["--plan", file("long.yaml"), "--target", lucy.realtimeUrl, "--shard", "0/1"],
      ...["--start-at", new Date(epochMs() + 25_000).toISOString(), "--shard-file", file("cut-shard.json")],
    );
    await flowing(60_000);
    running.child.kill("SIGTERM");
    expect((await running).code).toBe(2);
    const { doubts, measurement } = readShard(file("cut-shard.json"));
    expect(doubts).toEqual(["Somebody stopped the run before its plan was done."]);
    expect(measurement.counts["sessions-connected"]).toBe(2);
  }, 120_000);

describe("a run", () => {
  const plan: Plan = { ...parsePlan(tiny, "tiny.yaml"), holdSeconds: 30 };
  const about = (): LoadAbout => ({
    plan,
    target: { url: lucy.url, realtimeUrl: lucy.realtimeUrl, apiKey: "dct_load" },
    budget: { sessionsMax: 10, secondsMax: 60, creditsMax: 10 },
    hosts: [],
    shards: 1,
    // It was, by the command that measures above.
    selfTests: [],
    rowsFile: null,
    replay: "lucy-testkit load",
    clock,
    stopped: new AbortController().signal,
    told() {},
  });

  const progress = {
    ...{ sessionsConnected: 2, sessionsFailed: 0, framesReceived: 0, framesDue: 0, framesAmiss: 0 },
    glassToGlassP50Ms: null,
  };

  test("asks nobody whom the target leads to", async () => {
    const asked: string[] = [];
    const server = createServer(({ url }, response) => {
      asked.push(url!);
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await reach({ url, realtimeUrl: url, apiKey: "dct_load" });
    expect(asked).toEqual(["/"]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test("of more sessions than its budget opens none", async () => {
    const run = runLoad({ ...about(), budget: { sessionsMax: 1, secondsMax: 60, creditsMax: 10 } });
    await expect(run).rejects.toThrow("opens 2 sessions, and the budget is 1");
    expect(lucy.open.sessions).toBe(0);
  });

  test.each([
    ["seconds", { sessionsMax: 10, secondsMax: 5, creditsMax: 10 }, "The budget of 5 seconds was spent"],
    [
      "credits",
      { sessionsMax: 10, secondsMax: 60, creditsMax: 0.05 },
      "The budget of 0.05 credits was spent",
    ],
  ])(
    "is stopped when its %s are spent, and what was measured is kept",
    async (_of, budget, says) => {
      const { load, durationMs, verdicts } = await runLoad({ ...about(), budget });
      expect(durationMs).toBeLessThan(plan.holdSeconds * 1000);
      expect(load!.doubts.join()).toContain(says);
      expect(verdicts[0]!.outcome).toBe("inconclusive");
      expect(load!.measurement.counts["frames-received"]).toBeGreaterThan(0);
      await allClosed();
    },
    60_000,
  );

  test("that says nothing any more spends all the same; more sessions than the budget are none", async () => {
    const time = steppedClock();
    const why: string[] = [];
    const budget = { sessionsMax: 10, secondsMax: 60, creditsMax: 0.1 };
    const own = watchBudget(budget, {
      ...{ startAtMs: epochMs(), clock: time.clock },
      over: (sentence) => why.push(sentence),
    });
    own.saw({ ...progress, sessionsOpen: 2, sessionsOpened: 2 });
    // Two sessions cost 0.04 credits a second, also while nobody says anything.
    time.advance(2000);
    expect(why).toEqual([]);
    time.advance(1000);
    expect(why.join()).toMatch(/^The budget of 0\.1 credits was spent/);
    time.advance(60_000);
    expect(why).toHaveLength(1);
    const isTooMany = () => checkSessions(plan, { sessionsMax: 1, secondsMax: 60, creditsMax: 10 });
    expect(isTooMany).toThrow("opens 2 sessions, and the budget is 1");
  });

  test("that reconnects opens sessions, too", () => {
    const time = steppedClock();
    const why: string[] = [];
    const own = watchBudget(
      { sessionsMax: 3, secondsMax: 60, creditsMax: 100 },
      { startAtMs: epochMs(), clock: time.clock, over: (sentence) => why.push(sentence) },
    );
    own.saw({ ...progress, sessionsOpen: 1, sessionsOpened: 3 });
    time.advance(1000);
    expect(why).toEqual([]);
    own.saw({ ...progress, sessionsOpen: 1, sessionsOpened: 4 });
    time.advance(1000);
    expect(why.join()).toMatch(
      /^More sessions were opened than the budget of 3, 4 with those that reconnecting/,
    );
  });

  test("that somebody stops says so", async () => {
    const stopped = new AbortController();
    const { load } = await runLoad({
      ...about(),
      stopped: stopped.signal,
      told(news) {
        if (news.kind === "progress" && news.progress.framesReceived > 0) stopped.abort();
      },
    });
    expect(load!.doubts.join()).toContain("Somebody stopped the run");
  }, 60_000);

  test("that cannot begin leaves no process behind", async () => {
    const noneIsLeft = () =>
      vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain("ProcessWrap"));
    await noneIsLeft();
    const { TMPDIR } = process.env;
    process.env.TMPDIR = file("none");
    try {
      await expect(runLoad({ ...about(), target: null, budget: null })).rejects.toThrow("ENOENT");
    } finally {
      process.env.TMPDIR = TMPDIR;
      if (TMPDIR === undefined) delete process.env.TMPDIR;
    }
    await noneIsLeft();
    // It breaks while shards warm up, at a mock of their own.
    await expect(runLoad({ ...about(), plan: { ...plan, clip: "none" as Plan["clip"] } })).rejects.toThrow(
      "Shard 1 of 1 broke",
    );
    await noneIsLeft();
  }, 60_000);

  test("whose shards come to nothing says where they are left", async () => {
    // Found by who judges, after all was measured.
    const broken = { ...plan, holdSeconds: 1, thresholds: [{ ...plan.thresholds[0]!, text: 7 }] };
    const run = runLoad({ ...about(), plan: broken as unknown as Plan });
    const { message } = await run.then(
      () => expect.fail("It came to a result."),
      (error: Error) => error,
    );
    const [, left] = /^What was measured is left in (.*): shard-0\.json\./m.exec(message)!;
    expect(readShard(join(left!, "shard-0.json")).measurement.counts["sessions-due"]).toBe(2);
    rmSync(left!, { recursive: true });
  }, 60_000);

  test("that has an instrument which reads wrong measures nothing", () => {
    const test = {
      generator: "node",
      dialect: "direct",
      carrier: "strip",
      readings: [],
      errorMs: null,
      boundMs: 5,
    };
    expect(new InstrumentBroken([{ ...test, faults: ["It reads nothing."] }]).message).toBe(
      "It reads nothing.",
    );
  });
});
