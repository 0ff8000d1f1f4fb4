/**
 * The one file of conformance that imports @livekit/rtc-node: a LiveKit room that the camera is published to, and in which the model's
 * picture is watched. Knows no control socket.
 */
import type { Room as LivekitRoom, RemoteTrack } from "@livekit/rtc-node";
import { chroma } from "../../../fixtures/frame.ts";
import { soundRate } from "../../../fixtures/tone.ts";
import { INFERENCE_IDENTITY_PREFIX } from "../../../protocol/index.ts";
import type { Codec } from "../../client.ts";
import type { Camera } from "./camera.ts";
import type { Ear } from "./ear.ts";
import { type Microphone, soundSampleCount } from "./microphone.ts";
import type { Screen } from "./screen.ts";

export type Room = {
  /** Resolves once it is in and its camera is published. @throws rtc-node's ConnectError */
  readonly connected: Promise<void>;
  readonly isClosed: boolean;
  replaceCamera(camera: Camera): Promise<void>;
  close(): Promise<void>;
};

export type RoomAbout = {
  readonly url: string;
  readonly token: string;
  /** `null`: only watches. */
  readonly camera: Camera | null;
  readonly codec: Codec;
  readonly screen: Screen;
  /** `null`: hears nothing. */
  readonly ear: Ear | null;
  /** Whether track number `n` of the room, from 1, is shown. `isLate`: it came to somebody who only watches after he did. */
  showsTrack(n: number, isLate: boolean): boolean;
  /** Whether it may mend a connection that it has lost. */
  readonly waits: boolean;
  onTrack(kind: "video" | "audio"): void;
  onLost(why: string): void;
};

type Rtc = typeof import("@livekit/rtc-node");
/** It can be started once in a process. */
let loading: Promise<Rtc> | undefined;

export function loadRtc(): Promise<Rtc> {
  loading ??= import("@livekit/rtc-node");
  return loading;
}

export function joinRoom(about: RoomAbout): Room {
  let room: LivekitRoom | null = null;
  let publishedSid: string | undefined;
  let stopWatching: (() => void) | null = null;
  let stopListening: (() => void) | null = null;
  let trackCount = 0;
  /** Those that were there when it came in; `null` while it does. */
  let firstSids: ReadonlySet<string> | null = null;
  let isClosed = false;
  let closing: Promise<void> | null = null;
  const readers = new Set<{ cancel(): Promise<void> }>();

  async function watch(rtc: Rtc, track: RemoteTrack): Promise<void> {
    const reader = new rtc.VideoStream(track).getReader();
    readers.add(reader);
    for (let next = await reader.read(); !next.done && !closing; next = await reader.read()) {
      const { data, width, height } = next.value.frame.convert(rtc.VideoBufferType.I420);
      const luma = width * height;
      const side = chroma(width) * chroma(height);
      about.screen.show({
        width,
        height,
        y: data.subarray(0, luma),
        u: data.subarray(luma, luma + side),
        v: data.subarray(luma + side, luma + 2 * side),
      });
    }
  }

  async function publish(rtc: Rtc, camera: Camera): Promise<void> {
    const { width, height } = camera.about;
    const source = new rtc.VideoSource(width, height);
    const track = rtc.LocalVideoTrack.createVideoTrack("camera", source);
    const { sid } = await room!.localParticipant!.publishTrack(
      track,
      new rtc.TrackPublishOptions({
        source: rtc.TrackSource.SOURCE_CAMERA,
        videoCodec: { vp8: rtc.VideoCodec.VP8, vp9: rtc.VideoCodec.VP9, h264: rtc.VideoCodec.H264 }[
          about.codec
        ],
        simulcast: false,
      }),
    );
    publishedSid = sid;
    const stop = camera.watch(({ y, u, v }) => {
      const planes = new Uint8Array(y.length + u.length + v.length);
      planes.set(y);
      planes.set(u, y.length);
      planes.set(v, y.length + u.length);
      source.captureFrame(new rtc.VideoFrame(planes, width, height, rtc.VideoBufferType.I420));
    });
    stopWatching = () => {
      stop();
      void track.close();
    };
  }

  async function hear(rtc: Rtc, track: RemoteTrack, ear: Ear): Promise<void> {
    const reader = new rtc.AudioStream(track, soundRate, 1).getReader();
    readers.add(reader);
    for (let next = await reader.read(); !next.done && !closing; next = await reader.read()) {
      ear.hearSamples(next.value.data);
    }
  }

  async function publishSound(rtc: Rtc, microphone: Microphone): Promise<void> {
    const source = new rtc.AudioSource(soundRate, 1);
    const track = rtc.LocalAudioTrack.createAudioTrack("microphone", source);
    await room!.localParticipant!.publishTrack(
      track,
      new rtc.TrackPublishOptions({ source: rtc.TrackSource.SOURCE_MICROPHONE }),
    );
    const stop = microphone.listen(({ samples }) => {
      const frame = new rtc.AudioFrame(samples, soundRate, 1, soundSampleCount);
      source.captureFrame(frame).catch(() => {
        // It was closed meanwhile.
      });
    });
    stopListening = () => {
      stop();
      void track.close();
    };
  }

  async function join(): Promise<void> {
    const rtc = await loadRtc();
    if (closing) return;
    room = new rtc.Room();
    room.on(rtc.RoomEvent.TrackSubscribed, (track, { sid }, { identity }) => {
      if (!identity.startsWith(INFERENCE_IDENTITY_PREFIX)) return;
      const isVideo = track.kind === rtc.TrackKind.KIND_VIDEO;
      about.onTrack(isVideo ? "video" : "audio");
      if (!isVideo && about.ear) void hear(rtc, track, about.ear).catch(() => {});
      const isLate = about.camera === null && firstSids !== null && !firstSids.has(sid ?? "");
      // Its end is the room's to tell.
      if (isVideo && about.showsTrack(++trackCount, isLate)) void watch(rtc, track).catch(() => {});
    });
    room.on(rtc.RoomEvent.Reconnecting, () => {
      if (!about.waits && !closing) about.onLost("LiveKit is reconnecting");
    });
    room.on(rtc.RoomEvent.Disconnected, (reason) => {
      if (!closing) about.onLost(`LiveKit disconnected: ${rtc.DisconnectReason[reason]}`);
    });
    await room.connect(about.url, about.token, { autoSubscribe: true, dynacast: false });
    firstSids = new Set(
      [...room.remoteParticipants.values()].flatMap(({ trackPublications }) => [...trackPublications.keys()]),
    );
    if (about.camera && !closing) await publish(rtc, about.camera);
    if (about.camera?.microphone && !closing) await publishSound(rtc, about.camera.microphone);
  }

  async function leave(): Promise<void> {
    stopWatching?.();
    stopListening?.();
    await Promise.allSettled([...readers].map((reader) => reader.cancel()));
    // What has not got in yet is left once it has.
    await connected.catch(() => {});
    await room?.disconnect();
    isClosed = true;
  }

  const connected = join();
  connected.catch(() => {});
  return {
    connected,
    get isClosed() {
      return isClosed;
    },
    async replaceCamera(camera) {
      const rtc = await loadRtc();
      stopWatching?.();
      if (publishedSid) await room!.localParticipant!.unpublishTrack(publishedSid);
      await publish(rtc, camera);
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}
