/**
 * A client that is not ours, for tests: LiveKit's own for Node (Rust, libwebrtc), with a synthetic camera that counts its pictures
 * and a microphone that hums. Keeps what it gets; expects nothing.
 */
import type { RemoteTrack, RemoteTrackPublication, Room } from "@livekit/rtc-node";
import { afterAll, vi } from "vitest";
import { movingSquare, withInputStrip } from "../../fixtures/cameras.ts";
import type { Frame } from "../../fixtures/frame.ts";
import { type InputStrip, type OutputStrip, readInputStrip, readOutputStrip } from "../../fixtures/strips.ts";
import { createWaiters } from "../_waiters.ts";
import { realClock, type Timer } from "../clock.ts";
import { readI420, writeI420 } from "../media/i420.ts";

export type RtcPicture = {
  /** Whose track it came on. */
  readonly from: string;
  readonly frame: Frame;
  readonly input: InputStrip | null;
  readonly output: OutputStrip | null;
};

export type EditedPicture = RtcPicture & { readonly input: InputStrip; readonly output: OutputStrip };

export type RtcTrack = {
  readonly sid: string;
  mute(muted: boolean): void;
  unpublish(): Promise<void>;
};

export type RtcClient = AsyncDisposable & {
  readonly room: Room;
  /** All of them: the first come at a rate at which strips cannot always be read. */
  readonly pictures: readonly RtcPicture[];
  /** Those whose strips could be read. */
  readonly edited: readonly EditedPicture[];
  /** Pieces of 10 ms that were not silent, by whose they are. */
  readonly heard: ReadonlyMap<string, number>;
  /** `who: text`, as data packets brought them. */
  readonly messages: readonly string[];
  /** What happened in the room: `event who`. */
  readonly events: readonly string[];
  /** 640×360 unless told, 15 pictures a second, with input strips that count from 0. `simulcast`: in layers of several sizes. */
  publishCamera(
    codec?: "VP8" | "H264" | "VP9",
    about?: { width?: number; height?: number; simulcast?: boolean },
  ): Promise<RtcTrack>;
  publishMicrophone(): Promise<RtcTrack>;
  /** Who may watch what this one publishes: these identities, or all. */
  letWatch(identities: readonly string[] | "all"): void;
  /** Whether it wants the others' cameras at all, and whether it shows them just now. */
  subscribeCameras(subscribed: boolean): void;
  enableCameras(enabled: boolean): void;
  /** To these identities, or to all. */
  say(text: string, to?: readonly string[]): Promise<void>;
  /** The first picture from number `from` on that satisfies `wanted`, now or when it comes. */
  picture(wanted: (picture: RtcPicture) => boolean, from?: number): Promise<RtcPicture>;
  /** Resolves when `done` holds; looks after everything that comes. */
  until(done: () => boolean): Promise<void>;
};

const fps = 15;
const sampleRate = 48_000;

type Rtc = typeof import("@livekit/rtc-node");
let loading: Promise<Rtc> | undefined;

/** Once in a process, and disposed of once, after all tests: it cannot be started again. */
function load(): Promise<Rtc> {
  // It logs in detail unless this is production.
  vi.stubEnv("NODE_ENV", "production");
  loading ??= import("@livekit/rtc-node").finally(() => vi.unstubAllEnvs());
  return loading;
}
afterAll(async () => {
  const { dispose } = (await loading) ?? {};
  await dispose?.();
});

/** For what rtc-node has a request for, and no method. */
function request(name: string, value: object): void {
  const { _ffiClientInstance: client } = globalThis as unknown as {
    _ffiClientInstance: { request(about: object): void };
  };
  client.request({ message: { case: name, value } });
}

/** Joins. `connections`: 1 asks for `/rtc/v1`, 2 for `/rtc`. Rejects with its ConnectError. */
export async function joinRoom(
  { livekit_url: url, token }: { livekit_url: string; token: string },
  connections: 1 | 2 = 1,
): Promise<RtcClient> {
  const rtc = await load();
  const { RoomEvent, TrackKind, TrackSource } = rtc;
  const clock = realClock();
  const room = new rtc.Room();
  const pictures: RtcPicture[] = [];
  const heard = new Map<string, number>();
  const messages: string[] = [];
  const events: string[] = [];
  const { wake, until } = createWaiters();
  const readers = new Set<{ cancel(): Promise<void> }>();
  const published = new Map<string, { close(): Promise<void> }>();
  const timers = new Map<string, Timer>();
  let closing: Promise<void> | undefined;

  function happened(event?: string): void {
    if (event) events.push(event);
    wake();
  }

  async function watch(track: RemoteTrack, from: string): Promise<void> {
    const reader = new rtc.VideoStream(track).getReader();
    readers.add(reader);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { data, width, height } = next.value.frame.convert(rtc.VideoBufferType.I420);
      const frame = readI420(writeI420(data, width, height))!;
      pictures.push({ from, frame, input: readInputStrip(frame), output: readOutputStrip(frame) });
      happened();
    }
  }

  async function listen(track: RemoteTrack, from: string): Promise<void> {
    const reader = new rtc.AudioStream(track, sampleRate, 1).getReader();
    readers.add(reader);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (next.value.data.some((sample) => Math.abs(sample) > 2000))
        heard.set(from, (heard.get(from) ?? 0) + 1);
      happened();
    }
  }

  room.on(RoomEvent.TrackSubscribed, (track, _publication, { identity }) => {
    happened(`subscribed ${identity}`);
    void (track.kind === TrackKind.KIND_VIDEO ? watch : listen)(track, identity);
  });
  room.on(RoomEvent.TrackUnsubscribed, (_track, _publication, { identity }) =>
    happened(`unsubscribed ${identity}`),
  );
  room.on(RoomEvent.ParticipantConnected, ({ identity }) => happened(`joined ${identity}`));
  room.on(RoomEvent.ParticipantDisconnected, ({ identity }) => happened(`left ${identity}`));
  room.on(RoomEvent.TrackMuted, (_publication, { identity }) => happened(`muted ${identity}`));
  room.on(RoomEvent.TrackUnmuted, (_publication, { identity }) => happened(`unmuted ${identity}`));
  room.on(RoomEvent.Disconnected, (reason) => happened(`disconnected ${rtc.DisconnectReason[reason]}`));
  room.on(RoomEvent.DataReceived, (bytes, from) => {
    messages.push(`${from?.identity}: ${Buffer.from(bytes).toString()}`);
    happened();
  });

  type LocalTrack = Parameters<NonNullable<Room["localParticipant"]>["publishTrack"]>[0];

  async function publish(track: LocalTrack, options: object): Promise<RtcTrack> {
    const about = new rtc.TrackPublishOptions({ simulcast: false, ...options });
    const { sid } = await room.localParticipant!.publishTrack(track, about);
    if (!sid) throw new Error("rtc-node published a track without a sid.");
    published.set(sid, track);
    return {
      sid,
      mute: (muted) => request("localTrackMute", { trackHandle: track.ffi_handle.handle, mute: muted }),
      async unpublish() {
        timers.get(sid)?.cancel();
        published.delete(sid);
        await room.localParticipant!.unpublishTrack(sid);
        await track.close();
      },
    };
  }

  /** Publications of the others' cameras. */
  function cameras(): RemoteTrackPublication[] {
    const publications = [...room.remoteParticipants.values()].flatMap(({ trackPublications }) => [
      ...trackPublications.values(),
    ]);
    return publications.filter(({ kind }) => kind === TrackKind.KIND_VIDEO);
  }

  async function close(): Promise<void> {
    for (const timer of timers.values()) timer.cancel();
    await room.disconnect();
    await Promise.all([...readers].map((reader) => reader.cancel()));
    await Promise.all([...published.values()].map((track) => track.close()));
  }

  const options = { autoSubscribe: true, dynacast: false, singlePeerConnection: connections === 1 };
  await room.connect(url, token, options);

  return {
    room,
    pictures,
    get edited() {
      return pictures.filter((picture): picture is EditedPicture => !!picture.input && !!picture.output);
    },
    heard,
    messages,
    events,
    async publishCamera(codec = "VP8", { width = 640, height = 360, simulcast = false } = {}) {
      const source = new rtc.VideoSource(width, height);
      const track = await publish(rtc.LocalVideoTrack.createVideoTrack("camera", source), {
        source: TrackSource.SOURCE_CAMERA,
        videoCodec: rtc.VideoCodec[codec],
        simulcast,
      });
      const camera = withInputStrip(movingSquare, fps);
      let index = 0;
      const timer = clock.every(1000 / fps, () => {
        const { y, u, v } = camera(index++, width, height);
        const planes = new Uint8Array(Buffer.concat([y, u, v]));
        source.captureFrame(new rtc.VideoFrame(planes, width, height, rtc.VideoBufferType.I420));
      });
      timers.set(track.sid, timer);
      return track;
    },
    async publishMicrophone() {
      const source = new rtc.AudioSource(sampleRate, 1, 100);
      const track = await publish(rtc.LocalAudioTrack.createAudioTrack("microphone", source), {
        source: TrackSource.SOURCE_MICROPHONE,
      });
      const count = sampleRate / 100;
      const tone = Int16Array.from({ length: count }, (_, at) =>
        Math.round(8000 * Math.sin((2 * Math.PI * 4 * at) / count)),
      );
      const hum = async () => {
        while (!closing && !source.closed) {
          await source.captureFrame(new rtc.AudioFrame(tone, sampleRate, 1, count));
        }
      };
      hum().catch(() => {
        // It was closed in the middle of a piece.
      });
      return track;
    },
    letWatch(identities) {
      request("setTrackSubscriptionPermissions", {
        localParticipantHandle: room.localParticipant!.ffi_handle.handle,
        allParticipantsAllowed: identities === "all",
        permissions:
          identities === "all"
            ? []
            : identities.map((participantIdentity) => ({ participantIdentity, allowAll: true })),
      });
    },
    subscribeCameras(subscribed) {
      for (const camera of cameras()) camera.setSubscribed(subscribed);
    },
    enableCameras(enabled) {
      for (const { ffiHandle } of cameras()) {
        request("enableRemoteTrackPublication", { trackPublicationHandle: ffiHandle.handle, enabled });
      }
    },
    async say(text, to = []) {
      await room.localParticipant!.publishData(Buffer.from(text), {
        reliable: true,
        destination_identities: [...to],
      });
    },
    picture: (wanted, from = 0) => until(() => pictures.slice(from).find(wanted)),
    until: (done) => until(() => done() || undefined).then(() => {}),
    async [Symbol.asyncDispose]() {
      closing ??= close();
      await closing;
    },
  };
}
