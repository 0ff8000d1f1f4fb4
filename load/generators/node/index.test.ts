/** The node generator against a mock server in this process: both dialects, both codecs, and what becomes of a session that loses its way. */
import { execFile } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { promptHash } from "../../../fixtures/index.ts";
import {
  type Declaration,
  type MockServer,
  startMockServer,
  writeMockKey,
} from "../../../mock-server/index.ts";
import { type Clock, realClock as clock } from "../../clock.ts";
import {
  codecs,
  type Dialect,
  dialects,
  type LoadSession,
  type Observer,
  type ReceivedPicture,
  type SentPicture,
  type SessionAbout,
} from "../../generator.ts";
import { createNodeGenerator } from "./index.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const models: Record<Dialect, string> = { direct: "lucy_2_rt", livekit: "lucy-2.1" };
const nothingOpen = { sessions: 0, sockets: 0, codecs: 0, workers: 0, peers: 0, timers: 0 };

type Options = NonNullable<Parameters<typeof startMockServer>[0]>;

async function runMock(options: Options = {}): Promise<MockServer> {
  const server = await startMockServer({ port: 0, ...options });
  onTestFinished(async () => {
    await vi.waitFor(() => expect(server.open).toEqual(nothingOpen));
    await server.close();
  });
  return server;
}

/** What a session tells, and the wait for it. */
function watch() {
  const sent: SentPicture[] = [];
  const received: ReceivedPicture[] = [];
  const events: string[] = [];
  const waiting = new Set<() => void>();
  const heard = () => {
    for (const look of waiting) look();
  };
  const observer: Observer = {
    sent: (picture) => void sent.push(picture),
    received(picture) {
      received.push(picture);
      heard();
    },
    lost(_atMs, why) {
      events.push(`lost: ${why}`);
      heard();
    },
    recovered() {
      events.push("recovered");
      heard();
    },
    ended(_atMs, why) {
      events.push(`ended: ${why}`);
      heard();
    },
  };
  return {
    observer,
    sent,
    received,
    events,
    /** Looks after everything that is told. */
    until: (done: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!done()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

type Given = Partial<SessionAbout> & { readonly faults?: readonly Declaration[] };

function about(
  { url, realtimeUrl }: Pick<MockServer, "url" | "realtimeUrl">,
  { dialect = "direct", faults, ...given }: Given,
): SessionAbout {
  return {
    target: { url, realtimeUrl, apiKey: faults ? writeMockKey(faults) : "dct_load" },
    dialect,
    model: models[dialect],
    clip: "vp8-180p15",
    readsPictures: false,
    ...given,
  };
}

function open(
  server: Pick<MockServer, "url" | "realtimeUrl">,
  observer: Observer,
  { clock: own = clock, ...given }: Given & { readonly clock?: Clock } = {},
): Promise<LoadSession> {
  const generator = createNodeGenerator({ clock: own });
  onTestFinished(() => generator.close());
  return generator.open(about(server, given), observer);
}

const cases = dialects.flatMap((dialect) =>
  codecs.flatMap((codec) => (["relay", "transcode"] as const).map((mode) => ({ dialect, codec, mode }))),
);

describe.each(cases)("$dialect, $codec, $mode", ({ dialect, codec, mode }) => {
  test("pictures come back, told apart, and show what was set", async () => {
    const server = await runMock({ mode });
    const { observer, sent, received, events, until } = watch();
    const session = await open(server, observer, { dialect, clip: `${codec}-180p15`, readsPictures: true });
    expect(session.id).toBe(server.sessions[0]!.id);
    await until(() => received.length >= 8);

    const frames = received.map(({ frame }) => frame!);
    // A picture may come once more: the server repeats its last one where it needs a key picture.
    expect(frames).toEqual([...frames].sort((a, b) => a - b));
    expect(new Set(frames).size).toBeGreaterThan(3);
    expect(new Set(received.map(({ carrier }) => carrier))).toEqual(
      new Set([dialect === "direct" ? "strip" : "metadata"]),
    );
    for (const { frame, atMs } of received) {
      const { sentMs } = sent.find((picture) => picture.frame === frame)!;
      expect(atMs).toBeGreaterThanOrEqual(sentMs!);
    }

    const { calledMs, ackedMs } = await session.set({ prompt: "invert" });
    expect(ackedMs).toBeGreaterThan(calledMs);
    if (mode === "relay") expect(received.map(({ output }) => output)).toEqual(received.map(() => null));
    else await until(() => received.at(-1)!.output?.promptHash === promptHash("invert"));
    expect(events).toEqual([]);
  });
});

test.each([
  ["direct", null],
  ["livekit", "metadata"],
] as const)("%s, without reading: pictures are told by %s", async (dialect, carrier) => {
  const server = await runMock({ mode: "relay" });
  const { observer, received, until } = watch();
  await open(server, observer, { dialect });
  await until(() => received.length >= 5);
  for (const picture of received) {
    expect(picture).toEqual({
      atMs: expect.any(Number),
      frame: carrier && expect.any(Number),
      carrier,
      output: null,
    });
  }
});

test("packets that are lost on the way back are sent again", async () => {
  const server = await runMock({ mode: "relay" });
  const { observer, sent, received, until } = watch();
  const { id } = await open(server, observer, { dialect: "livekit" });
  await until(() => received.length >= 1);
  const before = received.length;
  server.faults.add({ name: "packet-loss", direction: "to-client", only: "video" }, { session: id! });
  await until(() => received.length >= before + 40);
  expect(server.faults.list[0]!.fired).toBeGreaterThan(3);
  const frames = received.map(({ frame }) => frame!);
  const [first, last] = [frames[0]!, frames.at(-1)!];
  const between = sent.filter(({ frame, sentMs }) => sentMs !== null && frame >= first && frame <= last);
  expect(frames).toEqual(between.map(({ frame }) => frame));
});

describe("a session that loses its way", () => {
  test.each([
    ["direct", "drop-socket", "the control socket closed with 1006"],
    ["livekit", "drop-socket", "the control socket closed with 1006"],
    ["direct", "dtls-closed", "the connection for media is lost: DTLS closed"],
    ["livekit", "dtls-closed", "the connection for media is lost: DTLS closed"],
    ["livekit", "leave", "the room said goodbye: SERVER_SHUTDOWN, DISCONNECT"],
  ] as const)("%s, %s: is lost, recovers, and pictures come again", async (dialect, name, why) => {
    const server = await runMock({ mode: "relay" });
    const { observer, sent, received, events, until } = watch();
    const { id } = await open(server, observer, { dialect, readsPictures: true });
    await until(() => received.length >= 3);
    server.faults.add({ name, when: { at: "tick" } }, { session: id! });
    await until(() => events.includes("recovered"));
    const before = received.length;
    await until(() => received.length >= before + 5);
    expect(events).toEqual([`lost: ${why}`, "recovered"]);
    const frames = received.map(({ frame }) => frame!);
    expect(frames).toEqual([...frames].sort((a, b) => a - b));
    // The camera went on meanwhile.
    expect(sent.map(({ frame }) => frame)).toEqual(sent.map((_, index) => index));
  });
});

describe("a room's socket that is lost", () => {
  test("is opened again, and pictures go on meanwhile", async () => {
    const server = await runMock({ mode: "relay" });
    const { observer, received, events, until } = watch();
    const { id } = await open(server, observer, { dialect: "livekit" });
    server.faults.add({ name: "drop-socket", channel: "livekit", when: { at: "tick" } }, { session: id! });
    await vi.waitFor(() => expect(kinds(server)).toContain("resumed"), { timeout: 10_000 });
    const before = received.length;
    await until(() => received.length >= before + 5);
    expect(events).toEqual([]);
  });

  test("and cannot be resumed, takes the session with it", async () => {
    const server = await runMock({ mode: "relay" });
    const { observer, events, until } = watch();
    const { id } = await open(server, observer, { dialect: "livekit" });
    const faults: Declaration[] = [
      { name: "refuse-resume" },
      { name: "drop-socket", channel: "livekit", when: { at: "tick" } },
    ];
    server.faults.add(faults, { session: id! });
    await until(() => events.includes("recovered"));
    expect(events).toEqual(["lost: the room said goodbye: STATE_MISMATCH, RECONNECT", "recovered"]);
  });
});

const kinds = ({ journal }: MockServer) => journal.lines.map(({ kind }) => kind);

describe("a session that is over", () => {
  test.each(dialects)("%s: ends with the server's words, and does not come back", async (dialect) => {
    const server = await runMock({ mode: "relay" });
    const { observer, sent, events, until } = watch();
    const session = await open(server, observer, {
      dialect,
      faults: [{ name: "session-expiry", when: { at: "tick:1" } }],
    });
    await until(() => events.length > 0);
    expect(events).toEqual([
      expect.stringMatching(/^ended: Maximum session duration reached\. \(generation ended: timeout; .+\)$/),
    ]);
    const { length } = sent;
    await expect(session.set({ prompt: "mirror" })).rejects.toThrow("the connection is lost");
    await session.close();
    expect(sent).toHaveLength(length);
    expect(server.sessions).toEqual([]);
  });
});

/** A clock whose waits of half a minute end when the test says so. */
function patience() {
  const waits = new Set<() => void>();
  const ours: Clock = {
    ...clock,
    after(delayMs, run) {
      if (delayMs < 30_000) return clock.after(delayMs, run);
      waits.add(run);
      return { cancel: () => void waits.delete(run) };
    },
  };
  return { clock: ours, end: () => waits.forEach((run) => void run()) };
}

test("a session may have to wait in a queue first", async () => {
  const server = await runMock({ mode: "relay", queue: 2, queueStepMs: 20 });
  await open(server, watch().observer, { dialect: "livekit" });
  expect(kinds(server).filter((kind) => kind === "queue_position")).toHaveLength(2);
});

describe("a session that cannot be opened", () => {
  test.each([
    ["direct", "capacity", "Concurrent session limit reached."],
    ["livekit", "capacity", "Concurrent session limit reached."],
    ["direct", "refuse-upgrade", /^ws:\/\/127\.0\.0\.1:\d+ refused the socket with 503: .+/],
  ] as const)("%s, %s: says why", async (dialect, name, why) => {
    const server = await runMock({ mode: "relay" });
    const opening = open(server, watch().observer, { dialect, faults: [{ name }] });
    await expect(opening).rejects.toThrow(why);
  });

  test.each([
    ["direct", { name: "drop", only: "set_image_ack" }, "set_image", "the ack of its first state"],
    ["direct", { name: "drop", only: "answer" }, "offer", "the answer to its offer"],
    ["livekit", { name: "drop", only: "livekit_room_info" }, "livekit_join", "its room"],
    ["livekit", { name: "no-join" }, "livekit-open", "the room's answer to its offer"],
    ["livekit", { name: "no-track-published" }, "livekit-addTrack", "the room's answer to its camera"],
  ] as const)("%s, %j: says what it waits for", async (dialect, fault, kind, what) => {
    const server = await runMock({ mode: "relay" });
    const { clock, end } = patience();
    const opening = open(server, watch().observer, { dialect, faults: [fault], clock });
    opening.catch(() => {});
    await vi.waitFor(() => expect(kinds(server)).toContain(kind), { timeout: 10_000 });
    end();
    await expect(opening).rejects.toThrow(`Not connected: after 30 s it still waits for ${what}.`);
  });

  test("says that nobody answers", async () => {
    const nobody = { url: "http://127.0.0.1:9", realtimeUrl: "ws://127.0.0.1:9" };
    await expect(open(nobody, watch().observer)).rejects.toThrow(
      "Nothing answers at ws://127.0.0.1:9 (ECONNREFUSED). Start the server, or correct the target.",
    );
  });

  test("is given up when the generator is closed", async () => {
    const server = await runMock({ mode: "relay" });
    const generator = createNodeGenerator({ clock });
    const given = about(server, { faults: [{ name: "drop", only: "answer" }] });
    const opening = generator.open(given, watch().observer);
    opening.catch(() => {});
    await server.nextSession();
    await generator.close();
    await expect(opening).rejects.toThrow("The app left.");
  });
});

describe("a session that nobody waits for any more while it is opened", () => {
  test.each([
    ["direct", "answer", "offer"],
    ["livekit", "livekit_room_info", "livekit_join"],
  ] as const)(
    "%s, with no %s: is given up at once, and nothing of it is left",
    async (dialect, only, kind) => {
      const server = await runMock({ mode: "relay" });
      const leaving = new AbortController();
      const generator = createNodeGenerator({ clock });
      onTestFinished(() => generator.close());
      const given = about(server, { dialect, faults: [{ name: "drop", only }] });
      const opening = generator.open(given, watch().observer, leaving.signal);
      opening.catch(() => {});
      await vi.waitFor(() => expect(kinds(server)).toContain(kind), { timeout: 10_000 });
      leaving.abort();
      await expect(opening).rejects.toThrow("The app left.");
      await vi.waitFor(() => expect(server.open).toEqual(nothingOpen));
    },
  );

  test("closes a socket that the server does not open", async () => {
    const { port, came, ended } = await runMute();
    const leaving = new AbortController();
    const generator = createNodeGenerator({ clock });
    onTestFinished(() => generator.close());
    const target = { url: `http://127.0.0.1:${port}`, realtimeUrl: `ws://127.0.0.1:${port}` };
    const opening = generator.open(about(target, {}), watch().observer, leaving.signal);
    opening.catch(() => {});
    await came;
    leaving.abort();
    await expect(opening).rejects.toThrow("The app left.");
    await ended;
  });

  test("is not even begun where it is too late", async () => {
    const server = await runMock({ mode: "relay" });
    const generator = createNodeGenerator({ clock });
    onTestFinished(() => generator.close());
    const opening = generator.open(about(server, {}), watch().observer, AbortSignal.abort());
    await expect(opening).rejects.toThrow("The app left.");
    expect(kinds(server)).not.toContain("set_image");
  });

  test("is whoever's who opened it, once it is open: it connects again", async () => {
    const server = await runMock({ mode: "relay" });
    const leaving = new AbortController();
    const generator = createNodeGenerator({ clock });
    onTestFinished(() => generator.close());
    const { observer, events, until } = watch();
    const { id } = await generator.open(about(server, {}), observer, leaving.signal);
    leaving.abort();
    server.faults.add({ name: "drop-socket", when: { at: "tick" } }, { session: id! });
    await until(() => events.includes("recovered"));
  });
});

/** A server that takes connections and says nothing. */
async function runMute(): Promise<{ port: number; came: Promise<void>; ended: Promise<void> }> {
  const came = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const mute = createServer((socket) => {
    came.resolve();
    socket.on("error", () => {}).on("close", () => ended.resolve());
    socket.resume();
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => mute.close(() => resolve())));
  return { port: (mute.address() as AddressInfo).port, came: came.promise, ended: ended.promise };
}

describe("a set", () => {
  test.each([
    ["that the server refuses", { prompt: "mirror" }, "negative-ack", "The state was refused."],
    ["whose ack is lost", { image: null }, "missing-ack", "No ack came within 30 s."],
    ["whose socket is lost", { prompt: "mirror" }, "drop-socket", "the control socket closed with 1006."],
  ] as const)("%s says why", async (_what, call, name, why) => {
    const server = await runMock({ mode: "none" });
    const { clock, end } = patience();
    const session = await open(server, watch().observer, { clock });
    const when = name === "drop-socket" ? { when: { at: "state-received" } as const } : {};
    server.faults.add({ name, ...when }, { session: session.id! });
    const setting = session.set(call);
    setting.catch(() => {});
    if (name === "missing-ack") {
      await vi.waitFor(() => expect(server.faults.list[0]!.fired).toBe(1));
      end();
    }
    await expect(setting).rejects.toThrow(why);
  });
});

test("a set of nothing is refused here", async () => {
  const server = await runMock({ mode: "none" });
  const session = await open(server, watch().observer);
  await expect(session.set({})).rejects.toThrow("Nothing to set: give `prompt`, `image` or both.");
});

test("nothing is left of it once it is closed: its process ends", async () => {
  const server = await runMock({ mode: "relay" });
  const script = `
    const { createNodeGenerator } = await import("./load/generators/node/index.ts");
    const { realClock: clock } = await import("./load/clock.ts");
    const generator = createNodeGenerator({ clock });
    for (const about of JSON.parse(process.argv[1])) {
      const came = Promise.withResolvers();
      const observer = { sent() {}, received: came.resolve, lost() {}, recovered() {}, ended() {} };
      await generator.open(about, observer);
      await came.promise;
    }
    await generator.close();
    // Handles close a little later than they are asked to.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    console.log(JSON.stringify(process.getActiveResourcesInfo().filter((what) => /UDP|TCP/.test(what))));
  `;
  const given = dialects.map((dialect) => about(server, { dialect }));
  const args = ["--input-type=module", "-e", script, JSON.stringify(given)];
  // It would not end while a timer ran; a handshake of werift's leaves one of a second.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(JSON.parse(stdout)).toEqual([]);
});
