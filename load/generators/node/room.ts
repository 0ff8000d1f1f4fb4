/**
 * A client's stay in a LiveKit room: joins, publishes the camera, watches the model, and resumes when it has lost its signalling socket. One
 * connection for both directions (`/rtc/v1`). Messages are handled one after the other: an answer takes time, and what comes behind it
 * builds on it.
 */
import { isLoopback } from "../../../conformance/index.ts";
import type { MediaPacket } from "../../../mock-server/index.ts";
import { INFERENCE_IDENTITY_PREFIX, SDP_BYTES_MAX } from "../../../protocol/index.ts";
import type { Clock } from "../../clock.ts";
import type { Codec } from "../../generator.ts";
import { openPeer, type Peer, type Section } from "../../peer.ts";
import {
  DisconnectReason,
  joinUrl,
  LeaveRequest_Action,
  PacketTrailerFeature,
  type Request,
  type Response,
  readResponse,
  TrackSource,
  TrackType,
  writeRequest,
} from "./signal-wire.ts";
import { openSocket, type Socket } from "./socket.ts";

export type RoomAbout = {
  readonly livekitUrl: string;
  readonly token: string;
  readonly camera: { readonly codec: Codec; readonly width: number; readonly height: number };
  readonly clock: Clock;
  /** Of the model's video. */
  packet(packet: MediaPacket): void;
  keyRequested(): void;
  /** The stay is over, or cannot begin. Called once, and not after `close`. */
  lost(why: string): void;
};

export type Room = {
  readonly peer: Peer;
  /** Resolves once it is in, with the answer to its first offer. */
  join(): Promise<void>;
  /** Resolves once the server has agreed to the camera. @throws Error with the server's words */
  publish(): Promise<void>;
  close(): Promise<void>;
};

/** As livekit-client goes about it: at once, then after these. */
const resumePausesMs: readonly number[] = [300, 1200, 2700];
const signalBytesMax = SDP_BYTES_MAX + 16 * 1024;

export function openRoom(about: RoomAbout): Room {
  const { clock, camera } = about;
  /** Sids of participants that are the model. */
  const models = new Set<string>();
  const peer = openPeer({
    codec: camera.codec,
    isLocal: isLoopback(about.livekitUrl),
    clock,
    onPacket(packet, streamId) {
      if (models.has(streamId.split("|")[0]!)) about.packet(packet);
    },
    onKeyRequested: about.keyRequested,
    onLost: lose,
  });
  const left = new AbortController();
  let socket: Socket | null = null;
  let sid = "";
  let pings = { everyMs: 0, patienceMs: 0 };
  let pingTimer: { cancel(): void } | null = null;
  let pause: { cancel(): void } | null = null;
  let isOver = false;
  /** Offers that were made, and the one that is not answered. */
  let offerCount = 0;
  let open: { readonly id: number; readonly answered: PromiseWithResolvers<void> } | null = null;
  let published: PromiseWithResolvers<void> | null = null;
  let handling: Promise<void> = Promise.resolve();
  let negotiating: Promise<void> = Promise.resolve();

  function lose(why: string): void {
    if (isOver) return;
    isOver = true;
    stopTimers();
    about.lost(why);
  }

  function stopTimers(): void {
    pingTimer?.cancel();
    pause?.cancel();
  }

  async function openSignal(url: string): Promise<void> {
    const opened = await openSocket({
      url,
      clock,
      signal: left.signal,
      messageBytesMax: signalBytesMax,
      message(data) {
        handling = handling.then(() => handle(data)).catch((error: Error) => lose(error.message));
      },
      closed: (how) => void resume(`the room's socket ${how}`),
    });
    if (isOver) return opened.close();
    socket = opened;
  }

  const send = (request: Request) => socket?.send(writeRequest(request));

  /** Media goes on meanwhile. */
  async function resume(why: string): Promise<void> {
    pingTimer?.cancel();
    // What was under way may be lost on either side: only a new stay is sure.
    if (open || sid === "") return lose(why);
    let last = why;
    for (const pauseMs of [0, ...resumePausesMs]) {
      await new Promise<void>((resolve) => {
        pause = clock.after(pauseMs, resolve);
      });
      if (isOver) return;
      try {
        return await openSignal(joinUrl(about.livekitUrl, about.token, { resumes: sid }));
      } catch (error) {
        last = (error as Error).message;
      }
    }
    lose(last);
  }

  function ping(): void {
    send({ case: "pingReq", value: { timestamp: BigInt(Math.round(clock.now())) } });
    pingTimer = clock.after(pings.patienceMs, () => {
      void socket?.close();
      void resume("the room's socket is silent");
    });
  }

  function keepPinging(): void {
    if (pings.everyMs === 0 || isOver) return;
    pingTimer?.cancel();
    pingTimer = clock.after(pings.everyMs, ping);
  }

  function noteParticipants(
    participants: readonly { readonly sid: string; readonly identity: string }[],
  ): void {
    for (const { sid, identity } of participants) {
      if (identity.startsWith(INFERENCE_IDENTITY_PREFIX)) models.add(sid);
    }
  }

  async function handle(data: Buffer): Promise<void> {
    const message = readResponse(data);
    if (message && !isOver) await react(message);
  }

  async function react(message: Response): Promise<void> {
    switch (message.case) {
      case "join": {
        const { participant, otherParticipants, pingInterval, pingTimeout } = message.value;
        sid = participant?.sid ?? "";
        pings = { everyMs: pingInterval * 1000, patienceMs: pingTimeout * 1000 };
        noteParticipants(otherParticipants);
        return keepPinging();
      }
      case "reconnect":
        return keepPinging();
      case "update":
        return noteParticipants(message.value.participants);
      case "answer": {
        const { sdp, id } = message.value;
        // Servers that know no ids answer with 0.
        if (!open || (id !== 0 && id !== open.id)) return;
        await peer.accept(sdp);
        open.answered.resolve();
        open = null;
        return;
      }
      case "trickle":
        // One that cannot be used is of no use; others may come.
        return peer.addCandidate(JSON.parse(message.value.candidateInit)).catch(() => {});
      case "trackPublished":
        return published?.resolve();
      case "requestResponse":
        return published?.reject(new Error(message.value.message));
      case "mediaSectionsRequirement":
        // Sound is not for us.
        if (message.value.numVideos === 0) return;
        for (let count = 0; count < message.value.numVideos; count++) peer.addSection("recvonly");
        void negotiate();
        return;
      case "pongResp":
        return keepPinging();
      case "leave": {
        const { reason, action } = message.value;
        const why = `the room said goodbye: ${DisconnectReason[reason]}, ${LeaveRequest_Action[action]}`;
        // Whether anew or not at all: that is for the session to find out.
        if (action !== LeaveRequest_Action.RESUME) return lose(why);
        void socket?.close();
        void resume(why);
        return;
      }
      default:
        // What rooms tell beside, of quality, speakers and layers.
        return;
    }
  }

  /** Offers what sections there are by now; resolves once that is answered. One at a time. */
  function negotiate(midToTrackId: () => Record<string, string> = () => ({})): Promise<void> {
    const done = negotiating.then(async () => {
      const sdp = await peer.offer();
      if (isOver) return;
      const id = ++offerCount;
      open = { id, answered: Promise.withResolvers() };
      const { answered } = open;
      send({ case: "offer", value: { type: "offer", sdp, id, midToTrackId: midToTrackId() } });
      await answered.promise;
    });
    negotiating = done.catch((error: Error) => lose(error.message));
    return done;
  }

  return {
    peer,
    async join() {
      peer.addSection("recvonly");
      const sdp = await peer.offer();
      const id = ++offerCount;
      open = { id, answered: Promise.withResolvers() };
      const { answered } = open;
      await openSignal(joinUrl(about.livekitUrl, about.token, { offer: { sdp, id } }));
      await answered.promise;
    },
    async publish() {
      const section: Section = peer.addSection("sendonly");
      const { trackId: cid } = section;
      const { codec, width, height } = camera;
      published = Promise.withResolvers();
      send({
        case: "addTrack",
        value: {
          cid,
          name: "camera",
          type: TrackType.VIDEO,
          source: TrackSource.CAMERA,
          width,
          height,
          simulcastCodecs: [{ codec, cid }],
          packetTrailerFeatures: [PacketTrailerFeature.PTF_USER_TIMESTAMP],
        } as never,
      });
      await published.promise;
      await negotiate(() => ({ [section.mid()]: cid }));
    },
    async close() {
      isOver = true;
      left.abort();
      stopTimers();
      send({ case: "leave", value: { reason: DisconnectReason.CLIENT_INITIATED } });
      await socket?.close();
      await peer.close();
    },
  };
}
