/**
 * Runs in Chromium: one session of a published SDK, as an app has it, with a camera in front and a reader of pictures behind. It tells what
 * happens, in batches and on the page's own clock, and calls what it is asked to call; the generator, in Node, knows the rest.
 */
import { preferCodec } from "../../../fixtures/browser/prefer-codec.ts";
import { createStripReader, watchPictures } from "../../../fixtures/browser/watch-strips.ts";
import type {
  Codec,
  LoadSession,
  ReceivedPicture,
  SentPicture,
  Target,
  TransportStats,
} from "../../generator.ts";
import { type Camera, type CameraAbout, startCamera } from "./camera.ts";
import { createGridReader } from "./luma-grid.ts";
import { type Network, recordNetwork } from "./record-network.ts";

export type PageAbout = {
  /** Path of the SDK's bundle. */
  readonly sdkPath: string;
  readonly target: Target;
  readonly model: string;
  readonly camera: CameraAbout;
  readonly codec: Codec;
  readonly readsPictures: boolean;
  /** What this browser reaches, as `--host-resolver-rules` takes it. */
  readonly hosts: readonly string[];
};

/** What an observer is to hear. */
export type Told =
  | ({ readonly event: "sent" } & SentPicture)
  | ({ readonly event: "received" } & ReceivedPicture)
  | { readonly event: "lost" | "ended"; readonly atMs: number; readonly why: string }
  | { readonly event: "recovered"; readonly atMs: number };

/** How a call ended; an Error does not leave a page in one piece. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

export type Opened = { readonly id: string | null; readonly calledMs: number; readonly connectedMs: number };

type SetInput = Parameters<LoadSession["set"]>[0];

/** As much of the SDK as both dialects have. */
type Sdk = {
  createDecartClient(options: Readonly<Record<string, unknown>>): {
    realtime: {
      connect(stream: MediaStream, options: Readonly<Record<string, unknown>>): Promise<SdkClient>;
    };
  };
  models: { realtime(name: string): unknown };
};

type SdkClient = {
  readonly sessionId: string | null;
  set(input: SetInput): Promise<void>;
  disconnect(): void;
  on(name: string, heard: (value: unknown) => void): void;
};

const tellEveryMs = 100;
/** A picture's callback runs some time after it was presented: what is told has waited so long, to be in order. */
const tellAfterMs = 200;
/** How long the first picture that can be told apart may take to come back. */
const firstBackMsMax = 1000;
/** How long sockets may take to say goodbye. */
const goodbyeMsMax = 1000;

let network: Network = { sockets: [], connections: [] };
let camera: Camera | null = null;
let client: SdkClient | null = null;
let untold: Told[] = [];
/**
 * Turns of the camera until it is known with which it began to be sent: with the first that comes back, for pictures flow before the SDK says so.
 * Meanwhile nothing is told.
 */
let early: SentPicture[] | null = [];
let connectedMs = Number.POSITIVE_INFINITY;
let isLost = false;
let isOver = false;
let lastWords = "The SDK does not say why.";
let unseenCount = 0;

const page = {
  now: (): number => performance.now(),

  open: (about: PageAbout): Promise<Outcome<Opened>> =>
    outcomeOf(async () => {
      const { target, codec } = about;
      const kept = Promise.withResolvers<never>();
      kept.promise.catch(() => {});
      network = recordNetwork(target.realtimeUrl, (host) => {
        // An SDK would try for half a minute, and then say that a socket failed.
        if (!about.hosts.some((pattern) => isOf(host, pattern))) kept.reject(new Error(keptFrom(host)));
      });
      const sdk: Sdk = await import(about.sdkPath);
      const video = showVideo(about.readsPictures);
      camera = startCamera(about.camera, noteSent, about.readsPictures ? createGridReader() : null);
      const { apiKey, url: baseUrl, realtimeUrl: realtimeBaseUrl } = target;
      const api = sdk.createDecartClient({ apiKey, baseUrl, realtimeBaseUrl, telemetry: false });
      const calledMs = performance.now();
      const connecting = api.realtime.connect(camera.stream, {
        model: sdk.models.realtime(about.model),
        onRemoteStream: (stream: MediaStream) => {
          video.srcObject = stream;
        },
        // Each dialect knows one of them and leaves the other alone.
        customizeOffer: (offer: RTCSessionDescriptionInit) => preferCodec(offer, codec),
        preferredVideoCodec: codec,
      });
      client = await Promise.race([connecting, kept.promise]);
      connectedMs = performance.now();
      setTimeout(beginWithConnection, firstBackMsMax);
      listen(client);
      setInterval(() => flush(performance.now() - tellAfterMs), tellEveryMs);
      return { id: client.sessionId, calledMs, connectedMs };
    }),

  set: (input: SetInput) =>
    outcomeOf(async () => {
      const calledMs = performance.now();
      await client!.set(input);
      return { calledMs, ackedMs: performance.now() };
    }),

  async stats(): Promise<TransportStats> {
    flushAll();
    const reports = (await Promise.all(network.connections.map((one) => one.getStats()))).flatMap(
      (report) => [...report.values()],
    );
    const pairs = reports.filter(({ type, nominated }) => type === "candidate-pair" && nominated);
    const incoming = reports.filter(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    const sumOf = (count: (report: RTCInboundRtpStreamStats) => number | undefined) =>
      incoming.length === 0 ? null : incoming.reduce((sum, report) => sum + (count(report) ?? 0), 0);
    const seconds = (value: number | undefined) => (value === undefined ? null : value * 1000);
    return {
      roundTripMs: seconds(pairs.at(-1)?.currentRoundTripTime),
      jitterMs: seconds(incoming.at(-1)?.jitter),
      packetsReceived: sumOf(({ packetsReceived }) => packetsReceived),
      packetsLost: sumOf(({ packetsLost }) => packetsLost),
      keyRequests: sumOf(({ pliCount = 0, firCount = 0 }) => pliCount + firCount),
      picturesUnseen: unseenCount,
    };
  },

  /** Resolves once the SDK's sockets are closed, or have had their time. */
  async close(): Promise<void> {
    isOver = true;
    client?.disconnect();
    camera?.stop();
    flushAll();
    const closing = network.sockets.filter(({ readyState }) => readyState !== WebSocket.CLOSED);
    const closed = closing.map(
      (socket) => new Promise((resolve) => socket.addEventListener("close", resolve)),
    );
    await Promise.race([Promise.all(closed), new Promise((resolve) => setTimeout(resolve, goodbyeMsMax))]);
  },
};

export type LoadPage = typeof page;

declare global {
  interface Window {
    loadPage: LoadPage;
    /** Of the generator; it hears of each batch before what is answered after it. */
    tellGenerator(batch: readonly Told[]): Promise<void>;
  }
}
window.loadPage = page;

function isOf(host: string, pattern: string): boolean {
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function keptFrom(host: string): string {
  return `The service leads to ${host}, which this browser is kept from. With a remote target, say --allow-hosts ${host} as well.`;
}

function noteSent(picture: SentPicture): void {
  if (isOver) return;
  if (early) early.push(picture);
  else untold.push({ event: "sent", ...picture });
}

/** Turns of the camera count from the first that is so. */
function beginWith(isSo: (picture: SentPicture) => boolean): void {
  for (const picture of early ?? []) if (isSo(picture)) untold.push({ event: "sent", ...picture });
  early = null;
}

/** Where none came back that can be told apart. */
function beginWithConnection(): void {
  beginWith(({ dueMs }) => dueMs >= connectedMs);
}

function showVideo(readsPictures: boolean): HTMLVideoElement {
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    autoplay: true,
    playsInline: true,
  });
  document.body.append(video);
  const readStrips = createStripReader();
  const readGrid = createGridReader();
  let lastCount = 0;
  watchPictures(video, ({ atMs, presentedCount }) => {
    unseenCount += Math.max(0, presentedCount - lastCount - 1);
    lastCount = presentedCount;
    const strips = readsPictures ? readStrips(video) : null;
    const frame = strips?.input?.frameId ?? null;
    if (frame !== null) beginWith((picture) => picture.frame >= frame);
    untold.push({
      event: "received",
      atMs,
      frame,
      carrier: frame === null ? null : "strip",
      output: strips?.output ?? null,
      // Where the strip can be read, nobody needs it.
      ...(strips && frame === null && { luma: readGrid(video, strips) }),
    });
  });
  return video;
}

function listen(to: SdkClient): void {
  to.on("error", (error) => {
    lastWords = wordsOf(error);
  });
  to.on("generationEnded", (value) => {
    lastWords = `The server ended it: ${(value as { reason: unknown }).reason}.`;
  });
  to.on("connectionChange", (state) => {
    const atMs = performance.now();
    if (isOver) return;
    if (state === "reconnecting" && !isLost) {
      isLost = true;
      untold.push({ event: "lost", atMs, why: lastWords });
    } else if ((state === "connected" || state === "generating") && isLost) {
      isLost = false;
      untold.push({ event: "recovered", atMs });
    } else if (state === "disconnected") {
      isOver = true;
      camera?.stop();
      // What went wrong is told after it did.
      queueMicrotask(() => untold.push({ event: "ended", atMs, why: lastWords }));
    }
  });
}

/** Tells what happened so far, in order. */
function flushAll(): void {
  beginWithConnection();
  flush(Number.POSITIVE_INFINITY);
}

/** Tells what happened up to then. */
function flush(untilMs: number): void {
  if (early) return;
  const timeOf = (told: Told) => (told.event === "sent" ? (told.sentMs ?? told.dueMs) : told.atMs);
  untold.sort((a, b) => timeOf(a) - timeOf(b));
  const batch = untold.filter((told) => timeOf(told) <= untilMs);
  untold = untold.slice(batch.length);
  if (batch.length > 0) void window.tellGenerator(batch);
}

async function outcomeOf<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    return { ok: false, error: wordsOf(error) };
  }
}

/** What it says, and what it hides: "WebRTC error" alone tells nobody anything. */
function wordsOf(error: unknown): string {
  const { message, cause, data } = Object(error) as { [name: string]: unknown };
  const words = typeof message === "string" ? message : String(error);
  const hidden = cause ?? (data as { cause?: unknown } | undefined)?.cause;
  const inner = hidden === undefined ? "" : wordsOf(hidden);
  return words.includes(inner) ? words : `${words}: ${inner}`;
}
