/**
 * Runs in Chromium: speaks the driver contract on a WebSocket, and drives a published SDK as an app would, with a synthetic camera in front
 * and a strip reader behind. It says what happened and expects nothing.
 *
 * States and places in the queue come from the callbacks among the options of `connect` where a version has them (the LiveKit era): they are
 * told at once and of all. The events of the same names repeat them once `connect` has resolved, so that they count only while no callback has.
 */
import { preferCodec } from "../../../fixtures/browser/prefer-codec.ts";
import { type SyntheticCamera, startSyntheticCamera } from "../../../fixtures/browser/synthetic-camera.ts";
import { tone } from "../../../fixtures/browser/tone.ts";
import { watchSound } from "../../../fixtures/browser/watch-sound.ts";
import { watchStrips } from "../../../fixtures/browser/watch-strips.ts";
import type {
  Camera,
  ClientEvent,
  Hello,
  Request,
  Result,
  StateName,
  Target,
  Verb,
  VerbArguments,
} from "../../client.ts";
import { recordConnections } from "./record-connections.ts";
import { type RecordedTimers, recordTimers } from "./record-timers.ts";
import type { SdkTraits } from "./traits.ts";

export type PageAbout = {
  readonly hello: Hello;
  readonly traits: SdkTraits;
  /** Paths of the SDK's bundle and of the WebSocket that the contract is spoken on. */
  readonly sdkPath: string;
  readonly driverPath: string;
  /** What to close it with after `quit`. */
  readonly quitCode: number;
};

/** As much of the SDK as any version has. */
type Sdk = {
  createDecartClient(options: Readonly<Record<string, unknown>>): {
    realtime: {
      connect(stream: MediaStream, options: Readonly<Record<string, unknown>>): Promise<SdkClient>;
      subscribe(options: Readonly<Record<string, unknown>>): Promise<SdkClient>;
    };
    tokens: { create(options?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> };
    files: { upload(file: Blob): Promise<{ id: string }> };
  };
  models: { realtime(name: string): unknown };
};

type SdkClient = {
  readonly sessionId?: string | null;
  readonly subscribeToken?: string | null;
  set(input: VerbArguments["set"]): Promise<void>;
  setPrompt(prompt: string, options: { enhance?: boolean }): Promise<void>;
  setImage(image: string | null, options: { prompt?: string; enhance?: boolean }): Promise<void>;
  replaceVideoTrack(track: MediaStreamTrack): Promise<void>;
  disconnect(): void;
  on(name: string, heard: (value: unknown) => void): void;
};

type Value = Readonly<Record<string, unknown>>;

/** As they were before the page's clock was driven. */
const { WebSocket, performance } = globalThis;

/** Known to some version each, and edited by image wherever the version has images; the first that this one knows. */
const models = ["lucy-2.1", "lucy_2_rt", "mirage_v2"];

/**
 * How long the clock waits for the network, and for each socket or peer connection in all, before it goes on: one that fails may take for
 * ever. On loopback a peer connection takes some 100 ms, and was seen to take 1000 on two cores that had ten times as much to do.
 */
const settleMsMax = 2000;

let about: PageAbout;
let sdk: Sdk;
let wire: WebSocket;
let target: Target | null = null;
let camera: SyntheticCamera | null = null;
let client: SdkClient | null = null;
let connectsPending = 0;
let timers: RecordedTimers;
let stopHearing: (() => void) | undefined;

const recorded = recordConnections(() => target?.realtimeUrl ?? "ws://127.0.0.1:9");
const video = Object.assign(document.createElement("video"), {
  muted: true,
  autoplay: true,
  playsInline: true,
});

const lucy = {
  /** Loads the SDK, after whatever was to be put in place before it, and says hello. */
  async start(given: PageAbout): Promise<void> {
    about = given;
    timers = recordTimers();
    sdk = await import(about.sdkPath);
    document.body.append(video);
    watchStrips(video, ({ atMs, width, height, input, output }) => {
      tell({
        event: "frame",
        timeMs: atMs,
        width,
        height,
        input: input && { frameId: input.frameId, timestampMs: input.timestampMs, flags: input.flags },
        output: output && {
          revision: output.revision,
          promptHash: output.promptHash,
          imageHash: output.imageHash,
          outputCount: output.outputCount,
        },
      });
    });
    wire = new WebSocket(new URL(about.driverPath, location.href.replace(/^http/, "ws")));
    wire.onmessage = ({ data }) => answer(JSON.parse(data));
    await new Promise((opened) => {
      wire.onopen = opened;
    });
    tell(about.hello);
  },

  /** Resolves once the network has nothing in hand and nothing has come for a whole round trip, or it has had its time. */
  async settle(): Promise<void> {
    const untilMs = performance.now() + settleMsMax;
    let beforeCount: number;
    do {
      beforeCount = recorded.happenedCount;
      await fetch("/", { method: "HEAD" });
    } while ((recorded.happenedCount > beforeCount || isNetworkBusy()) && performance.now() < untilMs);
  },
};

export type LucyPage = typeof lucy;

declare global {
  interface Window {
    lucy: LucyPage;
  }
}
window.lucy = lucy;

type Verbs = { readonly [V in Exclude<Verb, "advance">]: (args: VerbArguments[V]) => Promise<Value> | Value };

const verbs: Verbs = {
  async connect(args) {
    const { initial = {}, codec } = args;
    useCamera(args.camera);
    target = args;
    const initialState = defined({
      prompt:
        initial.prompt === undefined
          ? undefined
          : defined({ text: initial.prompt, enhance: initial.enhance }),
      image: initial.image,
    });
    const { callbacks, listen } = hearing();
    connectsPending++;
    try {
      client = await apiOf(args).realtime.connect(camera!.stream, {
        model: args.model === undefined ? ownModel() : sdk.models.realtime(args.model),
        onRemoteStream: show,
        ...callbacks,
        ...(Object.keys(initialState).length > 0 && { initialState }),
        // Each era knows one of them and leaves the other alone.
        ...(codec && {
          customizeOffer: (offer: RTCSessionDescriptionInit) => preferCodec(offer, codec),
          preferredVideoCodec: codec,
        }),
      });
    } finally {
      connectsPending--;
    }
    listen(client);
    return defined({
      sessionId: about.traits.knowsSession ? (client.sessionId ?? undefined) : undefined,
      subscribeToken: client.subscribeToken ?? undefined,
    });
  },

  async subscribe(args) {
    target = args;
    const { callbacks, listen } = hearing();
    client = await apiOf(args).realtime.subscribe({ token: args.token, onRemoteStream: show, ...callbacks });
    listen(client);
    return {};
  },

  async set({ prompt, image, enhance }) {
    await connected().set(defined({ prompt, image, enhance }));
    return {};
  },

  async setPrompt({ prompt, enhance }) {
    await connected().setPrompt(prompt, defined({ enhance }));
    return {};
  },

  async setImage({ image, prompt, enhance }) {
    await connected().setImage(image, defined({ prompt, enhance }));
    return {};
  },

  disconnect() {
    if (client) client.disconnect();
    else if (connectsPending > 0)
      throw new Error("There is no client to disconnect until connect() resolves.");
    return {};
  },

  async createToken({ url, realtimeUrl, apiKey, ...options }) {
    const { verb: _verb, id: _id, ...given } = options as typeof options & Partial<Request>;
    const unknown = Object.keys(given).filter((option) => !about.traits.tokenOptions.includes(option));
    if (unknown.length > 0) {
      throw new Error(`tokens.create() of ${about.hello.client} does not take ${unknown.join(", ")}.`);
    }
    const { maxSessionDuration, ...rest } = given;
    const token = await apiOf({ url, realtimeUrl, apiKey }).tokens.create({
      ...rest,
      ...(maxSessionDuration !== undefined && { constraints: { realtime: { maxSessionDuration } } }),
    });
    return defined({
      apiKey: token.apiKey,
      expiresAt: token.expiresAt,
      permissions: token.permissions ?? undefined,
    });
  },

  async upload({ data, mimeType, ...args }) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const { id } = await apiOf(args).files.upload(new Blob([bytes], { type: mimeType }));
    return { id };
  },

  async replaceTrack(args) {
    const before = camera;
    const next = openCamera(args.camera);
    try {
      await connected().replaceVideoTrack(next.stream.getVideoTracks()[0]!);
    } catch (error) {
      next.stop();
      throw error;
    }
    before?.stop();
    camera = next;
    return {};
  },

  snapshot() {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0) throw new Error("No picture has been shown yet.");
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    return { png: canvas.toDataURL("image/png").split(",")[1] };
  },

  open: () => ({
    sockets: recorded.sockets.filter(({ readyState }) => readyState !== WebSocket.CLOSED).length,
    connections: recorded.connections.filter(({ connectionState }) => connectionState !== "closed").length,
    // One that the app has stopped itself is of no camera that is in front.
    tracks: camera?.stream.getTracks().filter(({ readyState }) => readyState === "ended").length ?? 0,
    timers: timers.count,
  }),

  quit: () => ({}),
};

async function answer(request: Request): Promise<void> {
  const { id, verb } = request;
  let result: Result;
  try {
    const run = verbs[verb as keyof Verbs] as ((args: unknown) => Promise<Value> | Value) | undefined;
    if (!run) throw new Error(`There is no verb ${verb}.`);
    result = { event: "result", id, ok: true, value: await run(request) };
  } catch (error) {
    result = { event: "result", id, ok: false, error: wordsOf(error) };
  }
  tell(result);
  if (verb === "quit") wire.close(about.quitCode);
}

function tell(event: ClientEvent | Hello | Result): void {
  if (wire?.readyState === WebSocket.OPEN) wire.send(JSON.stringify(event));
}

function connected(): SdkClient {
  if (!client) throw new Error("There is no client: connect() has not resolved.");
  return client;
}

function apiOf({ url, realtimeUrl, apiKey }: Target) {
  return sdk.createDecartClient({
    apiKey,
    baseUrl: url,
    realtimeBaseUrl: realtimeUrl,
    telemetry: false,
  });
}

function ownModel(): unknown {
  for (const name of models) {
    try {
      return sdk.models.realtime(name);
    } catch {
      // This version does not know it.
    }
  }
  throw new Error(`${about.hello.client} knows none of ${models.join(", ")}: give connect a model.`);
}

/** One client's callbacks, and what to do with it once it is there. */
function hearing() {
  let hasCallbacks = false;
  const live = (tellIt: (value: unknown) => void) => (value: unknown) => {
    hasCallbacks = true;
    tellIt(value);
  };
  const late = (tellIt: (value: unknown) => void) => (value: unknown) => {
    if (!hasCallbacks) tellIt(value);
  };
  return {
    callbacks: { onConnectionChange: live(tellState), onQueuePosition: live(tellQueue) },
    listen(client: SdkClient): void {
      client.on("connectionChange", late(tellState));
      client.on("queuePosition", late(tellQueue));
      client.on("error", tellError);
      client.on("generationTick", tellTick);
      client.on("generationEnded", tellEnded);
    },
  };
}

function tellState(state: unknown): void {
  tell({ event: "state", state: state as StateName });
}

function tellQueue(value: unknown): void {
  const { position, queueSize } = value as { position: number; queueSize: number };
  if (areNumbers("queuePosition", position, queueSize)) tell({ event: "queue", position, size: queueSize });
}

function tellTick(value: unknown): void {
  const { seconds } = value as { seconds: number };
  if (areNumbers("generationTick", seconds)) tell({ event: "tick", seconds });
}

function tellEnded(value: unknown): void {
  const { seconds, reason } = value as { seconds?: number; reason: unknown };
  tell({
    event: "ended",
    ...(typeof seconds === "number" && { seconds }),
    reason: String(reason),
  });
}

function tellError(value: unknown): void {
  const { code } = value as { code?: unknown };
  tell({ event: "error", message: wordsOf(value), ...(typeof code === "string" && { code }) });
}

/** What is no number cannot be told in the contract's words; it goes to the log. */
function areNumbers(name: string, ...values: unknown[]): boolean {
  const isSo = values.every((value) => typeof value === "number" && Number.isFinite(value));
  if (!isSo) console.warn(`${name} carried ${JSON.stringify(values)}`);
  return isSo;
}

/** What it says, and what it hides: "WebRTC error" alone, or "Signaling error", tells nobody anything. */
function wordsOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, cause, data } = error as {
    message?: unknown;
    cause?: unknown;
    data?: { cause?: unknown };
  };
  const words = typeof message === "string" ? message : JSON.stringify(error);
  const hidden = cause ?? data?.cause;
  const inner = hidden === undefined ? "" : wordsOf(hidden);
  return words.includes(inner) ? words : `${words}: ${inner}`;
}

/** Each stream takes the place of the one before, as in an app. */
function show(stream: MediaStream): void {
  video.srcObject = stream;
  stopHearing?.();
  const hasSound = stream.getAudioTracks().length > 0;
  stopHearing = hasSound
    ? watchSound(stream, ({ atMs: timeMs, hz }) => tell({ event: "sound", timeMs, hz: Math.round(hz) }))
    : undefined;
  tell({ event: "stream", tracks: stream.getTracks().map(({ kind }) => kind as "video" | "audio") });
}

function useCamera(options: Camera): void {
  const before = camera;
  camera = openCamera(options);
  before?.stop();
}

/** Frame ids go on a thousand further, so that none is two pictures': a camera draws until it is replaced. */
function openCamera({ audio, ...options }: Camera): SyntheticCamera {
  const opened = startSyntheticCamera({
    ...options,
    firstFrameId: camera ? camera.frameCount + 1000 : 0,
  });
  if (audio) opened.stream.addTrack(tone());
  return opened;
}

/** Since when a socket or a peer connection has been on its way. */
const busySinceMs = new Map<WebSocket | RTCPeerConnection, number>();

function isNetworkBusy(): boolean {
  const isOnItsWay = ({ readyState }: WebSocket) =>
    readyState === WebSocket.CONNECTING || readyState === WebSocket.CLOSING;
  const isNegotiating = ({ connectionState, signalingState }: RTCPeerConnection) =>
    connectionState === "connecting" || !["stable", "closed"].includes(signalingState);
  const busy = [...recorded.sockets.filter(isOnItsWay), ...recorded.connections.filter(isNegotiating)];
  for (const one of busySinceMs.keys()) if (!busy.includes(one)) busySinceMs.delete(one);
  return busy.some((one) => {
    const sinceMs = busySinceMs.get(one) ?? performance.now();
    busySinceMs.set(one, sinceMs);
    return performance.now() - sinceMs < settleMsMax;
  });
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
