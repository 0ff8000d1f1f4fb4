/**
 * Runs in the page under test: published SDKs with a synthetic camera in front and a strip reader behind. It records, it
 * expects nothing. `window.harness` is what the specs call, through `HarnessPage`.
 */

import { type SyntheticCamera, startSyntheticCamera } from "../../fixtures/browser/synthetic-camera.ts";
import { type SeenPicture, watchStrips } from "../../fixtures/browser/watch-strips.ts";

export type ConnectOptions = {
  version: string;
  apiKey?: string;
  model?: string;
  prompt?: string;
  width?: number;
  height?: number;
  fps?: number;
  strip?: boolean;
  /** A flat picture of this colour (CSS) instead of a scene. */
  color?: string;
  /** Sends a tone of 440 Hz along. */
  audio?: boolean;
  /** Puts this codec first in the offer, by the SDK's own `customizeOffer`. */
  codec?: "H264" | "VP9";
};

/** How a call of the SDK ended. */
export type Outcome = { ok: true } | { ok: false; error: string };

/** One `set()` of a series: `null` clears the image, a number is an index into the series' images. */
export type SetStep = { prompt?: string; image?: number | null; thenPictures: number };

type Client = {
  // The SDKs differ in their calls and types; the specs say which a version has.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  sdk: any;
  camera: SyntheticCamera | null;
  video: HTMLVideoElement;
  pictures: SeenPicture[];
  states: string[];
  errors: string[];
  atConnect: { sessionId: string | null; hasTrack: boolean; state: string } | null;
  /** The first pictures that lack a strip, as data URLs: what a failed spec's report shows. */
  unreadable: string[];
  /** Called after each picture, state and error. */
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

  /** Connects with the SDK of this version; returns a number that stands for the client. */
  async connect(options: ConnectOptions): Promise<number> {
    const { version, audio = false, prompt, codec } = options;
    const { createDecartClient, models } = await loadSdk(version);
    const camera = startSyntheticCamera(options);
    if (audio) camera.stream.addTrack(tone());
    const client = newClient(camera);
    try {
      client.sdk = await createDecartClient({ apiKey: options.apiKey ?? "dct_local" }).realtime.connect(
        camera.stream,
        {
          model: models.realtime(options.model ?? "lucy_2_rt"),
          onRemoteStream: (stream: MediaStream) => {
            client.video.srcObject = stream;
          },
          ...(prompt !== undefined && { initialState: { prompt: { text: prompt } } }),
          ...(codec && {
            customizeOffer: (offer: RTCSessionDescriptionInit) => preferCodec(offer, codec),
          }),
        },
      );
    } catch (error) {
      camera.stop();
      throw error;
    }
    listen(client);
    client.atConnect = {
      sessionId: client.sdk.sessionId ?? null,
      hasTrack: Boolean(remoteStream(client)?.getVideoTracks().length),
      state: client.sdk.getConnectionState(),
    };
    return clients.indexOf(client);
  },

  /** Sends a camera's pictures to this page itself, without any server; returns a number that stands for the receiver. */
  async loopback(options: Parameters<typeof startSyntheticCamera>[0]): Promise<number> {
    const camera = startSyntheticCamera(options);
    const client = newClient(camera);
    const sender = new RTCPeerConnection();
    const receiver = new RTCPeerConnection();
    sender.onicecandidate = ({ candidate }) => receiver.addIceCandidate(candidate ?? undefined);
    receiver.onicecandidate = ({ candidate }) => sender.addIceCandidate(candidate ?? undefined);
    receiver.ontrack = ({ streams }) => {
      client.video.srcObject = streams[0]!;
    };
    sender.addTrack(camera.stream.getVideoTracks()[0]!, camera.stream);
    await sender.setLocalDescription();
    await receiver.setRemoteDescription(sender.localDescription!);
    await receiver.setLocalDescription();
    await sender.setRemoteDescription(receiver.localDescription!);
    return clients.indexOf(client);
  },

  async subscribe(version: string, token: string): Promise<number> {
    const { createDecartClient } = await loadSdk(version);
    const client = newClient(null);
    client.sdk = await createDecartClient({ apiKey: "dct_local" }).realtime.subscribe({
      token,
      onRemoteStream: (stream: MediaStream) => {
        client.video.srcObject = stream;
      },
    });
    listen(client);
    return clients.indexOf(client);
  },

  /** Mints a client token with the SDK, from this page's origin. */
  async createToken(version: string, apiKey: string, baseUrl: string): Promise<Record<string, unknown>> {
    const { createDecartClient } = await loadSdk(version);
    return createDecartClient({ apiKey, baseUrl }).tokens.create();
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
    const { states, errors, atConnect, sdk, camera } = clients[id]!;
    return {
      states,
      errors,
      atConnect,
      sessionId: (sdk.sessionId ?? null) as string | null,
      subscribeToken: (sdk.subscribeToken ?? null) as string | null,
      state: sdk.getConnectionState() as string,
      framesDrawn: camera?.frameCount ?? 0,
    };
  },

  /** For a failed spec's report. */
  everything: () =>
    clients.map(({ pictures, unreadable, states, errors, atConnect }) => ({
      states,
      errors,
      atConnect,
      unreadable,
      pictures,
    })),

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
  untilState: (id: number, state: string) => until(clients[id]!, () => clients[id]!.states.at(-1) === state),

  resize: (id: number, width: number, height: number) => clients[id]!.camera!.resize(width, height),

  /** What the server might say on the newest socket: the SDK cannot tell. */
  receive(message: { type: string; [field: string]: unknown }): void {
    sockets.at(-1)!.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  },

  /** Peer connections the SDKs have made, open ones. */
  connectionCount: () => connections.filter(({ connectionState }) => connectionState !== "closed").length,

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

  /** Resolves with the loudest frequency of the received sound once there is any. Hz. */
  async hear(id: number): Promise<number> {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 4096 });
    context.createMediaStreamSource(remoteStream(clients[id]!)!).connect(analyser);
    const levels = new Float32Array(analyser.frequencyBinCount);
    let loudest = 0;
    await until(clients[id]!, () => {
      analyser.getFloatFrequencyData(levels);
      loudest = levels.reduce((best, level, index) => (level > levels[best]! ? index : best), 0);
      return levels[loudest]! > audibleDb;
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

/** The tone comes back at some -25 dB; silence is below -90. */
const audibleDb = -60;

function loadSdk(version: string) {
  return import(`/_lucy/sdk/${version}.js`);
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
    camera,
    video,
    pictures: [],
    states: [],
    errors: [],
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
  client.sdk.on("connectionChange", (state: string) => {
    client.states.push(state);
    wake(client);
  });
  client.sdk.on("error", (error: Error) => {
    client.errors.push(error.message);
    wake(client);
  });
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

function tone(): MediaStreamTrack {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: 440 });
  const destination = context.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  return destination.stream.getAudioTracks()[0]!;
}

/** Moves a codec's payload types to the front of the video section. */
function preferCodec(offer: RTCSessionDescriptionInit, codec: string): void {
  offer.sdp = offer.sdp!.replace(/^(m=video \S+ \S+) (.*)$/m, (_line, head: string, list: string) => {
    const types = list.trim().split(" ");
    const wanted = types.filter((type) => new RegExp(`^a=rtpmap:${type} ${codec}/`, "m").test(offer.sdp!));
    return `${head} ${[...wanted, ...types.filter((type) => !wanted.includes(type))].join(" ")}`;
  });
}

declare global {
  interface Window {
    harness: Harness;
  }
}
window.harness = harness;
