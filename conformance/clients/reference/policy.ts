/**
 * What the reference client decides, apart from how it does it: every choice that a client can get wrong is one small member here, so that a
 * broken client is this one with one member changed (`{ ...correct, restore: () => [] }`). Pure; knows no sockets, timers or media.
 */
import {
  decodeSubscribeToken,
  FILE_REF_PREFIX,
  PATHS,
  type ParseFailureKind,
  PERMANENT_SUBSTRINGS,
  type PromptAckMessage,
  QUERY,
  type SetImageAckMessage,
  type SubscribeToken,
} from "../../../protocol/index.ts";
import type { Camera, Codec, Dialect, ImageInput, StateName, VerbArguments } from "../../client.ts";

/** What an app has asked for and the server has acked; `null` for none. */
export type Wanted = {
  readonly prompt: string | null;
  readonly enhance: boolean;
  readonly image: ImageInput;
};

/** What a call changes of it; what is left out stays. */
export type Change = Partial<Wanted>;

export type StateMessage =
  | { readonly type: "prompt"; readonly prompt: string; readonly enhance_prompt?: boolean }
  | {
      readonly type: "set_image";
      readonly image_data?: string | null;
      readonly image_ref?: string;
      readonly prompt?: string | null;
      readonly enhance_prompt?: boolean;
    };

export type Ack = PromptAckMessage | SetImageAckMessage;

/** A state message that was sent and whose ack has not come. In the order of sending. */
export type Waiting = {
  readonly message: StateMessage;
  /** Number of the session it was sent in. */
  readonly session: number;
  /** Its call has ended without an ack. */
  readonly isOver: boolean;
};

/** How far a session has come: its socket opens, it is being agreed on, media connects, it stands. */
export type Phase = "opening" | "signalling" | "media" | "up";

/** Why what a session had is given up. */
export type Farewell = "failed" | "lost" | "disconnect";

export type Policy = {
  /** The control socket's address. */
  streamUrl(about: {
    readonly realtimeUrl: string;
    readonly apiKey: string;
    readonly model: string;
    readonly userAgent: string;
  }): string;

  /** How long to wait before the next attempt, after so many that failed in a row; `null` for no more. Milliseconds. */
  retryDelayMs(failedCount: number): number | null;
  /** Whether it is no use to try again after this: what the server said, or how its socket closed. */
  isPermanent(why: string): boolean;
  /** Whether it is no use to try again when the server has refused the first state. */
  refusalIsPermanent: boolean;
  /**
   * From which failed attempt a session that lasted so long goes on counting. With 0 the first attempt is made at once. Who began from 0
   * after every session would storm a server that takes each in and closes it.
   */
  failedCountAfter(lastedMs: number, failedCount: number): number;
  /** Whether a session whose generation ended for this reason, and that is then closed, is over for good. */
  endsForGood(reason: string): boolean;
  /** Whether it connects again at all. */
  reconnects: boolean;
  /** Whether it stops to try once its app has left. */
  stopsTrying: boolean;

  /** How long a socket may take to open. Milliseconds, as all that follow. */
  openMsMax: number;
  /** How long the answer, or room info, may take. */
  signallingMsMax: number;
  /** How long, from a place in the queue, the next or room info may take: the service tells it anew every 17 s. */
  queueMsMax: number;
  /** How long media may take to connect. */
  mediaMsMax: number;
  /** How often the server is pinged, over the control socket. */
  pingEveryMs: number;
  /** A socket over which nothing has come for so long after a ping is half-open. */
  pongMsMax: number;
  /** Whether pings end with their socket. */
  stopsPings: boolean;
  /** How long a peer connection may be disconnected: less than this often heals. */
  disconnectedMsMax: number;
  /** After how long without a picture's packet its connection counts as lost (direct dialect); `null`: that is ICE's to say. */
  silentMsMax: number | null;

  /** After how long without any picture a stream that it watches counts as lost; `null`: its publisher may take as long as it takes. */
  darkMsMax: number | null;

  /** Whether the loss of the socket, or of media, counts in this phase. */
  heedsLoss(phase: Phase): boolean;
  /** Whether what happens to one session's connections is the current session's affair. */
  heedsSession(session: number, current: number): boolean;
  /** Whether an `error` ends an attempt to connect. */
  errorEndsAttempt: boolean;
  /** Whether an `error` while the session stands ends the calls that wait. */
  errorEndsCalls: boolean;
  /** Whether a frame that is no message, or one that nobody knows, ends the session. */
  breaksOn(kind: ParseFailureKind): boolean;
  /** The longest message that is read, bytes. */
  messageBytesMax: number;
  /** Whether a `ready` that nobody asked for ends the session. */
  breaksOnReady: boolean;
  /** Whether a tick tells that generation has started. */
  tickTellsOfGeneration: boolean;
  /** Whether `generation_started` counts that comes before the session stands. */
  keepsEarlyStart: boolean;
  /** Whether the app hears of this state after that one. */
  tellsState(next: StateName, previous: StateName): boolean;
  /** Whether the app hears of what the server tells in this phase: errors, ticks, the queue, the end. */
  tells(event: "error" | "tick" | "ended" | "queue", phase: Phase): boolean;

  /** Why a state call is refused before anything is sent; `null` if it is not. */
  refuses(call: Change, state: StateName): string | null;
  /** State messages of `set`: prompt and image in one, and an image that is not named stays. */
  encodeSet(call: VerbArguments["set"]): readonly StateMessage[];
  encodePrompt(call: VerbArguments["setPrompt"]): readonly StateMessage[];
  encodeImage(call: VerbArguments["setImage"]): readonly StateMessage[];
  /** State messages of a first connect, none for none. */
  encodeInitial(initial: NonNullable<VerbArguments["connect"]["initial"]>): readonly StateMessage[];
  /** What the app wants once a call is done. */
  wantedAfter(wanted: Wanted, change: Change): Wanted;
  /** When it counts as what the app wants: a call that the server refused, or that was cut off, has changed nothing. */
  remembers: "acked" | "sent";
  /** State messages of a session that follows a lost one. */
  restore(wanted: Wanted): readonly StateMessage[];

  /** Whether a call ends with its ack, or as soon as it is sent. */
  waitsForAck: boolean;
  /** Which of those that wait the ack is for; -1 for none. */
  claims(waiting: readonly Waiting[], ack: Ack, session: number): number;
  /** Whether an ack that nobody waits for is kept for the next that waits for one of its kind. */
  keepsAcks: boolean;
  /** Why the server refused; `null` if it did not. */
  refusalOf(ack: Ack): string | null;
  ackMsMax(message: StateMessage): number;
  /** How long a message whose call is over still has a claim to its ack. */
  lateAckMsMax: number;
  /** Whether calls that wait end when their session is lost. */
  endsCallsAtLoss: boolean;

  /** Whether uploads that are under way end when a session is lost. */
  endsUploadsAtLoss: boolean;
  /** Why a request over HTTP counts as refused; `null` for one that was granted. */
  refusalOfRequest(doing: string, response: Pick<Response, "ok" | "status">, text: string): string | null;

  /** What a subscribe token says. @throws Error for one that is none */
  readToken(token: string, era: Dialect): SubscribeToken;

  /** The camera that is sent, where the app gives this one and had that one. */
  cameraOf(given: Camera, before: Camera | null): Camera;
  /** What pictures are sent in, where the app asks for this or for nothing. */
  codecOf(asked: Codec | undefined): Codec;
  /** Whether the camera's picture number `n`, from 0, is sent. */
  sendsPicture(n: number): boolean;
  /** Whether the picture number `n` that has come, from 0, is shown. */
  showsPicture(n: number): boolean;
  /**
   * Whether track number `n` of a room, from 1, is shown: whoever joins it anew gets others. `isLate`: it came to somebody who only watches
   * after he did.
   */
  showsTrack(n: number, isLate: boolean): boolean;
  /** Whether sound that comes is heard; `watches`: by who has no camera. */
  hears(watches: boolean): boolean;
  /** Whether a key picture is asked for where pictures cannot be shown without (direct dialect; rooms do that by themselves). */
  asksForKeys: boolean;
  /** Whether a room that has lost its connection may mend it. */
  waitsForRoom: boolean;

  /** Whether this is closed when a session is given up. */
  closes(what: "socket" | "media", why: Farewell): boolean;
  /** Whether the app's camera is stopped when a session is given up: it is the app's. */
  stopsCamera(why: Farewell): boolean;
};

/** Without jitter, as every client's ladder. Documented. */
const delaysMs: readonly number[] = [1000, 2000, 4000, 8000, 10_000];

/** A session that lasted shorter is no better than an attempt that failed: the longest pause. */
const steadyMs = 10_000;

/** Words after which the service would say the same again. The first are documented of every client; the rest are of errors that close a session. */
const permanentWords = [
  ...PERMANENT_SUBSTRINGS.filter((word) => word !== "401"),
  "insufficient credits",
  "session duration",
  "moderation",
];
/** As a number by itself: `14401 ms` is no refusal. */
const unauthorized = /\b4?401\b/;

/** Documented reasons that trying again does not change; `error` and `disconnect` are the server's own trouble. */
const goodReasons: readonly string[] = ["insufficient_credits", "timeout", "moderation_violation"];

const promptOf = (prompt: string | null | undefined) =>
  prompt === undefined || prompt === null ? {} : { prompt };
const enhanceOf = (enhance: boolean | undefined) =>
  enhance === undefined ? {} : { enhance_prompt: enhance };

/** Base64 goes without a data URL's prefix; what was uploaded goes by its id. */
function imageOf(image: ImageInput | undefined): { image_data: string | null } | { image_ref: string } {
  if (image === undefined || image === null) return { image_data: null };
  if (image.startsWith(FILE_REF_PREFIX)) return { image_ref: image };
  return { image_data: image.replace(/^data:[^,]*,/, "") };
}

/** The client as it should be. */
export const correct: Policy = {
  streamUrl({ realtimeUrl, apiKey, model, userAgent }) {
    const query = new URLSearchParams({
      [QUERY.apiKey]: apiKey,
      [QUERY.model]: model,
      [QUERY.userAgent]: userAgent,
    });
    return `${realtimeUrl}${PATHS.stream}?${query}`;
  },

  retryDelayMs: (failedCount) => delaysMs[failedCount - 1] ?? null,
  isPermanent(why) {
    const lower = why.toLowerCase();
    return unauthorized.test(lower) || permanentWords.some((word) => lower.includes(word));
  },
  refusalIsPermanent: true,
  failedCountAfter: (lastedMs, failedCount) => (lastedMs >= steadyMs ? 0 : failedCount),
  endsForGood: (reason) => goodReasons.includes(reason),
  reconnects: true,
  stopsTrying: true,

  openMsMax: 10_000,
  signallingMsMax: 15_000,
  queueMsMax: 60_000,
  mediaMsMax: 15_000,
  pingEveryMs: 4000,
  pongMsMax: 6000,
  stopsPings: true,
  disconnectedMsMax: 4000,
  silentMsMax: null,
  darkMsMax: null,

  heedsLoss: () => true,
  heedsSession: (session, current) => session === current,
  errorEndsAttempt: true,
  errorEndsCalls: false,
  breaksOn: () => false,
  messageBytesMax: 16 * 1024 * 1024,
  breaksOnReady: false,
  tickTellsOfGeneration: true,
  keepsEarlyStart: true,
  tellsState: (next, previous) => next !== previous,
  tells: () => true,

  refuses({ prompt, image }, state) {
    if (prompt === undefined && image === undefined) return "Nothing to set: give `prompt`, `image` or both.";
    if (prompt === "") return "`prompt` is empty; it takes at least one character.";
    if (state === "connected" || state === "generating") return null;
    return `Cannot send message: connection is ${state}`;
  },
  encodeSet({ prompt, image, enhance = true }) {
    // The wire has no set_image that changes the prompt and leaves the image alone; a prompt by itself does.
    if (image === undefined && prompt !== undefined) return correct.encodePrompt({ prompt, enhance });
    return [{ type: "set_image", ...imageOf(image), ...promptOf(prompt), ...enhanceOf(enhance) }];
  },
  encodePrompt: ({ prompt, enhance = true }) => [{ type: "prompt", prompt, ...enhanceOf(enhance) }],
  encodeImage: ({ image, prompt, enhance }) => [
    { type: "set_image", ...imageOf(image), ...promptOf(prompt), ...enhanceOf(enhance) },
  ],
  encodeInitial({ prompt, enhance, image }) {
    if (image !== undefined)
      return correct.encodeSet({ image, ...promptOf(prompt), ...(enhance !== undefined && { enhance }) });
    return prompt === undefined
      ? []
      : correct.encodePrompt({ prompt, ...(enhance !== undefined && { enhance }) });
  },
  wantedAfter: (wanted, change) => ({ ...wanted, ...change }),
  remembers: "acked",
  restore({ prompt, enhance, image }) {
    if (prompt === null && image === null) return [];
    return correct.encodeSet({ image, enhance, ...promptOf(prompt) });
  },

  waitsForAck: true,
  claims(waiting, ack, session) {
    return waiting.findIndex(({ message, session: itsSession }) => {
      if (itsSession !== session) return false;
      if (ack.type === "prompt_ack") return message.type === "prompt" && message.prompt === ack.prompt;
      return message.type === "set_image";
    });
  },
  keepsAcks: false,
  refusalOf: (ack) => (ack.success ? null : ack.error || "The server refused it and did not say why."),
  ackMsMax: ({ type }) => (type === "prompt" ? 15_000 : 30_000),
  lateAckMsMax: 30_000,
  endsCallsAtLoss: true,

  endsUploadsAtLoss: false,
  refusalOfRequest: (doing, { ok, status }, text) => (ok ? null : `${doing}: ${status} - ${text}`),

  readToken(token, era) {
    const read = decodeSubscribeToken(token, era);
    if (!read.ok) throw new Error(`Invalid subscribe token: ${read.error}`);
    return read.token;
  },

  cameraOf: (given) => given,
  codecOf: (asked) => asked ?? "vp8",
  sendsPicture: () => true,
  showsPicture: () => true,
  showsTrack: () => true,
  hears: () => true,
  asksForKeys: true,
  waitsForRoom: true,

  closes: () => true,
  stopsCamera: () => false,
};
