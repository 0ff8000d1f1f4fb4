/**
 * The one file of load that imports werift: a client's end of a WebRTC connection, with neither encoder nor decoder. Sends pictures that are
 * packed already, paced as a browser paces them, and hands out video packets as they come. Knows no dialect.
 */
import { createSecretKey } from "node:crypto";
import type { Socket } from "node:dgram";
import {
  GenericNack,
  MediaStreamTrack,
  PictureLossIndication,
  type RTCDtlsTransport,
  RTCPeerConnection,
  type RTCRtpTransceiver,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
  RtpHeader,
  RtpPacket,
  type StunProtocol,
  useH264,
  useVP8,
} from "werift";
import type { MediaPacket } from "../mock-server/index.ts";
import type { Clock } from "./clock.ts";
import type { Codec, TransportStats } from "./generator.ts";

export type Candidate = {
  readonly candidate?: string | undefined;
  readonly sdpMid?: string | null | undefined;
  readonly sdpMLineIndex?: number | null | undefined;
};

export type PeerAbout = {
  readonly codec: Codec;
  /** Whether the other side is on this machine: then media stays on it, too. */
  readonly isLocal: boolean;
  readonly clock: Clock;
  /** A packet of video. `streamId`: what the other side calls the stream, in `msid`. */
  onPacket(packet: MediaPacket, streamId: string): void;
  /** The other side cannot decode what it gets. */
  onKeyRequested(): void;
  /** Called once, and not after `close`. */
  onLost(why: string): void;
};

/** An m= section of video. */
export type Section = {
  /** Known once an offer was made. */
  mid(): string;
  /** The id of the track that is sent in it, as the offer tells it. */
  readonly trackId: string;
};

export type Peer = {
  /** Another section, of which the next offer tells. What is sent goes into the one that can send; there is one at most. */
  addSection(direction: "sendrecv" | "sendonly" | "recvonly"): Section;
  /** Carries all candidates. */
  offer(): Promise<string>;
  /** @throws Error */
  accept(answer: string): Promise<void>;
  addCandidate(candidate: Candidate): Promise<void>;
  /** Resolves once media can flow. */
  readonly connected: Promise<void>;
  /** One picture. 90 kHz. */
  send(payloads: readonly Buffer[], timestamp: number): void;
  /** Asks for a key picture of what came last. */
  requestKey(): void;
  /** Asks for packets of it once more. */
  requestAgain(sequenceNumbers: readonly number[]): void;
  /** As the last check of the path says, some five seconds ago; `null` before the second. */
  roundTripMs(): number | null;
  /** Since it was opened. */
  stats(): Promise<TransportStats>;
  close(): Promise<void>;
};

const codecParameters = { vp8: useVP8, h264: useH264 } as const;
/** What the service's clients ask for, but transport-cc, which werift does not estimate by. */
const feedback = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "goog-remb" },
];
/** RFC 5104, section 4.3.1; werift has no name for it. */
const fullIntraRequest = 4;
/** Packets sent at once, and then so many a millisecond, as the mock server's: more overflow the default UDP buffer of whoever gets them. */
const burstCount = 16;
const paceCount = 8;

export function openPeer(about: PeerAbout): Peer {
  const { clock } = about;
  const pc = new RTCPeerConnection({
    codecs: { video: [Object.assign(codecParameters[about.codec](), { rtcpFeedback: feedback })], audio: [] },
    // From the first offer on: sections that are offered with transports of their own leave their sockets open.
    bundlePolicy: "max-bundle",
    // Named none, werift asks a public STUN server; this one it turns down before anything is sent. A server that has an address of its own
    // learns ours from our checks.
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv6: false,
    ...(about.isLocal && { iceUseIpv4: false, iceAdditionalHostAddresses: ["127.0.0.1"] }),
  });
  const connected = Promise.withResolvers<void>();
  const watched = new Set<RTCDtlsTransport>();
  const queue: RtpPacket[] = [];
  let camera: RTCRtpTransceiver | null = null;
  let screen: { transceiver: RTCRtpTransceiver; ssrc: number } | null = null;
  let sequenceNumber = 0;
  let pacing: { cancel(): void } | null = null;
  let isOver = false;

  function lose(why: string): void {
    if (isOver) return;
    isOver = true;
    about.onLost(why);
  }

  /** Not from the sender's own events: in a section that goes both ways werift hands a PLI to the receiver. */
  function readRtcp(packet: RtcpPacket): void {
    if (isOver || !(packet instanceof RtcpPayloadSpecificFeedback) || !packet.feedback) return;
    const { feedback } = packet;
    if (feedback instanceof PictureLossIndication || feedback.count === fullIntraRequest)
      about.onKeyRequested();
  }

  function watchTransports(): void {
    for (const transport of pc.dtlsTransports) {
      if (watched.has(transport)) continue;
      watched.add(transport);
      transport.onRtcp.subscribe(readRtcp);
      transport.onStateChange.subscribe((state) => {
        if (state === "connected") {
          prepareKeys(transport);
          enlargeBuffer(transport);
        }
        if (state === "closed" || state === "failed") lose(`the connection for media is lost: DTLS ${state}`);
      });
    }
  }

  pc.connectionStateChange.subscribe((state) => {
    if (state === "connected") connected.resolve();
    if (state === "failed" || state === "disconnected" || state === "closed") {
      lose(`the connection for media is lost: ${state}`);
    }
  });

  function sendSome(count: number): void {
    for (const packet of queue.splice(0, count)) {
      camera?.sender.sendRtp(packet).catch(() => {
        // The connection is going down; its state says so.
      });
    }
    pacing = queue.length > 0 ? clock.after(1, () => sendSome(paceCount)) : null;
  }

  function roundTripMs(): number | null {
    const path = pc.dtlsTransports[0]?.iceTransport.connection.nominated;
    // The first check waits for the other side to come as far.
    return path?.rtt === undefined || path.roundTripTimeMeasurements < 2 ? null : path.rtt * 1000;
  }

  return {
    addSection(direction) {
      const sends = direction !== "recvonly";
      const transceiver = pc.addTransceiver(sends ? new MediaStreamTrack({ kind: "video" }) : "video", {
        direction,
      });
      if (sends) camera = transceiver;
      // Its own requests: `requestAgain` is for who knows how long an answer takes.
      Reflect.get(transceiver.receiver, "nack").close();
      transceiver.onTrack.subscribe((track) => {
        track.onReceiveRtp.subscribe(({ header, payload }) => {
          if (isOver) return;
          const { sequenceNumber, timestamp, marker, ssrc } = header;
          if (screen?.ssrc !== ssrc) screen = { transceiver, ssrc };
          const receivedMs = clock.now();
          const streamId = transceiver.receiver.remoteStreamId ?? "";
          about.onPacket({ sequenceNumber, timestamp, marker, payload, receivedMs }, streamId);
        });
      });
      return { mid: () => transceiver.mid!, trackId: transceiver.sender.trackId };
    },
    async offer() {
      await pc.setLocalDescription(await pc.createOffer());
      watchTransports();
      return pc.localDescription!.sdp;
    },
    async accept(sdp) {
      await pc.setRemoteDescription({ type: "answer", sdp });
    },
    async addCandidate({ candidate, sdpMid, sdpMLineIndex }) {
      if (isOver || !candidate) return;
      await pc.addIceCandidate({
        candidate,
        ...(sdpMid != null && { sdpMid }),
        ...(sdpMLineIndex != null && { sdpMLineIndex }),
      });
    },
    connected: connected.promise,
    send(payloads, timestamp) {
      if (isOver) return;
      for (const [index, payload] of payloads.entries()) {
        sequenceNumber = (sequenceNumber + 1) & 0xffff;
        const marker = index === payloads.length - 1;
        queue.push(new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, marker }), payload));
      }
      if (!pacing) sendSome(burstCount);
    },
    requestKey() {
      if (!isOver && screen) void screen.transceiver.receiver.sendRtcpPLI(screen.ssrc);
    },
    requestAgain(sequenceNumbers) {
      if (isOver || !screen) return;
      const { transceiver, ssrc: mediaSourceSsrc } = screen;
      const senderSsrc = transceiver.receiver.rtcpSsrc;
      const feedback = new GenericNack({ senderSsrc, mediaSourceSsrc, lost: [...sequenceNumbers] });
      transceiver.dtlsTransport.sendRtcp([new RtcpTransportLayerFeedback({ feedback })]).catch(() => {
        // The connection is going down; its state says so.
      });
    },
    roundTripMs,
    async stats() {
      const report = [...((await screen?.transceiver.receiver.getStats())?.values() ?? [])];
      const inbound = report.find(({ type }) => type === "inbound-rtp") as
        | { packetsReceived?: number; packetsLost?: number; jitter?: number; pliCount?: number }
        | undefined;
      return {
        roundTripMs: roundTripMs(),
        jitterMs: inbound?.jitter === undefined ? null : inbound.jitter * 1000,
        packetsReceived: inbound?.packetsReceived ?? null,
        packetsLost: inbound?.packetsLost ?? null,
        keyRequests: inbound ? (inbound.pliCount ?? 0) : null,
      };
    },
    async close() {
      isOver = true;
      pacing?.cancel();
      queue.length = 0;
      await pc.close();
    },
  };
}

/** What the system does not grant it cuts. A key picture of 720p is 200 kB, which is what the default buffer holds with all its overhead. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** So that what comes while this process has no turn is late, and not lost. */
function enlargeBuffer({ iceTransport }: RTCDtlsTransport): void {
  const { transport } = iceTransport.connection.nominated!.protocol as StunProtocol;
  (Reflect.get(transport, "socket") as Socket).setRecvBufferSize(receiveBufferBytes);
}

/** As in the mock server: werift hands OpenSSL the raw key with every packet; a key object made once halves what that costs (Node 24). */
function prepareKeys({ srtp }: RTCDtlsTransport): void {
  for (const { cipher } of [srtp.localContext, srtp.remoteContext]) {
    Object.assign(cipher, { srtpSessionKey: createSecretKey(cipher.srtpSessionKey) });
  }
}
