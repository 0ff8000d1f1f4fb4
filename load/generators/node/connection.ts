/**
 * What a session has of its server while it is connected, in either dialect, and what it takes to get there: the wait for one thing after
 * the other, whatever fails first.
 */
import type { Clip } from "../../../fixtures/index.ts";
import type { MediaPacket } from "../../../mock-server/index.ts";
import { isPermanent, type ServerMessage, type StateMessage } from "../../../protocol/index.ts";
import type { Clock } from "../../clock.ts";
import type { SessionAbout } from "../../generator.ts";
import type { Peer } from "../../peer.ts";
import { type ControlSocket, openControlSocket } from "./control-socket.ts";

export type Connection = {
  /** Of the session on the server. */
  readonly id: string | null;
  readonly peer: Peer;
  /** Whether the other side takes packet trailers off, and gives them back. */
  readonly carriesTrailers: boolean;
  /** Resolves with when the ack came. @throws Error */
  change(message: StateMessage): Promise<number>;
  /** Leaves as an app does. Nothing is told from then on. */
  close(): Promise<void>;
};

export type ConnectionAbout = {
  readonly session: SessionAbout;
  /** What is sent. */
  readonly clip: Clip;
  readonly clock: Clock;
  /** The app has left: no use to go on. */
  readonly signal: AbortSignal;
  packet(packet: MediaPacket): void;
  keyRequested(): void;
  /** It stood, and is gone. `isFinal`: it is no use to connect again. Called once. */
  lost(why: string, isFinal: boolean): void;
};

/** Once it stands. @throws Error with the server's own words, or a sentence */
export type Connect = (about: ConnectionAbout) => Promise<Connection>;

export type Attempt = {
  readonly control: ControlSocket;
  /** `work`, unless something fails first, or all of it takes too long. `what` ends the sentence about that. */
  wait<T>(work: Promise<T>, what: string): Promise<T>;
  /** It is closed with the connection, after what was opened later. */
  keep<T extends { close(): Promise<void> }>(thing: T): T;
  /** What it had is gone, or it cannot have it. */
  fail(why: string): void;
};

/** All of an attempt. A busy machine takes seconds, and one that drops what it should answer takes forever. */
const connectMsMax = 30_000;
/** From a place in the queue to the next one, or out of it: the service tells it anew every 17 s. */
const queueMsMax = 60_000;
/** Reasons of an end that trying again does not change; the others are the server's own trouble. */
const finalReasons: readonly string[] = ["insufficient_credits", "timeout", "moderation_violation"];

/** Opens the control socket and has `establish` do the rest. `hear` gets what the server says there. @throws Error */
export async function attempt(
  about: ConnectionAbout,
  hear: (message: ServerMessage) => void,
  establish: (attempt: Attempt) => Promise<Pick<Connection, "id" | "peer" | "carriesTrailers">>,
): Promise<Connection> {
  const { clock, session, signal } = about;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const kept: { close(): Promise<void> }[] = [];
  let stands = false;
  let isOver = false;
  /** What the server said was wrong, and did not take back by going on. */
  let said: string | null = null;
  let endedFor: string | null = null;
  let awaited = "the control socket";
  let patience = waitFor(connectMsMax);

  function waitFor(ms: number) {
    return clock.after(ms, () => {
      fail(`Not connected: after ${ms / 1000} s it still waits for ${awaited}. Look into the server's log.`);
    });
  }

  function fail(how: string): void {
    if (isOver) return;
    isOver = true;
    const end = endedFor === null ? how : `generation ended: ${endedFor}; ${how}`;
    if (!stands) return failed.reject(new Error(said ?? end));
    const why = said === null ? end : `${said} (${end})`;
    about.lost(why, isPermanent(why) || (endedFor !== null && finalReasons.includes(endedFor)));
  }

  function listen(message: ServerMessage): void {
    if (message.type === "error") {
      said = message.error;
      // Once it stands, whatever ends it closes the socket, too.
      if (!stands) fail(said);
    } else if (message.type === "generation_tick") {
      said = null;
    } else if (message.type === "generation_ended") {
      endedFor = message.reason;
    } else if (message.type === "queue_position" && !stands) {
      patience.cancel();
      patience = waitFor(queueMsMax);
    }
    hear(message);
  }

  async function close(): Promise<void> {
    isOver = true;
    for (const one of kept.splice(0).reverse()) await one.close();
  }

  function keep<T extends { close(): Promise<void> }>(thing: T): T {
    kept.push(thing);
    return thing;
  }

  const leave = () => fail("The app left.");
  signal.addEventListener("abort", leave);
  try {
    if (signal.aborted) leave();
    if (isOver) await failed.promise;
    const { target, model } = session;
    const control = keep(
      await openControlSocket({ target, model, clock, signal, message: listen, closed: fail }),
    );
    const established = await establish({
      control,
      wait(work, what) {
        awaited = what;
        return Promise.race([work, failed.promise]);
      },
      keep,
      fail,
    });
    if (isOver) await failed.promise;
    stands = true;
    return { ...established, change: control.change, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    patience.cancel();
    signal.removeEventListener("abort", leave);
  }
}
