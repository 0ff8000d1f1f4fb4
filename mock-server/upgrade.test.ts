import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { closeLater, runServer, until } from "./_running-server.ts";
import { openSocket } from "./_socket-client.ts";
import { manualClock } from "./clock.ts";
import { writeMockKey } from "./faults/mock-key.ts";
import type { MockServer } from "./server.ts";

const meeting = (name: string) =>
  writeMockKey({ name, channel: "control", direction: "to-server", only: "upgrade" });

/** A client that a fault holds at the door, for as long as it likes to wait. */
async function knock(server: MockServer, name: string): Promise<WebSocket> {
  const query = new URLSearchParams({ api_key: meeting(name), model: "lucy_2_rt" });
  const socket = new WebSocket(`${server.realtimeUrl}/v1/stream?${query}`);
  socket.on("error", () => {});
  await until(server, () => server.journal.lines.some(({ kind }) => kind === "fault-fired"));
  return socket;
}

/** A client that is let in has one of its own. */
const tcpOf = (client: WebSocket) => (client as unknown as { _req: { socket: Socket } })._req.socket;

const run = () => runServer({ mode: "none" }, manualClock());

test.each([
  ["stall", ""],
  ["delay", ""],
  ["stall", "this is too early"],
])("a client that leaves while %s holds it at the door is noticed, having said: %s", async (name, early) => {
  const server = await run();
  const client = await knock(server, name);
  if (early) await new Promise<void>((resolve) => tcpOf(client).write(early, () => resolve()));
  expect(server.faults.planCount).toBe(1);
  client.terminate();
  await until(server, () => server.faults.planCount === 0);
  expect(server.open).toMatchObject({ sockets: 0, timers: 0 });
});

test("one that waits is let in late, and loses nothing", async () => {
  const server = await run();
  const client = await knock(server, "delay");
  const opened = once(client, "open");
  await server.clock.advance(1000);
  await opened;
  const heard = once(client, "message");
  client.send('{"type":"livekit_join"}');
  expect(JSON.parse((await heard)[0].toString())).toMatchObject({ type: "livekit_room_info" });
  client.close();
  await once(client, "close");
});

test("the server closes over one that waits", async () => {
  const server = await run();
  const client = await knock(server, "stall");
  // An error comes first.
  const closed = new Promise((resolve) => client.once("close", resolve));
  await server.close();
  await closed;
  expect(server.faults.planCount).toBe(0);
});

test("a handshake that is none leaves nothing", async () => {
  const server = await run();
  const client = connect(Number(new URL(server.url).port), "127.0.0.1");
  const answered = once(client, "data");
  client.write(
    "GET /v1/stream?model=lucy_2_rt HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n",
  );
  expect(String(await answered)).toMatch(/^HTTP\/1.1 400 /);
  await once(client, "close");
  await expect.poll(() => server.faults.planCount).toBe(0);
});

test("whom a fault lets in twice is in once", async () => {
  const server = await run();
  const client = closeLater(
    await openSocket(server.realtimeUrl, { query: { api_key: meeting("duplicate") } }),
  );
  client.send({ type: "prompt", prompt: "P" });
  await client.take("prompt_ack");
  expect(server.sessions).toHaveLength(1);
  const kinds = server.journal.lines.map(({ kind }) => kind);
  expect(kinds).toContain("fault-fired");
  expect(kinds).not.toContain("defect");
});

test.each(["/v1/stream", "viewer"])(
  "who is refused on coming in leaves nothing, though its close is held back: %s",
  async (path) => {
    const server = await run();
    const host = path === "viewer" ? closeLater(await openSocket(server.realtimeUrl)) : null;
    const where = host ? `/subscribe/${server.sessions[0]!.id}` : path;
    const api_key = writeMockKey([{ name: "delay", channel: "control" }, { name: "capacity" }]);
    const client = closeLater(await openSocket(server.realtimeUrl, { path: where, query: { api_key } }));
    client.send({ type: "prompt", prompt: "P" });
    await until(server, () => server.journal.lines.some(({ kind }) => kind === "prompt"));
    expect(server.sessions).toHaveLength(host ? 1 : 0);
    await server.clock.advance(1000);
    await client.closed;
    expect(client.received.map(({ type }) => type)).toEqual(["error"]);
  },
);
