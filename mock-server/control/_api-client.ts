/** For tests of the control API: asks with any header, reads server-sent events, and runs the API with stand-ins for what others own. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import express from "express";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { type Clock, manualClock } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import { createDice } from "../dice.ts";
import { declareFaults } from "../faults/declare.ts";
import { defineFault, type Fault } from "../faults/fault.ts";
import { declareScenario } from "../faults/scenario-file.ts";
import { createFileStore, type FileLimits } from "../file-store.ts";
import { createJournal } from "../journal.ts";
import type { MockServer } from "../server.ts";
import { createTokenDesk } from "../token-desk.ts";
import { apiRoutes, type ControlledFault, type ControlParts, createApi } from "./api.ts";
import { files, type Refuse } from "./files.ts";
import { createTally } from "./tally.ts";

export type Reply = { status: number; headers: IncomingHttpHeaders; body: string; json(): never };

export type Question = { method?: string; headers?: Record<string, string>; body?: string };

/** fetch() chooses Host and Origin itself; this asks with any. */
export async function ask(
  url: string,
  path: string,
  { method = "GET", headers = {}, body }: Question = {},
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers }, async (response) => {
      const body = await text(response);
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body,
        json: () => JSON.parse(body) as never,
      });
    });
    request.once("error", reject);
    request.end(body);
  });
}

export const send = (url: string, path: string, method: string, given: unknown) =>
  ask(url, path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(given) });

export type Events = AsyncDisposable & {
  /** The next event, or comment, as it came. Rejects when the stream is over. */
  next(): Promise<string>;
  readonly response: Response;
};

export async function openEvents(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Events> {
  const response = await fetch(url + path, { headers });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  const events = {
    response,
    async next(): Promise<string> {
      for (let end = held.indexOf("\n\n"); ; end = held.indexOf("\n\n")) {
        if (end >= 0) {
          const event = held.slice(0, end);
          held = held.slice(end + 2);
          return event;
        }
        const { done, value } = await reader.read();
        if (done) throw new Error("The stream is over.");
        held += value;
      }
    },
    async [Symbol.asyncDispose]() {
      await reader.cancel().catch(() => {});
    },
  };
  onTestFinished(() => events[Symbol.asyncDispose]());
  return events;
}

const shout = defineFault({
  name: "shout",
  about: "Says everything in capitals.",
  places: [{ channel: "control", directions: ["to-client"] }],
  settings: z.strictObject({ loudness: z.number().min(0).max(11).default(5).describe("How loud.") }),
  open: () => ({ take: (item, next) => next(item) }),
});

const standInAbout = { faults: [shout] as unknown as readonly Fault[], mode: "none" } as const;

export function standInFaults() {
  const held: (ControlledFault & { healed: boolean })[] = [];
  return {
    add(given: unknown, { session = null as string | null } = {}) {
      if ((given as { name?: string } | null)?.name === "defect") throw new TypeError("A defect of ours.");
      const added = declareFaults(given, standInAbout).map(({ declaration }, i) => ({
        id: `f${held.length + 1 + i}`,
        session,
        declaration,
        fired: 0,
        healed: false,
      }));
      held.push(...added);
      return added;
    },
    list: () => held,
    heal(id: string) {
      const fault = held.find((one) => one.id === id);
      if (fault) fault.healed = true;
      return fault !== undefined;
    },
    healAll() {
      const left = held.filter(({ healed }) => !healed);
      for (const fault of left) fault.healed = true;
      return left.length;
    },
    forgetKeys() {},
  };
}

function standInScenarios() {
  const held = new Map<string, unknown>();
  return {
    list: () => Object.fromEntries(held),
    put(name: string, scenario: unknown) {
      const { about, faults } = declareScenario(name, scenario, standInAbout);
      held.set(name, { about, faults: faults.map(({ declaration }) => declaration) });
    },
    restore: () => held.clear(),
    remove: (name: string) => held.delete(name),
  };
}

/** The API by itself, and that of files. `clock` moves the server, `machineClock` the heartbeats. */
export async function runApi({
  mode = "manual" as "manual" | "real",
  token = null as string | null,
  fileLimits = undefined as FileLimits | undefined,
} = {}) {
  const clock = manualClock();
  const machineClock = manualClock();
  const journal = createJournal(clock);
  const dice = createDice(1);
  const sessions = new Map();
  const context = {
    options: { keys: "off" },
    clock,
    journal,
    sessions,
    tally: createTally(journal, sessions),
    files: createFileStore(clock, dice, fileLimits),
    tokens: createTokenDesk(clock, dice),
    peers: new Set<() => Promise<void>>(),
  } as unknown as ServerContext;
  const state = { isClosing: false };
  const server = {
    options: { mode: "none", livekitSecret: "hush" },
    limits: { sessions: 1 },
    sessions: [],
    open: { sessions: 0, sockets: 0, peers: 0, codecs: 0, workers: 0, timers: 0 },
    journal,
    controlToken: token,
    get isClosing() {
      return state.isClosing;
    },
  } as unknown as MockServer;
  const parts: ControlParts = {
    clock: {
      mode,
      nowMs: () => clock.now(),
      date: () => clock.date(),
      advance: (ms, about) => clock.advanceSettled(ms, about),
    },
    machineClock: machineClock as Clock,
    readersClock: machineClock as Clock,
    faults: standInFaults(),
    scenarios: standInScenarios(),
    faultKinds: standInAbout.faults,
    normalJournal: (lines, session) =>
      lines.filter((line) => line.session === session).map(({ kind }) => kind),
    journalHash: (lines, session) => `${session}: ${lines.filter((line) => line.session === session).length}`,
  };
  const app = express();
  const refuse: Refuse = (request, response, status, detail) => {
    journal.add({
      direction: "to-client",
      kind: "http-refused",
      fields: { path: request.path, status, detail },
    });
    response.status(status).json({ detail });
  };
  const router = createApi(server, context, parts, refuse);
  app.use(router);
  app.use(files(context, refuse));
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url,
    clock,
    machineClock,
    journal,
    state,
    router,
    routes: apiRoutes(server, context, parts),
    context,
  };
}
