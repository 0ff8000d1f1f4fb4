import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { closeLater, emptied, runServer, until } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { type ManualClock, manualClock } from "../clock.ts";
import { journalHash } from "../journal-hash.ts";
import { openSignal, type SignalClient } from "../livekit/_signal-client.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

type Running = { server: MockServer; clock: ManualClock; client: SocketClient };

async function run(...faults: Declaration[]): Promise<Running> {
  const clock = manualClock();
  const server = await runServer({ mode: "none" }, clock);
  const query = { api_key: writeMockKey(faults) };
  return { server, clock, client: closeLater(await openSocket(server.realtimeUrl, { query })) };
}

async function enterRoom({ server, client }: Running): Promise<SignalClient> {
  client.send({ type: "livekit_join" });
  const { token } = await client.take("livekit_room_info");
  const signal = closeLater(await openSignal(server.realtimeUrl, { token }));
  await until(server, () => hasLine(server, "entered-room"));
  return signal;
}

const hasLine = (server: MockServer, wanted: string, count = 1) =>
  server.journal.lines.filter(({ kind }) => kind === wanted).length >= count;

const later = { for: { ms: 1000 } };

describe("a room's socket does not outlive the session", () => {
  test.each<Declaration>([
    { name: "nothing", channel: "livekit" },
    { name: "delay", channel: "livekit" },
    { name: "stall", channel: "livekit", when: { at: "after-join-response" } },
    { name: "half-open", channel: "livekit" },
  ])("%j", async (fault) => {
    const running = await run(fault);
    const signal = await enterRoom(running);
    running.server.sessions[0]!.end("timeout", "Enough.");
    expect(await running.client.closed).toEqual({ code: 1000, reason: "timeout" });
    expect(await signal.closed).toEqual({ code: 1000, reason: "room deleted" });
    expect(signal.received.includes("leave")).toBe(fault.name === "nothing");
    await emptied(running.server);
  });

  test("half-open: a client that leaves both is noticed", async () => {
    const running = await run({ name: "half-open", channel: "livekit" });
    const signal = await enterRoom(running);
    running.client.socket.terminate();
    await until(running.server, () => hasLine(running.server, "session-ended"));
    signal.socket.close();
    await signal.closed;
    await emptied(running.server);
  });
});

describe("a session that ends while its socket is half-open", () => {
  const fault = { name: "half-open", when: { at: "joined", ...later } };

  async function runDeaf(...faults: Declaration[]): Promise<Running> {
    const running = await run(...faults);
    running.client.send({ type: "livekit_join" });
    await until(running.server, () => hasLine(running.server, "fault-fired", faults.length));
    return running;
  }

  test.each<[how: string, end: (server: MockServer) => unknown, reason: string]>([
    ["by the server", (server) => server.sessions[0]!.end("timeout", "Enough."), "timeout"],
    [
      "over HTTP",
      (server) => fetch(`${server.url}/_lucy/sessions/${server.sessions[0]!.id}`, { method: "DELETE" }),
      "disconnect",
    ],
  ])("is closed once that heals: %s", async (_how, end, reason) => {
    const { server, clock, client } = await runDeaf(fault);
    await end(server);
    expect(hasLine(server, "session-ended")).toBe(true);
    clock.advance(1000);
    expect(await client.closed).toEqual({ code: 1000, reason });
    expect(client.received).toEqual([]);
    const closes = server.journal.lines.filter(({ kind }) => kind === "close");
    expect(closes[0]).toMatchObject({ direction: "to-client", fields: { reason } });
    await emptied(server);
  });

  test("is dropped by a reset", async () => {
    const { server, clock, client } = await runDeaf({ ...fault, when: { at: "joined" } });
    const answer = fetch(`${server.url}/_lucy/reset`, { method: "POST" });
    await until(server, () => hasLine(server, "session-ended"));
    clock.advance(1000);
    expect((await answer).status).toBe(200);
    expect([server.open.sockets, server.faults.planCount]).toEqual([0, 0]);
    expect((await client.closed).code).toBe(1006);
  });

  test("of two, the last to heal opens it", async () => {
    const longer = { ...fault, when: { at: "joined", for: { ms: 3000 } } };
    const { server, clock, client } = await runDeaf(fault, longer);
    client.send({ type: "prompt", prompt: "P" });
    clock.advance(1000);
    expect(hasLine(server, "fault-healed")).toBe(true);
    server.sessions[0]!.end("timeout", null);
    expect(hasLine(server, "close")).toBe(false);
    clock.advance(2000);
    expect(await client.closed).toEqual({ code: 1000, reason: "timeout" });
  });
});

test.each<[fault: Declaration, error: string, reason: string]>([
  [{ name: "insufficient-credits", with: { how: "end" } }, "Insufficient credits.", "insufficient_credits"],
  [{ name: "session-expiry", when: { at: "upgrade" } }, "Maximum session duration reached.", "timeout"],
  [
    { name: "moderation-end", when: { at: "open" } },
    "The session was ended by moderation.",
    "moderation_violation",
  ],
])("a session is ended that has not begun: %j", async (fault, error, reason) => {
  for (const more of [[], [{ name: "delay", channel: "control" as const }]]) {
    const { server, clock, client } = await run(...more, fault);
    expect(server.sessions).toEqual([]);
    if (more.length > 0) clock.advance(1000);
    expect(await client.closed).toEqual({ code: 1000, reason });
    expect(client.received).toEqual([
      { type: "error", error },
      { type: "generation_ended", seconds: 0, reason },
    ]);
    expect(hasLine(server, "session-ended")).toBe(false);
  }
});

describe("a bad message to the server is one of its stream", () => {
  test("delay keeps the order of acks", async () => {
    const { server, clock, client } = await run({ name: "delay", direction: "to-server" });
    client.send({ type: "prompt", prompt: "P" });
    client.send({ type: "set_image", image_data: 5 });
    client.send("no json");
    client.send(Buffer.from("binary"));
    await until(server, () => hasLine(server, "binary"));
    expect(client.received).toEqual([]);
    clock.advance(1000);
    await client.take("set_image_ack");
    await client.take("error");
    await client.take("error");
    // An error that answers no state waits for no ack.
    const acks = client.received.map(({ type }) => type).filter((type) => type.endsWith("_ack"));
    expect(acks).toEqual(["prompt_ack", "set_image_ack"]);
  });

  test("and may be named", async () => {
    const { client } = await run({ name: "drop", direction: "to-server", only: "malformed" });
    client.send({ type: "set_image", image_data: 5 });
    client.send({ type: "prompt", prompt: "P" });
    await client.take("prompt_ack");
    expect(client.received.map(({ type }) => type)).not.toContain("set_image_ack");
  });

  test("in a room as well", async () => {
    const running = await run({ name: "delay", channel: "livekit", direction: "to-server" });
    const signal = await enterRoom(running);
    signal.send("a text");
    await until(running.server, () => hasLine(running.server, "malformed"));
    // Whatever was said before the answer has come.
    signal.socket.ping();
    await Promise.race([once(signal.socket, "pong"), signal.closed]);
    expect(signal.socket.readyState).toBe(signal.socket.OPEN);
    running.clock.advance(1000);
    expect((await signal.closed).code).toBe(1007);
    running.clock.advance(20_000);
  });
});

test.each(["bad-json", "binary", "truncated"])(
  "a message spoiled by %s hashes alike in every run",
  async (how) => {
    const hashes = new Set<string>();
    for (const _ of [1, 2]) {
      const { server, client } = await run({ name: "corrupt", only: "session_id", with: { how } });
      // The test's client takes what is no message for an error.
      client.socket.removeAllListeners("message");
      client.send({ type: "prompt", prompt: "P" });
      await until(server, () => hasLine(server, "raw"));
      await until(server, () => hasLine(server, "prompt_ack"));
      const raw = server.journal.lines.find(({ kind }) => kind === "raw")!;
      expect(raw.fields.of).toBe("session_id");
      client.socket.terminate();
      await until(server, () => hasLine(server, "faults-ended"));
      hashes.add(journalHash(server.journal.lines, raw.session!));
    }
    expect(hashes.size).toBe(1);
  },
);
