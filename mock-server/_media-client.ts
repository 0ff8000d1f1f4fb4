/**
 * A client with media, for tests: a werift connection over a SocketClient that sends the pictures of a clip one at a time and
 * decodes what comes back. Shares the server's payload formats and decoder, which have tests of their own, and none of its
 * signalling. Expects nothing.
 */
import {
  GenericNack,
  MediaStreamTrack,
  PictureLossIndication,
  RTCPeerConnection,
  type RTCRtpTransceiver,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
  RtpHeader,
  RtpPacket,
  useH264,
  useOPUS,
  useVP8,
} from "werift";
import { chroma, createFrame, type Frame } from "../fixtures/frame.ts";
import { type InputStrip, type OutputStrip, readInputStrip, readOutputStrip } from "../fixtures/strips.ts";
import type { SocketClient } from "./_socket-client.ts";
import { createWaiters } from "./_waiters.ts";
import { copyPicture, createDecoder } from "./media/codec.ts";
import { createFrameAssembler } from "./media/frame-assembler.ts";
import { payloadFormats } from "./media/payloads/index.ts";

export type SeenPicture = {
  readonly frame: Frame;
  readonly key: boolean;
  readonly input: InputStrip | null;
  readonly output: OutputStrip | null;
};

export type MediaClient = AsyncDisposable & {
  readonly pc: RTCPeerConnection;
  readonly answers: readonly string[];
  readonly pictures: readonly SeenPicture[];
  /** Payloads of audio packets that came back. */
  readonly audio: readonly Buffer[];
  /** Key pictures that the server has asked for. */
  readonly keyRequestCount: number;
  /** Offers, also again, and applies the answer. */
  negotiate(): Promise<void>;
  /** The first half: offers, and has the answer without applying it. */
  offer(): Promise<void>;
  /** The second half. */
  accept(): Promise<void>;
  /** Resolves once media can flow, as far as this side knows. */
  connected(): Promise<void>;
  /** One coded picture. 90 kHz. */
  sendPicture(data: Uint8Array, key: boolean, timestamp: number): void;
  /** A video packet as it is, with a marker. */
  sendPayload(payload: Buffer, timestamp: number): void;
  /** Any header and payload, and any bytes as RTCP, encrypted as a peer's. */
  sendRawRtp(header: RtpHeader, payload: Buffer): Promise<void>;
  sendRawRtcp(packet: Buffer): Promise<void>;
  /** Any bytes, not encrypted, on the connection's own path. */
  sendDatagram(bytes: Buffer): Promise<void>;
  sendAudio(payload: Buffer, timestamp: number): void;
  /** The first picture from number `from` on that satisfies `wanted`, now or when it comes. */
  picture(wanted: (picture: SeenPicture) => boolean, from?: number): Promise<SeenPicture>;
  /** The audio packet of this number, now or when it comes. */
  audioAt(index: number): Promise<Buffer>;
  /** The next video packet is numbered and not sent, nor can it be sent again. */
  loseNextPacket(): void;
  /** The next video packet is lost on its way to the server; resolves with its number once the server has asked for it again. */
  dropNextPacket(): Promise<number>;
  /** The next video packet is lost on its way to this client, which asks for it again. */
  missNextPacket(): void;
  /** Asks for a key picture: PLI (RFC 4585, section 6.3.1) or FIR (RFC 5104, section 4.3.1). */
  requestKey(kind: "PLI" | "FIR"): Promise<void>;
  /** Resolves when `done` holds; looks after everything that comes. */
  until(done: () => boolean): Promise<void>;
  /** Where the server listens for this connection's media. */
  remoteAddress(): { ip: string; port: number };
};

export type MediaAbout = {
  codec: "vp8" | "h264";
  audio?: boolean;
  /** Only watches: recvonly sections, nothing to send. */
  watches?: boolean;
  /** Sends its candidates one by one; otherwise the offer carries them. */
  trickles?: boolean;
};

export function createMediaClient(
  control: SocketClient,
  { codec, audio = false, watches = false, trickles = false }: MediaAbout,
): MediaClient {
  const pc = new RTCPeerConnection({
    codecs: { video: [codec === "vp8" ? useVP8() : useH264()], audio: [useOPUS()] },
    // As in media/peer.ts: named none, werift asks a public one.
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  const format = payloadFormats[codec]();
  const decoder = createDecoder(codec);
  const answers: string[] = [];
  const pictures: SeenPicture[] = [];
  const heard: Buffer[] = [];
  const { wake: happened, until } = createWaiters();
  const sequence = { video: 0, audio: 0 };
  let keyRequestCount = 0;
  let losesNext = false;
  let missesNext = false;
  let ssrc = 0;
  /** Numbers of packets the server asked for again. */
  const askedFor = new Set<number>();
  let origin = "";
  let closed = false;

  const video = add("video");
  const sound = audio ? add("audio") : null;

  function add(kind: "video" | "audio"): RTCRtpTransceiver {
    if (watches) return pc.addTransceiver(kind, { direction: "recvonly" });
    return pc.addTransceiver(new MediaStreamTrack({ kind }), { direction: "sendrecv" });
  }

  const assembler = createFrameAssembler(format, {
    picture({ data, key }) {
      decoder.decode(data, (picture) => {
        const { width, height } = picture;
        const frame = createFrame(width, height);
        copyPicture(picture, frame);
        pictures.push({ frame, key, input: readInputStrip(frame), output: readOutputStrip(frame) });
      });
      happened();
    },
    needsKey() {},
  });

  pc.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(({ header, payload }) => {
      if (closed) return;
      if (track.kind === "audio") {
        heard.push(Buffer.from(payload));
        return happened();
      }
      const { sequenceNumber, timestamp, marker } = header;
      ssrc = header.ssrc;
      if (missesNext) {
        missesNext = false;
        const lost = { senderSsrc: 1, mediaSourceSsrc: ssrc, lost: [sequenceNumber] };
        void pc.dtlsTransports[0]!.sendRtcp([
          new RtcpTransportLayerFeedback({ feedback: new GenericNack(lost) }),
        ]);
        return;
      }
      assembler.push({ sequenceNumber, timestamp, marker, payload, receivedMs: 0 });
    });
  });
  function receiveRtcp(packet: RtcpPacket): void {
    if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack) {
      for (const sequenceNumber of packet.feedback.lost) askedFor.add(sequenceNumber);
      happened();
    }
    if (!(packet instanceof RtcpPayloadSpecificFeedback)) return;
    if (!(packet.feedback instanceof PictureLossIndication)) return;
    keyRequestCount++;
    happened();
  }
  pc.connectionStateChange.subscribe(happened);
  if (trickles) {
    pc.onIceCandidate.subscribe((candidate) => {
      control.send({ type: "ice-candidate", candidate: candidate ?? null });
    });
  }

  function sendRtp(
    transceiver: RTCRtpTransceiver,
    payload: Buffer,
    timestamp: number,
    marker: boolean,
  ): void {
    const kind = transceiver.kind as "video" | "audio";
    sequence[kind] = (sequence[kind] + 1) & 0xffff;
    if (kind === "video" && losesNext) {
      losesNext = false;
      return;
    }
    const header = new RtpHeader({ sequenceNumber: sequence[kind], timestamp, marker });
    void transceiver.sender.sendRtp(new RtpPacket(header, payload));
  }

  async function sendRawRtcp(packet: Buffer): Promise<void> {
    await pc.dtlsTransports[0]!.sendRtcp([{ serialize: () => packet } as RtcpPacket]);
  }

  async function offer(): Promise<void> {
    const offer = await pc.createOffer();
    const gathered = pc.setLocalDescription(offer);
    // werift throws new numbers for each offer; browsers keep the first for the life of the connection (RFC 8829, 5.2.2).
    origin ||= /^o=.*$/m.exec(offer.sdp)![0];
    const send = (sdp: string) => control.send({ type: "offer", sdp: sdp.replace(/^o=.*$/m, origin) });
    if (trickles) send(withoutCandidates(offer.sdp));
    await gathered;
    if (!trickles) send(pc.localDescription!.sdp);
    const { sdp } = await control.take("answer");
    answers.push(sdp);
  }

  async function accept(): Promise<void> {
    await pc.setRemoteDescription({ type: "answer", sdp: answers.at(-1)! });
    // Not from the sender's own event: in a connection that goes both ways werift hands a PLI to the receiver.
    if (answers.length > 1) return;
    for (const transport of pc.dtlsTransports) transport.onRtcp.subscribe(receiveRtcp);
  }

  return {
    pc,
    answers,
    pictures,
    audio: heard,
    get keyRequestCount() {
      return keyRequestCount;
    },
    offer,
    accept,
    async negotiate() {
      await offer();
      await accept();
    },
    connected: () => until(() => pc.connectionState === "connected" || undefined).then(() => {}),
    sendPicture(data, key, timestamp) {
      const payloads = format.pack(data, key, 1180);
      for (const [index, payload] of payloads.entries()) {
        sendRtp(video, payload, timestamp, index === payloads.length - 1);
      }
    },
    sendPayload: (payload, timestamp) => sendRtp(video, payload, timestamp, true),
    async sendRawRtp(header, payload) {
      await pc.dtlsTransports[0]!.sendRtp(payload, header);
    },
    sendRawRtcp,
    async sendDatagram(bytes) {
      await pc.dtlsTransports[0]!.iceTransport.connection.send(bytes);
    },
    sendAudio(payload, timestamp) {
      sendRtp(sound!, payload, timestamp, false);
    },
    picture: (wanted, from = 0) => until(() => pictures.slice(from).find(wanted)),
    audioAt: (index) => until(() => heard[index]),
    loseNextPacket() {
      losesNext = true;
    },
    dropNextPacket() {
      const [transport] = pc.dtlsTransports;
      const sendRtp = transport!.sendRtp;
      return new Promise((resolve) => {
        // Below the sender, which keeps the packet for a retransmission.
        transport!.sendRtp = async (_payload, { sequenceNumber }) => {
          transport!.sendRtp = sendRtp;
          resolve(until(() => (askedFor.has(sequenceNumber) ? sequenceNumber : undefined)));
          return 0;
        };
      });
    },
    missNextPacket() {
      missesNext = true;
    },
    requestKey(kind) {
      const request = Buffer.alloc(kind === "PLI" ? 12 : 20);
      // Version 2 and the kind; payload-specific feedback; words behind the first.
      request.set([0x80 | (kind === "PLI" ? 1 : 4), 206, 0, request.length / 4 - 1]);
      request.writeUInt32BE(1, 4);
      request.writeUInt32BE(ssrc, kind === "PLI" ? 8 : 12);
      return sendRawRtcp(request);
    },
    until: (done) => until(() => done() || undefined).then(() => {}),
    remoteAddress() {
      const [, ip, port] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+)/im.exec(answers.at(-1) ?? "") ?? [];
      if (!ip) throw new Error("The last answer has no candidate.");
      return { ip, port: Number(port) };
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      await pc.close();
      decoder.close();
    },
  };
}

function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");
}

/** How alike two pictures are, from line `top` on, in decibels of luma and chroma together; 99 where they are the same. */
export function psnr(one: Frame, other: Frame, top = 0): number {
  let squares = 0;
  let count = 0;
  const planes = [
    [one.y, other.y, top * one.width],
    [one.u, other.u, (top / 2) * chroma(one.width)],
    [one.v, other.v, (top / 2) * chroma(one.width)],
  ] as const;
  for (const [a, b, start] of planes) {
    for (let i = start; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
    count += a.length - start;
  }
  return squares === 0 ? 99 : 10 * Math.log10((255 ** 2 * count) / squares);
}
