/**
 * Runs in the page under test: published SDKs with a synthetic camera in front and a strip reader behind. It records, it
 * expects nothing. `window.harness` is what the specs call, through `HarnessPage`.
 */

import { preferCodec } from "../../fixtures/browser/prefer-codec.ts";
import { type SyntheticCamera, startSyntheticCamera } from "../../fixtures/browser/synthetic-camera.ts";
import { tone } from "../../fixtures/browser/tone.ts";
import { type Codec, type LivekitClient, sdkFileName, traitsOf } from "../../fixtures/browser/versions.ts";
import { type SeenPicture, watchStrips } from "../../fixtures/browser/watch-strips.ts";

/** Which SDK, and whom it is told to talk to; `HarnessPage` fills in its server. The direct era ignores the addresses. */
export type SdkOptions = {
  version: string;
  /** Instead of the release that this SDK gets by default. */
  livekitClient?: LivekitClient;
  apiKey?: string;
  baseUrl?: string;
  realtimeBaseUrl?: string;
};

export type ConnectOptions = SdkOptions & {
  model?: string;
  /** `initialState`: the prompt's text. */
  prompt?: string;
  enhance?: boolean;
  /** `initialState`: base64, or `file_…`. */
  image?: string;
  /** `initialState`. */
  passthrough?: boolean;
  width?: number;
  height?: number;
  fps?: number;
  strip?: boolean;
  /** A flat picture of this colour (CSS) instead of a scene. */
  color?: string;
  /** Sends a tone of 440 Hz along. */
  audio?: boolean;
  /** First in the offer by `customizeOffer`, in the LiveKit era by `preferredVideoCodec`. */
  codec?: Codec;
  resolution?: "720p" | "1080p";
  debugQuality?: boolean;
  queryParams?: Record<string, string>;
};

/** What the SDK's client can emit, in any version. */
const eventNames = [
  "connectionChange",
  "error",
  "generationTick",
  "generationEnded",
  "queuePosition",
  "connectionQuality",
  "stats",
  "diagnostic",
] as const;
export type EventName = (typeof eventNames)[number];

/** An event with its payload; of an error, its `code` and `message`. */
export type SdkEvent = { name: EventName; value: unknown };

/** How a call of the SDK ended. */
export type Outcome = { ok: true } | { ok: false; error: string };

/** One `set()` of a series: `null` clears the image, a number is an index into the series' images. */
export type SetStep = { prompt?: string; image?: number | null; thenPictures: number };

type Client = {
  // The SDKs differ in their calls and types; the specs say which a version has.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  sdk: any;
  /** Settles as the SDK's `connect()` or `subscribe()` does. */
  connected: Promise<void>;
  /** `performance.now()` when that was called, and when it resolved. */
  calledMs: number | null;
  connectedMs: number | null;
  camera: SyntheticCamera | null;
  video: HTMLVideoElement;
  /** Remote streams that the SDK has handed over so far. */
  streamCount: number;
  pictures: SeenPicture[];
  /** From `on()`: what an app hears that listens once `connect()` has resolved. */
  events: SdkEvent[];
  /** From the callbacks in the options (LiveKit era), which are called at once. */
  live: SdkEvent[];
  atConnect: { sessionId: string | null; hasTrack: boolean; state: string } | null;
  /** The first pictures that lack a strip, as data URLs: what a failed spec's report shows. */
  unreadable: string[];
  /** Called after each picture, event and stream. */
  waiters: Set<() => void>;
};

const clients: Client[] = [];
const sockets: WebSocket[] = [];
const connections: RTCPeerConnection[] = [];

export const harness = {
  /** Keeps the sockets and connections that the SDKs make. */
  keepConnections(): void {
    globalThis.WebSocket = class extends globalThis.WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
    globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
  },

  /** Begins to connect with the SDK of this version; returns a number that stands for the client while that goes on. */
  async begin(options: ConnectOptions): Promise<number> {
    const sdk = await loadSdk(options);
    const camera = startSyntheticCamera(options);
    if (options.audio) camera.stream.addTrack(tone());
    const client = newClient(camera);
    client.connected = connect(client, sdk, options);
    // Whoever asks for connected() hears of it.
    client.connected.catch(() => camera.stop());
    return clients.indexOf(client);
  },

  /** Resolves once a client that was begun is connected, and rejects with what its `connect()` rejects with. */
  connected: (id: number): Promise<void> => clients[id]!.connected,

  /**
   * Sends a camera's pictures to this page itself, without any server, with the rate hints that the mock server gives; returns a
   * number that stands for the receiver.
   */
  async loopback({
    codec,
    ...options
  }: Parameters<typeof startSyntheticCamera>[0] & { codec?: Codec }): Promise<number> {
    const camera = startSyntheticCamera(options);
    const client = newClient(camera);
    const sender = new RTCPeerConnection();
    const receiver = new RTCPeerConnection();
    sender.onicecandidate = ({ candidate }) => receiver.addIceCandidate(candidate ?? undefined);
    receiver.onicecandidate = ({ candidate }) => sender.addIceCandidate(candidate ?? undefined);
    receiver.ontrack = ({ streams }) => {
      client.video.srcObject = streams[0]!;
    };
    const transceiver = sender.addTransceiver(camera.stream.getVideoTracks()[0]!, {
      direction: "sendonly",
      streams: [camera.stream],
    });
    if (codec) transceiver.setCodecPreferences(capabilitiesOf(codec));
    await sender.setLocalDescription();
    await receiver.setRemoteDescription(sender.localDescription!);
    await receiver.setLocalDescription();
    await sender.setRemoteDescription({
      type: "answer",
      sdp: withRateHints(receiver.localDescription!.sdp),
    });
    return clients.indexOf(client);
  },

  async subscribe(token: string, options: SdkOptions): Promise<number> {
    const { createDecartClient } = await loadSdk(options);
    const client = newClient(null);
    client.sdk = await createDecartClient(clientOptions(options)).realtime.subscribe({
      token,
      onRemoteStream: (stream: MediaStream) => showStream(client, stream),
      ...liveCallbacks(client),
    });
    listen(client);
    return clients.indexOf(client);
  },

  /** Mints a client token with the SDK, from this page's origin. */
  async createToken(version: string, apiKey: string, baseUrl: string): Promise<Record<string, unknown>> {
    const { createDecartClient } = await loadSdk({ version });
    return createDecartClient({ apiKey, baseUrl }).tokens.create();
  },

  /** Uploads a file with the SDK, and returns the server's answer: `id` goes wherever an image goes. */
  async upload(base64: string, mime: string, options: SdkOptions): Promise<Record<string, unknown>> {
    const { createDecartClient } = await loadSdk(options);
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return createDecartClient(clientOptions(options)).files.upload(new Blob([bytes], { type: mime }));
  },

  /**
   * Puts another camera in front by `replaceVideoTrack()`, and stops the one before once that has resolved. Frame ids go on a
   * thousand further on, because until then both draw; `get().firstFrameId` is the new one's first.
   */
  async replaceCamera(
    id: number,
    options: Parameters<typeof startSyntheticCamera>[0] = {},
  ): Promise<Outcome> {
    const client = clients[id]!;
    const before = client.camera!;
    const next = startSyntheticCamera({ ...options, firstFrameId: before.frameCount + 1000 });
    const ended = await outcome(() => client.sdk.replaceVideoTrack(next.stream.getVideoTracks()[0]!));
    if (ended.ok) client.camera = next;
    (ended.ok ? before : next).stop();
    return ended;
  },

  /** Calls a method of the SDK's client and returns how it ended. */
  call(id: number, method: string, ...args: unknown[]): Promise<Outcome> {
    return outcome(() => clients[id]!.sdk[method](...args));
  },

  /** `set()` after `set()`, each once the one before has resolved and some pictures have been seen. */
  async setSeries(id: number, steps: readonly SetStep[], images: readonly string[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { prompt, image, thenPictures } of steps) {
      const input = {
        ...(prompt !== undefined && { prompt }),
        ...(image !== undefined && { image: image === null ? null : images[image] }),
      };
      outcomes.push(await outcome(() => clients[id]!.sdk.set(input)));
      await harness.morePictures(id, thenPictures);
    }
    return outcomes;
  },

  get(id: number) {
    const client = clients[id]!;
    const { sdk, camera, atConnect, streamCount, video } = client;
    return {
      states: valuesOf(client.events, "connectionChange") as string[],
      errors: errorsOf(client),
      atConnect,
      /** What the callbacks were told, while the events still wait for `connect()` to resolve. */
      liveStates: valuesOf(client.live, "connectionChange") as string[],
      liveQueue: valuesOf(client.live, "queuePosition") as { position: number; queueSize: number }[],
      sessionId: (sdk?.sessionId ?? null) as string | null,
      subscribeToken: (sdk?.subscribeToken ?? null) as string | null,
      state: (sdk?.getConnectionState() ?? null) as string | null,
      streamCount,
      /** Kind and readyState, such as `video live`, of what the video element was given and of what the camera gives. */
      calledMs: client.calledMs,
      connectedMs: client.connectedMs,
      remoteTracks: tracksOf(video.srcObject as MediaStream | null),
      cameraTracks: tracksOf(camera?.stream ?? null),
      firstFrameId: camera?.firstFrameId ?? 0,
      framesDrawn: camera?.frameCount ?? 0,
    };
  },

  /** For a failed spec's report. */
  everything: () =>
    clients.map(({ pictures, unreadable, events, live, atConnect, streamCount, camera, video }) => ({
      events,
      live,
      atConnect,
      streamCount,
      remoteTracks: tracksOf(video.srcObject as MediaStream | null),
      cameraTracks: tracksOf(camera?.stream ?? null),
      unreadable,
      pictures,
    })),

  /** What events of this name carried, oldest first. */
  events: (id: number, name: EventName): unknown[] => valuesOf(clients[id]!.events, name),

  /** Resolves once there have been `count` events of this name since `connect()` resolved. */
  untilEvent: (id: number, name: EventName, count = 1) =>
    until(clients[id]!, () => valuesOf(clients[id]!.events, name).length >= count),

  /** Resolves once a callback has been told of the place in the queue; `connect()` need not have resolved. */
  untilQueued: (id: number, count = 1) =>
    until(clients[id]!, () => valuesOf(clients[id]!.live, "queuePosition").length >= count),

  /** Resolves once the SDK has handed over so many remote streams. */
  untilStream: (id: number, count: number) => until(clients[id]!, () => clients[id]!.streamCount >= count),

  /** The pictures seen from number `from` on. */
  pictures: (id: number, from = 0): SeenPicture[] => clients[id]!.pictures.slice(from),

  /** Resolves with the number of pictures seen once `count` more have come after now. */
  async morePictures(id: number, count: number): Promise<number> {
    const { pictures } = clients[id]!;
    const wanted = pictures.length + count;
    await until(clients[id]!, () => pictures.length >= wanted);
    return pictures.length;
  },

  /** Resolves once a picture shows this revision or a later one. */
  untilRevision: (id: number, revision: number) =>
    until(clients[id]!, () => (clients[id]!.pictures.at(-1)?.output?.revision ?? -1) >= revision),

  /** Resolves once a picture of this size is shown. Pixels. */
  untilSize: (id: number, width: number, height: number) =>
    until(clients[id]!, () => {
      const last = clients[id]!.pictures.at(-1);
      return last?.width === width && last.height === height;
    }),

  /** Red, green and blue in the middle of what is shown now. 0 to 255. */
  middleColor(id: number): number[] {
    const { video } = clients[id]!;
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const context = canvas.getContext("2d")!;
    context.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  },

  /** Resolves once the client's last event was this state. */
  untilState: (id: number, state: string) =>
    until(clients[id]!, () => valuesOf(clients[id]!.events, "connectionChange").at(-1) === state),

  resize: (id: number, width: number, height: number) => clients[id]!.camera!.resize(width, height),

  /** What the server might say on the newest control socket: the SDK cannot tell. */
  receive(message: { type: string; [field: string]: unknown }): void {
    const control = sockets.findLast(({ url }) => new URL(url).pathname.endsWith("/stream"))!;
    control.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  },

  /** Peer connections the SDKs have made, open ones. */
  connectionCount: () => connections.filter(({ connectionState }) => connectionState !== "closed").length,

  /** The server's UDP ports that open connections send to. */
  async pathPorts(): Promise<number[]> {
    const ports: number[] = [];
    for (const connection of connections) {
      const reports = new Map(await connection.getStats());
      for (const { type, selectedCandidatePairId } of reports.values()) {
        if (type !== "transport" || !selectedCandidatePairId) continue;
        ports.push(reports.get(reports.get(selectedCandidatePairId).remoteCandidateId).port);
      }
    }
    return ports;
  },

  /** Video codecs that are in use, as the connections' statistics have them. */
  async codecs(): Promise<{ sent: string[]; received: string[] }> {
    const used = { sent: new Set<string>(), received: new Set<string>() };
    for (const connection of connections) {
      const reports = new Map(await connection.getStats());
      for (const { type, kind, codecId } of reports.values()) {
        if (kind !== "video" || !codecId) continue;
        if (type === "outbound-rtp") used.sent.add(reports.get(codecId).mimeType);
        if (type === "inbound-rtp") used.received.add(reports.get(codecId).mimeType);
      }
    }
    return { sent: [...used.sent], received: [...used.received] };
  },

  /** Bytes of sound received so far. */
  async audioBytes(id: number): Promise<number> {
    const stream = remoteStream(clients[id]!);
    const track = stream?.getAudioTracks()[0];
    const receiver = connections.flatMap((pc) => pc.getReceivers()).find((one) => one.track === track);
    for (const report of (await receiver?.getStats())?.values() ?? []) {
      if (report.type === "inbound-rtp") return report.bytesReceived;
    }
    return 0;
  },

  /** Resolves with the loudest frequency of the received sound once that stays the same. Hz. */
  async hear(id: number): Promise<number> {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 4096 });
    context.createMediaStreamSource(remoteStream(clients[id]!)!).connect(analyser);
    const levels = new Float32Array(analyser.frequencyBinCount);
    let loudest = 0;
    let steadyCount = 0;
    await until(clients[id]!, () => {
      analyser.getFloatFrequencyData(levels);
      const before = loudest;
      loudest = levels.reduce((best, level, index) => (level > levels[best]! ? index : best), 0);
      const isSteady = levels[loudest]! > audibleDb && loudest === before;
      steadyCount = isSteady ? steadyCount + 1 : 0;
      return steadyCount >= steadyLooksMin;
    });
    await context.close();
    return (loudest * context.sampleRate) / analyser.fftSize;
  },

  /** A plain WebSocket: what it is told, and how it is closed. Resolves when it is. */
  rawSocket(
    url: string,
    say: readonly unknown[] = [],
  ): Promise<{ messages: unknown[]; code: number; reason: string }> {
    const socket = new WebSocket(url);
    const messages: unknown[] = [];
    socket.onopen = () => {
      for (const message of say) socket.send(JSON.stringify(message));
    };
    socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
    return new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ messages, code, reason });
    });
  },
};

export type Harness = typeof harness;

const unreadableMax = 5;

/** A sound that has just begun fills a part of the analyser's window only, and is heard beside its pitch. */
const steadyLooksMin = 5;

/** The tone comes back at some -25 dB; silence is below -90. */
const audibleDb = -60;

function loadSdk({ version, livekitClient }: SdkOptions) {
  return import(`/_lucy/sdk/${sdkFileName(version, livekitClient)}`);
}

/** What the README tells people to type. */
function clientOptions({ apiKey = "dct_local", baseUrl, realtimeBaseUrl }: SdkOptions) {
  return { apiKey, baseUrl, realtimeBaseUrl, telemetry: false };
}

// biome-ignore lint/suspicious/noExplicitAny: SDKs differ in their types
async function connect(client: Client, sdk: any, options: ConnectOptions): Promise<void> {
  const { version, prompt, enhance, image, passthrough, codec } = options;
  const { resolution, debugQuality, queryParams } = options;
  const initialState = defined({
    prompt: prompt === undefined ? undefined : defined({ text: prompt, enhance }),
    image,
    passthrough,
  });
  client.calledMs = performance.now();
  client.sdk = await sdk.createDecartClient(clientOptions(options)).realtime.connect(client.camera!.stream, {
    model: sdk.models.realtime(options.model ?? traitsOf(version).model),
    onRemoteStream: (stream: MediaStream) => showStream(client, stream),
    ...liveCallbacks(client),
    ...defined({ resolution, debugQuality, queryParams }),
    ...(Object.keys(initialState).length > 0 && { initialState }),
    // Each era knows one of them and leaves the other alone.
    ...(codec && {
      customizeOffer: (offer: RTCSessionDescriptionInit) => preferCodec(offer, codec),
      preferredVideoCodec: codec.toLowerCase(),
    }),
  });
  client.connectedMs = performance.now();
  listen(client);
  client.atConnect = {
    sessionId: client.sdk.sessionId ?? null,
    hasTrack: Boolean(remoteStream(client)?.getVideoTracks().length),
    state: client.sdk.getConnectionState(),
  };
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Each stream takes the place of the one before, as in an app. */
function showStream(client: Client, stream: MediaStream): void {
  client.streamCount++;
  client.video.srcObject = stream;
  wake(client);
}

function liveCallbacks(client: Client) {
  const record = (name: EventName) => (value: unknown) => {
    client.live.push({ name, value });
    wake(client);
  };
  return { onConnectionChange: record("connectionChange"), onQueuePosition: record("queuePosition") };
}

function newClient(camera: SyntheticCamera | null): Client {
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    autoplay: true,
    playsInline: true,
  });
  document.body.append(video);
  const client: Client = {
    sdk: null,
    connected: Promise.resolve(),
    calledMs: null,
    connectedMs: null,
    camera,
    video,
    streamCount: 0,
    pictures: [],
    events: [],
    live: [],
    atConnect: null,
    unreadable: [],
    waiters: new Set(),
  };
  watchStrips(video, (picture) => {
    client.pictures.push(picture);
    if ((!picture.input || !picture.output) && client.unreadable.length < unreadableMax) {
      client.unreadable.push(snapshot(video));
    }
    wake(client);
  });
  clients.push(client);
  return client;
}

function snapshot(video: HTMLVideoElement): string {
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  return canvas.toDataURL();
}

function listen(client: Client): void {
  for (const name of eventNames) {
    client.sdk.on(name, (value: unknown) => {
      // An Error does not leave the page in one piece.
      const kept =
        name === "error"
          ? { code: undefined, ...(value as object), message: (value as Error).message }
          : value;
      client.events.push({ name, value: kept });
      wake(client);
    });
  }
}

function valuesOf(events: readonly SdkEvent[], name: EventName): unknown[] {
  return events.filter((event) => event.name === name).map(({ value }) => value);
}

function errorsOf({ events }: Client): string[] {
  return (valuesOf(events, "error") as Error[]).map(({ message }) => message);
}

function tracksOf(stream: MediaStream | null): string[] {
  return stream?.getTracks().map(({ kind, readyState }) => `${kind} ${readyState}`) ?? [];
}

function wake({ waiters }: Client): void {
  for (const waiter of waiters) waiter();
}

function until({ waiters }: Client, done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!done()) return;
      waiters.delete(look);
      resolve();
    };
    waiters.add(look);
    look();
  });
}

async function outcome(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    await run();
    return { ok: true };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function remoteStream({ video }: Client): MediaStream | null {
  return video.srcObject as MediaStream | null;
}

/** The codec's entries that a browser packs in the usual way: of H.264, one NAL unit in several packets. */
function capabilitiesOf(codec: Codec) {
  return RTCRtpReceiver.getCapabilities("video")!.codecs.filter(
    ({ mimeType, sdpFmtpLine = "" }) =>
      mimeType === `video/${codec}` && (codec !== "H264" || sdpFmtpLine.includes("packetization-mode=1")),
  );
}

/** Of every video codec in an answer. */
function withRateHints(sdp: string): string {
  const hints = "x-google-start-bitrate=3000;x-google-max-bitrate=3500";
  return sdp
    .replace(/^a=rtpmap:(\d+) (?:VP8|VP9|H264)\/90000\r$/gm, (line, type: string) =>
      sdp.includes(`a=fmtp:${type} `) ? line : `${line}\na=fmtp:${type} ${hints}\r`,
    )
    .replace(/^(a=fmtp:\d+ .*(?:packetization-mode|profile-id)=.*)\r$/gm, `$1;${hints}\r`);
}

declare global {
  interface Window {
    harness: Harness;
  }
}
window.harness = harness;
