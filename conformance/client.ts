/**
 * The driver contract: what a harness says to whatever drives a client, and what it hears of it. Lines of JSON, over stdio or a WebSocket, so
 * that any language can speak it. A driver says what its client can do and what happened; it holds no expectations. In prose, with whole
 * transcripts: `driver-contract.md`.
 */
import { z } from "zod";

export const contractVersion = 1;

/** What a client can do, as its driver declares it. What is not declared is not asked for. */
export const capabilities = {
  set: "`set`: prompt and image in one call.",
  "set-prompt": "`setPrompt`.",
  "set-image": "`setImage`.",
  acks: "Its calls end when the server has acked them, and not before.",
  enhance: "Takes `enhance` wherever it takes a prompt.",
  "initial-prompt": "`connect` with a prompt to begin with.",
  "initial-image": "`connect` with an image to begin with.",
  "file-ref": "Takes the id of an uploaded file, `file_…`, for an image.",
  upload: "`upload`.",
  tokens: "`createToken`.",
  subscribe: "`subscribe`: watches another client's session.",
  "replace-track": "`replaceTrack`.",
  media: "Sends its camera's pictures, and is sent some back.",
  reconnect: "Connects again by itself when it has lost its connection.",
  states: "Tells the state of its connection: events `state`.",
  errors: "Tells what went wrong beside its calls: events `error`.",
  ticks: "Tells of seconds that are billed: events `tick`.",
  ended: "Tells that generation has ended, and why: events `ended`.",
  queue: "Tells its place in the queue: events `queue`.",
  frames: "Reads both strips of each picture that it gets: events `frame`.",
  audio: "Sends and receives sound where `camera.audio` asks for it: events `sound`.",
  codec: "`connect` with a codec to send.",
  snapshot: "`snapshot`.",
  open: "`open`: counts what it still has open.",
  clock: "`advance`: its time can be driven. From the first time on it stands but for that.",
} as const;
export type Capability = keyof typeof capabilities;
export const capabilityNames = Object.keys(capabilities) as readonly Capability[];

export const dialects = ["direct", "livekit"] as const;
export type Dialect = (typeof dialects)[number];

/** What the camera that the driver makes up looks like: it writes the input strip into each picture. Pixels, pictures a second; `audio`: a microphone with a tone of 440 Hz. */
export type Camera = {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly audio?: boolean;
};

export type Codec = "h264" | "vp8" | "vp9";

/** Where a server is, and the key it is asked with. */
export type Target = { readonly url: string; readonly realtimeUrl: string; readonly apiKey: string };

/** Base64 without a prefix, `file_…`, or `null` for none. */
export type ImageInput = string | null;

/** What each verb takes. */
export type VerbArguments = {
  /** `value`: `{ sessionId?, subscribeToken? }`. Without a model the driver takes one that its client knows and that edits by image. */
  connect: Target & {
    readonly model?: string;
    readonly camera: Camera;
    readonly codec?: Codec;
    readonly initial?: { readonly prompt?: string; readonly enhance?: boolean; readonly image?: string };
  };
  set: { readonly prompt?: string; readonly image?: ImageInput; readonly enhance?: boolean };
  setPrompt: { readonly prompt: string; readonly enhance?: boolean };
  setImage: { readonly image: ImageInput; readonly prompt?: string; readonly enhance?: boolean };
  disconnect: Record<never, never>;
  subscribe: Target & { readonly token: string };
  /** `value`: `{ apiKey, expiresAt }`, and `permissions` where the server says some. */
  createToken: Target & {
    readonly expiresIn?: number;
    readonly allowedModels?: readonly string[];
    readonly allowedOrigins?: readonly string[];
    readonly maxSessionDuration?: number;
  };
  /** `data`: base64. `value`: `{ id }`. */
  upload: Target & { readonly data: string; readonly mimeType: string };
  replaceTrack: { readonly camera: Camera };
  /** `value`: `{ png }`, base64: the picture that is shown now. */
  snapshot: Record<never, never>;
  /** `value`: `{ sockets, connections, tracks, timers? }`: WebSockets and peer connections that are not closed, tracks of the camera that have ended; timers of the client's that wait, where they can be counted. */
  open: Record<never, never>;
  advance: { readonly ms: number };
  quit: Record<never, never>;
};
export type Verb = keyof VerbArguments;

/** The capability without which a verb is not asked for. */
export const needOf: { readonly [V in Verb]: Capability | null } = {
  connect: null,
  set: "set",
  setPrompt: "set-prompt",
  setImage: "set-image",
  disconnect: null,
  subscribe: "subscribe",
  createToken: "tokens",
  upload: "upload",
  replaceTrack: "replace-track",
  snapshot: "snapshot",
  open: "open",
  advance: "clock",
  quit: null,
};
export const verbs = Object.keys(needOf) as readonly Verb[];

/** `{"id":1,"verb":"set","prompt":"a red cape"}` */
export type Request = { readonly id: number; readonly verb: Verb } & Readonly<Record<string, unknown>>;

const count = z.number().int().min(0);
const inputStrip = z.object({ frameId: count, timestampMs: count, flags: count.optional() });
const outputStrip = z.object({ revision: count, promptHash: count, imageHash: count, outputCount: count });

export const stateNames = ["connecting", "connected", "generating", "reconnecting", "disconnected"] as const;
export type StateName = (typeof stateNames)[number];

const events = {
  /** Before anything else. */
  hello: z.object({
    event: z.literal("hello"),
    contract: z.literal(contractVersion),
    /** `sdk 0.1.20` */
    client: z.string().min(1).max(100),
    dialect: z.enum(dialects),
    capabilities: z.array(z.enum(capabilityNames)),
  }),
  /** Exactly one for each request. */
  result: z.object({
    event: z.literal("result"),
    id: z.number().int(),
    ok: z.boolean(),
    value: z.record(z.string(), z.unknown()).optional(),
    /** What the client itself said, when `ok` is false. */
    error: z.string().optional(),
  }),
  state: z.object({ event: z.literal("state"), state: z.enum(stateNames) }),
  error: z.object({ event: z.literal("error"), message: z.string(), code: z.string().optional() }),
  tick: z.object({ event: z.literal("tick"), seconds: z.number() }),
  ended: z.object({ event: z.literal("ended"), seconds: z.number().optional(), reason: z.string() }),
  queue: z.object({ event: z.literal("queue"), position: z.number(), size: z.number() }),
  /** The client has handed its app a stream to show. */
  stream: z.object({ event: z.literal("stream"), tracks: z.array(z.enum(["video", "audio"])) }),
  /** A picture was shown. `timeMs`: the driver's own clock. A strip that cannot be read is `null`. */
  frame: z.object({
    event: z.literal("frame"),
    timeMs: z.number(),
    width: count,
    height: count,
    input: inputStrip.nullable(),
    output: outputStrip.nullable(),
  }),
  /** A tenth of a second of sound came that was not silent. `hz`: its loudest pitch; `null` where the driver cannot tell. */
  sound: z.object({ event: z.literal("sound"), timeMs: z.number(), hz: z.number().nullable() }),
} as const;

export const driverEvent = z.discriminatedUnion("event", [
  events.hello,
  events.result,
  events.state,
  events.error,
  events.tick,
  events.ended,
  events.queue,
  events.stream,
  events.frame,
  events.sound,
]);
export type DriverEvent = z.output<typeof driverEvent>;
export type Hello = z.output<typeof events.hello>;
export type Result = z.output<typeof events.result>;
export type FrameEvent = z.output<typeof events.frame>;
/** What a client tells by itself. */
export type ClientEvent = Exclude<DriverEvent, Hello | Result>;

/** A driver that runs, as the harness has it. */
export type Driver = {
  readonly hello: Hello;
  /** Resolves with how the call ended. @throws DriverBroken when the driver dies, or says what no driver says */
  request<V extends Verb>(verb: V, args: VerbArguments[V]): Promise<Result>;
  /** Calls `read` with each thing the client tells; call the result to stop. */
  follow(read: (event: ClientEvent) => void): () => void;
  /** What it wrote for people: stderr, a page's console. The last 1000 lines. */
  readonly log: readonly string[];
  /** Resolves, never rejects, once the driver has broken, with how. */
  readonly broken: Promise<DriverBroken>;
  /** `quit`, and what has to be done where that is not heard. Idempotent. */
  close(): Promise<void>;
};

/** The harness's own trouble: a driver that died, hung, answered twice or spoke nonsense. Never blamed on the client. */
export class DriverBroken extends Error {}

/** Somebody to be judged. */
export type Client = {
  /** As `--client` names it: `sdk@0.1.20`. */
  readonly name: string;
  /** What to type to have it again, where that is more than `--client` and its name. */
  readonly typed?: string;
  /** Starts a driver: a process, a page. @throws DriverBroken, or Error with a sentence when it cannot be had here */
  open(): Promise<Driver>;
  close(): Promise<void>;
};
