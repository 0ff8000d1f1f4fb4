import { createDecartClient } from "decart-sdk-0.1.20";
import { expect, test } from "vitest";
import { runServer } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

const paths = {
  tokens: { path: "/v1/client/tokens", body: () => "{}" },
  files: {
    path: "/v1/files",
    body() {
      const form = new FormData();
      form.set("file", new Blob(["a"], { type: "image/png" }), "a.png");
      return form;
    },
  },
  "watch-stream": { path: "/watch-stream/room", body: () => "{}" },
};

type Kind = keyof typeof paths;

/** As a page's script asks, whose origin is another. */
function ask(server: MockServer, kind: Kind, key: string, mock?: string): Promise<Response> {
  const { path, body } = paths[kind];
  const query = mock === undefined ? "" : `?mock=${mock}`;
  const headers = { "x-api-key": key, origin: "https://app.example" };
  return fetch(server.url + path + query, { method: "POST", headers, body: body() });
}

function run() {
  return runServer({ mode: "none" }, manualClock());
}

function firedOn(server: MockServer): unknown[] {
  return server.journal.lines.filter(({ kind }) => kind === "fault-fired").map(({ fields }) => fields.on);
}

const kinds = Object.keys(paths) as Kind[];

test.each(kinds)("http-status on %s: the sentence, CORS headers, and twice only", async (kind) => {
  const server = await run();
  const usual = (await ask(server, kind, "dct_local")).status;
  const key = writeMockKey({
    name: "http-status",
    only: kind,
    when: { times: 2 },
    with: { status: 429, detail: "Slow down." },
  });
  for (let time = 1; time <= 2; time++) {
    const response = await ask(server, kind, key);
    expect(response.status).toBe(429);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toEqual({ detail: "Slow down." });
  }
  const refused = server.journal.lines.filter(({ kind }) => kind === "http-refused").slice(-2);
  expect(refused.map(({ fields }) => fields.status)).toEqual([429, 429]);
  expect((await ask(server, kind, key)).status).toBe(usual);
  expect(firedOn(server)).toEqual([kind, kind]);
});

test("other kinds, other keys and preflights pass", async () => {
  const server = await run();
  const key = writeMockKey({ name: "http-status", only: "files" });
  expect((await ask(server, "tokens", key)).status).toBe(200);
  expect((await ask(server, "files", "dct_local")).status).not.toBe(503);
  const preflight = await fetch(`${server.url}/v1/files`, {
    method: "OPTIONS",
    headers: { "x-api-key": key },
  });
  expect(preflight.status).toBe(204);
  expect(firedOn(server)).toEqual([]);
  expect((await ask(server, "files", key)).status).toBe(503);
});

test.each([
  ["truncated", "application/json", /^\{"apiKey":"ek_\w+","expires[^}]*$/],
  ["not-json", "application/json", /^ok$/],
  ["empty", "application/json", /^$/],
  ["html", "text/html", /^<!doctype html>/],
  [
    "wrong-types",
    "application/json",
    /^\{"apiKey":0,"expiresAt":0,"permissions":0,"constraints":0,"token":0\}$/,
  ],
])("malformed-body, %s: the status is as it should be, the body is not", async (how, type, expected) => {
  const server = await run();
  const key = writeMockKey({ name: "malformed-body", when: { times: 1 }, with: { how } });
  const response = await ask(server, "tokens", key);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain(type);
  const body = await response.text();
  expect(body).toMatch(expected);
  const spoiled = server.journal.lines.find(({ kind }) => kind === "body-spoiled");
  expect(spoiled?.fields).toEqual({ on: "tokens", how, status: 200, length: body.length });
  // It was minted all the same.
  expect(server.journal.lines.filter(({ kind }) => kind === "token-minted")).toHaveLength(1);
  expect(await (await ask(server, "tokens", key)).json()).toMatchObject({ apiKey: expect.any(String) });
});

test("malformed-body lets be what has no body", async () => {
  const server = await run();
  const how = "wrong-types";
  const key = writeMockKey({ name: "malformed-body", only: "files", when: { times: 1 }, with: { how } });
  const headers = { "x-api-key": key };
  for (const method of ["DELETE", "HEAD"]) {
    const { status } = await fetch(`${server.url}/v1/files/none`, { method, headers });
    expect(status).toBe(404);
  }
  expect(firedOn(server)).toEqual([]);
  const found = await fetch(`${server.url}/v1/files/none`, { headers });
  expect(found.status).toBe(404);
  expect(await found.json()).toEqual({ detail: 0 });
});

test.each<[how: string, expected: RegExp, spoiled: string[]]>([
  ["not-json", /^ok$/, ["not-json"]],
  ["empty", /^$/, ["empty"]],
  ["html", /^<!doctype html>/, ["html"]],
  ["wrong-types", /^\{"apiKey":"many",/, ["wrong-types", "wrong-types"]],
])(
  "malformed-body behind another of it, %s: what is no JSON stays as it is",
  async (how, expected, spoiled) => {
    const server = await run();
    const declared = ["wrong-types", how].map((how) => ({ name: "malformed-body", with: { how } }));
    const body = await (await ask(server, "tokens", writeMockKey(declared))).text();
    expect(body).toMatch(expected);
    const lines = server.journal.lines.filter(({ kind }) => kind === "body-spoiled");
    expect(lines.map(({ fields }) => fields.how)).toEqual(spoiled);
    expect(server.journal.lines.filter(({ kind }) => kind === "defect")).toEqual([]);
  },
);

test("token-expired: the token says that it is too old, and opens nothing; the next one does", async () => {
  const server = await run();
  const faults: Declaration = { name: "token-expired", when: { times: 1 }, with: { sinceSeconds: 90 } };
  const key = writeMockKey(faults);
  const old = await (await ask(server, "tokens", key)).json();
  expect(Date.parse(old.expiresAt)).toBe(server.clock.date.getTime() - 90_000);
  const refused = await openSocket(server.realtimeUrl, { query: { api_key: old.apiKey } });
  expect(await refused.take("error")).toEqual({
    type: "error",
    error: expect.stringContaining("this client token expired 90 s ago"),
  });
  expect(await refused.closed).toMatchObject({ code: 1008 });
  const good = await (await ask(server, "tokens", key)).json();
  expect(Date.parse(good.expiresAt)).toBeGreaterThan(server.clock.date.getTime());
  await using letIn = await openSocket(server.realtimeUrl, { query: { api_key: good.apiKey } });
  letIn.send({ type: "prompt", prompt: "a" });
  expect(await letIn.take("prompt_ack")).toMatchObject({ success: true });
});

test("connection-reset: no answer at all, and then one", async () => {
  const server = await run();
  const key = writeMockKey({ name: "connection-reset", channel: "http", when: { times: 1 } });
  const error = await ask(server, "tokens", key).catch((error) => error);
  expect(error.cause.code).toBe("ECONNRESET");
  expect(server.journal.lines.find(({ kind }) => kind === "reset")?.fields).toEqual({
    method: "POST",
    path: "/v1/client/tokens",
  });
  expect(server.journal.lines.some(({ kind }) => kind === "token-minted")).toBe(false);
  expect((await ask(server, "tokens", key)).status).toBe(200);
});

test("delay: an answer comes late on the server's clock, in order, or at once where the fault is healed", async () => {
  const server = await run();
  const [fault] = server.faults.add({ name: "delay", channel: "http", with: { delayMs: 5000 } });
  const fired = server.journal.match({ kind: "fault-fired" });
  const late = ask(server, "tokens", "dct_local");
  await fired;
  await server.clock.advance(4999);
  expect(server.journal.lines.some(({ kind }) => kind === "token-minted")).toBe(false);
  await server.clock.advance(1);
  expect((await late).status).toBe(200);
  const second = server.journal.match({ kind: "fault-fired" }, { count: 2 });
  const held = ask(server, "tokens", "dct_local");
  await second;
  fault!.heal();
  expect((await held).status).toBe(200);
  expect((await ask(server, "tokens", "dct_local")).status).toBe(200);
  expect(fault!.fired).toBe(2);
});

test.each(kinds)(
  "a key that cannot be read is refused on %s, with the sentence and CORS headers",
  async (kind) => {
    const server = await run();
    for (const [key, mock] of [
      ["mock:http-statsu", undefined],
      ["dct_local", "http-statsu"],
    ] as const) {
      const response = await ask(server, kind, key, mock);
      expect(response.status).toBe(401);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect((await response.json()).detail).toContain('Did you mean "http-status"?');
    }
  },
);

const unreadable = { name: "SyntaxError" };

test.each<[Declaration, outcome: object]>([
  [
    { name: "http-status", with: { status: 429, detail: "Slow down." } },
    { code: "TOKEN_CREATE_ERROR", message: 'Failed to create token: 429 - {"detail":"Slow down."}' },
  ],
  [{ name: "malformed-body" }, unreadable],
  [{ name: "malformed-body", with: { how: "not-json" } }, unreadable],
  [{ name: "malformed-body", with: { how: "empty" } }, unreadable],
  [{ name: "malformed-body", with: { how: "html" } }, unreadable],
  // It looks at nothing.
  [{ name: "malformed-body", with: { how: "wrong-types" } }, { apiKey: 0 }],
  [{ name: "token-expired" }, { apiKey: expect.stringMatching(/^ek_/) }],
  [
    { name: "connection-reset", channel: "http" },
    { name: "TypeError", message: "fetch failed" },
  ],
])("what the SDK's tokens.create() makes of %o, and that the next call is well", async (fault, outcome) => {
  const server = await run();
  const { tokens } = createDecartClient({
    apiKey: writeMockKey({ ...fault, when: { times: 1 } }),
    baseUrl: server.url,
    telemetry: false,
  });
  const error = (reason: Error & { code?: string }) => ({
    name: reason.name,
    message: reason.message,
    code: reason.code,
  });
  expect(await tokens.create().catch(error)).toMatchObject(outcome);
  expect(firedOn(server)).toEqual(["tokens"]);
  const { expiresAt } = await tokens.create();
  expect(Date.parse(expiresAt)).toBeGreaterThan(server.clock.date.getTime());
});

test("a token meets the faults of the key that minted it over HTTP, too", async () => {
  const server = await run();
  const key = writeMockKey({ name: "http-status", only: "files" });
  const { apiKey } = await (await ask(server, "tokens", key)).json();
  expect((await ask(server, "files", apiKey)).status).toBe(503);
  expect((await ask(server, "watch-stream", apiKey)).status).toBe(404);
});
