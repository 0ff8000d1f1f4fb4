/**
 * Rooms of a LiveKit deployment: the server joins each as its inference participant, takes the client's decoded pictures, and
 * publishes what became of them. Coding, congestion and viewers are the deployment's affair; it knows no WebRTC.
 */
import { INFERENCE_IDENTITY_PREFIX } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { redact } from "../journal.ts";
import { readI420, writeI420 } from "../media/i420.ts";
import type { Session } from "../session.ts";
import { mintToken, type RoomKey } from "./access-token.ts";
import type { OpenedRoom, RoomHome } from "./room-home.ts";
import { borrowRtcNode, type RemoteTrack, type Room, type Rtc, type VideoSource } from "./rtc-node.ts";

/** What is asked of the encoder of the edited picture; the built-in rooms' encoder has the same limits. */
const videoEncoding = { maxBitrate: 3_500_000n, maxFramerate: 30 };
/** Of the echo. Opus runs at this rate whatever comes in. */
const sound = { sampleRate: 48_000, channelCount: 1, queueMs: 200 };

export function externalHome(context: ServerContext, url: string, key: RoomKey): RoomHome {
  return {
    async open(session) {
      const name = session.id;
      const keyhole = async (identity: string, canPublish: boolean, roomCreate = false) => ({
        livekit_url: url,
        token: await mintToken(key, context.clock, {
          identity,
          room: name,
          canPublish,
          canSubscribe: true,
          canPublishData: canPublish,
          roomCreate,
        }),
        room_name: name,
      });
      const { token } = await keyhole(`${INFERENCE_IDENTITY_PREFIX}${session.id}`, true, true);
      const close = await join(context, session, url, token);
      return {
        client: await keyhole(clientIdentity(session), true),
        forViewer: () => keyhole(`viewer-${context.dice.hex(12)}`, false),
        close,
      };
    },
  };
}

function clientIdentity({ id }: Session): string {
  return `client-${id}`;
}

/**
 * Joins and edits until the session is over.
 * @returns how to leave
 * @throws Error when the deployment cannot be joined; the session has ended then
 */
async function join(
  context: ServerContext,
  session: Session,
  url: string,
  token: string,
): Promise<OpenedRoom["close"]> {
  const { journal } = context;
  const note = (kind: string, fields: Record<string, unknown> = {}, measured = false) =>
    journal.add({ session: session.id, kind, fields, measured });
  const borrowing = borrowRtcNode();
  let leave = async () => {};
  let left = false;
  let closing: Promise<void> | undefined;

  async function shut(): Promise<void> {
    left = true;
    const { giveBack } = await borrowing;
    // It may be on its way in; whatever comes of that has been told.
    await joining.catch(() => {});
    await leave();
    await giveBack();
    context.peers.delete(close);
    note("room-left", {}, true);
  }
  function close(): Promise<void> {
    closing ??= shut();
    return closing;
  }
  const joining = borrowing.then(async ({ rtc }) => {
    const room = new rtc.Room();
    room.on(rtc.RoomEvent.Disconnected, (reason) => {
      if (left) return;
      const why = rtc.DisconnectReason[reason] ?? String(reason);
      session.end("error", `The LiveKit deployment at ${url} closed the room of this session (${why}).`);
    });
    const stopEditing = edit(context, session, rtc, room, note);
    leave = async () => {
      await stopEditing();
      await room.disconnect();
    };
    await room.connect(url, token, { autoSubscribe: true, dynacast: false });
    note("room-joined", { url, room: session.id });
  });
  context.peers.add(close);
  try {
    await joining;
    return close;
  } catch (error) {
    const why = redact((error as Error).message);
    const sentence = `The LiveKit deployment at ${url} could not be joined (${why}). See that it runs, and that --livekit-key and --livekit-secret are its own.`;
    session.end("error", sentence);
    await close();
    throw new Error(sentence);
  }
}

/** Takes what the client publishes and publishes what becomes of it; call the result to stop. */
function edit(
  context: ServerContext,
  session: Session,
  rtc: Rtc,
  room: Room,
  note: (kind: string, fields?: Record<string, unknown>, measured?: boolean) => void,
): () => Promise<void> {
  const { clock } = context;
  const { LocalAudioTrack, LocalVideoTrack, RoomEvent, TrackKind, TrackSource, VideoBufferType } = rtc;
  const identity = clientIdentity(session);
  /** What is read of the client, by kind; another track takes the place of the one before. */
  const readers = new Map<"video" | "audio", { cancel(): Promise<void> }>();
  const published: { close(): Promise<void> }[] = [];
  let picturesTo: VideoSource | undefined;

  async function publish(
    track: InstanceType<typeof LocalVideoTrack | typeof LocalAudioTrack>,
    source: number,
  ) {
    published.push(track);
    if (context.options.mode === "none") return;
    const options = new rtc.TrackPublishOptions({ source, simulcast: false, videoEncoding });
    const { sid } = await room.localParticipant!.publishTrack(track, options);
    note("track-published", { sid, media: track.kind === TrackKind.KIND_VIDEO ? "video" : "audio" });
  }

  async function takePictures(camera: RemoteTrack, width: number, height: number): Promise<void> {
    const reader = new rtc.VideoStream(camera).getReader();
    await replaceReader("video", reader);
    const pipeline = session.openMedia("i420", null, { needsKey() {} });
    if (!picturesTo) {
      // Pictures of any size go in; this is what others are told before they see one.
      picturesTo = new rtc.VideoSource(width, height);
      const track = LocalVideoTrack.createVideoTrack("camera", picturesTo);
      await publish(track, TrackSource.SOURCE_CAMERA);
    }
    const target = picturesTo;
    pipeline.add({
      sendVideo([bytes]) {
        const { width, height } = readI420(bytes!)!;
        if (!target.closed)
          target.captureFrame(new rtc.VideoFrame(bytes!, width, height, VideoBufferType.I420));
      },
      sendAudio() {},
    });
    for (let count = 0; ; count++) {
      const { value, done } = await reader.read();
      if (done || session.phase === "ended") return;
      session.connected();
      const { data, width, height } =
        value.frame.type === VideoBufferType.I420 ? value.frame : value.frame.convert(VideoBufferType.I420);
      pipeline.receiveVideo({
        sequenceNumber: count & 0xffff,
        timestamp: Math.round(clock.now() * 90) >>> 0,
        marker: true,
        payload: writeI420(data, width, height),
        receivedMs: clock.now(),
      });
    }
  }

  /** Sound comes back as it is. */
  async function echo(microphone: RemoteTrack): Promise<void> {
    const { sampleRate, channelCount, queueMs } = sound;
    const reader = new rtc.AudioStream(microphone, sampleRate, channelCount).getReader();
    await replaceReader("audio", reader);
    const source = new rtc.AudioSource(sampleRate, channelCount, queueMs);
    await publish(LocalAudioTrack.createAudioTrack("microphone", source), TrackSource.SOURCE_MICROPHONE);
    for (;;) {
      const { value, done } = await reader.read();
      if (done || source.closed) return;
      await source.captureFrame(value);
    }
  }

  async function replaceReader(kind: "video" | "audio", reader: { cancel(): Promise<void> }): Promise<void> {
    const before = readers.get(kind);
    readers.set(kind, reader);
    await before?.cancel();
  }

  room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
    if (participant.identity !== identity || session.phase === "ended") return;
    const { width, height } = publication;
    const taking =
      track.kind === TrackKind.KIND_VIDEO ? takePictures(track, width || 1280, height || 720) : echo(track);
    taking.catch((error) => {
      if (session.phase === "ended") return;
      note("defect", { error: error.stack });
      session.end("error", `The mock server failed in the client's LiveKit room: ${error.message}`);
    });
  });
  room.on(RoomEvent.ParticipantDisconnected, (participant) => {
    if (participant.identity === identity) session.disconnected();
  });

  return async () => {
    await Promise.all([...readers.values()].map((reader) => reader.cancel()));
    await Promise.all(published.map((track) => track.close()));
  };
}
