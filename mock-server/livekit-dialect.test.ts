import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readImage } from "../fixtures/images.ts";
import { closeLater, emptied, runServer, until } from "./_running-server.ts";
import { openSocket, type SocketAbout, type SocketClient } from "./_socket-client.ts";
import { manualClock } from "./clock.ts";
import { tell } from "./command.ts";
import type { MockServerOptions } from "./options.ts";
import type { MockServer } from "./server.ts";

/** What happens when a room's token is about to be made: in the middle of making the room. */
const minting = vi.hoisted(() => ({ before: async () => {} }));
vi.mock(import("./livekit/access-token.ts"), async (original) => {
  const real = await original();
  return {
    ...real,
    async mintToken(...about) {
      await minting.before();
      return real.mintToken(...about);
    },
  };
});

const runControl = (given: Partial<MockServerOptions> = {}, clock = manualClock()) =>
  runServer({ mode: "none", ...given }, clock);

const open = async (server: MockServer, about?: SocketAbout) =>
  closeLater(await openSocket(server.realtimeUrl, about));

const face = Buffer.from(readImage("face-png")).toString("base64");
const join = { type: "livekit_join" };
const passthrough = { type: "set_image", image_data: null, prompt: null };
const prompt = { type: "prompt", prompt: "P", enhance_prompt: true };
const image = { type: "set_image", image_data: face, enhance_prompt: true };
const both = { type: "set_image", image_data: face, prompt: "P", enhance_prompt: true };

const untouched = { revision: 0, prompt: null, image: null };
const cleared = { revision: 1, prompt: null, image: null };
const prompted = { revision: 1, prompt: "P", image: null };
const pictured = { revision: 1, prompt: null, image: { width: 512 } };
const changed = { revision: 1, prompt: "P", image: { width: 512 } };

type Row = {
  who: string;
  query?: Record<string, string>;
  /** Sent at once, in one packet. */
  first: object[];
  /** Sent after room info. */
  next?: object[];
  acks: string[];
  state: object;
};

const early = { livekit_early_room_info: "true" };
const marked = { pixel_latency: "1" };
const frameTiming = { client_capabilities: { frame_timing: true } };
const imageAck = ["set_image_ack"];
const promptAck = ["prompt_ack"];

const rows: Row[] = [
  { who: "JS 0.1.0–0.1.5, bare", first: [join], next: [passthrough], acks: imageAck, state: cleared },
  { who: "JS 0.1.0–0.1.5, prompt", first: [join], next: [prompt], acks: promptAck, state: prompted },
  { who: "JS 0.1.0–0.1.5, image", first: [join], next: [image], acks: imageAck, state: pictured },
  { who: "JS 0.1.0–0.1.5, both", first: [join], next: [both], acks: imageAck, state: changed },
  {
    who: "JS 0.1.6–0.1.7, bare",
    query: marked,
    first: [{ ...join, initial_state: passthrough }],
    acks: imageAck,
    state: cleared,
  },
  {
    who: "JS 0.1.6–0.1.7, prompt",
    first: [{ ...join, initial_state: prompt }],
    acks: promptAck,
    state: prompted,
  },
  {
    who: "JS 0.1.6–0.1.7, image and prompt",
    first: [{ ...join, initial_state: both }],
    acks: imageAck,
    state: changed,
  },
  { who: "JS 0.1.6–0.1.7, null", first: [{ ...join, initial_state: null }], acks: [], state: untouched },
  {
    who: "JS 0.1.8, bare",
    first: [{ ...join, passthrough: true }, passthrough],
    acks: imageAck,
    state: cleared,
  },
  {
    who: "JS 0.1.8, prompt",
    first: [{ ...join, passthrough: false }, prompt],
    acks: promptAck,
    state: prompted,
  },
  { who: "JS 0.1.9 and later, bare", first: [{ ...join, passthrough: true }], acks: [], state: untouched },
  {
    who: "JS 0.1.9 and later, prompt",
    first: [{ ...join, passthrough: false }, prompt],
    acks: promptAck,
    state: prompted,
  },
  {
    who: "JS 0.1.9 and later, image",
    first: [{ ...join, passthrough: false }, image],
    acks: imageAck,
    state: pictured,
  },
  {
    who: "JS 0.1.15 and later with debugQuality, bare",
    first: [{ ...join, passthrough: true, ...frameTiming }],
    acks: [],
    state: untouched,
  },
  {
    who: "JS 0.1.15 and later with debugQuality, both",
    query: { livekit_server_codec: "vp8" },
    first: [{ ...join, passthrough: false, ...frameTiming }, both],
    acks: imageAck,
    state: changed,
  },
  {
    who: "Python 0.1.x, bare: passthrough once it has published",
    query: early,
    first: [join],
    next: [passthrough],
    acks: imageAck,
    state: cleared,
  },
  {
    who: "Python 0.1.x, prompt",
    query: early,
    first: [join],
    next: [{ type: "prompt", prompt: "P" }],
    acks: promptAck,
    state: prompted,
  },
  {
    who: "Python 0.1.x, image without a prompt key",
    query: early,
    first: [join],
    next: [{ type: "set_image", image_data: face }],
    acks: imageAck,
    state: pictured,
  },
  {
    who: "Android 0.7.0–0.7.4, bare: no prompt key",
    first: [join],
    next: [{ type: "set_image", image_data: null }],
    acks: imageAck,
    state: cleared,
  },
  {
    who: "Android 0.7.5–0.7.10, bare",
    first: [{ ...join, initial_state: { type: "set_image", image_data: null } }],
    acks: imageAck,
    state: cleared,
  },
  {
    who: "Android 0.7.5–0.7.10, prompt",
    query: marked,
    first: [{ ...join, initial_state: { type: "prompt", prompt: "P", enhance_prompt: true } }],
    acks: promptAck,
    state: prompted,
  },
  {
    who: "Android 0.7.5–0.7.10, null",
    first: [{ ...join, initial_state: null }],
    acks: [],
    state: untouched,
  },
  {
    who: "a client that writes null for what it leaves out",
    first: [{ ...join, initial_state: null, passthrough: null, client_capabilities: null }],
    acks: [],
    state: untouched,
  },
  {
    who: "several at once: in the order they were sent, the join's own first",
    first: [{ ...join, initial_state: image }, prompt, passthrough, { ...prompt, prompt: "Q" }],
    acks: ["set_image_ack", "prompt_ack", "set_image_ack", "prompt_ack"],
    state: { revision: 4, prompt: "Q", image: null },
  },
];

describe("every way to join gets one ack for each state object, and none for the join", () => {
  test.each(rows)("$who", async ({ query = {}, first, next = [], acks, state }) => {
    const server = await runControl();
    const client = await open(server, { query });
    sendAtOnce(client, first);
    await client.take("livekit_room_info");
    for (const message of next) client.send(message);
    for (const _ of acks)
      expect(await client.take("prompt_ack", "set_image_ack")).toMatchObject({ success: true });
    expect(server.sessions[0]).toMatchObject({ dialect: "livekit", phase: "joined", state });
    // Whatever comes before the next ack was not owed.
    client.send({ type: "prompt", prompt: "the last" });
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "the last" });
    const types = client.received.map(({ type }) => type);
    expect(types.filter((type) => type !== "livekit_room_info")).toEqual([...acks, "prompt_ack"]);
    expect(types.filter((type) => type === "livekit_room_info")).toHaveLength(1);
  });
});

describe("a join whose state is no good is a join all the same: its client learns why from the ack", () => {
  test.each<[string, object, object]>([
    [
      "an empty prompt",
      { type: "prompt", prompt: "" },
      {
        type: "prompt_ack",
        prompt: "",
        success: false,
        error: expect.stringContaining("at least 1 character"),
      },
    ],
    [
      "a prompt that is no text",
      { type: "prompt", prompt: 7 },
      { type: "prompt_ack", prompt: "", success: false, error: expect.stringContaining("a number (7)") },
    ],
    [
      "an image that is no text",
      { type: "set_image", image_data: 7 },
      { type: "set_image_ack", success: false, error: expect.stringContaining("initial_state.image_data") },
    ],
    [
      "an image that is no picture",
      { type: "set_image", image_data: "bm9uZQ==" },
      { type: "set_image_ack", success: false, error: expect.stringContaining("image") },
    ],
    [
      "an image of a file that is not there",
      { type: "set_image", image_ref: "file_none" },
      { type: "set_image_ack", success: false, error: expect.stringContaining("file_none") },
    ],
  ])("%s", async (_name, state, ack) => {
    const server = await runControl();
    const client = await open(server);
    sendAtOnce(client, [{ ...join, initial_state: state }, prompt]);
    await client.take("livekit_room_info");
    expect(await client.take("prompt_ack", "set_image_ack")).toEqual(ack);
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "P", success: true });
    expect(client.received).toHaveLength(3);
    expect(server.sessions[0]).toMatchObject({ phase: "joined", state: prompted });
  });

  test.each<[string, object]>([
    ["initial_state is no message", { ...join, initial_state: { type: "prompts", prompt: "a" } }],
    ["initial_state is a text", { ...join, initial_state: "a red coat" }],
    ["initial_state has no type", { ...join, initial_state: {} }],
    ["passthrough is no flag", { ...join, passthrough: "yes" }],
    ["client_capabilities is no object", { ...join, client_capabilities: true }],
  ])("without an ack to say it in, an error does: %s", async (_name, message) => {
    const server = await runControl();
    const client = await open(server);
    client.send(message);
    expect((await client.take("error")).error).toContain('In "livekit_join", the field');
    client.send(join);
    await client.take("livekit_room_info");
    expect(client.received).toHaveLength(2);
  });

  test("a bad state in a join that is bad elsewhere: one refusal for the state, one error for the join", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ ...join, initial_state: prompt, passthrough: "yes" });
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "P", success: false });
    expect((await client.take("error")).error).toContain("passthrough");
    expect(server.sessions[0]).toMatchObject({ phase: "opened", state: untouched });
  });
});

describe("what a later client may say is passed over: an error would reject its join, and then every ack it waits for", () => {
  const unknown = [
    { type: "pause" },
    { type: "resume" },
    { type: "setup_timing", source: "client", marks: [] },
    { type: "livekit_room_info" },
    { type: 7 },
    {},
  ];

  test.each(unknown)("%j", async (message) => {
    const server = await runControl();
    const client = await open(server);
    sendAtOnce(client, [message, join, message, prompt, message]);
    await client.take("livekit_room_info");
    await client.take("prompt_ack");
    client.send(message);
    client.send({ ...prompt, prompt: "the last" });
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "the last" });
    expect(client.received.map(({ type }) => type).sort()).toEqual([
      "livekit_room_info",
      "prompt_ack",
      "prompt_ack",
    ]);
    const lines = server.journal.lines.filter(({ kind }) => kind === "malformed");
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(tell(line)).toContain("malformed");
  });

  test.each(unknown)("but not in the direct dialect, which has no later clients: %j", async (message) => {
    const server = await runControl();
    const client = await open(server);
    client.send(prompt);
    client.send(message);
    expect((await client.take("error")).error).toMatch(/one of offer, answer/);
  });

  test.each(["null", "[]", "{", Buffer.from("{}")])(
    "what is broken in any version is an error: %s",
    async (frame) => {
      const server = await runControl();
      const client = await open(server);
      client.send(join);
      await client.take("livekit_room_info");
      client.send(frame);
      await client.take("error");
    },
  );
});

test("behind a proxy with TLS, room and viewer are given the address that the client knows", async () => {
  const server = await runControl();
  const proxied = { host: "lucy.example", "x-forwarded-proto": "https" };
  const client = await open(server, { headers: proxied });
  client.send(join);
  const { livekit_url: url, room_name: room } = await client.take("livekit_room_info");
  const asked = httpRequest(`${server.url}/watch-stream/${room}`, {
    method: "POST",
    headers: { "x-api-key": "dct_local", ...proxied },
  }).end();
  const [answer] = await once(asked, "response");
  expect([url, ((await json(answer)) as { livekit_url: string }).livekit_url]).toEqual([
    "wss://lucy.example",
    "wss://lucy.example",
  ]);
});

describe("room info", () => {
  const secret = "a secret that nobody may see".replaceAll(" ", "-");

  test("names the room, its address and its session; the token opens that room, for six hours", async () => {
    const clock = manualClock();
    const server = await runControl({ livekitKey: "a-key", livekitSecret: secret }, clock);
    const client = await open(server);
    client.send(join);
    const { token, ...about } = await client.take("livekit_room_info");
    const { id } = server.sessions[0]!;
    expect(about).toEqual({
      type: "livekit_room_info",
      livekit_url: server.realtimeUrl,
      room_name: id,
      session_id: id,
    });
    const [head, claims] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
    expect(JSON.parse(head!)).toEqual({ alg: "HS256" });
    expect(JSON.parse(claims!)).toMatchObject({
      iss: "a-key",
      sub: `client-${id}`,
      exp: clock.date().getTime() / 1000 + 6 * 3600,
      video: {
        roomJoin: true,
        room: id,
        canPublish: true,
        canSubscribe: true,
        canPublishData: true,
        roomCreate: false,
      },
    });
  });

  test("neither token nor secret is in the journal or on the health page", async () => {
    const server = await runControl({ livekitKey: "a-key", livekitSecret: secret });
    const client = await open(server);
    client.send(join);
    const { token, room_name: room } = await client.take("livekit_room_info");
    const answer = await watchStream(server, room);
    const viewer = (await answer.json()) as { token: string };
    const refusals = await Promise.all(
      [token, viewer.token].map((each) =>
        fetch(`${server.url}/rtc/v1/validate?access_token=${each}&join_request=%ff`),
      ),
    );
    const shown = [
      JSON.stringify(server.journal.lines),
      await (await fetch(`${server.url}/_lucy/health`)).text(),
      await (await fetch(`${server.url}/_lucy/sessions`)).text(),
      ...(await Promise.all(refusals.map((refusal) => refusal.text()))),
    ].join("\n");
    expect(shown).toContain('"livekit_room_info"');
    expect(shown).toContain('"livekitSecret":"[redacted]"');
    for (const each of [secret, token, viewer.token]) {
      // The signature alone would do for whoever can put the rest together.
      for (const part of [each, each.split(".").at(-1)!]) expect(shown).not.toContain(part);
    }
  });

  test("a page of another site gets no token for the room", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send(join);
    const { room_name: room } = await client.take("livekit_room_info");
    const refused = await watchStream(server, room, "https://other.example.test");
    expect(refused.status).toBe(403);
    expect((await refused.json()).detail).toBe(
      `Room ${room} is not for a page of https://other.example.test: pages of localhost may have it, and those of the origin that it is from. Open yours there.`,
    );
    expect((await watchStream(server, room, "http://localhost:5173")).status).toBe(200);
  });

  test("is given once: a second join is an error, its state is acked, the session goes on", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send(join);
    await client.take("livekit_room_info");
    client.send({ ...join, initial_state: prompt });
    expect((await client.take("error")).error).toContain("has joined already");
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "P", success: true });
    expect(server.sessions[0]).toMatchObject({ phase: "joined", state: prompted });
    expect((await watchStream(server, server.sessions[0]!.id)).status).toBe(200);
    expect(client.received).toHaveLength(3);
  });

  test.each([
    { type: "offer", sdp: "v=0\r\n" },
    { type: "ice-candidate", candidate: null },
    { type: "switch_camera", rotateY: 2 },
  ])("$type has no place here, and does no harm", async (message) => {
    const server = await runControl();
    const client = await open(server);
    client.send(join);
    await client.take("livekit_room_info");
    client.send(message);
    expect((await client.take("error")).error).toContain(
      `The message ${message.type} has no place in the livekit dialect`,
    );
    client.send(prompt);
    expect(await client.take("prompt_ack")).toMatchObject({ success: true });
    expect(server.sessions[0]!.state).toMatchObject({ ...prompted, mirrored: false });
  });

  test("a direct session cannot join a room", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send(prompt);
    await client.take("session_id");
    client.send(join);
    expect((await client.take("error")).error).toContain("livekit_join has no place in the direct dialect");
  });
});

describe("the queue", () => {
  test("counts down, one step each, acks meanwhile, and ends with room info", async () => {
    const clock = manualClock();
    const server = await runControl({ queue: 3, queueStepMs: 9000 }, clock);
    const client = await open(server);
    client.send(join);
    for (const position of [3, 2, 1]) {
      expect(await client.take("queue_position")).toEqual({
        type: "queue_position",
        position,
        queue_size: 3,
      });
      clock.advance(8999);
      client.send({ type: "prompt", prompt: `at ${position}` });
      expect(await client.take("prompt_ack")).toMatchObject({ prompt: `at ${position}`, success: true });
      clock.advance(1);
    }
    await client.take("livekit_room_info");
    expect(client.received.map(({ type }) => type)).toEqual([
      "queue_position",
      "prompt_ack",
      "queue_position",
      "prompt_ack",
      "queue_position",
      "prompt_ack",
      "livekit_room_info",
    ]);
  });

  test.each<[string, (client: SocketClient, server: MockServer) => void]>([
    ["the client closes", (client) => client.socket.close(1000)],
    ["the client vanishes", (client) => client.socket.terminate()],
    ["the session is ended", (_client, server) => server.sessions[0]!.end("disconnect", null)],
  ])("when %s in the queue, no timer and no room are left", async (_name, leave) => {
    const clock = manualClock();
    const server = await runControl({ queue: 2 }, clock);
    const client = await open(server);
    client.send(join);
    await client.take("queue_position");
    leave(client, server);
    await emptied(server);
    clock.advance(10_000);
    expect(kinds(server)).not.toContain("livekit_room_info");
    expect(server.journal.lines.filter(({ kind }) => kind === "queue_position")).toHaveLength(1);
  });

  test("one who waits has a place among the sessions", async () => {
    const server = await runControl({ queue: 1, sessionsMax: 1 });
    const first = await open(server);
    first.send(join);
    await first.take("queue_position");
    const second = await open(server);
    second.send(join);
    expect((await second.take("error")).error).toBe("Concurrent session limit reached.");
    expect(await second.closed).toEqual({ code: 1013, reason: "Concurrent session limit reached." });
    expect(second.received).toHaveLength(1);
  });
});

describe("the end", () => {
  test("a token's longest session: told, ended, closed, and its room is gone at once", async () => {
    const clock = manualClock();
    const server = await runControl({}, clock);
    const minted = await fetch(`${server.url}/v1/client/tokens`, {
      method: "POST",
      headers: { "x-api-key": "dct_local" },
      body: JSON.stringify({ constraints: { realtime: { maxSessionDuration: 9 } } }),
    });
    const { apiKey } = (await minted.json()) as { apiKey: string };
    const client = await open(server, { query: { api_key: apiKey } });
    client.send(join);
    const { room_name: room } = await client.take("livekit_room_info");
    clock.advance(8999);
    expect((await watchStream(server, room)).status).toBe(200);
    clock.advance(1);
    // The client's answer to our close may take a while: the room does not wait for it.
    const closing = await watchStream(server, room);
    expect((await client.take("error")).error).toBe("Maximum session duration reached.");
    expect(await client.take("generation_ended")).toEqual({
      type: "generation_ended",
      seconds: 0,
      reason: "timeout",
    });
    expect(await client.closed).toEqual({ code: 1000, reason: "timeout" });
    expect(closing.status).toBe(404);
  });

  test.each<[string, (client: SocketClient, server: MockServer) => void]>([
    ["the client vanishes", (client) => client.socket.terminate()],
    ["the session is ended", (_client, server) => server.sessions[0]!.end("error", "for a test")],
  ])("when %s while its room is being made, nothing is left of either", async (_name, end) => {
    const server = await runControl();
    const client = await open(server);
    minting.before = async () => {
      end(client, server);
      await until(server, () => kinds(server).includes("close"));
    };
    onTestFinished(() => {
      minting.before = async () => {};
    });
    client.send(join);
    await client.closed;
    await emptied(server);
    await until(server, () => kinds(server).includes("session-ended"));
    const { session } = server.journal.lines.find(({ kind }) => kind === "session-ended")!;
    expect((await watchStream(server, session!)).status).toBe(404);
    expect(kinds(server)).not.toContain("livekit_room_info");
    expect(kinds(server)).not.toContain("defect");
  });

  test("a server that closes takes the session and its room along", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send(join);
    await client.take("livekit_room_info");
    await server.close();
    await client.closed;
    expect(client.received.at(-1)).toMatchObject({ type: "generation_ended", reason: "disconnect" });
  });
});

/** In one packet: what a client sends before anything can come back. */
function sendAtOnce({ socket, send }: SocketClient, messages: readonly object[]): void {
  const { _socket: tcp } = socket as unknown as { _socket: { cork(): void; uncork(): void } };
  tcp.cork();
  for (const message of messages) send(message);
  tcp.uncork();
}

function watchStream(server: MockServer, room: string, origin?: string): Promise<Response> {
  return fetch(`${server.url}/watch-stream/${room}`, {
    method: "POST",
    headers: { "x-api-key": "dct_local", ...(origin && { origin }) },
  });
}

function kinds(server: MockServer): string[] {
  return server.journal.lines.map(({ kind }) => kind);
}
