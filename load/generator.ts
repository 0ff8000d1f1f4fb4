/**
 * What every generator of load is: it opens sessions as an app would, and tells of each picture that it sent and that came back. It counts
 * nothing and judges nothing; the ledger does. All times are milliseconds on the session's one clock, whose zero means nothing.
 */
import type { ClipName } from "../fixtures/index.ts";

export const dialects = ["direct", "livekit"] as const;
export type Dialect = (typeof dialects)[number];

export const codecs = ["vp8", "h264"] as const;
export type Codec = (typeof codecs)[number];

export const generatorNames = ["node", "browser"] as const;
export type GeneratorName = (typeof generatorNames)[number];

export type Target = {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** `ws://127.0.0.1:8787` */
  readonly realtimeUrl: string;
  readonly apiKey: string;
};

/** How a picture that came back is told apart: what says which source picture it was made from. */
export const carrierNames = ["metadata", "strip", "signature"] as const;
export type CarrierName = (typeof carrierNames)[number];

export type SessionAbout = {
  readonly target: Target;
  readonly dialect: Dialect;
  readonly model: string;
  /** The camera: its size, pace and codec. `node` sends it as it is, `browser` draws one of that size. */
  readonly clip: ClipName;
  /** Whether what comes back is decoded, and its strips and luma read. Where not, only arrivals are told, and what metadata says. */
  readonly readsPictures: boolean;
};

/** A picture that was, or should have been, handed to the network. */
export type SentPicture = {
  /** The running number of the source's pictures, from 0. */
  readonly frame: number;
  /** When its turn was. */
  readonly dueMs: number;
  /** `null`: its turn passed without it. */
  readonly sentMs: number | null;
  /** Mean luma of the coarse grid of `carriers/signature.ts`, where somebody asked for it. */
  readonly luma?: readonly number[];
};

/** A picture that came back whole. */
export type ReceivedPicture = {
  readonly atMs: number;
  /** Which source picture it shows, as its metadata or its strip says; `null` where neither can be read. */
  readonly frame: number | null;
  /** What told `frame`. */
  readonly carrier: Exclude<CarrierName, "signature"> | null;
  /** The output strip. `null`: none can be read, or nobody looked. */
  readonly output: {
    readonly revision: number;
    readonly promptHash: number;
    readonly imageHash: number;
    readonly outputCount: number;
  } | null;
  readonly luma?: readonly number[];
};

/** Who listens to a session; called synchronously, what is of one kind in the order of its times: what is read of a picture takes a while. */
export type Observer = {
  sent(picture: SentPicture): void;
  received(picture: ReceivedPicture): void;
  /** The way to the server is gone, and the client looks for another. */
  lost(atMs: number, why: string): void;
  /** It has one again. */
  recovered(atMs: number): void;
  /** The session is over for good, and nobody asked for that. */
  ended(atMs: number, why: string): void;
};

/** What the transport counted, at the moment of asking; `null` where this generator cannot know. */
export type TransportStats = {
  readonly roundTripMs: number | null;
  readonly jitterMs: number | null;
  readonly packetsReceived: number | null;
  readonly packetsLost: number | null;
  /** Key pictures that this client asked for. */
  readonly keyRequests: number | null;
  /** Pictures that came whole and were replaced before a display could show them: of those that count as lost, the transport lost none. */
  readonly picturesUnseen?: number;
};

export type LoadSession = {
  /** Its id on the server, where the server tells. */
  readonly id: string | null;
  /** When connecting began and was done, where opening takes longer than that: a page has to be loaded first. */
  readonly connected?: { readonly calledMs: number; readonly connectedMs: number };
  /** Calls set; resolves with when it was called and acked. Rejects with what the server said, or when no ack came within `ackMsMax`. */
  set(input: {
    readonly prompt?: string;
    readonly image?: string | null;
  }): Promise<{ calledMs: number; ackedMs: number }>;
  /** Whatever happened before is told by then. */
  stats(): Promise<TransportStats>;
  /** Leaves as an app does. */
  close(): Promise<void>;
};

export type Generator = {
  readonly name: GeneratorName;
  /** What its numbers do not contain, a sentence each. */
  readonly blindSpots: readonly string[];
  /** Milliseconds on the clock of the sessions' times. */
  now(): number;
  /**
   * Connects and begins to send; resolves once the session is connected. `leaving` aborts where nobody waits for that any more: it rejects then,
   * and what was opened is closed. @throws Error with the server's own words
   */
  open(about: SessionAbout, observer: Observer, leaving?: AbortSignal): Promise<LoadSession>;
  close(): Promise<void>;
};

/** How long a set may wait for its ack: what the newest SDK waits (protocol.md). */
export const ackMsMax = 30_000;
