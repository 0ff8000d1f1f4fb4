import { createHash } from "node:crypto";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { images, readImage } from "../../fixtures/images.ts";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import { startServer } from "../server.ts";
import { ask, openEvents, type Question, runApi, send } from "./_api-client.ts";
import { bodyBytesMax, guardLinesMax } from "./api.ts";
import { backlogBytesMax, beatIntervalMs, readersMax } from "./journal-feed.ts";

type Line = { seq: number; kind: string; fields: Record<string, unknown> };

const linesOf = (body: string): Line[] =>
  body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
const seqs = (body: string) => linesOf(body).map(({ seq }) => seq);
const turn = () => new Promise(setImmediate);

describe("every route's good answer is what the document says", () => {
  const fault = { name: "shout", with: { loudness: 11 } };
  const before: [method: string, path: string, body?: unknown][] = [
    ["POST", "/_lucy/faults", fault],
    ["PUT", "/_lucy/scenarios/loud", { faults: [fault] }],
  ];

  test.each<[method: string, path: string, body: unknown, status: number, answer: unknown]>([
    ["GET", "/_lucy/health", undefined, 200, { status: "ok", options: { livekitSecret: "[redacted]" } }],
    ["GET", "/_lucy/ready", undefined, 200, { status: "ready" }],
    ["GET", "/_lucy/options", undefined, 200, { mode: "none", livekitSecret: "[redacted]" }],
    ["GET", "/_lucy/sessions", undefined, 200, []],
    ["GET", "/_lucy/clock", undefined, 200, { mode: "manual", nowMs: 0, date: "2026-01-01T00:00:00.000Z" }],
    [
      "POST",
      "/_lucy/clock/advance",
      { ms: 600_000 },
      200,
      { mode: "manual", nowMs: 600_000, date: "2026-01-01T00:10:00.000Z" },
    ],
    [
      "GET",
      "/_lucy/faults",
      undefined,
      200,
      [{ id: "f1", session: null, declaration: fault, fired: 0, healed: false }],
    ],
    ["POST", "/_lucy/faults", fault, 201, [{ id: "f2" }]],
    ["POST", "/_lucy/faults", [fault, fault], 201, [{ id: "f2" }, { id: "f3" }]],
    ["POST", "/_lucy/faults?session=abc", fault, 201, [{ id: "f2" }]],
    ["POST", "/_lucy/faults", "shout", 201, [{ id: "f2" }]],
    ["POST", "/_lucy/faults", ["shout", fault], 201, [{ id: "f2" }, { id: "f3" }]],
    ["POST", "/_lucy/faults", { faults: ["shout"] }, 201, [{ id: "f2" }]],
    ["POST", "/_lucy/faults", { faults: fault }, 201, [{ id: "f2" }]],
    ["DELETE", "/_lucy/faults", undefined, 200, { healed: 1 }],
    ["DELETE", "/_lucy/faults/f1", undefined, 204, undefined],
    ["GET", "/_lucy/scenarios", undefined, 200, { loud: { faults: [fault] } }],
    ["PUT", "/_lucy/scenarios/other", { about: "Other.", faults: [] }, 204, undefined],
    ["PUT", "/_lucy/scenarios/other", { faults: ["shout"] }, 204, undefined],
    ["PUT", "/_lucy/scenarios/other", { about: null, faults: "shout" }, 204, undefined],
    ["PUT", "/_lucy/scenarios/other", ["shout", fault], 204, undefined],
    ["PUT", "/_lucy/scenarios/other", "shout", 204, undefined],
    ["DELETE", "/_lucy/scenarios/loud", undefined, 204, undefined],
    ["POST", "/_lucy/reset", undefined, 200, { sessions: 0, faults: 1, files: 0, tokens: 0, after: 4 }],
    ["GET", "/_lucy/journal/hash?session=abc", undefined, 200, { session: "abc", hash: "abc: 1" }],
    ["GET", "/_lucy/openapi.json", undefined, 200, { openapi: "3.1.0" }],
  ])("%s %s", async (method, path, body, status, answer) => {
    const { url, routes, journal } = await runApi();
    journal.add({ session: "abc", kind: "state" });
    for (const [method, path, body] of before) await send(url, path, method, body);
    const reply = await (body === undefined ? ask(url, path, { method }) : send(url, path, method, body));
    expect(reply.body === "" ? undefined : reply.json()).toEqual(
      reply.body === "" || Array.isArray(answer) ? answer : expect.anything(),
    );
    if (reply.body !== "") expect(reply.json()).toMatchObject(answer as object);
    expect(reply.status).toBe(status);
    const row = routes.find(
      (row) => row.method === method.toLowerCase() && matches(row.path, path.split("?")[0]!),
    );
    const schema = row?.answers[status]?.schema;
    if (row) expect(row.answers).toHaveProperty(String(status));
    if (schema) expect(schema.safeParse(reply.json()).error).toBeUndefined();
  });

  test("the catalogue has each fault's settings as JSON Schema, and every moment", async () => {
    const { url } = await runApi();
    const { faults, moments } = (await ask(url, "/_lucy/catalogue")).json() as {
      faults: unknown[];
      moments: { name: string }[];
    };
    expect(faults).toEqual([
      {
        name: "shout",
        about: "Says everything in capitals.",
        places: [
          {
            channel: "control",
            directions: ["to-client"],
            kinds: null,
            also: [],
            at: null,
            units: ["messages", "bytes", "ms"],
          },
        ],
        needs: null,
        for: null,
        times: null,
        settings: {
          type: "object",
          properties: {
            loudness: { type: "number", minimum: 0, maximum: 11, default: 5, description: "How loud." },
          },
          additionalProperties: false,
        },
      },
    ]);
    expect(moments).toContainEqual({ name: "tick", about: expect.any(String), ordinal: "protocol" });
    expect(moments).toContainEqual({ name: "offer", about: expect.any(String), ordinal: "count" });
  });

  test("whoever changes something is in the journal, whoever looks is not", async () => {
    const { url, journal } = await runApi();
    await ask(url, "/_lucy/health");
    await send(url, "/_lucy/clock/advance", "POST", { ms: 1 });
    expect(journal.lines.map(({ kind, fields }) => [kind, fields.path])).toEqual([
      ["controlled", "/_lucy/clock/advance"],
    ]);
  });

  test("it is ready until it closes", async () => {
    const { url, state } = await runApi();
    state.isClosing = true;
    const reply = await ask(url, "/_lucy/ready");
    expect(reply.status).toBe(503);
    expect(reply.json()).toEqual({
      detail: "The server is closing and takes no more clients. Start it again.",
    });
  });
});

/** `/a/{id}` and `/a/b`. */
function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
}

describe("refusals are sentences", () => {
  const json = { "content-type": "application/json" };
  const advance = "/_lucy/clock/advance";
  test.each<[name: string, path: string, question: Question, status: number, sentence: string]>([
    [
      "another Host",
      "/_lucy/health",
      { headers: { host: "lucy.example:80" } },
      403,
      'under the host "lucy.example:80"',
    ],
    [
      "a Host that begins as loopback does",
      "/_lucy/health",
      { headers: { host: "127.0.0.1.example" } },
      403,
      "Use one of those",
    ],
    [
      "another Origin",
      advance,
      { method: "POST", headers: { ...json, origin: "http://localhost:3000" }, body: '{"ms":1}' },
      403,
      "A page of http://localhost:3000 asks",
    ],
    [
      "the Origin of a sandboxed page",
      "/_lucy/sessions",
      { headers: { origin: "null" } },
      403,
      "A page of null asks",
    ],
    [
      "an image on another site's page",
      "/_lucy/journal?live=1",
      { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } },
      403,
      "A page of another site asks",
    ],
    [
      "a body that is text",
      advance,
      { method: "POST", headers: { "content-type": "text/plain" }, body: '{"ms":1}' },
      415,
      "The body is text/plain; it takes JSON. Send content-type: application/json.",
    ],
    ["a body of no type", advance, { method: "POST", body: '{"ms":1}' }, 415, "The body is of no type"],
    [
      "a body that nobody reads, as text",
      "/_lucy/reset",
      { method: "POST", headers: { "content-type": "text/plain" }, body: "x" },
      415,
      "it takes JSON",
    ],
    ...(
      [
        ["POST", "/_lucy/reset"],
        ["DELETE", "/_lucy/faults"],
        ["DELETE", "/_lucy/faults/f1"],
        ["DELETE", "/_lucy/sessions/abc"],
        ["PUT", "/_lucy/scenarios/loud"],
      ] as const
    ).map(([method, path]): [string, string, Question, number, string] => [
      `${method} ${path} with the type of a form, and without a body`,
      path,
      { method, headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      "The content type is application/x-www-form-urlencoded, and there is no body.",
    ]),
    [
      "broken JSON",
      advance,
      { method: "POST", headers: json, body: '{"ms": dct_hush}' },
      400,
      "The body is not JSON",
    ],
    [
      "a large body",
      advance,
      { method: "POST", headers: json, body: `"${"a".repeat(bodyBytesMax)}"` },
      413,
      `at most ${bodyBytesMax} bytes are read`,
    ],
    [
      "an encoding nobody knows",
      advance,
      { method: "POST", headers: { ...json, "content-encoding": "lzw" }, body: "x" },
      415,
      "The body cannot be read: unsupported content encoding",
    ],
    ["no body", advance, { method: "POST" }, 422, 'The body is missing. Send {"ms": 1000} as JSON.'],
    [
      "a body that is no object",
      advance,
      { method: "POST", headers: json, body: "7" },
      422,
      "The body is something else than it takes.",
    ],
    [
      "a field too many",
      advance,
      { method: "POST", headers: json, body: '{"ms":1,"s":2}' },
      422,
      'There is no field "s" here. It takes ms.',
    ],
    [
      "a missing field",
      advance,
      { method: "POST", headers: json, body: "{}" },
      422,
      'The field "ms" is missing. It takes a number of milliseconds',
    ],
    [
      "time that runs backwards",
      advance,
      { method: "POST", headers: json, body: '{"ms":-1}' },
      422,
      'The field "ms" is -1. It takes milliseconds, 0 or more',
    ],
    [
      "time as a text",
      advance,
      { method: "POST", headers: json, body: '{"ms":"10"}' },
      422,
      'The field "ms" is "10". It takes a number of milliseconds, 0 or more, without quotes.',
    ],
    [
      "time beyond all dates",
      advance,
      { method: "POST", headers: json, body: '{"ms":1e300}' },
      422,
      "dates end in the year 275760",
    ],
    [
      "a session that is none",
      "/_lucy/sessions/nobody",
      {},
      404,
      "No session nobody runs here. GET /_lucy/sessions lists those that do.",
    ],
    [
      "a session that is none, closed",
      "/_lucy/sessions/dct_hush",
      { method: "DELETE" },
      404,
      "No session dct_[redacted] runs here.",
    ],
    ["a fault that is none", "/_lucy/faults/f9", { method: "DELETE" }, 404, "There is no fault f9."],
    [
      "a fault nobody knows",
      "/_lucy/faults",
      { method: "POST", headers: json, body: '{"name":"whisper"}' },
      422,
      'The fault: there is no fault "whisper". There are shout.',
    ],
    [
      "a fault nobody knows, by its name alone",
      "/_lucy/faults",
      { method: "POST", headers: json, body: '"shuot"' },
      422,
      'The fault: there is no fault "shuot". Did you mean "shout"?',
    ],
    [
      "a fault that is a number",
      "/_lucy/faults",
      { method: "POST", headers: json, body: "[7]" },
      422,
      'Fault 1 is 7. It takes a fault\'s name, or an object such as { "name": "shout" }.',
    ],
    [
      "a list of no faults",
      "/_lucy/faults",
      { method: "POST", headers: json, body: "[]" },
      422,
      'The list of faults is empty, so there is nothing to declare. Send "missing-ack"',
    ],
    [
      "a list of no faults, under its name",
      "/_lucy/faults",
      { method: "POST", headers: json, body: '{"faults":[]}' },
      422,
      "The list of faults is empty",
    ],
    [
      "no faults at all",
      "/_lucy/faults",
      { method: "POST" },
      422,
      'The body is missing. Send "missing-ack", or {"name": "drop", "channel": "control"}, or a list',
    ],
    [
      "a list of faults beside something else",
      "/_lucy/faults",
      { method: "POST", headers: json, body: '{"faults":["shout"],"session":"a"}' },
      422,
      'The fault has no "name". There are shout.',
    ],
    [
      "a fault without a name",
      "/_lucy/faults",
      { method: "POST", headers: json, body: '{"nam":"shout"}' },
      422,
      'The fault has no "name", but "nam". There are shout.',
    ],
    ["a scenario that is none", "/_lucy/scenarios/x", { method: "DELETE" }, 404, "There is no scenario x."],
    [
      "a scenario with a bad name",
      "/_lucy/scenarios/X",
      { method: "PUT", headers: json, body: '{"faults":[]}' },
      422,
      '"X" names a scenario. A name has lower-case letters',
    ],
    [
      "a scenario without faults",
      "/_lucy/scenarios/x",
      { method: "PUT", headers: json, body: "{}" },
      422,
      'Scenario x has no faults. Put a list of them under its "faults".',
    ],
    [
      "a scenario of nothing",
      "/_lucy/scenarios/x",
      { method: "PUT" },
      422,
      'The body is missing. Send {"about": "…", "faults": ["missing-ack"]}, or faults alone, as JSON.',
    ],
    [
      "a scenario of null",
      "/_lucy/scenarios/x",
      { method: "PUT", headers: json, body: "null" },
      422,
      "Scenario x has no faults.",
    ],
    [
      "a scenario with something else",
      "/_lucy/scenarios/x",
      { method: "PUT", headers: json, body: '{"fault":["shout"]}' },
      422,
      'Scenario x has no "fault". Did you mean "faults"?',
    ],
    [
      "a parameter nobody knows",
      "/_lucy/journal?sesion=a",
      {},
      422,
      'The journal is filtered by session, kind, direction, measured, after, limit; "sesion" is none of them.',
    ],
    [
      "a parameter where none is taken",
      "/_lucy/clock?x=1",
      {},
      422,
      'There is no parameter "x" here. It takes none.',
    ],
    [
      "a parameter twice",
      "/_lucy/journal/hash?session=a&session=b",
      {},
      422,
      'The parameter "session" is there 2 times. Send it once.',
    ],
    [
      "a direction that is none",
      "/_lucy/journal?direction=up",
      {},
      422,
      'direction is "up"; it takes to-server, to-client, inside.',
    ],
    [
      "a limit of nothing",
      "/_lucy/journal?limit=0",
      {},
      422,
      'limit is "0"; it takes a whole number of lines',
    ],
    ["a pattern of two stars", "/_lucy/journal?kind=*a*", {}, 422, "with one * each at most"],
    [
      "a live stream or not",
      "/_lucy/journal?live=yes",
      {},
      422,
      'live is "yes"; it takes 1, true, 0 or false.',
    ],
    ["a live stream with a gap", "/_lucy/journal?live=1&after=1&limit=1", {}, 422, "not both"],
    [
      "an event id that is none",
      "/_lucy/journal?live=1",
      { headers: { "last-event-id": "x" } },
      422,
      'Last-Event-ID is "x"',
    ],
    ["a hash of no session", "/_lucy/journal/hash", {}, 422, "The query has no session."],
    ["a normal journal of no session", "/_lucy/journal/normal", {}, 422, "The query has no session."],
    [
      "a normal journal of a session that never was",
      "/_lucy/journal/normal?session=x",
      {},
      404,
      "The journal has no line of a session x.",
    ],
    [
      "a hash of a session that never was",
      "/_lucy/journal/hash?session=x",
      {},
      404,
      "The journal has no line of a session x. GET /_lucy/sessions lists the sessions that run, and GET /_lucy/journal?kind=session-ended those that ran here.",
    ],
  ])("%s", async (_name, path, question, status, sentence) => {
    const { url, journal } = await runApi();
    const reply = await ask(url, path, question);
    expect(reply.status).toBe(status);
    const { detail } = reply.json() as { detail: string };
    expect(detail).toContain(sentence);
    expect(detail).toMatch(/[.:…]$/);
    expect(detail).not.toContain("hush");
    expect(JSON.stringify(journal.lines)).not.toContain("hush");
    expect(journal.lines.map(({ kind }) => kind)).toEqual(["http-refused"]);
  });

  test("the 65th fault at once is one too many, and the document says so", async () => {
    const { url } = await runApi();
    const { paths } = (await ask(url, "/_lucy/openapi.json")).json() as { paths: Record<string, never> };
    const told = JSON.stringify(paths["/_lucy/faults"]);
    const countsMax = [...told.matchAll(/"maxItems":(\d+)/g)].map(([, count]) => Number(count));
    expect(countsMax).toEqual([64, 64]);
    const faults = Array<string>(64).fill("shout");
    expect((await send(url, "/_lucy/faults", "POST", faults)).status).toBe(201);
    const reply = await send(url, "/_lucy/faults", "POST", [...faults, "shout"]);
    expect([reply.status, reply.json()]).toEqual([
      422,
      { detail: "65 faults are declared at once. It may be 64 at most." },
    ]);
  });

  test("the guard's have a line each for the first 20, then one for the hundredth, and for the thousandth", async () => {
    const { url, journal } = await runApi();
    const headers = { origin: "https://example.com" };
    for (let i = 0; i < 105; i++) {
      // One of a method that the path does not take: it is the guard's to refuse all the same.
      const reply = await ask(url, "/_lucy/sessions", { method: i % 2 ? "PATCH" : "GET", headers });
      expect(reply.status).toBe(403);
      expect(reply.body).toContain("A page of https://example.com asks");
    }
    expect(guardLinesMax).toBe(20);
    expect(journal.lines.map(({ kind }) => kind)).toEqual([
      ...Array<string>(20).fill("http-refused"),
      "guard-refused",
    ]);
    expect(journal.lines.at(-1)!.fields).toMatchObject({
      count: 100,
      last: expect.stringContaining("https://example.com"),
    });
    // Whoever may ask has each mistake told.
    expect((await ask(url, "/_lucy/sessions/nobody")).status).toBe(404);
    expect(journal.lines.at(-1)!.kind).toBe("http-refused");
  });

  test("days with something that ticks are refused at once", async () => {
    const { url, clock } = await runApi();
    const tick = clock.every(1000, () => expect.unreachable("it ticked"));
    const reply = await send(url, "/_lucy/clock/advance", "POST", { ms: 24 * 86_400_000 });
    expect(reply.status).toBe(422);
    expect(reply.body).toContain("some 2073600 timers would run on the way, of which 1000000 may.");
    expect(clock.now()).toBe(0);
    tick.cancel();
  });

  test("nobody advances a real clock", async () => {
    const { url } = await runApi({ mode: "real" });
    const reply = await send(url, "/_lucy/clock/advance", "POST", { ms: 1 });
    expect(reply.status).toBe(409);
    expect(reply.json()).toEqual({ detail: expect.stringContaining("--clock manual") });
  });

  test.each([
    ["PATCH", "/_lucy/sessions", "GET, HEAD"],
    ["POST", "/_lucy/health", "GET, HEAD"],
    ["GET", "/_lucy/reset", "POST"],
    ["GET", "/_lucy/clock/advance", "POST"],
    ["PUT", "/_lucy/faults", "GET, POST, DELETE, HEAD"],
    ["GET", "/_lucy/faults/f1", "DELETE"],
    ["OPTIONS", "/_lucy/journal", "GET, HEAD"],
    ["POST", "/_lucy/metrics", "GET, HEAD"],
  ])("%s %s is nothing it takes: 405", async (method, path, allow) => {
    const { url } = await runApi();
    const reply = await ask(url, path, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe(allow);
  });

  test("what is no sentence about a declaration is a defect: 500, and a line", async () => {
    const { url, journal } = await runApi();
    const reply = await send(url, "/_lucy/faults", "POST", { name: "defect" });
    expect([reply.status, reply.json()]).toEqual([
      500,
      { detail: "The mock server failed: A defect of ours." },
    ]);
    expect(journal.lines.find(({ kind }) => kind === "defect")?.fields.error).toContain("A defect of ours.");
  });

  test.each(["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:65535", "[::1]", "[::1]:8787"])(
    "the Host %s is this machine",
    async (host) => {
      const { url } = await runApi();
      const headers = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
      expect((await ask(url, "/_lucy/health", { headers })).status).toBe(200);
    },
  );

  test("a link on another site's page may be followed", async () => {
    const { url } = await runApi();
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await ask(url, "/_lucy/health", { headers })).status).toBe(200);
  });
});

describe("with a token", () => {
  const token = "t0ken";
  const bearer = { headers: { authorization: `Bearer ${token}`, host: "lucy.example" } };

  test.each<[path: string, question: Question, status: number]>([
    ["/_lucy/sessions", {}, 401],
    ["/_lucy/sessions", { headers: { authorization: "Bearer t0kem" } }, 401],
    ["/_lucy/sessions", { headers: { authorization: "Basic t0ken" } }, 401],
    ["/_lucy/sessions?token=t0ken", {}, 401],
    ["/_lucy/sessions", bearer, 200],
    ["/_lucy/sessions", { headers: { ...bearer.headers, origin: "http://other.example" } }, 403],
    ["/_lucy/journal?token=t0ken", {}, 200],
    ["/_lucy/journal?token=t0kem", {}, 401],
    ["/_lucy/health", { headers: { authorization: "Bearer t0kem" } }, 401],
    ["/_lucy/ready", {}, 200],
    ["/_lucy/metrics", {}, 401],
    ["/_lucy/openapi.json", {}, 401],
  ])("%s %j: %i", async (path, question, status) => {
    const { url } = await runApi({ token });
    const reply = await ask(url, path, question);
    expect(reply.status).toBe(status);
    if (status === 401) {
      expect(reply.headers["www-authenticate"]).toBe("Bearer");
      expect(reply.body).toContain("Send authorization: Bearer <token>");
    }
  });

  test("health says nothing but that it is", async () => {
    const { url } = await runApi({ token });
    expect((await ask(url, "/_lucy/health")).json()).toEqual({ status: "ok" });
    expect((await ask(url, "/_lucy/health", bearer)).json()).toHaveProperty("options");
  });

  test("what a path takes is nobody's to know without it", async () => {
    const { url } = await runApi({ token });
    const reply = await ask(url, "/_lucy/health", { method: "PATCH" });
    expect([reply.status, reply.headers.allow, reply.headers["www-authenticate"]]).toEqual([
      401,
      undefined,
      "Bearer",
    ]);
    expect((await ask(url, "/_lucy/health", { method: "PATCH", ...bearer })).status).toBe(405);
  });

  test("no route but health and ready answers without", async () => {
    const { url, routes } = await runApi({ token });
    const open: string[] = [];
    for (const { method, path } of routes) {
      const reply = await ask(url, path.replace(/\{\w+\}/, "x"), { method: method.toUpperCase() });
      if (reply.status !== 401) open.push(path);
    }
    expect(open).toEqual(["/_lucy/health", "/_lucy/ready"]);
  });
});

describe("the document", () => {
  type Operation = {
    operationId: string;
    parameters?: { name: string; in: string; required: boolean }[];
    responses: Record<string, object>;
  };

  test("has exactly the routes that are mounted", async () => {
    const { url, router } = await runApi();
    const { paths } = (await ask(url, "/_lucy/openapi.json")).json() as {
      paths: Record<string, Record<string, Operation>>;
    };
    const told = Object.entries(paths).flatMap(([path, of]) =>
      Object.keys(of).map((method) => `${method} ${path}`),
    );
    const mounted = router.stack.flatMap(({ route }) => {
      const path = route!.path.replace(/:(\w+)/g, "{$1}");
      return Object.keys((route as unknown as { methods: Record<string, boolean> }).methods)
        .filter((method) => method !== "_all")
        .map((method) => `${method} ${path}`);
    });
    expect(told.sort()).toEqual(mounted.sort());
    expect(told).toContain("get /_lucy/openapi.json");
  });

  test("is sound: ids differ, references lead somewhere, each parameter of a path is told", async () => {
    const { url } = await runApi();
    const document = (await ask(url, "/_lucy/openapi.json")).json() as {
      paths: Record<string, Record<string, Operation>>;
    };
    const operations = Object.entries(document.paths).flatMap(([path, of]) =>
      Object.values(of).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const told = operation.parameters?.filter((parameter) => parameter.in === "path") ?? [];
      expect(told.map(({ name }) => name)).toEqual(names);
      expect(told.every(({ required }) => required)).toBe(true);
      expect(Object.keys(operation.responses).some((status) => status.startsWith("2"))).toBe(true);
    }
    const text = JSON.stringify(document);
    for (const [, pointer] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer!
        .split("/")
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], document);
      expect(found, pointer).toBeDefined();
    }
    expect(text).not.toContain("$schema");
  });
});

describe("the journal", () => {
  async function runJournal() {
    const api = await runApi();
    const { journal } = api;
    journal.add({ session: "a", direction: "to-server", kind: "prompt" });
    journal.add({ session: "a", direction: "to-client", kind: "prompt_ack" });
    journal.add({ session: "b", kind: "fault-fired" });
    journal.add({ session: "b", kind: "fault-healed", measured: true });
    journal.add({ kind: "state" });
    return api;
  }

  test.each([
    ["", [1, 2, 3, 4, 5]],
    ["?session=a", [1, 2]],
    ["?session=b&measured=false", [3]],
    ["?measured=true", [4]],
    ["?session=none", [5]],
    ["?direction=to-client", [2]],
    ["?kind=prompt", [1]],
    ["?kind=prompt*", [1, 2]],
    ["?kind=fault-*,state", [3, 4, 5]],
    ["?kind=*-healed", [4]],
    ["?after=3", [4, 5]],
    ["?after=99", []],
    ["?limit=2", [4, 5]],
    ["?limit=2&after=1", [2, 3]],
    ["?limit=1&session=a", [2]],
    ["?limit=9", [1, 2, 3, 4, 5]],
  ])("%s: lines %j", async (query, expected) => {
    const { url } = await runJournal();
    const reply = await ask(url, `/_lucy/journal${query}`);
    expect(reply.headers["content-type"]).toBe("application/jsonl; charset=utf-8");
    expect(seqs(reply.body)).toEqual(expected);
  });

  test("of any length comes whole", async () => {
    const { url, journal } = await runApi();
    for (let i = 0; i < 5000; i++) journal.add({ kind: "long", fields: { text: "x".repeat(500) } });
    expect(seqs((await ask(url, "/_lucy/journal")).body)).toEqual(journal.lines.map(({ seq }) => seq));
  });

  test.each([
    ["?live=1", {}, [1, 2, 3, 4, 5, 6]],
    ["", { accept: "text/event-stream" }, [1, 2, 3, 4, 5, 6]],
    ["?live=true&limit=1", {}, [5, 6]],
    ["?live=1&after=4", {}, [5, 6]],
    ["?live=1&kind=st*", {}, [5, 6]],
    ["?live=1&limit=1", { "last-event-id": "3" }, [4, 5, 6]],
  ])("%s with %j is sent as it is written", async (query, headers, expected) => {
    const { url, journal } = await runJournal();
    const events = await openEvents(url, `/_lucy/journal${query}`, headers);
    expect(events.response.headers.get("content-type")).toBe("text/event-stream");
    expect(await events.next()).toMatch(/^: /);
    for (const seq of expected) {
      if (seq === 6) journal.add({ kind: "state", fields: { news: true } });
      const [id, data] = (await events.next()).split("\n");
      expect(id).toBe(`id: ${seq}`);
      expect(JSON.parse(data!.replace(/^data: /, ""))).toMatchObject({ seq });
    }
  });

  test.each([
    ["?live=1&after=99", {}, 99],
    ["?live=1", { "last-event-id": "6" }, 6],
    ["?live=1&limit=1", { "last-event-id": "6" }, 6],
  ])("%s with %j is of a server that ran before: from the first line", async (query, headers, asked) => {
    const { url } = await runJournal();
    const events = await openEvents(url, `/_lucy/journal${query}`, headers);
    expect(await events.next()).toBe(
      `: there is no line ${asked}, the last is 5: the server has started anew, and so do its lines, from the first`,
    );
    expect(await events.next()).toBe(": here");
    for (const seq of [1, 2, 3, 4, 5]) expect((await events.next()).split("\n")[0]).toBe(`id: ${seq}`);
  });

  test("goes on in silence behind the last line, which is where a reader is that has them all", async () => {
    const { url, journal } = await runJournal();
    const events = await openEvents(url, "/_lucy/journal?live=1", { "last-event-id": "5" });
    expect(await events.next()).toBe(": here");
    journal.add({ kind: "state" });
    expect((await events.next()).split("\n")[0]).toBe("id: 6");
  });

  test("is over at once for who asks for its head alone", async () => {
    const { url, machineClock } = await runJournal();
    const reply = await ask(url, "/_lucy/journal?live=1", { method: "HEAD" });
    expect([reply.status, reply.body]).toEqual([200, ""]);
    while (machineClock.pendingCount > 0) await turn();
  });

  test("beats by the machine's clock, and gives everything back", async () => {
    const { url, machineClock } = await runApi();
    const events = await openEvents(url, "/_lucy/journal?live=1");
    expect(await events.next()).toBe(": here");
    machineClock.advance(beatIntervalMs);
    expect(await events.next()).toBe(": beat");
    await events[Symbol.asyncDispose]();
    while (machineClock.pendingCount > 0) await turn();
  });

  test(`has ${readersMax} readers at most`, async () => {
    const { url } = await runApi();
    const all = await Promise.all(
      Array.from({ length: readersMax }, () => openEvents(url, "/_lucy/journal?live=1")),
    );
    for (const events of all) expect(events.response.status).toBe(200);
    const reply = await ask(url, "/_lucy/journal");
    expect(reply.status).toBe(503);
    expect(reply.body).toContain("32 readers have the journal open");
    await all[0]![Symbol.asyncDispose]();
    while ((await ask(url, "/_lucy/journal")).status !== 200) await turn();
  });

  /** Asks, and reads nothing. */
  function openDeaf(url: string, path: string): Promise<void> {
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    socket.pause();
    return new Promise((resolve) => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`, () => resolve());
    });
  }

  const slowLine = {
    kind: "slow-reader",
    fields: { socket: "journal", bytesMax: backlogBytesMax },
    measured: true,
  };

  test("drops a reader who does not read what is new, and others get everything", async () => {
    const { url, journal, machineClock } = await runApi();
    await openDeaf(url, "/_lucy/journal?live=1");
    while (machineClock.pendingCount < 1) await turn();
    const honest = await openEvents(url, "/_lucy/journal?live=1");
    expect(await honest.next()).toBe(": here");
    const isDropped = () => journal.lines.at(-1)?.kind === "slow-reader";
    for (let i = 0; i < 1000 && !isDropped(); i++) {
      // As much as kernels hold for a socket, and then some.
      journal.add({
        kind: "long",
        fields: { a: "x".repeat(8000), b: "x".repeat(8000), c: "x".repeat(8000) },
      });
      const [id] = (await honest.next()).split("\n");
      expect(id).toBe(`id: ${i + 1}`);
    }
    expect(journal.lines.at(-1)).toMatchObject(slowLine);
    expect(journal.lines.at(-1)!.fields.bytes).toBeGreaterThan(backlogBytesMax);
    expect(machineClock.pendingCount).toBe(1);
  });

  test.each(["?live=1", ""])("drops a reader who does not read what is past (%s)", async (query) => {
    const { url, journal, machineClock } = await runApi();
    for (let i = 0; i < 600; i++) {
      journal.add({
        kind: "long",
        fields: { a: "x".repeat(8000), b: "x".repeat(8000), c: "x".repeat(8000) },
      });
    }
    await openDeaf(url, `/_lucy/journal${query}`);
    while (machineClock.pendingCount < 1) await turn();
    for (let beats = 0; machineClock.pendingCount > 0 && beats < 1000; beats++) {
      machineClock.advance(beatIntervalMs);
      for (let i = 0; i < 10; i++) await turn();
    }
    expect(journal.lines.at(-1)).toMatchObject(slowLine);
  });
});

describe("on a running server", () => {
  test("a session is told of and ended", async () => {
    const server = await runServer({ mode: "none" });
    const client = closeLater(await openSocket(server.realtimeUrl));
    client.send({ type: "prompt", prompt: "a" });
    await client.take("prompt_ack");
    const { id } = server.sessions[0]!;
    const one = await ask(server.url, `/_lucy/sessions/${id}`);
    expect([one.json()]).toEqual((await ask(server.url, "/_lucy/sessions")).json());
    expect((await ask(server.url, `/_lucy/sessions/${id}`, { method: "DELETE" })).status).toBe(204);
    expect(await client.take("generation_ended")).toMatchObject({ reason: "disconnect" });
    expect((await client.closed).code).toBe(1000);
    expect((await ask(server.url, `/_lucy/sessions/${id}`)).status).toBe(404);
  });

  test("a fault that is declared, met, counted and healed", async () => {
    const server = await runServer({ mode: "none" });
    const client = closeLater(await openSocket(server.realtimeUrl));
    client.send({ type: "prompt", prompt: "before" });
    await client.take("prompt_ack");
    const declaration = { name: "drop", channel: "control", only: "prompt_ack", when: { times: 1 } };
    const query = `?session=${server.sessions[0]!.id}`;
    const [added] = (await send(server.url, `/_lucy/faults${query}`, "POST", declaration)).json() as [
      { id: string },
    ];
    client.send({ type: "prompt", prompt: "lost" });
    client.send({ type: "prompt", prompt: "kept" });
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "kept" });
    expect((await ask(server.url, "/_lucy/faults")).json()).toMatchObject([{ id: added.id, fired: 1 }]);
    expect((await ask(server.url, `/_lucy/faults/${added.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await ask(server.url, "/_lucy/faults")).json()).toMatchObject([{ id: added.id, healed: true }]);
    const wrong = await send(server.url, "/_lucy/faults", "POST", { name: "drpo" });
    expect(wrong.status).toBe(422);
    expect((wrong.json() as { detail: string }).detail).toContain("drop");
    const nobody = await send(server.url, "/_lucy/faults?session=nobody", "POST", declaration);
    expect((nobody.json() as { detail: string }).detail).toContain("nobody");
  });

  test("a scenario that is put, met by a key that names it, and removed", async () => {
    const server = await runServer({ mode: "none" });
    const scenario = {
      about: "Loses acks.",
      faults: [{ name: "drop", channel: "control", only: "prompt_ack", when: { times: 1 } }],
    };
    expect((await send(server.url, "/_lucy/scenarios/lossy", "PUT", scenario)).status).toBe(204);
    expect((await ask(server.url, "/_lucy/scenarios")).json()).toEqual({ lossy: scenario });
    const client = closeLater(await openSocket(server.realtimeUrl, { query: { api_key: "mock:lossy" } }));
    client.send({ type: "prompt", prompt: "lost" });
    client.send({ type: "prompt", prompt: "kept" });
    expect(await client.take("prompt_ack")).toMatchObject({ prompt: "kept" });
    expect((await ask(server.url, "/_lucy/scenarios/lossy", { method: "DELETE" })).status).toBe(204);
    const { id } = server.sessions[0]!;
    const hashed = (await ask(server.url, `/_lucy/journal/hash?session=${id}`)).json();
    const normal = await ask(server.url, `/_lucy/journal/normal?session=${id}`);
    expect(normal.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(normal.body).toContain('state  to-client  prompt_ack  {"error":null,"prompt":"kept"');
    const hash = createHash("sha256").update(normal.body.trimEnd()).digest("hex");
    expect(hashed).toEqual({ session: id, hash });
  });

  test("a manual clock takes a token through its life", async () => {
    const server = await runServer({ mode: "none", clock: "manual" }, manualClock());
    const headers = { "x-api-key": "dct_local", "content-type": "application/json" };
    const body = JSON.stringify({ expiresIn: 60 });
    const minted = await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers, body });
    const { apiKey } = (await minted.json()) as { apiKey: string };
    expect((await send(server.url, "/_lucy/clock/advance", "POST", { ms: 61_000 })).json()).toMatchObject({
      mode: "manual",
      nowMs: 61_000,
    });
    const client = closeLater(await openSocket(server.realtimeUrl, { query: { api_key: apiKey } }));
    expect((await client.take("error")).error).toContain("expired");
  });

  test("a clock that is being advanced stops when whoever asked goes away", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none", clock: "manual" }, clock);
    const asking = new AbortController();
    let ticks = 0;
    const tick = clock.every(1, () => {
      if (++ticks === 3) asking.abort();
    });
    const headers = { "content-type": "application/json" };
    const body = '{"ms": 1000000}';
    const { signal } = asking;
    await expect(
      fetch(`${server.url}/_lucy/clock/advance`, { method: "POST", headers, body, signal }),
    ).rejects.toThrow("abort");
    const stopped = await server.journal.match({ kind: "http-refused" });
    expect(stopped.fields.detail).toMatch(
      /^The clock was stopped at \d+ ms, as whoever asked has gone: \d+ ms short/,
    );
    const { nowMs } = server.clock;
    await server.clock.advance(1);
    expect(server.clock.nowMs).toBe(nowMs + 1);
    tick.cancel();
  });

  test("a clock that is being advanced stops at a reset", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "none", clock: "manual" }, clock);
    let ticks = 0;
    let reset: Promise<{ status: number }> | undefined;
    const tick = clock.every(1, () => {
      if (++ticks === 3) reset = ask(server.url, "/_lucy/reset", { method: "POST" });
    });
    const reply = await send(server.url, "/_lucy/clock/advance", "POST", { ms: 1_000_000 });
    expect([reply.status, reply.body]).toEqual([409, expect.stringContaining("as the server was reset: ")]);
    expect(server.clock.nowMs).toBeLessThan(1_000_000);
    // What a reset waits for is on the same clock here.
    const answered = reset!.then(({ status }) => status);
    expect(await answered).toBe(200);
    tick.cancel();
  });

  test("a reset takes scenarios back to those of the file", async () => {
    const server = await runServer({ mode: "none", scenario: "mock-server/scenarios/flaky.yaml" });
    const scenarios = async () => (await ask(server.url, "/_lucy/scenarios")).json();
    const before = await scenarios();
    expect(Object.keys(before)).toEqual(["busy", "cut-off"]);
    expect((await send(server.url, "/_lucy/scenarios/mine", "PUT", "missing-ack")).status).toBe(204);
    expect((await send(server.url, "/_lucy/scenarios/busy", "PUT", ["drop-socket"])).status).toBe(204);
    expect((await ask(server.url, "/_lucy/scenarios/cut-off", { method: "DELETE" })).status).toBe(204);
    expect(Object.keys(await scenarios()).toSorted()).toEqual(["busy", "mine"]);
    expect((await ask(server.url, "/_lucy/reset", { method: "POST" })).status).toBe(200);
    expect(await scenarios()).toEqual(before);
  });

  test("how long it is up is the machine's to say, whatever its clock is told", async () => {
    const [clock, machine] = [manualClock(), manualClock()];
    const server = closeLater(await startServer({ port: 0, mode: "none", clock: "manual" }, clock, machine));
    clock.advance(3_600_000);
    machine.advance(5);
    expect((await ask(server.url, "/_lucy/health")).json()).toMatchObject({ uptimeMs: 5 });
  });

  test("a reset leaves nothing of the test before, and its journal", async () => {
    const server = await runServer({ mode: "none" });
    const client = closeLater(await openSocket(server.realtimeUrl));
    client.send({ type: "prompt", prompt: "a" });
    await client.take("prompt_ack");
    const headers = { "x-api-key": "dct_hush" };
    const body = new FormData();
    body.append("file", new Blob([readImage(images[0]!.name)]), "a.png");
    const uploaded = (await (
      await fetch(`${server.url}/v1/files`, { method: "POST", headers, body })
    ).json()) as { id: string };
    await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers, body: "{}" });
    const reply = await ask(server.url, "/_lucy/reset", { method: "POST" });
    expect(reply.json()).toMatchObject({ sessions: 1, files: 1, tokens: 1 });
    expect(server.open).toMatchObject({ sessions: 0, sockets: 0, peers: 0 });
    expect((await fetch(`${server.url}/v1/files/${uploaded.id}`, { headers })).status).toBe(404);
    const { after } = reply.json() as { after: number };
    expect(server.journal.lines.at(-1)!.seq).toBeGreaterThanOrEqual(after);
    const since = linesOf((await ask(server.url, `/_lucy/journal?after=${after}`)).body);
    expect(since.filter(({ kind }) => kind !== "http-refused")).toEqual([]);
  });

  test("no answer under /_lucy/ lets another origin read it", async () => {
    const server = await runServer({ mode: "none" });
    const { paths } = (await ask(server.url, "/_lucy/openapi.json")).json() as { paths: object };
    const asked = [
      ...Object.keys(paths),
      "/_lucy/nothing",
      "/_lucy/page.css",
      "/_lucy/playground",
      "/_lucy/redirect.js",
    ];
    for (const path of asked) {
      for (const method of ["GET", "OPTIONS"]) {
        const headers = { origin: "https://example.com", "access-control-request-method": "POST" };
        const reply = await ask(server.url, path, { method, headers });
        expect(Object.keys(reply.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
    }
    expect(asked.length).toBeGreaterThan(12);
  });

  test("bound to every address it demands the token, and the page does not", async () => {
    const server = await runServer({ mode: "none", host: "0.0.0.0" });
    expect(server.controlToken).toMatch(/^[\w-]{32}$/);
    expect((await ask(server.url, "/_lucy/sessions")).status).toBe(401);
    expect((await ask(server.url, "/_lucy/health")).json()).toEqual({ status: "ok" });
    const authorization = `Bearer ${server.controlToken}`;
    expect((await ask(server.url, "/_lucy/sessions", { headers: { authorization } })).status).toBe(200);
    const redirect = await ask(server.url, "/_lucy/redirect.js", { headers: { host: "lucy.example" } });
    expect(redirect.status).toBe(200);
    expect((await ask(server.url, "/_lucy/playground")).status).toBe(200);
    expect(JSON.stringify(server.journal.lines)).not.toContain(server.controlToken);
  });

  test.each(["127.0.0.1", "localhost"])("bound to %s there is none", async (host) => {
    const server = await runServer({ mode: "none", host });
    expect(server.controlToken).toBeNull();
  });

  test("a reader of the journal is let go when the server closes", async () => {
    const server = await runServer({ mode: "none" });
    const events = await openEvents(server.url, "/_lucy/journal?live=1");
    await until(server, () => server.journal.lines.length > 0);
    expect(await events.next()).toBe(": here");
    await server.close();
    await expect(
      (async () => {
        for (;;) await events.next();
      })(),
    ).rejects.toThrow();
  });
});
