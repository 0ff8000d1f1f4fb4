/**
 * A process that stands in one room of a LiveKit deployment as the inference participant: hands the client's pictures to the server,
 * publishes those it gets back, echoes sound. The one file that imports @livekit/rtc-node (Rust, libwebrtc; an optional peer), which
 * keeps a process running until it is disposed of and cannot be started again: old handles then free those of the new (observed in
 * 1.1.0). So it has a process of its own, and nothing of it is left when that ends.
 */
import {
  AudioSource,
  AudioStream,
  DisconnectReason,
  LocalAudioTrack,
  LocalVideoTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
} from "@livekit/rtc-node";
import { readI420, writeI420 } from "../media/i420.ts";
import { type FromAgent, sendNewest, type ToAgent } from "./agent-messages.ts";

/** What is asked of the encoder of the edited picture; the built-in rooms' encoder has the same limit. */
const videoEncoding = { maxBitrate: 3_500_000n, maxFramerate: 30 };
/** Of the echo. Opus runs at this rate whatever comes in. */
const sound = { sampleRate: 48_000, channelCount: 1, queueMs: 200 };
/** Told to others until they see a picture, where the client does not say. Pixels. */
const sizeAssumed = { width: 1280, height: 720 };

const room = new Room();
/** What is read of the client, by kind; another track takes the place of the one before. */
const readers = new Map<TrackKind, { cancel(): Promise<void> }>();
let joining: Promise<void> = Promise.resolve();
let leaving = false;
let client = "";
let publishes = false;
let picturesTo: VideoSource | undefined;

process.on("message", (message: ToAgent) => {
  if (message.type === "picture") publishPicture(message.bytes);
  else if (message.type === "leave") leave();
  else {
    ({ client, publishes } = message);
    // rtc-node's own default connects at once, and again if that fails.
    joining = room.connect(message.url, message.token, { autoSubscribe: true, dynacast: false });
    joining.then(() => send({ type: "joined" }), fail);
  }
});
// Nobody is left to work for.
process.on("disconnect", () => process.exit());
// Ctrl-C reaches every process of a terminal; the server says when to go.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

room.on(RoomEvent.TrackSubscribed, (track, publication, { identity }) => {
  if (identity !== client) return;
  const { width, height } = publication;
  const size = width && height ? { width, height } : sizeAssumed;
  const taking = track.kind === TrackKind.KIND_VIDEO ? takePictures(track, size) : echo(track);
  taking.catch(fail);
});
room.on(RoomEvent.ParticipantDisconnected, ({ identity }) => {
  if (identity === client) send({ type: "client-left" });
});
room.on(RoomEvent.Disconnected, (reason) => {
  if (!leaving) fail(new Error(`it closed the room: ${DisconnectReason[reason] ?? reason}`));
});

async function takePictures(camera: RemoteTrack, { width, height }: typeof sizeAssumed): Promise<void> {
  const reader = new VideoStream(camera).getReader();
  await takePlace(TrackKind.KIND_VIDEO, reader);
  send({ type: "camera" });
  if (publishes && !picturesTo) {
    picturesTo = new VideoSource(width, height);
    await publish(LocalVideoTrack.createVideoTrack("camera", picturesTo), TrackSource.SOURCE_CAMERA);
  }
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const { frame } = next.value;
    const { type } = frame;
    const { data, width, height } =
      type === VideoBufferType.I420 ? frame : frame.convert(VideoBufferType.I420);
    sendPicture({ type: "picture", bytes: writeI420(data, width, height) });
  }
}

function publishPicture(bytes: Uint8Array): void {
  const picture = readI420(bytes);
  if (!picture || leaving) return;
  const { width, height } = picture;
  // It looks where the memory begins, and the message may lie in the middle of some.
  const frame = new VideoFrame(new Uint8Array(bytes), width, height, VideoBufferType.I420);
  picturesTo?.captureFrame(frame);
}

/** Sound comes back as it is. */
async function echo(microphone: RemoteTrack): Promise<void> {
  if (!publishes) return;
  const { sampleRate, channelCount, queueMs } = sound;
  const reader = new AudioStream(microphone, sampleRate, channelCount).getReader();
  await takePlace(TrackKind.KIND_AUDIO, reader);
  const source = new AudioSource(sampleRate, channelCount, queueMs);
  const track = LocalAudioTrack.createAudioTrack("microphone", source);
  const sid = await publish(track, TrackSource.SOURCE_MICROPHONE);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    await source.captureFrame(next.value);
  }
  await room.localParticipant!.unpublishTrack(sid);
  await track.close();
}

async function publish(track: LocalVideoTrack | LocalAudioTrack, source: TrackSource): Promise<string> {
  const options = new TrackPublishOptions({ source, simulcast: false, videoEncoding });
  const { sid } = await room.localParticipant!.publishTrack(track, options);
  send({ type: "published", sid: sid!, media: track instanceof LocalVideoTrack ? "video" : "audio" });
  return sid!;
}

async function takePlace(kind: TrackKind, reader: { cancel(): Promise<void> }): Promise<void> {
  const before = readers.get(kind);
  readers.set(kind, reader);
  await before?.cancel();
}

function leave(): void {
  leaving = true;
  joining
    .catch(() => {
      // It has been told.
    })
    .then(() => room.disconnect())
    .finally(() => process.exit());
}

function fail(error: Error): void {
  if (leaving) return;
  leaving = true;
  send({ type: "failed", error: error.message }, () => process.exit());
}

const sendPicture = sendNewest<FromAgent>(send);

function send(message: FromAgent, sent: () => void = () => {}): void {
  process.send!(message, undefined, undefined, sent);
}
