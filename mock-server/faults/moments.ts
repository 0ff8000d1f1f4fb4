/**
 * Places in a session's life that faults and expectations name: `tick:3`, `before-answer`. Each has an ordinal, counted from 1: the number
 * that the protocol gives it where it gives one, or else how often it has come.
 */
import { nearest } from "../../protocol/index.ts";

export const moments = {
  upgrade: "A client asks for its control socket.",
  open: "The control socket is open; nothing was said on it.",
  "first-message": "The client's first message is here, and not handled.",
  joined: "The dialect is known: the session has begun.",
  "queue-position": "A position in the queue is about to be told (livekit).",
  "before-room-info": "The room is made, and not told of (livekit).",
  "after-room-info": "The client knows its room (livekit).",
  "room-socket": "A client, or a viewer, has opened its socket to the room (livekit).",
  "before-join-response": "It is about to be told that it is in (livekit).",
  "after-join-response": "It knows that it is in (livekit).",
  "track-published": "The client publishes a track (livekit).",
  resume: "A client that lost its socket to the room is back, and asks to go on (livekit).",
  "room-socket-lost": "The socket to the room has closed (livekit).",
  offer: "A client's offer is here, and not answered.",
  "before-answer": "The answer is made, and not sent.",
  "after-answer": "The answer is sent.",
  "peer-connected": "ICE and DTLS are through.",
  connected: "Media flows both ways, as the session counts it.",
  "generation-started": "The client is about to be told that generation has started.",
  "first-frame": "The first picture of a connection leaves.",
  "first-frame-of-revision": "The first picture that shows revision n leaves; n is the revision.",
  "state-received": "A state message waits for its turn.",
  "state-applied": "Revision n is in force; n is the revision.",
  "ack-queued": "An ack is made, and not sent.",
  "ack-sent": "An ack was handed on; a fault may still hold it, or lose it.",
  tick: "Second n of generation is about to be told; n is the second.",
  disconnected: "The connection for media is lost.",
  ended: "The session is over.",
} as const satisfies Record<string, string>;

export type Moment = keyof typeof moments;

/** Moments whose ordinal is a number of the protocol's. */
export const numbered: readonly Moment[] = ["tick", "first-frame-of-revision", "state-applied"];

/** Those that a session comes to one time only. */
export const once: readonly Moment[] = ["upgrade", "open", "first-message", "joined"];

export const momentNames = Object.keys(moments) as Moment[];

/** A moment as it is written, as far as types can tell: `connected`, `tick:3`. */
export type MomentText = Moment | `${Moment}:${number}`;

/** `tick:3`, or without an ordinal: the first time it comes. `null` for what is no moment. */
export function readMoment(text: string): { name: Moment; n: number | null } | null {
  const [, name, n] = /^([a-z-]+)(?::([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (!name || !Object.hasOwn(moments, name)) return null;
  return { name: name as Moment, n: n === undefined ? null : Number(n) };
}

/** What to say of a text that is no moment. */
export function noMoment(text: unknown): string {
  const [name = "", ordinal] = typeof text === "string" ? text.split(":", 2) : [];
  if (ordinal !== undefined && Object.hasOwn(moments, name)) {
    return `What follows the colon is a whole number from 1: "${name}:3".`;
  }
  const meant = nearest(name, momentNames);
  return `${meant === null ? "" : `Did you mean "${meant}"? `}The moments are ${momentNames.join(", ")}; "tick:3" is the third.`;
}
