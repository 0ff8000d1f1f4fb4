import { request as httpRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { RTCPeerConnection } from "werift";
import { readImage } from "../fixtures/images.ts";
import { messageText, type ValidMessage, validMessages } from "../fixtures/signal-messages.ts";
import { PROMPT_CHARS_MAX } from "../protocol/index.ts";
import { createMediaClient } from "./_media-client.ts";
import { closeLater, emptied, nothingOpen, runServer, until } from "./_running-server.ts";
import { openSocket, type SocketAbout } from "./_socket-client.ts";
import { manualClock } from "./clock.ts";
import type { MockServerOptions } from "./options.ts";
import { type MockServer, startMockServer } from "./server.ts";

const runControl = (given: Partial<MockServerOptions> = {}) => runServer({ mode: "none", ...given });

const open = async (server: MockServer, about?: SocketAbout) =>
  closeLater(await openSocket(server.realtimeUrl, about));

const base64 = (name: string) => Buffer.from(readImage(name)).toString("base64");

describe("messages", () => {
  const direct = validMessages.filter(({ dialect }) => dialect !== "livekit");
  const isState = ({ message }: ValidMessage) => message.type === "prompt" || message.type === "set_image";
  const states = direct.filter(isState);

  test("every shape a direct client sends is a message, and each state message gets one ack, in order", async () => {
    const server = await runControl();
    const client = await open(server);
    for (const message of direct) client.send(messageText(message));
    client.send({ type: "prompt", prompt: "the last" });
    const acks = () =>
      client.received.filter(({ type }) => type === "prompt_ack" || type === "set_image_ack");
    while ((await client.take("prompt_ack")).prompt !== "the last");
    expect(acks().map(({ type }) => type)).toEqual([
      ...states.map(({ message }) => `${message.type}_ack`),
      "prompt_ack",
    ]);
    const echoed = acks().flatMap((ack) => (ack.type === "prompt_ack" ? [ack.prompt] : []));
    const prompts = states.filter(({ message }) => message.type === "prompt");
    expect(echoed).toEqual([...prompts.map(({ message }) => message.prompt), "the last"]);
    expect(server.journal.lines.filter(({ kind }) => kind === "malformed" || kind === "defect")).toEqual([]);
  });

  test.each(states)("$name is acked: $why", async (message) => {
    const server = await runControl();
    const client = await open(server);
    client.send(messageText(message));
    const { type, prompt } = message.message;
    // Right in shape, but no picture: the refusal is an ack too.
    const isNoImage = ["set-image-misspelt", "set-image-literal-ref"].includes(message.name);
    if (type === "prompt") {
      expect(await client.take("prompt_ack")).toEqual({
        type: "prompt_ack",
        prompt,
        success: true,
        error: null,
      });
    } else {
      expect(await client.take("set_image_ack")).toEqual({
        type: "set_image_ack",
        success: !isNoImage,
        error: isNoImage ? expect.stringContaining("not base64") : null,
      });
    }
    expect(server.sessions[0]!.state.revision).toBe(isNoImage ? 0 : 1);
    expect(client.received.map(({ type }) => type)).toEqual(["session_id", `${type}_ack`]);
  });

  test.each([
    "  q  ",
    " ",
    "👩‍🚀 smiling, قط صغير, 猫",
    '"a"\n\t\\b\\\u0000\u2028',
    "\ud83d alone",
    "é vs e\u0301",
    "x".repeat(PROMPT_CHARS_MAX),
  ])("a prompt comes back byte for byte: %j", async (prompt) => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "prompt", prompt });
    expect((await client.take("prompt_ack")).prompt).toBe(prompt);
    expect(server.sessions[0]!.state.prompt).toBe(prompt);
  });

  test("acks keep the order of the messages, also when a large image takes its time", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "set_image", image_data: base64("face-jpeg"), prompt: "both" });
    client.send({ type: "prompt", prompt: "one" });
    client.send({ type: "set_image", image_data: base64("cut-off-png") });
    client.send({ type: "prompt", prompt: "" });
    client.send({ type: "set_image", image_data: 7 });
    client.send({ type: "prompt", prompt: "two" });
    await client.take("session_id");
    while ((await client.take("prompt_ack")).prompt !== "two");
    expect(client.received.slice(1).map((ack) => ("prompt" in ack ? ack.prompt : ack.type))).toEqual([
      "set_image_ack",
      "one",
      "set_image_ack",
      "",
      "set_image_ack",
      "two",
    ]);
    expect(client.received.slice(1).map((ack) => "success" in ack && ack.success)).toEqual([
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
    // What was refused made no revision and changed nothing.
    expect(server.sessions[0]!.state).toMatchObject({ revision: 3, prompt: "two", image: { width: 768 } });
  });

  test("session_id is the first message, names the session and the address", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "ice-candidate", candidate: null });
    expect(await client.take("session_id")).toEqual({
      type: "session_id",
      session_id: server.sessions[0]!.id,
      server_ip: "127.0.0.1",
      server_port: Number(new URL(server.url).port),
    });
    expect(client.received).toHaveLength(1);
  });

  test("ids depend on the seed only", async () => {
    const ids = [];
    for (const seed of [5, 5, 6]) {
      const server = await runControl({ seed });
      const client = await open(server);
      client.send({ type: "prompt", prompt: "a" });
      ids.push((await client.take("session_id")).session_id);
    }
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test("a message that cannot begin a session ends it, with those that can", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "answer", sdp: "v=0" });
    const first = client.received[0] ?? (await client.take("error"));
    expect(first).toMatchObject({
      type: "error",
      error: expect.stringContaining("cannot begin with answer"),
    });
    expect((await client.closed).code).toBe(1008);
  });

  test("switch_camera mirrors, without an ack", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "switch_camera", rotateY: 2 });
    client.send({ type: "prompt", prompt: "after" });
    await client.take("prompt_ack");
    expect(server.sessions[0]!.state).toMatchObject({ mirrored: true, prompt: "after" });
    expect(client.received.map(({ type }) => type)).toEqual(["session_id", "prompt_ack"]);
  });

  test("a model that is driven by text refuses an image with a sentence, unless told to take it", async () => {
    for (const imageOnTextModel of ["refuse", "accept"] as const) {
      const server = await runControl({ imageOnTextModel });
      const client = await open(server, { query: { model: "lucy_v2v_720p_rt" } });
      client.send({ type: "set_image", image_data: base64("face-png") });
      const { success, error } = await client.take("set_image_ack");
      expect(success).toBe(imageOnTextModel === "accept");
      if (!success) expect(error).toContain("takes no reference image");
    }
  });

  test.each(["keep", "clear"] as const)("--prompt-only-set %s", async (promptOnlySet) => {
    const server = await runControl({ promptOnlySet });
    const client = await open(server);
    client.send({ type: "set_image", image_data: base64("face-png") });
    client.send({ type: "set_image", image_data: null, prompt: "P", enhance_prompt: true });
    await client.take("set_image_ack");
    await client.take("set_image_ack");
    expect(server.sessions[0]!.state.image !== null).toBe(promptOnlySet === "keep");
  });
});

describe("who may come in", () => {
  test.each([
    ["an empty key", { api_key: "" }, 1008, "Invalid API key: it is empty."],
    [
      "an unknown token",
      { api_key: "ek_nobody" },
      1008,
      "Invalid API key: this client token was not minted here.",
    ],
    ["an unknown model", { model: "lucy_3_rt" }, 1008, "lucy_3_rt"],
    ["no model", { model: "" }, 1008, "model"],
  ])("%s is refused with a sentence and a code", async (_name, query, code, sentence) => {
    const server = await runControl();
    const client = await open(server, { query });
    expect((await client.take("error")).error).toContain(sentence);
    expect((await client.closed).code).toBe(code);
    expect(server.sessions).toHaveLength(0);
  });

  test("one more than there is room for is refused as production does, until one leaves", async () => {
    const server = await runControl({ sessionsMax: 2 });
    const first = await open(server);
    await open(server);
    const third = await open(server);
    expect((await third.take("error")).error).toBe("Concurrent session limit reached.");
    expect(await third.closed).toEqual({ code: 1013, reason: "Concurrent session limit reached." });
    first.socket.close(1000);
    await first.closed;
    await until(server, () => server.sessions.length === 1);
    const fourth = await open(server);
    fourth.send({ type: "prompt", prompt: "in" });
    expect((await fourth.take("prompt_ack")).success).toBe(true);
  });

  test.each(["/v1/streams", "/", "/v1/stream/extra", "/subscribe", "/subscribe/", "/subscribe/a/b"])(
    "there is no socket at %s",
    async (path) => {
      const server = await runControl();
      await expect(openSocket(server.realtimeUrl, { path })).rejects.toThrow("404");
    },
  );

  test.each(["/v1/stream", "/v1/avatar-live/stream", "/v1/live_avatar/stream"])(
    "there is one at %s",
    async (path) => {
      const server = await runControl();
      const client = await open(server, { path });
      client.send({ type: "prompt", prompt: "a" });
      await client.take("prompt_ack");
    },
  );

  test.each(["//", "//[", "http://[", "/%", "/%ff%fe", "*", "/v1/stream?api_key=%", "/subscribe/%E0%A4%A"])(
    "an upgrade to the crooked address %s gets an answer and harms nobody",
    async (target) => {
      const server = await runControl();
      const witness = await open(server);
      const answer = await rawUpgrade(server, target);
      expect(answer).toMatch(/^HTTP\/1\.1 (101|4\d\d) /);
      witness.send({ type: "prompt", prompt: "still here" });
      await witness.take("prompt_ack");
    },
  );

  test("a viewer of nobody is refused for good", async () => {
    const server = await runControl();
    const client = await open(server, { path: "/subscribe/0123456789abcdef" });
    expect((await client.take("error")).error).toContain("Invalid session 0123456789abcdef");
    expect((await client.closed).code).toBe(1008);
  });

  test("a viewer whose publisher has no pictures yet waits, and is told when the publisher leaves", async () => {
    const server = await runControl();
    const publisher = await open(server);
    publisher.send({ type: "prompt", prompt: "a" });
    const { session_id } = await publisher.take("session_id");
    const viewer = await open(server, { path: `/subscribe/${session_id}` });
    viewer.send(messageText(validMessages.find(({ name }) => name === "offer")!));
    await until(server, () =>
      server.journal.lines.some(({ kind, session }) => kind === "offer" && session !== session_id),
    );
    publisher.socket.close();
    expect((await viewer.take("error")).error).toContain("ended before it had any pictures");
  });

  test("a page of another site is told that a session is not for it, and watches none", async () => {
    const server = await runControl();
    const publisher = await open(server, { origin: "https://app.example.test" });
    publisher.send({ type: "prompt", prompt: "a" });
    const { session_id } = await publisher.take("session_id");
    const path = `/subscribe/${session_id}`;
    const other = await open(server, { path, origin: "https://other.example.test" });
    const error = `Session ${session_id} is not for a page of https://other.example.test: pages of localhost may have it, and those of the origin that it is from. Open yours there.`;
    expect((await other.take("error")).error).toBe(error);
    expect((await other.closed).code).toBe(1008);
    const refused = server.journal.lines.find(({ kind }) => kind === "refused");
    expect(refused?.fields.error).toBe(error);
    // Neither of these is refused: they wait for pictures.
    for (const origin of ["https://app.example.test", "http://localhost:5173", undefined]) {
      await open(server, { path, ...(origin && { origin }) });
    }
    await until(server, () => server.open.sockets === 4);
    expect(server.journal.lines.filter(({ kind }) => kind === "refused")).toHaveLength(1);
  });

  test("viewers that come together get as many places as there are; one that leaves gives its own back", async () => {
    const server = await runControl();
    const publisher = await open(server);
    publisher.send({ type: "prompt", prompt: "a" });
    const { session_id } = await publisher.take("session_id");
    const path = `/subscribe/${session_id}`;
    const refusals = () => server.journal.lines.filter(({ kind }) => kind === "refused");
    const viewers = await Promise.all(Array.from({ length: 40 }, () => open(server, { path })));
    await until(server, () => viewers.length - refusals().length + 1 === server.open.sockets);
    expect(refusals()).toHaveLength(24);
    expect(refusals()[0]!.fields.error).toBe(
      `Session ${session_id} has 16 viewers, which is as many as it may have.`,
    );
    const staying = viewers.find(({ socket }) => socket.readyState === socket.OPEN)!;
    await staying[Symbol.asyncDispose]();
    await until(server, () => server.open.sockets === 16);
    await open(server, { path });
    const late = await open(server, { path });
    expect((await late.take("error")).error).toContain("has 16 viewers");
    expect(refusals()).toHaveLength(25);
  });

  describe.each([
    ["a message that cannot begin a session", { type: "answer", sdp: "v=0" }],
    ["a message that is too large", { type: "prompt", prompt: "x".repeat(17 * 1024 * 1024) }],
  ])("%s is the last one", (_name, message) => {
    test("what comes after it starts nothing", async () => {
      const server = await runControl();
      const client = await open(server);
      const stream = Reflect.get(client.socket, "_socket") as { cork(): void; uncork(): void };
      stream.cork();
      client.send(message);
      client.send({ type: "prompt", prompt: "all the same" });
      stream.uncork();
      await client.closed;
      await until(server, () => server.open.sockets === 0);
      expect(client.received.map(({ type }) => type)).toEqual(["error"]);
      const phases = server.journal.lines.filter(({ kind }) => kind === "phase");
      expect(phases.map(({ fields }) => fields.to)).toEqual(["ended"]);
    });

    test("its place is free before the client has answered the close", async () => {
      const server = await runControl();
      const client = await open(server);
      client.send(message);
      await client.closed;
      await until(server, () => server.open.sockets === 0);
      const kinds = server.journal.lines.map(({ kind, direction }) => `${kind} ${direction}`);
      expect(kinds).toContain("session-ended inside");
      expect(kinds.indexOf("session-ended inside")).toBeLessThan(kinds.indexOf("close to-server"));
    });
  });

  test("of the query, the journal has what the protocol knows", async () => {
    const server = await runControl();
    const client = await open(server, {
      query: { api_key: "sec", ret: "hush", "": "hush", resolution: "720p" },
    });
    client.send({ type: "prompt", prompt: "a" });
    await client.take("prompt_ack");
    expect(server.journal.lines.find(({ kind }) => kind === "open")!.fields).toMatchObject({
      query: { api_key: "[redacted]", model: "lucy_2_rt", resolution: "720p" },
      unknownParameterCount: 2,
    });
    expect(JSON.stringify(server.journal.lines)).not.toMatch(/hush|"sec"|"ret"/);
  });

  test("a viewer may not change anything", async () => {
    const server = await runControl();
    const publisher = await open(server);
    publisher.send({ type: "prompt", prompt: "a" });
    const { session_id } = await publisher.take("session_id");
    const viewer = await open(server, { path: `/subscribe/${session_id}` });
    viewer.send({ type: "prompt", prompt: "b" });
    expect((await viewer.take("error")).error).toContain(
      "A viewer sends offer and ice-candidate only, not prompt.",
    );
    expect(server.sessions[0]!.state.prompt).toBe("a");
  });
});

/** The first bytes that come back for an upgrade request to exactly this target. */
function rawUpgrade(server: MockServer, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1", () => {
      socket.write(
        `GET ${target} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
      );
    });
    socket.once("data", (data) => {
      resolve(data.toString("latin1"));
      socket.destroy();
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The server closed without an answer.")));
  });
}

describe("time", () => {
  test("a client that answers no ping is dropped, one that does stays", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none" }, clock);
    const healthy = await open(server);
    const silent = await open(server);
    await until(server, () => server.sessions.length === 2);
    silent.socket.pause();
    for (let round = 0; round < 2; round++) {
      clock.advance(10_000);
      // The pong goes out before what is sent after it, so the ack says that the server has it.
      if (round === 0) await new Promise((resolve) => healthy.socket.once("ping", resolve));
      healthy.send({ type: "prompt", prompt: "here" });
      await healthy.take("prompt_ack");
    }
    await until(server, () => server.sessions.length === 1);
    expect(server.journal.lines.filter(({ kind }) => kind === "half-open")).toHaveLength(1);
    healthy.send({ type: "prompt", prompt: "still here" });
    await healthy.take("prompt_ack");
    silent.socket.resume();
    expect((await silent.closed).code).toBe(1006);
  });

  test("a client that never says anything is refused after five minutes", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none" }, clock);
    const client = await open(server);
    for (let round = 0; round < 29; round++) {
      clock.advance(10_000);
      await new Promise((resolve) => client.socket.once("ping", resolve));
      // The server answers our ping after it has read our pong.
      client.socket.ping();
      await new Promise((resolve) => client.socket.once("pong", resolve));
    }
    clock.advance(9_999);
    expect(client.received).toEqual([]);
    clock.advance(1);
    expect((await client.take("error")).error).toContain("Nothing was said for 300 s.");
    expect((await client.closed).code).toBe(1008);
  });

  test("a viewer that never says anything is refused after five minutes", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none" }, clock);
    const publisher = await open(server);
    publisher.send({ type: "prompt", prompt: "a" });
    const { session_id } = await publisher.take("session_id");
    const viewer = await open(server, { path: `/subscribe/${session_id}` });
    await until(server, () => server.open.sockets === 2);
    for (let round = 0; round < 29; round++) {
      clock.advance(10_000);
      for (const { socket } of [publisher, viewer]) {
        await new Promise((resolve) => socket.once("pong", resolve).ping());
      }
    }
    clock.advance(9_999);
    expect(viewer.received).toEqual([]);
    clock.advance(1);
    expect((await viewer.take("error")).error).toBe("Nothing was said for 300 s. Send an offer.");
    expect((await viewer.closed).code).toBe(1008);
    expect(server.sessions).toHaveLength(1);
  });

  test("a token's longest session ends it", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none" }, clock);
    const { apiKey } = await mint(server, { constraints: { realtime: { maxSessionDuration: 5 } } });
    const client = await open(server, { query: { api_key: apiKey } });
    client.send({ type: "prompt", prompt: "a" });
    await client.take("prompt_ack");
    clock.advance(4_999);
    expect(server.sessions).toHaveLength(1);
    clock.advance(1);
    expect((await client.take("error")).error).toBe("Maximum session duration reached.");
    expect(await client.take("generation_ended")).toMatchObject({ seconds: 0, reason: "timeout" });
    await client.closed;
    expect(server.sessions).toHaveLength(0);
  });

  test("an expired token opens nothing; a session that runs goes on", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none", keys: "minted" }, clock);
    const { apiKey } = await mint(server, { expiresIn: 2 });
    const client = await open(server, { query: { api_key: apiKey } });
    await until(server, () => server.sessions.length === 1);
    clock.advance(2_000);
    const late = await open(server, { query: { api_key: apiKey } });
    expect((await late.take("error")).error).toContain("Invalid API key: this client token expired 0 s ago.");
    client.send({ type: "prompt", prompt: "still here" });
    await client.take("prompt_ack");
  });
});

type Minted = {
  apiKey: string;
  expiresAt: string;
  permissions: unknown;
  constraints: unknown;
  token: string;
};

async function mint(
  server: MockServer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Minted> {
  const response = await post(server, body, { "x-api-key": "dct_local", ...headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Minted;
}

function post(server: MockServer, body: unknown, headers: Record<string, string>) {
  return fetch(`${server.url}/v1/client/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

describe("POST /v1/client/tokens", () => {
  test.each<[string, unknown, object]>([
    ["0.0.25 to 0.0.49: no body", undefined, { permissions: null, constraints: null }],
    ["0.0.50: an empty object", {}, { permissions: null, constraints: null }],
    ["0.0.50: metadata", { metadata: { user: "u", plan: 1 } }, { permissions: null, constraints: null }],
    [
      "0.0.56: expiry, models, constraints",
      {
        expiresIn: 3600,
        allowedModels: ["lucy_2_rt"],
        constraints: { realtime: { maxSessionDuration: 30 } },
      },
      { permissions: { models: ["lucy_2_rt"] }, constraints: { realtime: { maxSessionDuration: 30 } } },
    ],
    [
      "0.0.63: origins",
      { allowedOrigins: ["https://example.com"] },
      { permissions: { origins: ["https://example.com"] }, constraints: null },
    ],
    ["keys nobody knows yet", { colour: "red" }, { permissions: null }],
  ])("%s", async (_name, body, expected) => {
    const server = await runControl();
    const minted = await mint(server, body);
    expect(minted).toMatchObject(expected);
    expect(minted.apiKey).toMatch(/^ek_[0-9a-f]{32}$/);
    expect(minted.expiresAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(JSON.stringify(server.journal.lines)).not.toContain(minted.apiKey);
  });

  test.each<[string, unknown, (string | number)[]]>([
    ["expiresIn of 0", { expiresIn: 0 }, ["body", "expiresIn"]],
    ["expiresIn of 3601", { expiresIn: 3601 }, ["body", "expiresIn"]],
    ["expiresIn as text", { expiresIn: "60" }, ["body", "expiresIn"]],
    ["21 models", { allowedModels: Array(21).fill("lucy_2_rt") }, ["body", "allowedModels"]],
    ["a model that is no text", { allowedModels: ["a", 7] }, ["body", "allowedModels", 1]],
    ["an origin with a path", { allowedOrigins: ["https://example.com/app"] }, ["body", "allowedOrigins", 0]],
    [
      "a negative duration",
      { constraints: { realtime: { maxSessionDuration: -1 } } },
      ["body", "constraints", "realtime", "maxSessionDuration"],
    ],
    ["a list", [], ["body"]],
  ])("422 for %s, with the place", async (_name, body, loc) => {
    const server = await runControl();
    const response = await post(server, body, { "x-api-key": "dct_local" });
    expect(response.status).toBe(422);
    const { detail } = (await response.json()) as { detail: object[] };
    expect(detail[0]).toEqual({ loc, msg: expect.any(String), type: expect.any(String) });
  });

  test.each<[string, Partial<MockServerOptions>, string | undefined, unknown, number, string]>([
    ["no key", {}, undefined, {}, 401, "Invalid API key: it is empty."],
    ["an empty key", {}, "", {}, 401, "Invalid API key: it is empty."],
    [
      "an empty key where only tokens connect",
      { keys: "minted" },
      "",
      {},
      401,
      "Invalid API key: it is empty.",
    ],
    ["an unknown token", {}, "ek_nobody", {}, 403, "A client token cannot mint tokens."],
    ["a body that is not JSON", {}, "dct_local", "{oops", 400, "The body is not JSON"],
    [
      "a body above 64 kB",
      {},
      "dct_local",
      { metadata: { text: "x".repeat(70_000) } },
      413,
      "The body is too large: at most 65536 bytes are read.",
    ],
  ])("refuses %s", async (_name, given, key, body, status, sentence) => {
    const server = await runControl(given);
    const response = await post(server, body, key === undefined ? {} : { "x-api-key": key });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toContain(sentence);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });

  test.each([
    "dct_hush",
    '{"apiKey":"dct_x","secret":hush}',
    '{"a":"hush at position 7 (line 1 column 2)',
    "[hush",
  ])("nothing of a body that is not JSON is passed on: %s", async (body) => {
    const server = await runControl();
    const response = await post(server, body, { "x-api-key": "dct_local" });
    const { detail } = (await response.json()) as { detail: string };
    expect(detail).toMatch(/^The body is not JSON( from character \d+ on)?\.$/);
    expect(JSON.stringify(server.journal.lines)).not.toContain("hush");
  });

  test("a token cannot mint another", async () => {
    const server = await runControl();
    const { apiKey } = await mint(server, {});
    expect((await post(server, {}, { "x-api-key": apiKey })).status).toBe(403);
  });

  test.each<[MockServerOptions["keys"], string]>([
    ["minted", "dct_local"],
    ["off", ""],
  ])("--keys %s: %o may mint", async (keys, key) => {
    const server = await runControl({ keys });
    expect((await post(server, {}, key ? { "x-api-key": key } : {})).status).toBe(200);
  });

  test("what a token allows holds on the socket: model and origin", async () => {
    const server = await runControl();
    const { apiKey } = await mint(server, {
      allowedModels: ["lucy_2_rt"],
      allowedOrigins: ["https://example.com"],
    });
    const query = { api_key: apiKey };
    const good = await open(server, { query, origin: "https://example.com" });
    good.send({ type: "prompt", prompt: "a" });
    await good.take("prompt_ack");
    const stranger = await open(server, { query, origin: "https://example.org" });
    expect((await stranger.take("error")).error).toContain("Origin https://example.org is not allowed");
    const other = await open(server, {
      query: { ...query, model: "lucy_v2v_720p_rt" },
      origin: "https://example.com",
    });
    expect((await other.take("error")).error).toContain("Model lucy_v2v_720p_rt is not allowed");
  });
});

describe("the HTTP side", () => {
  test.each(["/v1/client/tokens", "/v1/jobs/lucy", "/watch-stream/room"])(
    "%s is preflighted",
    async (path) => {
      const server = await runControl();
      const response = await fetch(`${server.url}${path}`, {
        method: "OPTIONS",
        headers: {
          origin: "https://example.com",
          "access-control-request-headers": "x-api-key, content-type",
        },
      });
      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("access-control-allow-headers")).toContain("x-api-key");
      expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    },
  );

  test.each([
    ["POST", "/v1/jobs/lucy-pro", 501, "is not imitated"],
    ["GET", "/v1/jobs/1", 501, "is not imitated"],
    ["GET", "/v1/jobs/1/content", 501, "is not imitated"],
    ["POST", "/v1/generate/lucy-pro", 501, "is not imitated"],
    ["GET", "/v1/realtime/quota", 501, "is not imitated"],
    ["POST", "/v1/models/resolve", 501, "is not imitated"],
    ["POST", "/v1/verify", 501, "is not imitated"],
    ["GET", "/v1/nothing", 404, "There is nothing at GET /v1/nothing."],
    ["GET", "/_lucy/nothing", 404, "There is nothing at"],
    ["GET", "/v1/client/tokens", 404, "There is nothing at GET"],
    ["GET", "/%E0%A4%A", 404, "There is nothing at"],
  ])("%s %s: %i", async (method, path, status, sentence) => {
    const server = await runControl();
    const response = await fetch(`${server.url}${path}`, { method });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toContain(sentence);
  });

  test("a key or an access token that was pasted into an address comes back neither in an answer nor in the journal", async () => {
    const server = await runControl();
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJ9fQ.signature";
    const asked: [method: string, path: string, status: number][] = [
      ["GET", "/nothing/", 404],
      ["GET", "/v1/jobs/", 501],
      ["POST", "/watch-stream/", 404],
    ];
    for (const [method, path, status] of asked) {
      for (const secret of [jwt, "dct_secret"]) {
        const headers = { "x-api-key": "dct_local" };
        const response = await fetch(`${server.url}${path}${secret}`, { method, headers });
        expect(response.status).toBe(status);
        expect(await response.text()).toContain(`_[redacted]`.slice(secret === jwt ? 1 : 0));
      }
    }
    expect(await rawUpgrade(server, `/rtc/${jwt}`)).toContain("no WebSocket at /rtc/eyJ[redacted].");
    const shown = JSON.stringify(server.journal.lines);
    expect(shown).not.toMatch(/signature|secret"/);
    expect(shown).toContain("/nothing/eyJ[redacted]");
  });

  test("that cannot be loaded is a sentence and a defect, and the sockets go on", async () => {
    vi.doMock("./control/app.ts", () => ({
      createApp() {
        throw new Error("express is not here");
      },
    }));
    onTestFinished(() => vi.doUnmock("./control/app.ts"));
    const server = await runControl();
    for (let round = 0; round < 2; round++) {
      const response = await fetch(`${server.url}/_lucy/health`);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({
        detail: "The mock server failed, and has no HTTP side: express is not here",
      });
    }
    const defects = server.journal.lines.filter(({ kind }) => kind === "defect");
    expect(defects.map(({ fields }) => fields.seed)).toEqual([1, 1]);
    const client = await open(server);
    client.send({ type: "prompt", prompt: "still here" });
    await client.take("prompt_ack");
  });

  test.each(["//", "http://[", "*"])("a request for the crooked address %s gets an answer", async (path) => {
    const server = await runControl();
    const status = await new Promise((resolve, reject) => {
      const { port } = new URL(server.url);
      httpRequest({ port, host: "127.0.0.1", path, method: "GET" }, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode));
      })
        .once("error", reject)
        .end();
    });
    expect([200, 400, 404, 500]).toContain(status);
    expect((await fetch(`${server.url}/_lucy/health`)).status).toBe(200);
  });

  test("health says what is open, sessions what each is at; neither shows a key", async () => {
    const server = await runControl();
    const client = await open(server, { query: { api_key: "dct_secret" } });
    client.send({ type: "prompt", prompt: "a red robot" });
    await client.take("prompt_ack");
    const health = await (await fetch(`${server.url}/_lucy/health`)).json();
    expect(health).toMatchObject({
      status: "ok",
      open: { sessions: 1, sockets: 1 },
      options: { mode: "none" },
    });
    const sessions = (await (await fetch(`${server.url}/_lucy/sessions`)).json()) as object[];
    expect(sessions).toEqual([
      {
        id: server.sessions[0]!.id,
        model: "lucy_2_rt",
        dialect: "direct",
        phase: "joined",
        seconds: 0,
        viewerCount: 0,
        state: { revision: 1, prompt: "a red robot", enhance: true, image: null },
        media: null,
      },
    ]);
    expect(JSON.stringify([health, sessions, server.journal.lines])).not.toContain("secret");
  });
});

describe("starting and stopping", () => {
  test.each([
    "",
    "GET / HTTP/1.1\r\n",
    "GET /nowhere HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nhost: x\r\n\r\n",
  ])("close() does not wait for a connection that said %j and stays", async (said) => {
    const server = await runControl();
    const socket = connectTcp({
      port: Number(new URL(server.url).port),
      host: "127.0.0.1",
      allowHalfOpen: true,
    });
    const gone = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.on("data", () => {});
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    socket.write(said);
    await (await fetch(`${server.url}/_lucy/health`)).text();
    await server.close();
    socket.end();
    await gone;
  });

  test("a port that is taken is said to be", async () => {
    const server = await runControl();
    const port = Number(new URL(server.url).port);
    await expect(startMockServer({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is taken.`);
  });

  test("an address that is not this machine's is said not to be", async () => {
    await expect(startMockServer({ port: 0, host: "192.0.2.1" })).rejects.toThrow(
      "192.0.2.1 is no address of this machine.",
    );
  });

  const isLinux = process.platform === "linux";
  test.each([
    ["0.0.0.0", "127.0.0.1", "127.0.0.1"],
    ["::", "127.0.0.1", "127.0.0.1"],
    ["localhost", "localhost", "127.0.0.1"],
    // Other systems have one address of loopback.
    ...(isLinux ? [["127.0.0.2", "127.0.0.2", "127.0.0.2"]] : []),
  ])("--host %s is shown as %s and is there, with media at %s", async (host, shown, ip) => {
    const server = await runServer({ host, mode: "relay" });
    expect(new URL(server.url).hostname).toBe(shown);
    expect(new URL(server.realtimeUrl).hostname).toBe(shown);
    expect((await fetch(`${server.url}/_lucy/health`)).status).toBe(200);
    const client = await open(server);
    const media = closeLater(createMediaClient(client, { codec: "vp8" }));
    await media.negotiate();
    await media.connected();
    const { session_id, server_ip } = await client.take("session_id");
    expect(server_ip).toBe(ip);
    const answer = client.received.find(({ type }) => type === "answer") as { sdp: string };
    expect(answer.sdp).toMatch(new RegExp(`^a=candidate:.* ${ip.replaceAll(".", "\\.")} \\d+ typ host`, "m"));
    const viewer = await open(server, { path: `/subscribe/${session_id}` });
    await viewer[Symbol.asyncDispose]();
  });

  test.each(["::1", "fe80::1", "::ffff:127.0.0.1"])(
    "--host %s has no media, and is refused",
    async (host) => {
      await expect(startMockServer({ port: 0, host })).rejects.toThrow(RangeError);
      await expect(startMockServer({ port: 0, host })).rejects.toThrow(
        `Option "host" is "${host}". Media needs an IPv4 address: take 127.0.0.1, or 0.0.0.0 for all of this machine.`,
      );
    },
  );

  test("a name that nobody knows is said to be none", async () => {
    await expect(startMockServer({ port: 0, host: "no.such.host.invalid" })).rejects.toThrow(
      "no.such.host.invalid has no IPv4 address that this machine knows.",
    );
  });

  test.each(["are answered", "are connected", "have just left"])(
    "close() resolves when the last peer is closed: of clients that %s",
    async (clientsDo) => {
      const server = await runServer({ mode: "relay" });
      const clients = await Promise.all(Array.from({ length: 3 }, () => open(server)));
      const media = clients.map((client) => closeLater(createMediaClient(client, { codec: "vp8" })));
      await Promise.all(media.map((peer) => peer.offer()));
      const { close } = RTCPeerConnection.prototype;
      let closedCount = 0;
      const slow = vi.spyOn(RTCPeerConnection.prototype, "close").mockImplementation(async function (
        this: RTCPeerConnection,
      ) {
        for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate);
        await close.call(this);
        closedCount++;
      });
      onTestFinished(() => slow.mockRestore());
      if (clientsDo !== "are answered") {
        await Promise.all(media.map((peer) => peer.accept()));
        await Promise.all(media.map((peer) => peer.connected()));
      }
      expect(server.open.peers).toBe(clients.length);
      if (clientsDo === "have just left") {
        for (const { socket } of clients) socket.terminate();
        await until(server, () => server.sessions.length === 0);
      }
      await server.close();
      expect(closedCount).toBe(clients.length);
      expect(server.open).toEqual(nothingOpen);
    },
  );

  test("close() ends sessions, tells clients, and may be called twice", async () => {
    const server = await runControl();
    const client = await open(server);
    client.send({ type: "prompt", prompt: "a" });
    await client.take("prompt_ack");
    await Promise.all([server.close(), server.close()]);
    await client.closed;
    expect(await emptied(server)).toBeUndefined();
    await expect(fetch(`${server.url}/_lucy/health`)).rejects.toThrow();
  });

  test("with --tls it speaks wss, with a certificate for the vendor's names too", async () => {
    const server = await runControl({ tls: true });
    expect(server.realtimeUrl).toMatch(/^wss:/);
    const { connect } = await import("node:tls");
    const names = await new Promise<string | undefined>((resolve, reject) => {
      const port = Number(new URL(server.url).port);
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subjectaltname);
        socket.destroy();
      });
      socket.once("error", reject);
    });
    expect(names).toContain("DNS:api3.decart.ai");
    expect(names).toContain("IP Address:127.0.0.1");
  });
});
