/**
 * The one file of mock-server that imports werift: the server's end of a WebRTC connection. Answers offers, hands out RTP
 * as it comes in, paces what goes out. Knows no session, no state and no codec beyond its name.
 */
import { createSecretKey } from "node:crypto";
import {
  MediaStreamTrack,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  type RTCDtlsTransport,
  RTCPeerConnection,
  type RTCRtpCodecParameters,
  type RTCRtpTransceiver,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtpHeader,
  RtpPacket,
  useH264,
  useOPUS,
  useVP8,
  useVP9,
} from "werift";
import type { Clock, Timer } from "../clock.ts";
import type { CodecName } from "./codec-name.ts";
import type { MediaPacket } from "./frame-assembler.ts";
import {
  absoluteSendTimeUri,
  colorSpaceUri,
  isHiddenCandidate,
  midUri,
  type Offer,
  OfferError,
  playoutDelayUri,
  withRateHints,
} from "./offer.ts";
import type { Output } from "./pipeline.ts";

export type PeerEvents = {
  /** ICE and DTLS are through: media can flow both ways. */
  connected(): void;
  /** The connection failed or was closed from the other side; `state` is W3C's connection state. */
  lost(state: string): void;
  /** `colorSpace` as the packet's header extension said it, 4 bytes; `null` where it said nothing. */
  video(packet: MediaPacket, colorSpace: Buffer | null): void;
  audio(payload: Buffer, timestamp: number, marker: boolean): void;
  /** The other side cannot decode what we send. */
  keyRequested(kind: "PLI" | "FIR"): void;
  /** Bits per second that the other side thinks the network holds (REMB). */
  estimated(bitsPerSecond: number): void;
};

export type PeerOptions = {
  readonly clock: Clock;
  /** Addresses to gather candidates on. `null`: every interface of the machine, and loopback. */
  readonly addresses: readonly string[] | null;
  /** First and last UDP port; `null` lets the system choose. */
  readonly portRange: readonly [number, number] | null;
  /** Whether the client is to get video and audio from us. */
  readonly sends: boolean;
  /** What the client's encoder is told to start at and not to exceed. Kilobits per second. */
  readonly uplinkRate: { readonly start: number; readonly max: number };
};

export type Peer = Output & {
  readonly originId: string;
  /** Answers the first offer or a later one of the same connection. The answer carries all candidates. @throws OfferError */
  answer(offer: Offer): Promise<string>;
  /** A trickled candidate; one that is `null` or hidden is passed over. @throws Error when it is malformed or too long */
  addCandidate(
    candidate: {
      candidate?: string | undefined;
      sdpMid?: string | null | undefined;
      sdpMLineIndex?: number | null | undefined;
    } | null,
  ): Promise<void>;
  /** Asks the client for a key picture. */
  requestKey(): void;
  close(): Promise<void>;
};

const codecParameters: Record<CodecName, () => RTCRtpCodecParameters> = {
  vp8: useVP8,
  vp9: useVP9,
  h264: useH264,
};
const feedback = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "goog-remb" },
];

/** RFC 5104, section 4.3.1; werift has the class and does not export it. */
const fullIntraRequest = 4;

/** Packets sent at once. The default UDP buffer of a viewer holds some 90; a 720p key picture of H.264 can be 75. */
const burstCount = 16;
/** Then this many a millisecond, which is 75 Mbit/s. */
const paceCount = 8;

/** Characters of one trickled candidate. */
const candidateLengthMax = 1024;

/** Minimum and maximum of 0: the viewer shows a picture when it has it. Without it Chromium smooths for 30 ms and more. */
const playoutDelayZero = Buffer.from([0, 0, 0]);

export function createPeer(first: Offer, options: PeerOptions, on: PeerEvents): Peer {
  const { clock } = options;
  const video = first.codec ? [codecParameters[first.codec]()] : [];
  for (const codec of video) codec.rtcpFeedback = feedback;
  const pc = new RTCPeerConnection({
    codecs: { video, audio: [useOPUS()] },
    headerExtensions: {
      video: [
        { id: 1, uri: midUri },
        { id: 2, uri: absoluteSendTimeUri },
        { id: 3, uri: playoutDelayUri },
        { id: 4, uri: colorSpaceUri },
      ],
      audio: [{ id: 1, uri: midUri }],
    },
    // werift's default is a public STUN server; a host candidate is all that loopback needs.
    iceServers: [],
    // Switched off, the interfaces of the machine are not gathered, only the addresses named.
    iceUseIpv4: options.addresses === null,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [...(options.addresses ?? ["127.0.0.1"])],
    ...(options.portRange && { icePortRange: [...options.portRange] }),
  });
  const sequence = { video: 0, audio: 0 };
  let videoSsrc: number | null = null;
  let watched = false;
  let closed = false;

  pc.connectionStateChange.subscribe((state) => {
    if (closed) return;
    if (state === "connected") on.connected();
    if (state === "failed" || state === "disconnected" || state === "closed") on.lost(state);
  });
  pc.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(({ header, payload }, extensions) => {
      if (closed) return;
      const { sequenceNumber, timestamp, marker } = header;
      if (track.kind === "audio") return on.audio(payload, timestamp, marker);
      videoSsrc = header.ssrc;
      const packet = { sequenceNumber, timestamp, marker, payload, receivedMs: clock.now() };
      on.video(packet, readColorSpace(extensions?.[colorSpaceUri]));
    });
  });

  function receiveRtcp(packet: RtcpPacket): void {
    // Not from the sender's own event: in a connection that goes both ways werift hands a PLI to the receiver.
    if (closed || !(packet instanceof RtcpPayloadSpecificFeedback)) return;
    const { feedback } = packet;
    if (!feedback) return;
    if (feedback instanceof PictureLossIndication) on.keyRequested("PLI");
    else if (feedback.count === fullIntraRequest) on.keyRequested("FIR");
    else if (feedback instanceof ReceiverEstimatedMaxBitrate) on.estimated(Number(feedback.bitrate));
  }

  function attachTracks(): void {
    if (!options.sends) return;
    for (const transceiver of pc.getTransceivers()) {
      if (transceiver.sender.track) continue;
      transceiver.sender.streamIds = ["lucy"];
      void transceiver.sender.replaceTrack(new MediaStreamTrack({ kind: transceiver.kind }));
      transceiver.setDirection(transceiver.offerDirection === "sendonly" ? "sendonly" : "sendrecv");
    }
  }

  function sender(kind: "video" | "audio"): RTCRtpTransceiver | undefined {
    return pc.getTransceivers().find((transceiver) => transceiver.kind === kind && transceiver.sender.track);
  }

  function sendRtp(
    kind: "video" | "audio",
    { payload, timestamp, marker, colorSpace }: OutgoingPacket,
  ): void {
    const transceiver = sender(kind);
    if (closed || !transceiver) return;
    sequence[kind] = (sequence[kind] + 1) & 0xffff;
    const header = new RtpHeader({ sequenceNumber: sequence[kind], timestamp, marker });
    for (const { id, uri } of kind === "video" ? transceiver.headerExtensions : []) {
      if (uri === playoutDelayUri) header.extensions.push({ id, payload: playoutDelayZero });
      if (uri === colorSpaceUri && colorSpace) header.extensions.push({ id, payload: colorSpace });
    }
    transceiver.sender.sendRtp(new RtpPacket(header, payload)).catch(() => {
      // The transport is going down; the connection state says so.
    });
  }

  const pacer = createPacer(clock, (packet) => sendRtp("video", packet));

  return {
    originId: first.originId,
    async answer(offer) {
      if (offer.codec && first.codec && offer.codec !== first.codec) {
        throw new OfferError(
          `A connection keeps its codec: this one began with ${first.codec.toUpperCase()} and now offers ${offer.codec.toUpperCase()} first. Open a new RTCPeerConnection.`,
        );
      }
      try {
        await pc.setRemoteDescription({ type: "offer", sdp: offer.sdp });
        attachTracks();
        await pc.setLocalDescription(await pc.createAnswer());
      } catch (error) {
        throw new OfferError(
          `The offer could not be answered (${(error as Error).message}). Send RTCPeerConnection's localDescription.sdp as it is.`,
        );
      }
      if (!watched) {
        watched = true;
        for (const transport of pc.dtlsTransports) {
          transport.onRtcp.subscribe(receiveRtcp);
          transport.onStateChange.subscribe((state) => {
            if (state === "connected") prepareKeys(transport);
          });
        }
      }
      return withRateHints(pc.localDescription!.sdp, options.uplinkRate);
    },
    async addCandidate(candidate) {
      if (closed || !candidate?.candidate) return;
      const { length } = candidate.candidate;
      if (length > candidateLengthMax) {
        throw new OfferError(
          `The candidate has ${length} characters; at most ${candidateLengthMax} are read. A browser's has about 150: send RTCIceCandidate.toJSON() as it is.`,
        );
      }
      if (isHiddenCandidate(candidate.candidate)) return;
      const { sdpMid, sdpMLineIndex } = candidate;
      await pc.addIceCandidate({
        candidate: candidate.candidate,
        ...(sdpMid != null && { sdpMid }),
        ...(sdpMLineIndex != null && { sdpMLineIndex }),
      });
    },
    requestKey() {
      if (closed || videoSsrc === null) return;
      const receiver = pc.getTransceivers().find(({ kind }) => kind === "video")?.receiver;
      void receiver?.sendRtcpPLI(videoSsrc);
    },
    sendVideo(payloads, timestamp, ends, colorSpace) {
      pacer.push(
        payloads.map((payload, index) => {
          const marker = ends && index === payloads.length - 1;
          // Chromium looks for it on a picture's last packet only.
          return { payload, timestamp, marker, colorSpace: marker ? colorSpace : null };
        }),
      );
    },
    sendAudio: (payload, timestamp, marker) =>
      sendRtp("audio", { payload, timestamp, marker, colorSpace: null }),
    async close() {
      if (closed) return;
      closed = true;
      pacer.close();
      await pc.close();
    },
  };
}

/**
 * werift hands OpenSSL the raw session key with every packet. A key object made once saves 17 µs of the 25 that a packet's cipher
 * costs (Node 24, measured), and its garbage.
 */
function prepareKeys({ srtp }: RTCDtlsTransport): void {
  for (const { cipher } of [srtp.localContext, srtp.remoteContext]) {
    Object.assign(cipher, { srtpSessionKey: createSecretKey(cipher.srtpSessionKey) });
  }
}

/** The four bytes that say primaries, transfer, matrix and range; the other 24 of the long form are HDR's. */
function readColorSpace(extension: unknown): Buffer | null {
  const isOne = Buffer.isBuffer(extension) && (extension.length === 4 || extension.length === 28);
  return isOne ? Buffer.from(extension.subarray(0, 4)) : null;
}

type OutgoingPacket = {
  readonly payload: Buffer;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly colorSpace: Buffer | null;
};

/** Sends a burst at once and what is left a few packets a millisecond, in order. */
function createPacer(clock: Clock, send: (packet: OutgoingPacket) => void) {
  const queue: OutgoingPacket[] = [];
  let timer: Timer | null = null;

  function sendSome(count: number): void {
    for (const packet of queue.splice(0, count)) send(packet);
    timer = queue.length > 0 ? clock.after(1, () => sendSome(paceCount)) : null;
  }

  return {
    push(packets: readonly OutgoingPacket[]): void {
      queue.push(...packets);
      if (!timer) sendSome(burstCount);
    },
    close(): void {
      timer?.cancel();
      queue.length = 0;
    },
  };
}
