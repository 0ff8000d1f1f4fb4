/**
 * A server for all tests of a file, and plain clients that bring their faults in their keys: no test meets another's. A client keeps
 * every frame as it came, good or bad. Expects only that the journal tells of the same frames.
 */
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { emptied, nothingOpen, until } from "../_running-server.ts";
import { createWaiters } from "../_waiters.ts";
import { type ManualClock, manualClock } from "../clock.ts";
import type { JournalLine } from "../journal.ts";
import type { MockServerOptions } from "../options.ts";
import { type MockServer, startServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

type Given = string | Declaration | readonly (string | Declaration)[];

export type ControlClient = {
  readonly socket: WebSocket;
  /** Whose lines of the journal tell of it. */
  readonly id: string;
  /** What came, a line each: `ack P1`, `tick 3`, `error …`; what is no message is `raw`. */
  readonly heard: readonly string[];
  /** The same as it came; bytes where it was a binary frame. */
  readonly frames: readonly (string | Buffer)[];
  send(...messages: object[]): void;
  /** Sends a state that is refused, and waits for its ack: all states before it are dealt with. */
  settled(): Promise<void>;
  /** Resolves once this has been heard. */
  hears(line: string): Promise<void>;
  /** Resolves once a ping is answered. */
  pinged(): Promise<void>;
  readonly closed: Promise<[code: number, reason: string]>;
  lines(...kinds: string[]): readonly JournalLine[];
  /** Waits until as many lines of this kind are there. */
  untilLines(kind: string, count: number): Promise<void>;
  /** As if media flowed: the session counts seconds. */
  connectMedia(): void;
};

export type ControlFixture = {
  readonly server: MockServer;
  readonly clock: ManualClock;
  /** Resolves once the socket is open. */
  open(faults: Given, path?: string): Promise<ControlClient>;
};

export const prompt = (text: string) => ({ type: "prompt", prompt: text, enhance_prompt: true });

export function controlFixture(given: Partial<MockServerOptions> = {}): ControlFixture {
  const clock = manualClock();
  let server: MockServer;
  beforeAll(async () => {
    server = await startServer({ port: 0, mode: "none", ...given }, clock);
  });
  afterAll(async () => {
    await emptied(server);
    expect(server.open).toEqual(nothingOpen);
    await server.close();
    expect(server.journal.lines.filter(({ kind }) => kind === "defect")).toEqual([]);
  });
  return {
    get server() {
      return server;
    },
    clock,
    open: (faults, path = "/v1/stream") => openControl(server, faults, path),
  };
}

async function openControl(server: MockServer, faults: Given, path: string): Promise<ControlClient> {
  const { journal } = server;
  const before = journal.lines.length;
  const query = new URLSearchParams({ api_key: writeMockKey(faults), model: "lucy_2_rt" });
  const socket = new WebSocket(`${server.realtimeUrl}${path}?${query}`, { maxPayload: 64 * 1024 * 1024 });
  const { wake, until: whenFound } = createWaiters();
  const frames: (string | Buffer)[] = [];
  const heard: string[] = [];
  let pongs = 0;
  socket.on("message", (data: Buffer, isBinary) => {
    frames.push(isBinary ? data : data.toString("utf8"));
    heard.push(isBinary ? "raw" : inWords(data.toString("utf8")));
    wake();
  });
  socket.on("pong", () => {
    pongs++;
    wake();
  });
  const closed = new Promise<[number, string]>((resolve) => {
    socket.on("close", (code, reason) => resolve([code, reason.toString("utf8")]));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  const id = journal.lines.slice(before).find(({ kind }) => kind === "faults" || kind === "open")!.session!;
  const lines = (...kinds: string[]) =>
    journal.lines.filter((line) => line.session === id && (kinds.length === 0 || kinds.includes(line.kind)));

  onTestFinished(async () => {
    socket.terminate();
    await closed;
    const hasFaults = lines("faults").length > 0;
    await until(server, () => lines(hasFaults ? "faults-ended" : "close").length > 0);
    const told = lines().filter(
      ({ direction, kind }) => direction === "to-client" && !/^(close|reset|livekit-.*)$/.test(kind),
    );
    expect(
      told.map(({ kind }) => kind),
      "what the journal says was sent, against what came",
    ).toEqual(frames.map(typeIn));
    if (hasFaults) expect(lines("faults-ended")[0]!.fields.neverFired).toEqual([]);
  });

  const client: ControlClient = {
    socket,
    id,
    heard,
    frames,
    closed,
    send(...messages) {
      for (const message of messages) socket.send(JSON.stringify(message));
    },
    async settled() {
      const count = countOf(heard, "set_image_ack refused") + 1;
      client.send({ type: "set_image", image_data: 5 });
      await whenFound(() => countOf(heard, "set_image_ack refused") >= count || undefined);
    },
    hears: async (line) => void (await whenFound(() => heard.includes(line) || undefined)),
    async pinged() {
      const count = pongs + 1;
      socket.ping();
      await whenFound(() => pongs >= count || undefined);
    },
    lines,
    untilLines: (kind, count) => until(server, () => lines(kind).length >= count),
    connectMedia() {
      const session = server.sessions.find((session) => session.id === id)!;
      session.connected();
      session.generate();
    },
  };
  return client;
}

function countOf(heard: readonly string[], line: string): number {
  return heard.filter((one) => one === line).length;
}

/** As the journal would call it. */
function typeIn(frame: string | Buffer): string {
  return Buffer.isBuffer(frame) ? "raw" : (parsed(frame)?.type ?? "raw");
}

function inWords(text: string): string {
  const message = parsed(text);
  if (!message) return "raw";
  const { type, success } = message;
  const refused = success === false ? " refused" : "";
  if (type === "prompt_ack") return `ack ${message.prompt}${refused}`;
  if (type === "generation_tick") return `tick ${message.seconds}`;
  if (type === "generation_ended") return `generation_ended ${message.seconds} ${message.reason}`;
  return type === "error" ? `error ${message.error}` : `${type}${refused}`;
}

// biome-ignore lint/suspicious/noExplicitAny: it is looked at as it came
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
