import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { closeLater, runServer } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { manualClock } from "../clock.ts";
import { ask, send } from "../control/_api-client.ts";
import { openSignal } from "../livekit/_signal-client.ts";
import type { MockServerOptions } from "../options.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

const run = (given: Partial<MockServerOptions> = {}) => runServer({ mode: "none", ...given }, manualClock());

const open = async (server: MockServer, query: Record<string, string> = {}) =>
  closeLater(await openSocket(server.realtimeUrl, { query }));

const prompts = ["p0", "p1", "p2", "p3", "p4"];

/** Sends the prompts, and waits until all are dealt with; tells how each was acked, as far as it was. */
async function acksOf(client: SocketClient): Promise<string[]> {
  const from = client.received.length;
  for (const prompt of prompts) client.send({ type: "prompt", prompt, enhance_prompt: true });
  // Refused, behind all of them.
  client.send({ type: "set_image", image_data: 7 });
  await client.take("set_image_ack");
  return client.received
    .slice(from)
    .flatMap((message) =>
      message.type === "prompt_ack" ? [message.success ? message.prompt : `! ${message.error}`] : [],
    );
}

function fieldsOf(server: MockServer, session: string, kind: string): Record<string, unknown>[] {
  return server.journal.lines
    .filter((line) => line.session === session && line.kind === kind)
    .map(({ fields }) => fields);
}

/** The acks that the journal says went out. */
function toldBy(server: MockServer, session: string): unknown[] {
  const acks = fieldsOf(server, session, "prompt_ack");
  return acks.map(({ success, prompt, error }) => (success ? prompt : `! ${error}`));
}

const viewersOffer = readFileSync(`${import.meta.dirname}/../media/offers/chromium-viewer.sdp`, "utf8");

/** The second ack is lost. */
const lost: Declaration = { name: "drop", only: "prompt_ack", when: { after: { messages: 1 }, times: 1 } };
const first: Declaration = { ...lost, when: { ...lost.when, connections: 1 } };

function scenarioFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "lucy-declared-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "scenario.yaml");
  writeFileSync(path, text);
  return path;
}

const file = (connections: string) => `
faults:${connections ? `\n  - { name: drop, only: prompt_ack, when: { after: { messages: 1 }, times: 1, connections: ${connections} } }` : " []"}
scenarios:
  lossy:
    about: An ack is lost.
    faults:
      - { name: drop, only: prompt_ack, when: { after: { messages: 1 }, times: 1 } }
`;

const encoded = writeMockKey(lost);

/** Declares it for the first that connects; what `connect` returns goes into that one's query. */
type Way = {
  way: string;
  options?: () => Partial<MockServerOptions>;
  connect?(server: MockServer): Promise<Record<string, string>> | Record<string, string>;
  /** For a session that runs already. */
  whenOpen?(server: MockServer, session: string): unknown;
};

const ways: Way[] = [
  {
    way: "in process, for whoever comes",
    connect(server) {
      server.faults.add(first);
      return {};
    },
  },
  {
    way: "in process, for a session that runs",
    whenOpen: (server, session) => server.faults.add(lost, { session }),
  },
  {
    way: "over HTTP, for whoever comes",
    async connect(server) {
      expect((await send(server.url, "/_lucy/faults", "POST", [first])).status).toBe(201);
      return {};
    },
  },
  {
    way: "over HTTP, for a session that runs",
    async whenOpen(server, session) {
      const { status } = await send(server.url, `/_lucy/faults?session=${session}`, "POST", lost);
      expect(status).toBe(201);
    },
  },
  { way: "in a scenario file, for all", options: () => ({ scenario: scenarioFile(file("1")) }) },
  {
    way: "in a scenario file, by name in a key",
    options: () => ({ scenario: scenarioFile(file("")) }),
    connect: () => ({ api_key: "mock:lossy" }),
  },
  {
    way: "in a scenario file, by name in the query",
    options: () => ({ scenario: scenarioFile(file("")) }),
    connect: () => ({ mock: "lossy" }),
  },
  {
    way: "in a scenario put over HTTP",
    async connect(server) {
      const scenario = { about: "An ack is lost.", faults: [lost] };
      expect((await send(server.url, "/_lucy/scenarios/lossy", "PUT", scenario)).status).toBe(204);
      return { api_key: "mock:lossy" };
    },
  },
  { way: "in a key", connect: () => ({ api_key: encoded }) },
  { way: "in the query, with the prefix", connect: () => ({ mock: encoded }) },
  { way: "in the query, without", connect: () => ({ mock: encoded.slice("mock:".length) }) },
  {
    way: "in the key that minted a token",
    async connect(server) {
      const headers = { "x-api-key": encoded };
      const minted = await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers, body: "{}" });
      return { api_key: (await minted.json()).apiKey };
    },
  },
];

test.each(ways)("declared $way: the same effect, and none on the session beside it", async (about) => {
  const server = await run(about.options?.());
  const spoiled = await open(server, await about.connect?.(server));
  const session = (await server.journal.match({ kind: "open" })).session!;
  await about.whenOpen?.(server, session);
  const beside = await open(server);
  const acks = await Promise.all([spoiled, beside].map(acksOf));
  expect(acks).toEqual([["p0", "p2", "p3", "p4"], prompts]);
  const other = server.sessions.find(({ id }) => id !== session)!.id;
  expect([session, other].map((id) => toldBy(server, id))).toEqual(acks);
  const fired = server.journal.lines.filter(({ kind }) => kind === "fault-fired");
  expect(fired.map((line) => [line.session, line.fields.name, line.fields.on])).toEqual([
    [session, "drop", "prompt_ack"],
  ]);
});

test.each<[by: string, declaration: Declaration]>([
  // Moments that only the viewer comes to here: the publisher neither offers nor enters its room.
  ["/subscribe", { name: "close", channel: "control", when: { at: "offer" } }],
  ["/watch-stream", { name: "close", channel: "livekit", when: { at: "room-socket" } }],
])("a viewer by %s meets the faults of the session's key, and others do not", async (by, declaration) => {
  const server = await run();
  const api_key = writeMockKey({ ...declaration, with: { code: 4001, reason: "spoiled" } });
  const watch = async (publisher: SocketClient) => {
    if (by === "/subscribe") {
      publisher.send({ type: "prompt", prompt: "p" });
      const { session_id } = await publisher.take("session_id");
      const viewer = closeLater(await openSocket(server.realtimeUrl, { path: `/subscribe/${session_id}` }));
      viewer.send({ type: "offer", sdp: viewersOffer });
      return viewer;
    }
    publisher.send({ type: "livekit_join" });
    const { room_name } = await publisher.take("livekit_room_info");
    const headers = { "x-api-key": "dct_local" };
    const answer = await fetch(`${server.url}/watch-stream/${room_name}`, { method: "POST", headers });
    const { livekit_url, token } = await answer.json();
    return closeLater(await openSignal(livekit_url, { token }));
  };
  const others = await watch(await open(server));
  const spoiled = await watch(await open(server, { api_key }));
  expect(await spoiled.closed).toEqual({ code: 4001, reason: "spoiled" });
  expect(others.socket.readyState).toBe(others.socket.OPEN);
  const fired = server.journal.lines.filter(({ kind }) => kind === "fault-fired");
  expect(fired.map(({ fields }) => fields.name)).toEqual(["close"]);
  expect(server.sessions.map(({ id }) => id)).not.toContain(fired[0]!.session);
});

/** Faults that tell whose they are; `n`: of the ack that they spoil, from 0. */
const spoilers: ((i: number, n: number) => { fault: Declaration; acks: string[]; changes?: number })[] = [
  (_i, n) => ({ fault: { name: "drop", only: "prompt_ack" }, acks: prompts.toSpliced(n, 1) }),
  (_i, n) => ({ fault: { name: "missing-ack" }, acks: prompts.toSpliced(n, 1) }),
  (_i, n) => ({ fault: { name: "double-ack" }, acks: prompts.toSpliced(n, 0, prompts[n]!) }),
  (i, n) => {
    const copies = 1 + (i % 9);
    const extra = Array.from({ length: copies }, () => prompts[n]!);
    return {
      fault: { name: "duplicate", only: "prompt_ack", with: { copies } },
      acks: prompts.toSpliced(n, 0, ...extra),
    };
  },
  (i, n) => ({
    fault: { name: "wrong-echo", with: { text: `echo ${i}` } },
    acks: prompts.with(n, `echo ${i}`),
  }),
  (i, n) => ({
    fault: { name: "negative-ack", with: { error: `no ${i}` } },
    acks: prompts.with(n, `! no ${i}`),
    changes: prompts.length - 1,
  }),
  (i, n) => ({
    fault: { name: "moderation", with: { error: `never ${i}` } },
    acks: prompts.with(n, `! never ${i}`),
    changes: prompts.length - 1,
  }),
];

test("200 sessions at once, each with faults of its own in its key: each sees these, and no others", async () => {
  const server = await run({ sessionsMax: 200 });
  const all = Array.from({ length: 200 }, (_, i) => {
    const n = Math.floor(i / spoilers.length) % prompts.length;
    const { fault, ...expected } = spoilers[i % spoilers.length]!(i, n);
    const when = { ...(n > 0 && { after: { messages: n } }), times: 1 };
    return { fault: { ...fault, when }, ...expected };
  });
  const clients = await Promise.all(all.map(({ fault }) => open(server, { api_key: writeMockKey(fault) })));
  const seen = await Promise.all(clients.map(acksOf));
  expect(seen).toEqual(all.map(({ acks }) => acks));
  const ids = clients.map(({ received }) => {
    const [told] = received;
    return told?.type === "session_id" ? told.session_id : "";
  });
  const linesBySession = Map.groupBy(server.journal.lines, ({ session }) => session);
  for (const [i, { fault, acks, changes = prompts.length }] of all.entries()) {
    const own = (kind: string) => linesBySession.get(ids[i]!)!.filter((line) => line.kind === kind);
    expect(own("faults").map(({ fields }) => fields.declared)).toEqual([[{ id: "key-1", ...fault }]]);
    expect(own("fault-fired").map(({ fields }) => fields.name)).toEqual([fault.name]);
    expect(own("prompt_ack")).toHaveLength(acks.length);
    expect(own("state")).toHaveLength(changes);
  }
  expect(new Set(ids).size).toBe(200);
  expect(server.journal.lines.filter(({ kind }) => kind === "fault-fired")).toHaveLength(200);
}, 20_000);

test("a fault that was declared is counted over all sessions, and healed by its handle, in process or over HTTP", async () => {
  const server = await run();
  const [fault] = server.faults.add({ name: "missing-ack", when: { times: 2 } });
  const [other] = server.faults.add({ name: "double-ack", only: "prompt_ack", when: { times: 100 } });
  const listed = async () => {
    const list = (await ask(server.url, "/_lucy/faults")).json() as {
      id: string;
      fired: number;
      healed: boolean;
    }[];
    expect(list).toEqual(
      server.faults.list.map(({ heal: _, ...shown }) => JSON.parse(JSON.stringify(shown))),
    );
    return list.map(({ id, fired, healed }) => [id, fired, healed]);
  };
  const doubled = (texts: string[]) => texts.flatMap((text) => [text, text]);
  {
    await using gone = await openSocket(server.realtimeUrl);
    expect(await acksOf(gone)).toEqual(doubled(prompts.slice(2)));
  }
  const client = await open(server);
  expect(await acksOf(client)).toEqual(doubled(prompts.slice(2)));
  expect(await listed()).toEqual([
    [fault!.id, 4, false],
    [other!.id, 6, false],
  ]);
  fault!.heal();
  fault!.heal();
  expect((await ask(server.url, `/_lucy/faults/${other!.id}`, { method: "DELETE" })).status).toBe(204);
  expect(await acksOf(client)).toEqual(prompts);
  expect(await acksOf(await open(server))).toEqual(prompts);
  expect(await listed()).toEqual([
    [fault!.id, 4, true],
    [other!.id, 6, true],
  ]);
  const healed = fieldsOf(server, server.sessions[0]!.id, "fault-healed");
  expect(healed.map(({ fault, why }) => [fault, why])).toEqual([
    [fault!.id, "asked"],
    [other!.id, "asked"],
  ]);
  expect(server.journal.lines.filter(({ kind }) => kind === "fault-removed")).toHaveLength(2);
});

test.each([
  ["in a key", (declaration: Declaration) => ({ api_key: writeMockKey(declaration) })],
  [
    "in process",
    (declaration: Declaration, server: MockServer) => {
      server.faults.add(declaration);
      return {};
    },
  ],
])(
  "of the connections of a fault declared %s the first two are refused, the third is let in",
  async (_where, declare) => {
    const server = await run();
    const query = declare(
      { name: "refuse-upgrade", when: { connections: 2 }, with: { status: 503 } },
      server,
    ) as Record<string, string>;
    for (let time = 1; time <= 2; time++) {
      await expect(openSocket(server.realtimeUrl, { query })).rejects.toThrow("503");
    }
    expect(await acksOf(await open(server, query))).toEqual(prompts);
    const fired = server.journal.lines.filter(({ kind }) => kind === "fault-fired");
    expect(fired.map(({ fields }) => fields.name)).toEqual(["refuse-upgrade", "refuse-upgrade"]);
  },
);

test("a secret among settings is told to nobody, well declared or not", async () => {
  const server = await run();
  const secret = "swordfish";
  const declare = (credential: unknown): Declaration => ({ name: "ice-restart", with: { credential } });
  const bad = declare([secret]);
  const sentence = '"with.credential" is [redacted]. It takes a text of up to 1000 characters.';
  expect(() => server.faults.add(bad)).toThrow(sentence);
  const told = [
    (await send(server.url, "/_lucy/faults", "POST", bad)).body,
    (await send(server.url, "/_lucy/faults", "POST", declare(secret))).body,
    (await ask(server.url, "/_lucy/faults")).body,
    (await send(server.url, "/_lucy/scenarios/secret", "PUT", { faults: [declare(secret)] })).body,
    (await ask(server.url, "/_lucy/scenarios")).body,
  ];
  const client = await open(server, { api_key: writeMockKey(bad) });
  told.push((await client.closed).reason, JSON.stringify([client.received, server.journal.lines]));
  expect(JSON.parse(told[0]!).detail).toContain(sentence);
  for (const text of told) expect(text).not.toContain(secret);
  expect(told[2]).toContain('"credential":"[redacted]"');
  // It is sent all the same.
  expect(server.faults.list[0]!.declaration.with).toEqual({ credential: secret });
});

test.each([
  ["a name with a typo, in a key", { api_key: "mock:missing-akc" }, 'Did you mean "missing-ack"?'],
  ["a name with a typo, in the query", { mock: "missing-akc" }, 'Did you mean "missing-ack"?'],
  [
    "a setting that there is not",
    { api_key: writeMockKey({ name: "delay", with: { delayms: 5 } }) },
    'Did you mean "delayMs"?',
  ],
  ["a fault's name alone, for a key", { api_key: "missing-ack" }, 'Did you mean "mock:missing-ack"?'],
  ["what is nearly a mock key", { api_key: "mock_missing-ack" }, 'Did you mean "mock:missing-ack"?'],
  ["what is nearly the query's name", { mocks: "missing-ack" }, 'Did you mean "mock", in small letters?'],
  ["what is no JSON", { mock: "eyJhIjo" }, "not JSON"],
  ["nothing", { api_key: "mock:" }, "says nothing"],
  ["pictures where there are none", { api_key: "mock:torn-set" }, "--mode none"],
])("%s is refused with a sentence and 1008, on all sockets", async (_name, query, sentence) => {
  const server = await run();
  for (const path of ["/v1/stream", "/subscribe/none"]) {
    const client = closeLater(await openSocket(server.realtimeUrl, { path, query }));
    const { error } = await client.take("error");
    expect(error).toContain(sentence);
    expect(error).toMatch(/^[A-Z].+[.?]( .+[.?])*$/s);
    expect((await client.closed).code).toBe(1008);
    expect(client.received).toHaveLength(1);
  }
  expect(server.sessions).toEqual([]);
});

test("a scenario that is replaced is met by the sessions and requests to come, under the same key", async () => {
  const server = await run();
  const key = "mock:changing";
  const replace = async (...faults: Declaration[]) => {
    const { status } = await send(server.url, "/_lucy/scenarios/changing", "PUT", { faults });
    expect(status).toBe(204);
  };
  const mint = async () => {
    const headers = { "x-api-key": key };
    return (await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers, body: "{}" })).status;
  };
  await replace(lost, { name: "http-status", with: { status: 502 } });
  expect([await mint(), await mint()]).toEqual([502, 502]);
  expect(await acksOf(await open(server, { api_key: key }))).toEqual(prompts.toSpliced(1, 1));
  await replace({ name: "http-status", when: { times: 1 }, with: { status: 503 } });
  expect([await mint(), await mint()]).toEqual([503, 200]);
  expect(await acksOf(await open(server, { api_key: key }))).toEqual(prompts);
});

test("after a reset each key begins anew, and who was held goes on", async () => {
  const server = await run();
  const api_key = writeMockKey([
    { name: "refuse-upgrade", when: { connections: 1 } },
    { name: "http-status", when: { times: 1 } },
    { name: "delay", channel: "http", when: { after: { messages: 1 } } },
  ]);
  const mint = async () => {
    const headers = { "x-api-key": api_key };
    return (await fetch(`${server.url}/v1/client/tokens`, { method: "POST", headers, body: "{}" })).status;
  };
  for (const time of [1, 2]) {
    await expect(openSocket(server.realtimeUrl, { query: { api_key } })).rejects.toThrow("503");
    await using letIn = await openSocket(server.realtimeUrl, { query: { api_key } });
    expect(await acksOf(letIn)).toEqual(prompts);
    // The second is counted by the delay first, and the third is held.
    expect([await mint(), await mint()]).toEqual([503, 200]);
    const held = mint();
    await server.journal.match({ kind: "fault-fired", fields: { name: "delay" } }, { count: time });
    expect((await ask(server.url, "/_lucy/reset", { method: "POST" })).status).toBe(200);
    expect(await held).toBe(200);
  }
});
