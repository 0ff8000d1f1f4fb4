/**
 * What a scenario drives with: a mock server of its own and one or more clients. Everything that is done or heard goes into the recording.
 * It never asserts; who waits in vain ends the drive, and the recording says what was waited for.
 */
import { promptHash } from "../fixtures/index.ts";
import type { Declaration, JournalLine, MockServer } from "../mock-server/index.ts";
import { writeMockKey } from "../mock-server/index.ts";
import {
  type Camera,
  type Client,
  type ClientEvent,
  type Dialect,
  type Driver,
  DriverBroken,
  type FrameEvent,
  type Hello,
  type StateName,
  type Verb,
  type VerbArguments,
} from "./client.ts";
import type { Clock } from "./clock.ts";
import type { Call, Heard, Line, Mark, Recording } from "./recording.ts";
import type { Endpoint } from "./remote-guard.ts";

/** How long a drive waits for what the client owes, unless said. A busy machine needs some seconds for what takes one. */
const withinMsDefault = 8000;
/** To let a minute of a browser's time pass takes some seconds, and is not the client's doing. */
const advanceMsMax = 120_000;

/** A step takes about as long as it lets pass. */
const driftStepMs = 10;
const driftStepCountMax = 1000;

/** What was waited for did not come: the drive is over. */
export class Stuck extends Error {}

export type Waiting = { readonly withinMs?: number };

/** A call that was begun. It never rejects: how it ended is in `ended`. */
export type Begun = Call & {
  /** Resolves once it has ended. @throws Stuck */
  done(waiting?: Waiting): Promise<Call>;
};

export type Actor = {
  readonly name: string;
  readonly hello: Hello;
  /** Begins a call, and does not wait for its end. */
  begin<V extends Verb>(verb: V, args: VerbArguments[V]): Begun;
  /** Begins a call and waits for its end, good or bad. @throws Stuck */
  call<V extends Verb>(verb: V, args: VerbArguments[V], waiting?: Waiting): Promise<Call>;
  /** `connect` to the stage's server, with the scenario's faults in its key. @throws Stuck */
  connect(about?: Partial<VerbArguments["connect"]>, waiting?: Waiting): Promise<Call>;
  beginConnect(about?: Partial<VerbArguments["connect"]>): Begun;
  /** Resolves with the first such event, or with number `count`, also one that was. @throws Stuck */
  heard<Name extends ClientEvent["event"]>(
    name: Name,
    isIt?: (event: Extract<ClientEvent, { event: Name }>) => boolean,
    waiting?: Waiting & { readonly from?: number; readonly count?: number },
  ): Promise<Heard<Extract<ClientEvent, { event: Name }>>>;
  /** Resolves once it has said this state, `from` a step on. @throws Stuck */
  state(name: StateName, waiting?: Waiting & { readonly from?: number }): Promise<void>;
  /**
   * Lets the time of a client whose clock was driven go on in small steps until `done`, or for ten seconds of it: sockets and media are real, and
   * need real time beside. The judge sees whether it was.
   */
  drift(done: () => boolean): Promise<void>;
  /** The state that it has said last. */
  last(): StateName | undefined;
  /** Resolves once so many more pictures were shown. @throws Stuck */
  frames(count: number, waiting?: Waiting): Promise<void>;
  /** Resolves once a picture shows this prompt. @throws Stuck */
  shows(prompt: string, waiting?: Waiting): Promise<void>;
};

export type Stage = {
  readonly server: MockServer;
  readonly seed: number;
  readonly client: Actor;
  /** Opens another driver of the same client. */
  another(name: string): Promise<Actor>;
  /** Address and key of the stage's server; other faults than the scenario's, or none, where they are given. */
  target(faults?: readonly Declaration[]): { url: string; realtimeUrl: string; apiKey: string };
  /** Resolves with a line of the journal that was or will be. @throws Stuck */
  line(
    what: string,
    isIt: (line: JournalLine) => boolean,
    waiting?: Waiting & { readonly count?: number },
  ): Promise<Line>;
  /** Resolves once `done`; looks after everything that happens. @throws Stuck */
  until(what: string, done: () => boolean, waiting?: Waiting): Promise<void>;
  /** For the judge; returns its step. */
  mark(name: string, value?: unknown): number;
  /** The step of what happened last. */
  readonly step: number;
};

/** What the harness keeps of a stage. */
export type StageRun = {
  readonly stage: Stage;
  /** What has happened, as it is now: nothing that comes later changes it. `stuck`: what the drive waited for in vain. */
  record(stuck: string | null): Recording;
  /** How long nothing was done but wait. */
  readonly waitedMs: number;
  /** The drive asked for what only a mock server has: its journal, its clock, its faults. */
  readonly isBoundToMock: boolean;
  /** Of all drivers. */
  readonly log: readonly string[];
  close(): Promise<void>;
};

const cameraDefault: Camera = { width: 320, height: 180, fps: 15 };

const waitingFor = (verb: Verb): Waiting => (verb === "advance" ? { withinMs: advanceMsMax } : {});

/** Pictures that are kept of one run. */
const picturesMax = 3;

/** Whether a picture shows what the server never said was in force, or goes back. */
function createSuspicion(journal: readonly Line[]): (frame: FrameEvent) => boolean {
  let newest = 0;
  return ({ output }) => {
    if (!output) return false;
    const isBack = ((output.revision - newest) & 0xfff) >= 0x800;
    if (!isBack) newest = output.revision;
    const isKnown =
      (output.promptHash === 0 && output.imageHash === 0) ||
      journal.some(
        ({ kind, fields }) =>
          kind === "state" &&
          fields.promptHash === output.promptHash &&
          fields.imageHash === output.imageHash,
      );
    return isBack || !isKnown;
  };
}

export async function openStage(about: {
  client: Client;
  server: MockServer;
  seed: number;
  faults(dialect: Dialect): readonly Declaration[];
  clock: Clock;
  /** In place of the mock server, which then nobody connects to. */
  endpoint?: Endpoint | undefined;
}): Promise<StageRun> {
  const { client, server, seed, clock } = about;
  const startedMs = clock.now();
  const calls: Call[] = [];
  const events: Heard[] = [];
  const journal: Line[] = [];
  const marks: Mark[] = [];
  const hellos: Record<string, Hello> = {};
  const drivers: Driver[] = [];
  const watchers = new Set<() => void>();
  let steps = 0;
  let broken: DriverBroken | null = null;
  /** How many wait, since when, and for how long it was in all. */
  const waiting = { count: 0, sinceMs: 0, totalMs: 0 };

  const now = () => clock.now() - startedMs;
  const step = () => ++steps;
  const wake = () => {
    for (const watch of [...watchers]) watch();
  };

  const stopReading = server.journal.follow((line) => {
    journal.push({ ...line, step: step() });
    wake();
  });

  async function until(what: string, done: () => boolean, { withinMs = withinMsDefault }: Waiting = {}) {
    if (waiting.count++ === 0) waiting.sinceMs = now();
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(withinMs, () =>
          end(() => reject(new Stuck(`${what}, within ${withinMs} ms`))),
        );
        const look = () => {
          if (broken) return end(() => reject(broken));
          if (done()) end(resolve);
        };
        function end(settle: () => void) {
          timer.cancel();
          watchers.delete(look);
          settle();
        }
        watchers.add(look);
        look();
      });
    } finally {
      if (--waiting.count === 0) waiting.totalMs += now() - waiting.sinceMs;
    }
  }

  function target(given: readonly Declaration[] = about.faults(hellos.client!.dialect)) {
    if (about.endpoint) return about.endpoint;
    const apiKey = given.length > 0 ? writeMockKey(given) : "dct_local";
    return { url: server.url, realtimeUrl: server.realtimeUrl, apiKey };
  }

  async function open(name: string): Promise<Actor> {
    const driver = await client.open();
    drivers.push(driver);
    hellos[name] = driver.hello;
    void driver.broken.then((error) => {
      broken ??= error;
      wake();
    });
    const isSuspect = createSuspicion(journal);
    driver.follow((event) => {
      events.push({ ...event, actor: name, step: step(), atMs: now() });
      if (event.event === "frame" && driver.hello.capabilities.includes("snapshot") && isSuspect(event)) {
        void keepPicture(driver, event);
      }
      wake();
    });
    return actorOf(name, driver);
  }

  /** A picture is gone when the judge comes: what looks wrong is kept, or the one that is shown by the time the driver is asked. */
  async function keepPicture(driver: Driver, { output }: FrameEvent): Promise<void> {
    if (marks.filter(({ name }) => name === "picture").length >= picturesMax) return;
    const mark: Mark = { name: "picture", step: step(), atMs: now(), value: { output, png: null } };
    marks.push(mark);
    const { ok, value } = await driver.request("snapshot", {}).catch(() => ({ ok: false, value: {} }));
    if (ok) Object.assign(mark.value as object, value);
  }

  function actorOf(name: string, driver: Driver): Actor {
    const own = () => events.filter(({ actor }) => actor === name);

    function begin<V extends Verb>(verb: V, args: VerbArguments[V]): Begun {
      const call: Call = { actor: name, verb, args, step: step(), atMs: now(), ended: null };
      calls.push(call);
      driver.request(verb, args).then(
        ({ ok, value = {}, error = "" }) => {
          call.ended = { step: step(), atMs: now(), ok, value, error };
          wake();
        },
        (error) => {
          broken ??= error instanceof DriverBroken ? error : new DriverBroken(String(error));
          wake();
        },
      );
      return Object.assign(call, {
        async done(waiting?: Waiting) {
          await until(`${name}'s ${verb} to end`, () => call.ended !== null, waiting);
          return call;
        },
      });
    }

    const beginConnect: Actor["beginConnect"] = (given = {}) =>
      begin("connect", { ...target(), camera: cameraDefault, ...given });

    return {
      name,
      hello: driver.hello,
      begin,
      call: (verb, args, waiting = waitingFor(verb)) => begin(verb, args).done(waiting),
      beginConnect,
      connect: (given, waiting) => beginConnect(given).done(waiting),
      async heard(event, isIt = () => true, { from = 0, count = 1, ...waiting } = {}) {
        const find = () =>
          own().filter((one) => one.event === event && one.step > from && isIt(one as never))[count - 1];
        await until(`${name} to tell of ${event}`, () => find() !== undefined, waiting);
        return find() as never;
      },
      async state(state, { from = 0, ...waiting } = {}) {
        const isIt = (one: Heard) => one.event === "state" && one.state === state && one.step > from;
        await until(`${name} to say ${state}`, () => own().some(isIt), waiting);
      },
      async drift(done) {
        for (let n = 0; n < driftStepCountMax && !done(); n++) {
          await begin("advance", { ms: driftStepMs }).done(waitingFor("advance"));
        }
      },
      last: () => own().findLast((one) => one.event === "state")?.state,
      async frames(count, waiting) {
        const shown = () => own().filter(({ event }) => event === "frame").length;
        const wanted = shown() + count;
        await until(`${count} more pictures of ${name}`, () => shown() >= wanted, waiting);
      },
      async shows(prompt, waiting) {
        const hash = promptHash(prompt);
        const isIt = (one: Heard) => one.event === "frame" && one.output?.promptHash === hash;
        await until(`a picture of ${name} that shows "${prompt}"`, () => own().some(isIt), waiting);
      },
    };
  }

  async function close() {
    const ends = await Promise.allSettled(drivers.map((driver) => driver.close()));
    stopReading();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  let first: Actor;
  try {
    first = await open("client");
  } catch (error) {
    await close();
    throw error;
  }
  let isBoundToMock = false;
  const stage: Stage = {
    get server() {
      isBoundToMock = true;
      return server;
    },
    seed,
    client: first,
    another: open,
    target,
    async line(what, isIt, { count = 1, ...waiting } = {}) {
      isBoundToMock = true;
      const find = () => journal.filter(isIt)[count - 1];
      await until(`the server to note ${what}`, () => find() !== undefined, waiting);
      return find()!;
    },
    until,
    mark(name, value = null) {
      const mark = { name, step: step(), atMs: now(), value };
      marks.push(mark);
      return mark.step;
    },
    get step() {
      return steps;
    },
  };
  return {
    stage,
    record: (stuck) => ({
      calls: calls.map((call) => ({ ...call })),
      events: [...events],
      journal: [...journal],
      marks: [...marks],
      hellos,
      stuck,
    }),
    get waitedMs() {
      return waiting.totalMs;
    },
    get isBoundToMock() {
      return isBoundToMock;
    },
    get log() {
      return drivers.flatMap(({ log }) => log);
    },
    close,
  };
}
