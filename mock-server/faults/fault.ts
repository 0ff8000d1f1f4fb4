/**
 * What a fault is: the plain data that declares one, and what its file brings. Outside plain data, inside a gate: it gets an item
 * and `next`, and calls it once, never, twice or later. When it is awake is the envelope's affair, the same for all (`plan.ts`).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import type { GenerationEndReason, PromptAckMessage, SetImageAckMessage } from "../../protocol/index.ts";
import type { Clock } from "../clock.ts";
import type { Dice } from "../dice.ts";
import type { State } from "../state.ts";

export const channels = ["http", "control", "livekit", "ice", "media", "state"] as const;
export type Channel = (typeof channels)[number];

/** As the journal has them. */
export type Direction = "to-server" | "to-client";

/** Every item has these. `kind`: what `only` names. */
export type Item = {
  readonly direction: Direction;
  readonly kind: string;
  /** Items of one stream are counted together, and apart from those of others: an SSRC, say. */
  readonly stream?: string;
  /** Asked for only where bytes are counted. */
  byteLength?(): number;
  /** The last of a picture's: counted where frames are. */
  readonly endsFrame?: boolean;
};

/** http. `kind`: `tokens`, `files`, `watch-stream`. Who does not call `next` answers. */
export type HttpItem = Item & {
  readonly direction: "to-server";
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Seconds that a token is good from when it is minted, in place of what was asked for; below 0, it has expired. */
  readonly tokenLifeSeconds?: number;
  /** Answers with an HTTP status and `{ "detail": … }`. */
  refuse(status: number, detail: string): void;
  /** Closes with a TCP reset. */
  reset(): void;
};

/**
 * control, livekit: a client asks for a socket (`upgrade`), or over HTTP why it did not get one (`validate`, livekit only). Who does not call
 * `next` answers.
 */
export type UpgradeItem = Item & {
  readonly direction: "to-server";
  readonly kind: "upgrade" | "validate";
  /** Of the socket: `/rtc/v1`. */
  readonly path: string;
  /** Answers with an HTTP status, and closes. */
  refuse(status: number, body: string): void;
  /** Closes with a TCP reset. */
  reset(): void;
};

/** control: a message; `kind` is its type. A close of ours is one as well: `close`, with `message.code` and `message.reason`. */
export type ControlItem = Item & {
  readonly message: Readonly<Record<string, unknown>>;
  /** Sent in its place: a text, or bytes as a binary frame. */
  readonly raw?: string | Buffer;
};

/** livekit: a signal message; `kind` is its case, such as `answer`, `join`, `update`, `pongResp`. */
export type SignalItem = Item & {
  readonly message: { readonly case: string; readonly value: unknown };
  readonly raw?: Buffer | string;
};

/** livekit: a client that lost its socket asks to go on; `kind` is `resume`. Unless `next` is called at once, it is told to start over. */
export type ResumeItem = Item & {
  readonly direction: "to-server";
  readonly kind: "resume";
};

/**
 * ice, media: a datagram as it is on the wire. On ice `kind` is `stun`, `dtls` or `srtp` (RTP and RTCP); on media it is `video` or `audio`, one
 * encrypted RTP packet.
 */
export type DatagramItem = Item & {
  readonly bytes: Buffer;
};

/** ice: a description of ours; `kind` is `description`. */
export type DescriptionItem = Item & {
  readonly direction: "to-client";
  readonly sdp: string;
};

/**
 * media: a picture that is about to be edited (`transcode` only); `kind` is `picture`. Who does not call `next`, and at once, has it decoded and
 * skipped.
 */
export type PictureItem = Item & {
  readonly direction: "to-client";
  readonly effect: PictureEffect;
};

/** What becomes of a picture beside its look. */
export type PictureEffect = {
  /** Decoded, as later ones need it, and not sent. */
  readonly skip?: boolean;
  readonly black?: boolean;
  /** The picture sent last is sent again, its counter with it. */
  readonly freeze?: boolean;
  /** Pixels, both even. */
  readonly size?: { readonly width: number; readonly height: number };
};

/** media: what leaves the pipeline, before it is numbered, so that what is left out is no loss. `kind`: `encoded` or `sound`. Relayed: a packet each. */
export type OutgoingItem = Item & {
  readonly direction: "to-client";
  readonly isKey: boolean;
  /** RTP timestamp: 90 kHz, or 48 kHz for `sound`. */
  readonly timestamp: number;
};

/** state: a message that is about to come into force; `kind` is its type. */
export type StateItem = Item & {
  readonly direction: "to-server";
  readonly previous: State;
  /** In force afterwards; `null`: nothing changes. */
  readonly adopted: State | null;
  /** What pictures show, one after the other; each but the last for so many pictures. None: what they showed before. */
  readonly shown: readonly { readonly state: State; readonly frames: number }[];
  readonly ack: PromptAckMessage | SetImageAckMessage;
};

export type Items = {
  http: HttpItem;
  control: ControlItem | UpgradeItem;
  livekit: SignalItem | UpgradeItem | ResumeItem;
  ice: DatagramItem | DescriptionItem;
  media: DatagramItem | PictureItem | OutgoingItem;
  state: StateItem;
};

/** A WebSocket, as a fault may spoil it. */
export type SocketLine<Message> = {
  /** Straight to the wire: past all gates. */
  send(message: Message): void;
  /** A text, or bytes as a binary frame. */
  sendRaw(raw: string | Buffer): void;
  close(code: number, reason: string): void;
  /** Without a close frame. */
  drop(): void;
  /** Half-open: nothing goes out, nothing is read, pings are not answered. Call the result to end it. */
  mute(): () => void;
};

export type ControlLine = SocketLine<Readonly<Record<string, unknown>>> & {
  /** Production's way to refuse: an `error`, then a close. */
  refuse(error: string, code: number): void;
  /** Ends the session from the server's side. */
  end(reason: GenerationEndReason, error: string | null): void;
};

/** A message as `signal-wire.ts` has it. */
export type SignalLine = SocketLine<{ readonly case: string; readonly value: unknown }>;

/** A peer connection. */
export type PeerLine = {
  /** Says goodbye in DTLS (close_notify), and nothing afterwards. */
  closeDtls(): void;
  /** Goes on from another UDP port, as behind a NAT that forgot; the old one is deaf. Resolves once it stands. */
  changePath(): Promise<void>;
  /** What is sent goes on under other SSRCs. Call the result to go back to those that the client was told of. */
  changeSsrc(): () => void;
};

export type StateLine = {
  /** Every session that runs beside this one, to change what they show; with a mock key, those of the same key only. */
  others(): readonly { readonly id: string; show(state: State): void }[];
};

export type Lines = {
  http: never;
  control: ControlLine;
  livekit: SignalLine;
  ice: PeerLine;
  media: PeerLine;
  state: StateLine;
};

export type Tools = {
  readonly clock: Clock;
  /** Its own: what it throws depends on seed, session and the fault's name and place in the list only. */
  readonly dice: Dice;
  /** A line in the journal, under the session. `measured`: the machine's doing, which differs from run to run. */
  note(kind: string, fields: Record<string, unknown>, measured?: boolean): void;
};

export type Gate<C extends Channel> = {
  /**
   * Gets each item while the fault is awake, with the lines that stand. `false`: it let this one be, which does not count as fired.
   */
  take?(item: Items[C], next: (item: Items[C]) => void, lines: ReadonlySet<Lines[C]>): unknown;
  /** An item has gone by that it would have got, had it not fired often enough or thrown luckier dice: what waits for a count looks here. */
  passed?(item: Items[C]): void;
  /**
   * Does something to the line itself. Called when the fault wakes, and for a moment without an ordinal each time it comes, as often as `times`
   * allows: once unless it says more, where there is no `take`.
   */
  strike?(line: Lines[C]): void;
  /** Gives out what it holds, in order, and undoes what it did. Called once; it gets nothing afterwards. */
  heal?(): void;
  /** The session is over: timers go, nothing is given out any more. */
  drop?(): void;
};

/** Where a fault can be put. */
export type Place<C extends Channel = Channel> = {
  readonly channel: C;
  /** Those it can spoil, the first unless the declaration says otherwise. Both: to-client first. */
  readonly directions?: readonly Direction[];
  /**
   * What it spoils, of which `only` may name some; without it every item but those that must be named (`upgrade`, `validate`, `resume`, `close`,
   * `description`).
   */
  readonly kinds?: readonly string[];
  /** Nothing passes while it is awake, so that its end is counted in milliseconds only. */
  readonly isSilent?: true;
  /** Kinds that must be named and that it takes all the same. */
  readonly also?: readonly string[];
  /** When it wakes unless `when.at` says otherwise; without it, it is awake from the beginning. */
  readonly at?: string;
};

/** What a fault's file exports, under its name in camel case. */
export type Fault<Settings extends z.ZodObject = z.ZodObject, C extends Channel = Channel> = {
  /** Kebab-case: the file's name, the wire's, the report's. */
  readonly name: string;
  /** One sentence: what happens to the client. */
  readonly about: string;
  readonly places: readonly Place<C>[];
  /** Each with a default and a description. */
  readonly settings: Settings;
  /** `transcode`: it changes pictures; `pictures`: there must be some. Refused in other modes, where it would never fire. */
  readonly needs?: "transcode" | "pictures";
  /** For how long unless `when.for` says otherwise. */
  readonly for?: Amount;
  /** How often unless `when.times` says otherwise. */
  readonly times?: number;
  open(settings: z.output<Settings>, tools: Tools): Gate<C>;
};

/** Keeps the types of settings and channel together, and the name for those who list faults. */
export function defineFault<Settings extends z.ZodObject, C extends Channel, const Name extends string>(
  fault: Fault<Settings, C> & { readonly name: Name },
): Fault<Settings, C> & { readonly name: Name } {
  return fault;
}

export const units = ["messages", "packets", "frames", "bytes", "ms"] as const;
export type Unit = (typeof units)[number];
/** Of one unit: `{ packets: 100 }`. */
export type Amount = { readonly [U in Unit]?: number };

/** One shape wherever a fault is declared: in process, over HTTP, in a scenario file, in an API key. */
export type Declaration = {
  readonly name: string;
  /** Where a fault has several. */
  readonly channel?: Channel | undefined;
  readonly direction?: Direction | "both" | undefined;
  /** Kinds of items: types of messages, `video`, `audio`, … */
  readonly only?: string | readonly string[] | undefined;
  readonly when?: When | undefined;
  /** The fault's own settings. */
  readonly with?: Readonly<Record<string, unknown>> | undefined;
};

export type When = {
  /** A moment, `tick:3`. */
  readonly at?: string | undefined;
  /** So much passes first, counted from the moment, or else from the beginning. */
  readonly after?: Amount | undefined;
  /** Then it heals, for good: counted from when it first wakes, however often it strikes. */
  readonly for?: Amount | undefined;
  /** Items spoiled, or strikes; then it sleeps. What it holds it gives out when it heals, which is another matter. */
  readonly times?: number | undefined;
  /** Of each item, or each strike, 0 to 1. Seeded. */
  readonly chance?: number | undefined;
  /** Which connections of this key, or since it was declared: the first so many, or from the first to the second number. From 1. */
  readonly connections?: number | readonly [number, number] | undefined;
};

/** A declaration that was checked and filled in. */
export type Declared = {
  /** `f1`, `key-1`: in the journal's lines. */
  readonly id: string;
  readonly declaration: Declaration;
  readonly fault: Fault;
  readonly place: Place;
  readonly direction: Direction | "both";
  readonly only: readonly string[] | null;
  readonly at: string | null;
  readonly after: Amount | null;
  readonly for: Amount | null;
  readonly times: number | null;
  readonly chance: number | null;
  readonly connections: readonly [number, number] | null;
  readonly settings: Readonly<Record<string, unknown>>;
};
