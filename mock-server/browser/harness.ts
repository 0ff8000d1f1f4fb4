/**
 * Runs in the page under test: published SDKs with a synthetic camera in front and a strip reader behind. It records, it
 * expects nothing. `window.harness` is what the specs call.
 */
import { redirectVendor } from "../playground/redirect-vendor.ts";
import { type SyntheticCamera, startSyntheticCamera } from "../playground/synthetic-camera.ts";
import { type SeenPicture, watchStrips } from "../playground/watch-strips.ts";

export type ConnectOptions = {
  version: string;
  apiKey?: string;
  model?: string;
  prompt?: string;
  width?: number;
  height?: number;
  fps?: number;
  strip?: boolean;
  audio?: boolean;
  /** Puts this codec first in the offer, by the SDK's own `customizeOffer`. */
  codec?: "H264" | "VP9";
};

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
};

const clients: Client[] = [];

export const harness = {
  redirect: redirectVendor,

  /** Connects with the SDK of this version; returns a number that stands for the client. */
  async connect(options: ConnectOptions): Promise<number> {
    const { version, width, height, fps, strip = true, audio = false } = options;
    const { createDecartClient, models } = await import(`/_lucy/sdk/${version}.js`);
    const camera = startSyntheticCamera({
      ...(width && { width }),
      ...(height && { height }),
      ...(fps && { fps }),
      strip,
    });
    if (audio) {
      const context = new AudioContext();
      const tone = context.createOscillator();
      const destination = context.createMediaStreamDestination();
      tone.connect(destination);
      tone.start();
      camera.stream.addTrack(destination.stream.getAudioTracks()[0]!);
    }
    const client = newClient(camera);
    const decart = createDecartClient({ apiKey: options.apiKey ?? "dct_local" });
    client.sdk = await decart.realtime.connect(camera.stream, {
      model: models.realtime(options.model ?? "lucy_2_rt"),
      onRemoteStream: (stream: MediaStream) => {
        client.video.srcObject = stream;
      },
      ...(options.prompt && { initialState: { prompt: { text: options.prompt } } }),
      ...(options.codec && {
        customizeOffer: (offer: RTCSessionDescriptionInit) => preferCodec(offer, options.codec!),
      }),
    });
    listen(client);
    client.atConnect = {
      sessionId: client.sdk.sessionId ?? null,
      hasTrack: Boolean((client.video.srcObject as MediaStream | null)?.getVideoTracks().length),
      state: client.sdk.getConnectionState(),
    };
    return clients.indexOf(client);
  },

  async subscribe(version: string, token: string): Promise<number> {
    const { createDecartClient } = await import(`/_lucy/sdk/${version}.js`);
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

  /** Calls a method of the SDK's client and returns how it ended. */
  async call(id: number, method: string, ...args: unknown[]): Promise<{ ok: boolean; error?: string }> {
    try {
      await clients[id]!.sdk[method](...args);
      return { ok: true };
    } catch (error) {
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  },

  get(id: number) {
    const { states, errors, atConnect, sdk, camera } = clients[id]!;
    return {
      states,
      errors,
      atConnect,
      sessionId: sdk.sessionId,
      subscribeToken: sdk.subscribeToken ?? null,
      state: sdk.getConnectionState(),
      framesDrawn: camera?.frameCount ?? 0,
    };
  },

  /** The pictures seen from number `from` on. */
  pictures: (id: number, from = 0): SeenPicture[] => clients[id]!.pictures.slice(from),

  /** Resolves with the number of pictures seen once `count` more have come after now. */
  async morePictures(id: number, count: number): Promise<number> {
    const { pictures } = clients[id]!;
    const wanted = pictures.length + count;
    await until(() => pictures.length >= wanted);
    return pictures.length;
  },

  /** Resolves once a picture shows this revision or a later one. */
  async untilRevision(id: number, revision: number): Promise<void> {
    const { pictures } = clients[id]!;
    await until(() => (pictures.at(-1)?.output?.revision ?? -1) >= revision);
  },

  resize: (id: number, width: number, height: number) => clients[id]!.camera!.resize(width, height),

  /** Whether audio comes back: bytes received so far. */
  async audioBytes(id: number): Promise<number> {
    const stream = clients[id]!.video.srcObject as MediaStream;
    return stream.getAudioTracks().length;
  },
};

function newClient(camera: SyntheticCamera | null): Client {
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    autoplay: true,
    playsInline: true,
  });
  document.body.append(video);
  const client: Client = { sdk: null, camera, video, pictures: [], states: [], errors: [], atConnect: null };
  watchStrips(video, (picture) => client.pictures.push(picture));
  clients.push(client);
  return client;
}

function listen(client: Client): void {
  client.sdk.on("connectionChange", (state: string) => client.states.push(state));
  client.sdk.on("error", (error: Error) => client.errors.push(error.message));
}

/** Waits by the display's ticks: the browser's own event that something may have changed. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 15));
}

/** Moves a codec's payload types to the front of the video section. */
function preferCodec(offer: RTCSessionDescriptionInit, codec: string): void {
  offer.sdp = offer.sdp!.replace(/^(m=video \S+ \S+) (.*)$/m, (_line, head: string, list: string) => {
    const types = list.split(" ");
    const wanted = types.filter((type) => new RegExp(`^a=rtpmap:${type} ${codec}/`, "m").test(offer.sdp!));
    return `${head} ${[...wanted, ...types.filter((type) => !wanted.includes(type))].join(" ")}`;
  });
}

declare global {
  interface Window {
    harness: typeof harness;
  }
}
window.harness = harness;
