/** Puts the parts of one server together, and takes them apart again. */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, isIPv4, isIPv6, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import { MESSAGE_BYTES_MAX } from "../protocol/index.ts";
import { type AdvanceAbout, type Clock, type ManualClock, manualClock, realClock } from "./clock.ts";
import type { ServerContext } from "./context.ts";
import { createTally } from "./control/tally.ts";
import { createDice } from "./dice.ts";
import { createExpectations, type Waiting } from "./expectations.ts";
import { createFaultDesk, type FaultDesk } from "./faults/desk.ts";
import { faults } from "./faults/index.ts";
import { readScenarioFile } from "./faults/scenario-file.ts";
import { createFileStore } from "./file-store.ts";
import { createJournal, type Journal } from "./journal.ts";
import { createMatcher, type Matcher } from "./journal-match.ts";
import type { RoomHome } from "./livekit/room-home.ts";
import type { Rooms } from "./livekit/rooms.ts";
import { createCodecPool } from "./media/codec-pool.ts";
import { type MockServerOptions, readOptions, sessionsMax } from "./options.ts";
import type { Session } from "./session.ts";
import { createTokenDesk } from "./token-desk.ts";
import { upgrade } from "./upgrade.ts";

export type MockServer = AsyncDisposable & {
  /** `http://127.0.0.1:8787`: what an SDK takes as `baseUrl`. */
  readonly url: string;
  /** `ws://127.0.0.1:8787`: what an SDK takes as `realtimeBaseUrl`. */
  readonly realtimeUrl: string;
  readonly options: Readonly<MockServerOptions>;
  /** What it holds at most, with these options. */
  readonly limits: { readonly sessions: number };
  /** Sessions that run, oldest first. */
  readonly sessions: readonly Session[];
  /** `match`: waits for a line, past or to come. */
  readonly journal: Journal & Pick<Matcher, "match">;
  /** Resolves with the next session that begins. @throws Error that tells what happened instead */
  nextSession(waiting?: Waiting): Promise<Session>;
  /** What goes wrong, for whom. */
  readonly faults: Pick<FaultDesk, "add" | "list" | "healAll" | "planCount">;
  readonly clock: ServerClock;
  /** What the control API demands where others than this machine reach it; `null` on loopback. */
  readonly controlToken: string | null;
  /** Whether `close()` was called. */
  readonly isClosing: boolean;
  /** What is open right now: all zero when nobody is connected. */
  readonly open: {
    sessions: number;
    sockets: number;
    codecs: number;
    workers: number;
    peers: number;
    timers: number;
  };
  /** Ends every session; resolves when everything is given back, UDP sockets too. Idempotent. */
  close(): Promise<void>;
};

/** The clock of ticks, limits, queues, tokens and faults. */
export type ServerClock = {
  readonly mode: "real" | "manual";
  /** Milliseconds since the server started. */
  readonly nowMs: number;
  readonly date: Date;
  /**
   * Lets so much time pass, and all that is due in it happen. `signal` stops it in between.
   * @throws RangeError on a real clock, for less than 0 or what is no number, and where it would take more than a million timers
   */
  advance(ms: number, about?: AdvanceAbout): Promise<void>;
};

/**
 * Starts a mock server; resolves when clients can connect.
 * @throws RangeError for an option out of range
 * @throws Error when what the options need is not installed
 * @throws RangeError for an IPv6 address other than `::`, on which there would be no media
 * @throws Error when the port is taken or the address is not this machine's
 */
export async function startMockServer(given: Partial<MockServerOptions> = {}): Promise<MockServer> {
  return given.clock === "manual" ? startServer(given, manualClock(), realClock()) : startServer(given);
}

/** The same on any clocks; the front door does not show it. `machine`: for what is no part of the service, see `context.ts`. */
export async function startServer(
  given: Partial<MockServerOptions>,
  clock: Clock = realClock(),
  machine: Clock = clock,
): Promise<MockServer> {
  const options = readOptions(given);
  if (options.mode === "transcode") requirePackage("node-av/lib");
  if (options.livekitUrl !== null) requirePackage("@livekit/rtc-node");
  const host = await findAddress(options.host);
  const isEveryAddress = host === "0.0.0.0" || host === "::";
  const dice = createDice(options.seed);
  const journal = createJournal(clock, { seed: options.seed });
  const sessions = new Map<string, Session>();
  const tally = createTally(journal, sessions);
  const { mode, scenario } = options;
  const scenarioFile =
    scenario === null
      ? { faults: [], scenarios: new Map() }
      : await readScenarioFile(scenario, { faults, mode });
  const desk = createFaultDesk({
    faults,
    mode,
    clock,
    dice: dice.split("faults"),
    journal,
    scenarioFile,
    hasSession: (id) => sessions.has(id),
    fired: (name) => tally.faults.add(name),
  });
  const codecs = createCodecPool();
  const peers = new Set<() => Promise<void>>();
  const address = { ip: isEveryAddress ? "127.0.0.1" : host, port: options.port };
  const roomKey = {
    key: options.livekitKey ?? "lucy-testkit",
    // Ids are seeded, so that runs are alike. Whoever knows this makes tokens for any room: it must not be guessed from a seed.
    secret: options.livekitSecret ?? randomBytes(32).toString("hex"),
  };
  let rooms: Promise<Rooms> | undefined;
  let roomHome: Promise<RoomHome> | undefined;
  const state = () =>
    `Seed ${options.seed}${options.clock === "manual" ? `, manual clock at ${clock.now()} ms` : ""}.`;
  const context: ServerContext = {
    options,
    clock,
    machine,
    faults: desk,
    expectations: createExpectations(journal, machine, state),
    dice: dice.split("sessions"),
    journal,
    tally,
    codecs,
    tokens: createTokenDesk(clock, dice.split("tokens")),
    files: createFileStore(clock, dice.split("files")),
    sessions,
    rooms() {
      // Loaded with the first of them: the server is up before it is needed.
      rooms ??= import("./livekit/rooms.ts").then(({ createRooms }) => createRooms(context, roomKey));
      return rooms;
    },
    roomHome() {
      roomHome ??=
        options.livekitUrl === null
          ? import("./livekit/built-in-home.ts").then(({ builtInHome }) => builtInHome(context))
          : import("./livekit/external-home.ts").then(({ externalHome }) =>
              externalHome(context, options.livekitUrl!, roomKey),
            );
      return roomHome;
    },
    openRooms: new Map(),
    viewerCounts: new Map(),
    peers,
    dropSockets() {
      for (const client of sockets.clients) client.terminate();
    },
    mediaAddresses: isEveryAddress ? null : [host],
    udpPorts: options.udpPorts ? (options.udpPorts.split("-").map(Number) as [number, number]) : null,
    address,
  };

  const http = options.tls ? await createTlsServer(clock, options.host) : createServer();
  // Twice the limit of a message, so that one that is too large can be answered with a sentence instead of a bare close.
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 2 * MESSAGE_BYTES_MAX });
  // Whoever a fault holds at the door waits for its end.
  sockets.setMaxListeners(0);
  http.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    upgrade(context, sockets, request, socket, head).catch((error) => {
      journal.add({ kind: "defect", fields: { error: error.stack } });
      socket.destroy();
    });
  });
  let app: Promise<(request: IncomingMessage, response: never) => void> | undefined;
  http.on("request", (request, response) => {
    // express loads with the first request: the server is up before it is needed.
    app ??= import("./control/app.ts").then(({ createApp }) => createApp(server, context) as never);
    app
      .then((handle) => handle(request, response as never))
      .catch((error) => {
        journal.add({ kind: "defect", fields: { error: error.stack } });
        if (response.headersSent) return response.destroy();
        const detail = `The mock server failed, and has no HTTP side: ${error.message}`;
        response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ detail }));
      });
  });

  await new Promise<void>((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
    http.listen(options.port, host, resolve);
  });
  address.port = (http.address() as AddressInfo).port;
  const shownHost = isEveryAddress ? "127.0.0.1" : options.host;
  journal.add({ kind: "server-started", fields: { ...options, port: address.port } });

  let closing: Promise<void> | undefined;
  const matcher = createMatcher(journal, machine, state);
  const server: MockServer = {
    url: `${options.tls ? "https" : "http"}://${shownHost}:${address.port}`,
    realtimeUrl: `${options.tls ? "wss" : "ws"}://${shownHost}:${address.port}`,
    options,
    limits: { sessions: sessionsMax(options) },
    journal: Object.assign(Object.create(journal) as Journal, { match: matcher.match }),
    nextSession: context.expectations.nextSession,
    faults: desk,
    clock: {
      mode: options.clock,
      get nowMs() {
        return clock.now();
      },
      get date() {
        return clock.date();
      },
      async advance(ms, about) {
        if (!("advanceSettled" in clock)) {
          throw new RangeError("The clock is real and goes by itself. Start the server with --clock manual.");
        }
        await (clock as ManualClock).advanceSettled(ms, about);
      },
    },
    // As the secret above: not to be guessed from a seed.
    controlToken: host.startsWith("127.") ? null : randomBytes(24).toString("base64url"),
    get isClosing() {
      return closing !== undefined;
    },
    get sessions() {
      return [...sessions.values()];
    },
    get open() {
      return {
        sessions: sessions.size,
        sockets: sockets.clients.size,
        codecs: codecs.sessionCount,
        workers: codecs.workerCount,
        peers: peers.size,
        timers: clock.pendingCount + (machine === clock ? 0 : machine.pendingCount),
      };
    },
    close() {
      closing ??= shut();
      return closing;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;

  async function shut(): Promise<void> {
    // First of all, as clients come again at once: from here on nobody connects, and an upgrade that is under way is refused with 503.
    const stopped = new Promise((resolve) => http.close(resolve));
    const emptied = new Promise((resolve) => sockets.close(resolve));
    for (const session of [...sessions.values()]) session.end("disconnect", null);
    (await rooms)?.close();
    context.dropSockets();
    await emptied;
    // Whoever closed it first has put a failure into the journal.
    await Promise.allSettled([...peers].map((close) => close()));
    http.closeAllConnections();
    await stopped;
    await codecs.close();
    desk.forgetKeys();
    journal.add({ kind: "server-stopped" });
    matcher.close();
    context.expectations.close();
  }
}

/**
 * The address to listen on, for HTTP and for media, which is gathered on IPv4 only.
 * @throws RangeError for an address of IPv6 other than `::`, which takes clients of both
 */
async function findAddress(host: string): Promise<string> {
  if (isIPv4(host) || host === "::") return host;
  if (isIPv6(host)) {
    throw new RangeError(
      `Option "host" is "${host}". Media needs an IPv4 address: take 127.0.0.1, or 0.0.0.0 for all of this machine.`,
    );
  }
  const found = await lookup(host, { family: 4 }).catch(() => null);
  if (!found) {
    throw new Error(
      `${host} has no IPv4 address that this machine knows. Use --host 127.0.0.1, or 0.0.0.0 for all of this machine.`,
    );
  }
  return found.address;
}

async function createTlsServer(clock: Clock, host: string): Promise<Server> {
  const [{ createServer: createSecureServer }, { makeCertificate }] = await Promise.all([
    import("node:https"),
    import("./certificate.ts"),
  ]);
  return createSecureServer(await makeCertificate(clock, host)) as unknown as Server;
}

function listenError(error: NodeJS.ErrnoException, { host, port }: MockServerOptions): Error {
  if (error.code === "EADDRINUSE") {
    return new Error(
      `Port ${port} on ${host} is taken. Stop what listens there, or choose another: --port 0 picks a free one.`,
    );
  }
  if (error.code === "EADDRNOTAVAIL") {
    return new Error(
      `${host} is no address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all of them.`,
    );
  }
  return error;
}

/** There is no build of node-av for every platform; rtc-node is for the few who have a deployment. */
const optionalPackages = {
  "node-av/lib":
    "node-av, which decodes and encodes pictures, is not installed. Install it (npm install node-av@6.1.1), or do without: --mode relay sends pictures back untouched.",
  "@livekit/rtc-node":
    "@livekit/rtc-node, which joins the rooms of a LiveKit deployment, is not installed. Install it (npm install @livekit/rtc-node@1.1.0), or leave out --livekit-url for the built-in rooms.",
};

function requirePackage(name: keyof typeof optionalPackages): void {
  try {
    import.meta.resolve(name);
  } catch {
    throw new Error(optionalPackages[name]);
  }
}
