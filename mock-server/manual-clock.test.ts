import { expect, onTestFinished, test } from "vitest";
import { readImage } from "../fixtures/images.ts";
import { SERVER_ERRORS, type ServerMessage } from "../protocol/index.ts";
import { closeLater, emptied, nothingOpen, runServer } from "./_running-server.ts";
import { openSocket, type SocketAbout, type SocketClient } from "./_socket-client.ts";
import { manualClock } from "./clock.ts";
import { send } from "./control/_api-client.ts";
import type { Declaration } from "./faults/fault.ts";
import { writeMockKey } from "./faults/mock-key.ts";
import type { MockServerOptions } from "./options.ts";
import { type MockServer, startMockServer } from "./server.ts";

type Advance = (server: MockServer, ms: number) => Promise<unknown>;

const inProcess: Advance = (server, ms) => server.clock.advance(ms);
const overHttp: Advance = (server, ms) => send(server.url, "/_lucy/clock/advance", "POST", { ms });

/** As the command starts it with `--clock manual`. */
async function run(given: Partial<MockServerOptions> = {}): Promise<MockServer> {
  const server = await startMockServer({ port: 0, mode: "none", clock: "manual", ...given });
  onTestFinished(async () => {
    await emptied(server);
    await server.close();
    expect(server.open).toEqual(nothingOpen);
  });
  return server;
}

const open = async (server: MockServer, about?: SocketAbout) =>
  closeLater(await openSocket(server.realtimeUrl, about));

const openWith = (server: MockServer, fault: Declaration) =>
  open(server, { query: { api_key: writeMockKey(fault) } });

/** Resolves once all that was sent before has come: a state that is refused is acked in its turn. */
async function settled(client: SocketClient): Promise<void> {
  client.send({ type: "set_image", image_data: 5 });
  while ((await client.take("set_image_ack")).success);
}

/** In a word each, without the acks of {@link settled}. */
function said(messages: readonly ServerMessage[]): string[] {
  return messages
    .filter((message) => message.type !== "set_image_ack" || message.success)
    .map((message) => {
      if (message.type === "queue_position") return `position ${message.position} of ${message.queue_size}`;
      if (message.type === "generation_tick") return `tick ${message.seconds}`;
      if (message.type === "generation_ended") return `ended ${message.seconds} ${message.reason}`;
      if (message.type === "error") return message.error;
      return message.type === "prompt_ack" ? `ack ${message.prompt}` : message.type;
    });
}

async function mint(server: MockServer, request: object): Promise<string> {
  const answer = await fetch(`${server.url}/v1/client/tokens`, {
    method: "POST",
    headers: { "x-api-key": "dct_local", "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return ((await answer.json()) as { apiKey: string }).apiKey;
}

type Way = {
  advance: Advance;
  keyFor(server: MockServer): string | Promise<string>;
  /** From the 600th tick. Milliseconds. */
  lastsMs: number;
  seconds: number;
};

test.each<[string, Way]>([
  [
    "server.clock.advance(), with a client token's limit",
    {
      advance: inProcess,
      keyFor: (server) => mint(server, { constraints: { realtime: { maxSessionDuration: 603.5 } } }),
      lastsMs: 500,
      seconds: 600,
    },
  ],
  [
    "POST /_lucy/clock/advance, with the fault session-expiry",
    {
      advance: overHttp,
      keyFor: () => writeMockKey({ name: "session-expiry", when: { at: "tick:601" } }),
      lastsMs: 1000,
      seconds: 601,
    },
  ],
])("queue, start, 600 ticks and expiry by %s: no time passes but that", async (_name, way) => {
  const server = await run({ queue: 3, queueStepMs: 1000 });
  const client = await open(server, { query: { api_key: await way.keyFor(server) } });
  const lines = () => said(client.received);
  client.send({ type: "livekit_join", initial_state: { type: "prompt", prompt: "P" } });
  await settled(client);
  // The ack comes whenever the caption is drawn.
  const queued = () => lines().filter((line) => line !== "ack P");
  expect(queued()).toEqual(["position 3 of 3"]);

  for (const [index, told] of ["position 2 of 3", "position 1 of 3", "livekit_room_info"].entries()) {
    await way.advance(server, 999);
    await settled(client);
    expect(queued()).toHaveLength(index + 1);
    await way.advance(server, 1);
    // A room takes a moment to make.
    if (told === "livekit_room_info") await client.take(told);
    await settled(client);
    expect(queued().slice(index + 1)).toEqual([told]);
  }
  const joined = lines();
  expect(joined).toHaveLength(5);

  server.sessions[0]!.connected();
  server.sessions[0]!.generate();
  await way.advance(server, 599_999);
  await settled(client);
  const ticks = Array.from({ length: 600 }, (_, index) => `tick ${index + 1}`);
  expect(lines()).toEqual([...joined, "generation_started", ...ticks.slice(0, 599)]);

  await way.advance(server, 1);
  await way.advance(server, way.lastsMs - 1);
  await settled(client);
  expect(lines()).toEqual([...joined, "generation_started", ...ticks]);
  await way.advance(server, 1);
  expect(await client.closed).toEqual({ code: 1000, reason: "timeout" });
  const end = [SERVER_ERRORS.sessionDurationReached, `ended ${way.seconds} timeout`];
  expect(lines()).toEqual([...joined, "generation_started", ...ticks, ...end]);
  expect(server.clock.nowMs).toBe(603_000 + way.lastsMs);
});

test.each<[string, Advance]>([
  ["in process", inProcess],
  ["over HTTP", overHttp],
])("a client token lives by the clock, %s", async (_name, advance) => {
  const server = await run();
  const query = { api_key: await mint(server, { expiresIn: 60 }) };
  await advance(server, 59_999);
  const early = await open(server, { query });
  await settled(early);
  await advance(server, 1);
  const late = await open(server, { query });
  expect((await late.take("error")).error).toContain("this client token expired 0 s ago");
  expect(await late.closed).toMatchObject({ code: 1008 });
  // It is looked at when somebody comes.
  await settled(early);
});

test("an uploaded file is there until the clock says that its time is up", async () => {
  const server = await run();
  const body = new FormData();
  body.append("file", new Blob([readImage("face-png")], { type: "image/png" }), "face.png");
  body.append("ttl_seconds", "3600");
  const headers = { "x-api-key": "dct_local" };
  const answer = await fetch(`${server.url}/v1/files`, { method: "POST", headers, body });
  const { id } = (await answer.json()) as { id: string };
  const client = await open(server);
  const succeeds = async () => {
    client.send({ type: "set_image", image_ref: id });
    return (await client.take("set_image_ack")).success;
  };
  expect(await succeeds()).toBe(true);
  await server.clock.advance(3_599_999);
  expect(await succeeds()).toBe(true);
  await server.clock.advance(1);
  expect(await succeeds()).toBe(false);
});

test.each<[string, Advance]>([
  ["in process", inProcess],
  ["over HTTP", overHttp],
])("acks that a fault delays by 250 ms come then, %s", async (_name, advance) => {
  const server = await run();
  const client = await openWith(server, { name: "delay", only: "prompt_ack", with: { delayMs: 250 } });
  const acks = () => client.received.filter(({ type }) => type === "prompt_ack").length;
  const came: number[] = [];
  client.send({ type: "prompt", prompt: "P" });
  await settled(client);
  await advance(server, 100);
  client.send({ type: "prompt", prompt: "Q" });
  await settled(client);
  // At 249, 250, 349 and 350 ms.
  for (const ms of [149, 1, 99, 1]) {
    await advance(server, ms);
    await settled(client);
    came.push(acks());
  }
  expect(came).toEqual([0, 1, 1, 2]);
  const atMs = server.journal.lines.filter(({ kind }) => kind === "prompt_ack").map(({ atMs }) => atMs);
  expect(atMs).toEqual([250, 350]);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("it does not advance by %s", async (ms) => {
  const server = await run();
  await server.clock.advance(5);
  await expect(server.clock.advance(ms)).rejects.toThrow(/advances by 0 to \d+ ms, not by/);
  expect((await send(server.url, "/_lucy/clock/advance", "POST", { ms })).status).toBe(422);
  expect(server.clock).toMatchObject({ mode: "manual", nowMs: 5 });
});

test("it advances by numbers only, and not by days of what ticks at once, whoever asks", async () => {
  const clock = manualClock();
  const server = await runServer({ mode: "none", clock: "manual" }, clock);
  await server.clock.advance(5);
  await expect(server.clock.advance("10" as never)).rejects.toThrow(
    /by a number of milliseconds, 0 to \d+, not by "10", which is a text[.]$/,
  );
  const tick = clock.every(1000, () => expect.unreachable("it ticked"));
  const ms = 24 * 86_400_000;
  const sentence = await server.clock.advance(ms).then(
    () => expect.unreachable("it advanced"),
    ({ message }: Error) => message,
  );
  expect(sentence).toContain("some 2073600 timers would run on the way");
  const { body } = await send(server.url, "/_lucy/clock/advance", "POST", { ms });
  expect(JSON.parse(body)).toEqual({ detail: sentence });
  expect(server.clock.nowMs).toBe(5);
  tick.cancel();
});

test("nobody advances a real clock", async () => {
  const server = await runServer({ mode: "none" });
  await expect(server.clock.advance(1)).rejects.toThrow("--clock manual");
  expect((await send(server.url, "/_lucy/clock/advance", "POST", { ms: 1 })).status).toBe(409);
});
