/**
 * The one file of conformance that imports werift: a peer connection of the direct dialect that sends the camera and puts what comes back
 * together into coded pictures. Knows no control socket.
 */
import {
  dePacketizeRtpPackets,
  H264Packetizer,
  MediaStreamTrack,
  PictureLossIndication,
  RTCPeerConnection,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtpHeader,
  RtpPacket,
  useH264,
  useOPUS,
  useVP8,
  useVP9,
  Vp8Packetizer,
  Vp9Packetizer,
} from "werift";
import type { Codec } from "../../client.ts";
import type { Clock, Timer } from "../../clock.ts";
import type { Camera } from "./camera.ts";
import { type Coder, openCoder } from "./coder.ts";
import type { Ear } from "./ear.ts";
import { createFrameJoiner, type Piece } from "./frame-joiner.ts";
import type { Codecs, Screen } from "./screen.ts";

export type Candidate = {
  readonly candidate: string;
  readonly sdpMid?: string;
  readonly sdpMLineIndex?: number;
};

export type Peer = {
  /** Hands `send` an SDP; candidates come by `onCandidate` from then on. */
  offer(send: (sdp: string) => void): Promise<void>;
  accept(answer: string): Promise<void>;
  /** Answers an offer of the server. */
  answer(offer: string): Promise<string>;
  addCandidate(candidate: Candidate): Promise<void>;
  /** Resolves once media can flow. */
  readonly connected: Promise<void>;
  readonly isClosed: boolean;
  replaceCamera(camera: Camera): Promise<void>;
  close(): Promise<void>;
};

export type PeerAbout = {
  /** `null`: only watches. */
  readonly camera: Camera | null;
  readonly codec: Codec;
  readonly codecs: Codecs | null;
  readonly screen: Screen;
  /** `null`: hears nothing. */
  readonly ear: Ear | null;
  /** Only addresses of this machine. */
  readonly isLocal: boolean;
  readonly clock: Clock;
  readonly live: Clock;
  readonly disconnectedMsMax: number;
  readonly silentMsMax: number | null;
  readonly asksForKeys: boolean;
  /** `null` after the last. */
  onCandidate(candidate: Candidate | null): void;
  onTrack(kind: "video" | "audio"): void;
  onLost(why: string): void;
};

const codecParameters = { vp8: useVP8, vp9: useVP9, h264: useH264 } as const;
const depacketizers = { vp8: "VP8", vp9: "VP9", h264: "MPEG4/ISO/AVC" } as const;
const maxPayloadSize = 1180;
const packetizers = {
  vp8: () => new Vp8Packetizer({ maxPayloadSize }),
  vp9: () => new Vp9Packetizer({ maxPayloadSize }),
  h264: () => new H264Packetizer({ maxPayloadSize }),
} as const;
/** Packets sent at once, before the next millisecond: more overflow a default UDP buffer. */
const burstCount = 12;
const keyRequestGapMs = 300;

export function openPeer(about: PeerAbout): Peer {
  const { codec, live } = about;
  const video = codecParameters[codec]();
  video.rtcpFeedback = [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "goog-remb" }];
  const pc = new RTCPeerConnection({
    codecs: { video: [video], audio: [useOPUS()] },
    // Named none, werift asks a public STUN server; this one it turns down before anything is sent.
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv6: false,
    ...(about.isLocal && { iceUseIpv4: false, iceAdditionalHostAddresses: ["127.0.0.1"] }),
  });
  const connected = Promise.withResolvers<void>();
  const feed = about.screen.openFeed(codec);
  const transceiver = about.camera
    ? pc.addTransceiver(new MediaStreamTrack({ kind: "video" }), { direction: "sendrecv" })
    : pc.addTransceiver("video", { direction: "recvonly" });
  const microphone = about.camera?.microphone;
  const voice = microphone
    ? pc.addTransceiver(new MediaStreamTrack({ kind: "audio" }), { direction: "sendrecv" })
    : null;
  if (!about.camera) pc.addTransceiver("audio", { direction: "recvonly" });
  let camera = about.camera;
  let stopListening: (() => void) | undefined;
  let stopWatching: (() => void) | null = null;
  let coder: Coder | null = null;
  let keyWanted = true;
  let isClosed = false;
  let grace: Timer | null = null;
  let silence: Timer | null = null;
  let pacing: Timer | null = null;

  const queue: RtpPacket[] = [];
  let sequenceNumber = 0;

  function sendSome(): void {
    for (const { header, payload } of queue.splice(0, burstCount)) {
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const { timestamp, marker } = header;
      const packet = new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, marker }), payload);
      transceiver.sender.sendRtp(packet).catch(() => {
        // It was closed meanwhile.
      });
    }
    pacing = queue.length > 0 ? live.after(1, sendSome) : null;
  }

  function heardPacket(): void {
    if (about.silentMsMax === null || isClosed) return;
    silence?.cancel();
    silence = about.clock.after(about.silentMsMax, () => about.onLost("no packets come"));
  }

  const packetizer = packetizers[codec]();
  const startedMs = live.now();

  function send(from: Camera): void {
    stopWatching?.();
    coder?.close();
    coder = openCoder(about.codecs, codec, from.about);
    const current = coder;
    keyWanted = true;
    stopWatching = from.watch((picture) => {
      const data = current.encode(picture, keyWanted);
      const timestamp = Math.round((live.now() - startedMs) * 90) >>> 0;
      if (codec === "vp9") {
        queue.push(
          ...(packetizer as Vp9Packetizer).packetize(Buffer.from(data), timestamp, { isKeyframe: keyWanted }),
        );
      } else queue.push(...packetizer.packetize(Buffer.from(data), timestamp));
      keyWanted = false;
      if (!pacing) sendSome();
    });
  }

  function speak(): void {
    let soundNumber = 0;
    stopListening ??= microphone?.listen(({ packet, timestamp }) => {
      soundNumber = (soundNumber + 1) & 0xffff;
      const header = new RtpHeader({ sequenceNumber: soundNumber, timestamp: timestamp >>> 0 });
      voice!.sender.sendRtp(new RtpPacket(header, Buffer.from(packet))).catch(() => {
        // It was closed meanwhile.
      });
    });
  }

  /** What comes for the sender of a connection that goes both ways, werift hands to its receiver: so it is read on the way in. */
  function readRtcp(packet: RtcpPacket): void {
    if (packet instanceof RtcpPayloadSpecificFeedback && packet.feedback instanceof PictureLossIndication) {
      keyWanted = true;
    }
  }

  function watchTransports(): void {
    for (const transport of pc.dtlsTransports) {
      transport.onRtcp.subscribe(readRtcp);
      transport.onStateChange.subscribe((state) => {
        if (!isClosed && (state === "closed" || state === "failed")) about.onLost(`DTLS ${state}`);
      });
    }
  }

  pc.onTrack.subscribe((track) => {
    about.onTrack(track.kind === "audio" ? "audio" : "video");
    if (track.kind === "audio") track.onReceiveRtp.subscribe(({ payload }) => about.ear?.hearPacket(payload));
    if (track.kind !== "video") return;
    const joiner = createFrameJoiner<Piece & { packet: RtpPacket }>();
    let isWhole = false;
    let askedMs = Number.NEGATIVE_INFINITY;
    track.onReceiveRtp.subscribe((packet) => {
      heardPacket();
      const { sequenceNumber, timestamp, marker, ssrc } = packet.header;
      const isEmpty = packet.payload.length === 0;
      const { pictures, lost } = joiner.add({ sequenceNumber, timestamp, marker, isEmpty, packet });
      if (lost) isWhole = false;
      for (const picture of pictures) {
        const { data, isKeyframe } = dePacketizeRtpPackets(
          depacketizers[codec],
          picture.map(({ packet }) => packet),
        );
        isWhole ||= isKeyframe;
        if (isWhole) feed.decode(data);
      }
      if (isWhole || !about.asksForKeys || live.now() - askedMs < keyRequestGapMs) return;
      askedMs = live.now();
      void transceiver.receiver.sendRtcpPLI(ssrc);
    });
  });

  pc.onIceCandidate.subscribe((candidate) =>
    about.onCandidate(candidate ? (candidate.toJSON() as Candidate) : null),
  );

  pc.connectionStateChange.subscribe((state) => {
    grace?.cancel();
    if (isClosed) return;
    if (state === "connected") {
      connected.resolve();
      if (camera && !stopWatching) send(camera);
      speak();
    }
    if (state === "failed" || state === "closed") about.onLost(`ICE connection ${state}`);
    if (state === "disconnected") {
      grace = about.clock.after(about.disconnectedMsMax, () => about.onLost("ICE connection disconnected"));
    }
  });

  return {
    async offer(send) {
      const offer = await pc.createOffer();
      watchTransports();
      send(offer.sdp);
      await pc.setLocalDescription(offer);
    },
    accept: (sdp) => pc.setRemoteDescription({ type: "answer", sdp }),
    async answer(sdp) {
      await pc.setRemoteDescription({ type: "offer", sdp });
      await pc.setLocalDescription(await pc.createAnswer());
      return pc.localDescription!.sdp;
    },
    addCandidate: (candidate) => pc.addIceCandidate(candidate),
    connected: connected.promise,
    get isClosed() {
      return isClosed;
    },
    async replaceCamera(next) {
      camera = next;
      if (stopWatching) send(next);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      grace?.cancel();
      silence?.cancel();
      pacing?.cancel();
      stopWatching?.();
      stopListening?.();
      coder?.close();
      feed.close();
      await pc.close();
    },
  };
}
