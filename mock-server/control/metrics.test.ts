import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, expect, onTestFinished, test } from "vitest";
import { closeLater, runServer } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import { createJournal } from "../journal.ts";
import type { Session } from "../session.ts";
import { ask } from "./_api-client.ts";
import { createMetrics, lagWindowMs } from "./metrics.ts";
import { createCounts, createTally } from "./tally.ts";

/** A sample as it stands, without its name's help. */
const samples = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

/** Resolves once a monitor of the event loop has come by twice: those begun before have, too. */
async function waitForTick(): Promise<void> {
  const monitor = monitorEventLoopDelay({ resolution: 10 });
  monitor.enable();
  while (monitor.count < 2) await new Promise(setImmediate);
  monitor.disable();
}

async function read(server: { url: string }): Promise<string[]> {
  const reply = await ask(server.url, "/_lucy/metrics");
  expect(reply.status).toBe(200);
  expect(reply.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
  return samples(reply.body);
}

test("a server's figures, from its first moment on", async () => {
  const server = await runServer({ mode: "none" });
  const api_key = writeMockKey({ name: "nothing", channel: "control", only: "prompt_ack" });
  const client = closeLater(await openSocket(server.realtimeUrl, { query: { api_key } }));
  client.send({ type: "prompt", prompt: "a" });
  await client.take("prompt_ack");
  client.send({ type: "prompt", prompt: "a".repeat(20_000) });
  await client.take("prompt_ack");
  expect((await ask(server.url, "/nothing")).status).toBe(404);
  const found = await read(server);
  expect(found).toEqual(
    expect.arrayContaining([
      'lucy_sessions{dialect="direct",phase="joined"} 1',
      "lucy_open_sockets 1",
      "lucy_open_peers 0",
      "lucy_open_codecs 0",
      'lucy_messages_total{direction="to-server",kind="prompt"} 2',
      'lucy_messages_total{direction="to-client",kind="prompt_ack"} 2',
      'lucy_acks_total{result="ok"} 1',
      'lucy_acks_total{result="failed"} 1',
      'lucy_faults_fired_total{fault="nothing"} 2',
      'lucy_http_requests_total{status="404"} 1',
      "lucy_pictures_sent_total 0",
    ]),
  );
  await client[Symbol.asyncDispose]();
  const bytes = found.find((line) => line.startsWith("lucy_resident_memory_bytes "));
  expect(Number(bytes!.split(" ")[1])).toBeGreaterThan(1e7);
});

test("two servers of one process have a registry each", async () => {
  const [one, other] = [await runServer({ mode: "none" }), await runServer({ mode: "none" })];
  await read(one);
  await read(one);
  expect(await read(one)).toContain('lucy_http_requests_total{status="200"} 2');
  expect(await read(other)).not.toContain('lucy_http_requests_total{status="200"} 2');
});

test("names and units are those of Prometheus", async () => {
  const server = await runServer({ mode: "none" });
  const { body } = await ask(server.url, "/_lucy/metrics");
  const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type }));
  expect(types.length).toBeGreaterThan(20);
  for (const { name, type } of types) {
    expect(name).toMatch(/^lucy_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
  }
});

test("two that look do not take the event loop's lag from each other; it goes by its age", async () => {
  const [journal, clock] = [createJournal(manualClock()), manualClock()];
  const open = { sessions: 0, sockets: 0, peers: 0, codecs: 0, workers: 0, timers: 0 };
  const metrics = createMetrics({ sessions: [], open, journal }, createTally(journal, new Map()), clock);
  onTestFinished(() => void journal.add({ kind: "server-stopped" }));
  const worst = async () => {
    const row = samples(await metrics.read()).find((line) => line.includes('quantile="1"'))!;
    return Number(row.split(" ")[1]);
  };
  const lateS = 0.25;
  await waitForTick();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lateS * 1000 + 20);
  await waitForTick();
  expect(await worst()).toBeGreaterThan(lateS);
  expect(await worst()).toBeGreaterThan(lateS);
  const help = /^# HELP lucy_event_loop_lag_seconds .*$/m.exec(await metrics.read())![0];
  expect(help).toContain("in the last 60 to 120 s");
  for (const expected of [true, true, false]) {
    clock.advance(lagWindowMs);
    expect((await worst()) > lateS).toBe(expected);
  }
});

describe("the tally", () => {
  function makeTally() {
    const journal = createJournal(manualClock());
    const sessions = new Map<string, Session>();
    const tally = createTally(journal, sessions);
    const open = (id: string, picturesOut: number) => {
      const stats = {
        packetsIn: 0,
        picturesIn: 0,
        picturesOut,
        bytesOut: 0,
        dropped: 0,
        undecodable: 0,
        keyRequestsIn: 0,
        keyRequestsOut: 0,
      };
      sessions.set(id, { pipeline: { stats } } as unknown as Session);
      journal.add({ session: id, kind: "media-opened", measured: true });
      return stats;
    };
    return { journal, tally, open };
  }

  test("adds up the pictures of all connections of all sessions, and never goes back", () => {
    const { journal, tally, open } = makeTally();
    const first = open("a", 0);
    first.picturesOut = 10;
    expect(tally.media().picturesOut).toBe(10);
    const second = open("a", 0);
    // What was on its way when the first connection was closed.
    second.picturesOut = 5;
    open("b", 0).picturesOut = 1;
    expect(tally.media().picturesOut).toBe(16);
    journal.add({ session: "a", kind: "session-ended" });
    expect(tally.media().picturesOut).toBe(16);
    second.picturesOut = 99;
    expect(tally.media().picturesOut).toBe(16);
  });

  test("counts faults and closes", async () => {
    const { journal, tally } = makeTally();
    tally.faults.add("drop");
    journal.add({ session: "a", direction: "to-client", kind: "close", fields: { code: 1013 } });
    journal.add({ session: "a", direction: "to-server", kind: "livekit-close", fields: { code: 1001 } });
    const open = { sessions: 0, sockets: 0, peers: 0, codecs: 0, workers: 0, timers: 0 };
    const metrics = createMetrics({ sessions: [], open, journal }, tally, manualClock());
    const text = await metrics.read();
    const found = samples(text);
    expect(text).toContain("# HELP lucy_faults_fired_total Faults that fired, by name, each time:");
    journal.add({ kind: "server-stopped" });
    expect(found).toContain('lucy_faults_fired_total{fault="drop"} 1');
    expect(found).toContain('lucy_closes_total{socket="control",direction="to-client",code="1013"} 1');
    expect(found).toContain('lucy_closes_total{socket="livekit",direction="to-server",code="1001"} 1');
    expect(found.filter((line) => line.startsWith("lucy_messages_total"))).toEqual([]);
  });

  test("tells a bounded number of things apart", () => {
    const counts = createCounts();
    for (let i = 0; i < 1000; i++) counts.add("to-server", `kind-${i}`);
    expect(counts.rows).toHaveLength(201);
    expect(counts.rows.at(-1)).toEqual({ key: ["other", "other"], count: 800 });
  });
});
