/**
 * One test's part of a mock server that others use, too: its key, its sessions, its faults, its lines of the journal. The key alone tells
 * tests apart, so any client that takes one will do, as it was published. Knows no test runner.
 */
import { createHash } from "node:crypto";
import { type Clock, realClock } from "../clock.ts";
import type { Waiting } from "../expectations.ts";
import { declareFaults, FaultError, listOf } from "../faults/declare.ts";
import type { FaultDesk } from "../faults/desk.ts";
import type { Declared } from "../faults/fault.ts";
import { type FaultName, faults as faultKinds } from "../faults/index.ts";
import { mockKeyPrefix } from "../faults/mock-key.ts";
import type * as frontDoor from "../front-door.ts";
import type { JournalLine } from "../journal.ts";
import type { MockServer } from "../server.ts";
import type { Session } from "../session.ts";
import { journalExcerpt } from "./journal-excerpt.ts";

type Given = FaultName | frontDoor.Declaration;

/** A fault that a test has declared for its own clients. */
export type TestFault = {
  readonly declaration: Declared["declaration"];
  /** How often, over all sessions of this test; what viewers and requests met is not in it. */
  readonly fired: number;
  readonly healed: boolean;
  /** Ends it for the sessions of this test, and for whoever comes. Who watches one and has met it keeps it. */
  heal(): void;
};

export type Lucy = {
  /** What an SDK takes as `baseUrl`. */
  readonly url: string;
  /** What an SDK takes as `realtimeBaseUrl`. */
  readonly realtimeUrl: string;
  /** What the app under test is given as its API key: who comes with it, or with a token minted with it, is of this test. */
  readonly apiKey: string;
  /** The server, which other tests use, too. */
  readonly server: frontDoor.MockServer;
  /** Sessions that clients of this test began, oldest first; those that are over, too. */
  readonly sessions: readonly frontDoor.Session[];
  /** Resolves with this test's session of that number, counted from 1, once it has begun. @throws Error that tells what happened instead */
  session(number?: number, waiting?: Waiting): Promise<frontDoor.Session>;
  readonly faults: {
    /** For the clients of this test, those to come too, or for its running session of this id. @throws FaultError */
    add(given: Given | readonly Given[], about?: { readonly session?: string | undefined }): TestFault[];
    readonly list: readonly TestFault[];
    healAll(): void;
  };
  /**
   * This test's journal, oldest first: the lines of its sessions and viewers, and since it began those of no session, of which nobody can
   * tell whose they are. Of the lines about single pictures, each session's newest is in `pictureOf()` alone.
   */
  readonly lines: readonly JournalLine[];
};

/** What fixtures and matchers need beside it. */
export type OpenLucy = Lucy & {
  /** What the newest picture that left shows; `undefined` before the first, and where pictures are not edited. */
  pictureOf(session: frontDoor.Session): ShownPicture | undefined;
  /** Resolves with what `look` gives, now or after a line of the journal; `undefined` where that does not come in time. */
  until<Value>(look: () => Value | undefined, withinMs?: number): Promise<Value | undefined>;
  /** What is wrong besides, for whoever waited in vain: clients with other keys, faults that never fired, the last lines. */
  tell(): string;
  /** Heals the faults and ends the sessions; whoever comes with its key from now on is refused. Idempotent. */
  close(): void;
};

export type ShownPicture = {
  /** How many left before it, and it. */
  readonly number: number;
  readonly revision: number;
  readonly promptHash: number;
  readonly imageHash: number;
};

export const withinMsDefault = 5000;
const withinMsMax = 600_000;
/** More than a failed test's reader looks through; a long test forgets its beginning. */
const linesMax = 20_000;

const owners = new WeakMap<object, OpenLucy>();

/** The test that this is a session of, or itself. */
export function lucyOf(subject: unknown): OpenLucy | undefined {
  return typeof subject === "object" && subject !== null ? owners.get(subject) : undefined;
}

/** `testName`: in full; a test of one name throws the same dice, whichever others ran before. */
export function openLucy(server: MockServer, testName: string, clock: Clock = realClock()): OpenLucy {
  // The server shows what tests may call; this is the rest of it.
  const desk = server.faults as FaultDesk;
  const { mode } = server.options;
  const name = freeName(desk, testName);
  // Each connection has a line of the faults that it meets. This one meets nothing, and says whose connection it is.
  const mark = { name: "nothing", channel: "control", only: name } as const;
  const sessions = new Map<string, Session>();
  /** Ids of the faults that each connection got from the key, in the key's order. */
  const fromKey = new Map<string, readonly string[]>();
  const strangers = new Set<string>();
  const others = new Set<string>();
  const newestFrames = new Map<string, JournalLine>();
  const lines: JournalLine[] = [];
  const lookers = new Set<() => void>();
  const faults: (TestFault & { readonly id: string; readonly isOfKey: boolean })[] = [];
  let faultCount = 0;
  let closed = false;

  const unhealed = () => faults.filter(({ healed }) => !healed);
  const ofKey = () => unhealed().filter(({ isOfKey }) => isOfKey);
  const running = () => [...sessions.values()].filter(({ phase }) => phase !== "ended");

  function putKey(): void {
    desk.putScenario(name, { faults: [...ofKey().map(({ declaration }) => declaration), mark] });
  }

  function read(line: JournalLine): void {
    const { session, kind, fields } = line;
    if (kind === "faults" && session !== null) {
      const whose = testOf(fields);
      if (whose === name)
        fromKey.set(
          session,
          ofKey().map(({ id }) => id),
        );
      else if (whose !== undefined) others.add(session);
    }
    if (session !== null && !fromKey.has(session)) {
      if (kind === "open" && !others.has(session)) strangers.add(session);
      return;
    }
    if (session !== null && kind === "frame") newestFrames.set(session, line);
    else if (lines.push(line) > linesMax) lines.shift();
    // A turn later: what a line tells of is not finished when it is written.
    queueMicrotask(() => {
      if (session !== null && !sessions.has(session)) {
        const begun = server.sessions.find(({ id }) => id === session);
        if (begun) {
          sessions.set(session, begun);
          owners.set(begun, lucy);
        }
      }
      for (const look of [...lookers]) look();
    });
  }

  function until<Value>(
    look: () => Value | undefined,
    withinMs = withinMsDefault,
  ): Promise<Value | undefined> {
    if (!(withinMs >= 0 && withinMs <= withinMsMax)) {
      throw new RangeError(`withinMs is ${withinMs}; it takes 0 to ${withinMsMax} ms.`);
    }
    const now = look();
    if (now !== undefined || closed) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        timer.cancel();
        lookers.delete(again);
        settle();
      };
      const again = () => {
        try {
          const value = look();
          if (value !== undefined || closed) end(() => resolve(value));
        } catch (error) {
          end(() => reject(error));
        }
      };
      const timer = clock.after(withinMs, () => end(() => resolve(undefined)));
      lookers.add(again);
    });
  }

  function declare({ id, declaration }: Declared, isOfSession: boolean): TestFault {
    let healed = false;
    /** It is known by another name where it came with the key. */
    const idIn = (session: string) => {
      const place = fromKey.get(session)?.indexOf(id) ?? -1;
      return place < 0 ? id : `key-${place + 1}`;
    };
    const fault = {
      id,
      isOfKey: !isOfSession,
      declaration,
      get fired() {
        const reports = [...sessions.values()].map(({ id, plan }) =>
          plan.faults.find((report) => report.id === idIn(id)),
        );
        return reports.reduce((sum, report) => sum + (report?.fired ?? 0), 0);
      },
      get healed() {
        return healed;
      },
      heal() {
        if (healed) return;
        healed = true;
        if (!closed) putKey();
        for (const { id, plan } of running()) plan.heal(idIn(id));
      },
    };
    faults.push(fault);
    return fault;
  }

  const lucy: OpenLucy = {
    url: server.url,
    realtimeUrl: server.realtimeUrl,
    apiKey: `${mockKeyPrefix}${name}`,
    // A failed expectation of it would print all of the server.
    get server() {
      return server as frontDoor.MockServer;
    },
    get sessions() {
      return [...sessions.values()] as frontDoor.Session[];
    },
    async session(number = 1, { withinMs = withinMsDefault } = {}) {
      const found = await until(() => [...sessions.values()][number - 1], withinMs);
      if (found) return found as frontDoor.Session;
      throw new Error(
        `Waited ${withinMs} ms for session ${number} of this test; ${sessions.size === 0 ? "none" : `${sessions.size}`} began.\n\n${lucy.tell()}`,
      );
    },
    faults: {
      add(given, { session } = {}) {
        if (session !== undefined && !running().some(({ id }) => id === session)) {
          throw new FaultError(
            `No session ${session.slice(0, 40)} of this test runs. It has ${listOf(running().map(({ id }) => id)) || "none"}.`,
          );
        }
        const declared = declareFaults(given, {
          faults: faultKinds,
          mode,
          nextId: () => `${name}-${++faultCount}`,
        });
        const added = declared.map((one) => declare(one, session !== undefined));
        putKey();
        for (const { plan, id } of running()) {
          if (session !== undefined && session !== id) continue;
          const now = declared.filter(({ connections }) => !connections);
          for (const { id: fault, declaration } of now) {
            server.journal.add({ session: id, kind: "fault-declared", fields: { fault, ...declaration } });
          }
          plan.add(now);
        }
        return added;
      },
      get list() {
        return [...faults];
      },
      healAll() {
        for (const fault of faults) fault.heal();
      },
    },
    get lines() {
      return [...lines];
    },
    pictureOf({ id }) {
      const { frame, revision, promptHash, imageHash } = newestFrames.get(id)?.fields ?? {};
      if (promptHash === undefined) return undefined;
      return { number: frame, revision, promptHash, imageHash } as ShownPicture;
    },
    until,
    tell() {
      const unfired = unhealed().filter(({ fired }) => fired === 0);
      return [
        strangers.size > 0 &&
          `${strangers.size} ${strangers.size === 1 ? "client" : "clients"} came without this test's key: give the app lucy.apiKey.`,
        unfired.length > 0 &&
          `Never fired in a session of this test: ${unfired.map(({ declaration }) => declaration.name).join(", ")}.`,
        journalExcerpt(lines),
      ]
        .filter((part) => part !== false)
        .join("\n");
    },
    close() {
      if (closed) return;
      closed = true;
      for (const fault of faults) fault.heal();
      for (const session of running()) session.end("disconnect", null);
      desk.removeScenario(name);
      stop();
      for (const look of [...lookers]) look();
    },
  };
  owners.set(lucy, lucy);
  putKey();
  const stop = server.journal.follow(read);
  return lucy;
}

/** One that no other test on this server has: a second run of one test, or a name that is there twice, gets another. */
function freeName({ scenarios }: FaultDesk, testName: string): string {
  const name = `test-${createHash("sha256").update(testName).digest("hex").slice(0, 8)}`;
  let free = name;
  for (let n = 2; scenarios.has(free); n++) free = `${name}-${n}`;
  return free;
}

/** Whose mark is among the faults that a connection meets. */
function testOf({ declared }: JournalLine["fields"]): string | undefined {
  const last = (declared as { name?: string; only?: unknown }[]).at(-1);
  return last?.name === "nothing" && /^test-[0-9a-f]{8}(-\d+)?$/.test(String(last.only))
    ? String(last.only)
    : undefined;
}
