/**
 * The one file of mock-server that imports werift: the server's end of a WebRTC connection. Answers offers, hands out RTP
 * as it comes in, paces what goes out. Knows no session, no state and no codec beyond its name.
 */
import { createSecretKey } from "node:crypto";
import {
  GenericNack,
  MediaStreamTrack,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  type RTCDataChannel,
  type RTCDtlsTransport,
  type RTCIceTransport,
  RTCPeerConnection,
  type RTCRtpCodecParameters,
  type RTCRtpSender,
  type RTCRtpTransceiver,
  type RTCSctpTransport,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtcpRrPacket,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
  RtpHeader,
  RtpPacket,
  type StunProtocol,
  useH264,
  useOPUS,
  useVP8,
  useVP9,
} from "werift";
import type { Clock, Timer } from "../clock.ts";
import type { PeerLine } from "../faults/fault.ts";
import { type CodecName, codecNames } from "./codec-name.ts";
import type { MediaPacket } from "./frame-assembler.ts";
import {
  absoluteSendTimeUri,
  candidateCountMax,
  colorSpaceUri,
  isHiddenCandidate,
  midUri,
  type Offer,
  OfferError,
  playoutDelayUri,
  ridUri,
  withRateHints,
  withUsableCandidates,
} from "./offer.ts";
import type { Output } from "./pipeline.ts";
import { createRtcpTally, type RtcpTally } from "./rtcp-tally.ts";
import { isReadable } from "./sctp-packet.ts";
import { createUdpTap, type PeerGates } from "./udp-tap.ts";

export type { PeerGates } from "./udp-tap.ts";

export type PeerEvents = {
  /** ICE and DTLS are through: media can flow both ways. */
  connected(): void;
  /** The connection failed or was closed from the other side; `state` is W3C's connection state. */
  lost(state: string): void;
  /** `colorSpace` as the packet's header extension said it, 4 bytes; `null` where it said nothing. */
  video(packet: MediaPacket, colorSpace: Buffer | null, mid: string): void;
  audio(payload: Buffer, timestamp: number, marker: boolean, mid: string): void;
  /** The other side cannot decode what we send. */
  keyRequested(kind: "PLI" | "FIR", mid: string): void;
  /** Bits per second that the other side thinks the network holds (REMB). */
  estimated(bitsPerSecond: number): void;
  /** A message on a data channel of this label. */
  data?(label: string, bytes: Buffer): void;
  /** The other side's SCTP holds something that cannot be followed: left out, as if lost. Told once a peer. */
  misread?(error: string): void;
  /** A message is larger than the other side said it takes, and was not sent. */
  tooLarge?(label: string, byteLength: number): void;
};

export type PeerOptions = {
  readonly clock: Clock;
  /** Addresses to gather candidates on. `null`: every interface of the machine, and loopback. */
  readonly addresses: readonly string[] | null;
  /** First and last UDP port; `null` lets the system choose. */
  readonly portRange: readonly [number, number] | null;
  /** What the client's encoder is told to start at and not to exceed. Kilobits per second. */
  readonly uplinkRate: { readonly start: number; readonly max: number };
  /** What every datagram passes. */
  readonly gates?: PeerGates | undefined;
};

/** What we send in which section, by its mid: the id of the stream, as it stands in `msid`. */
export type Sends = ReadonlyMap<string, string>;

export type Candidate = {
  candidate?: string | undefined;
  sdpMid?: string | null | undefined;
  sdpMLineIndex?: number | null | undefined;
} | null;

export type Peer = {
  /** Of the offers it has answered; `null` before the first. */
  readonly originId: string | null;
  readonly isConnected: boolean;
  /** What the other side has said so far of what we send. */
  readonly rtcp: RtcpTally["summary"];
  /** For faults. */
  readonly line: PeerLine;
  /** Answers the first offer or a later one of the same connection. The answer carries all candidates. @throws OfferError */
  answer(offer: Offer, sends: Sends): Promise<string>;
  /** Offers what was added with `addSender`; the offer carries all candidates. `restart`: new ICE credentials. */
  offer(restart: boolean): Promise<string>;
  /** @throws OfferError */
  acceptAnswer(sdp: string): Promise<void>;
  /** Another section, for a stream that the next offer tells of. Its mid is known once that offer is made. */
  addSender(kind: "video" | "audio", codec: CodecName | null, streamId: string): { mid(): string };
  /** The section sends nothing from the next offer on. */
  removeSender(mid: string): void;
  /** Where pictures and sound go: to these sections. */
  output(mids: { video?: string | undefined; audio?: string | undefined }): Output;
  /** A trickled candidate; one that is `null` or hidden is passed over. @throws Error when it is malformed or too long */
  addCandidate(candidate: Candidate): Promise<void>;
  /** Asks the client for a key picture of what it sends in this section. */
  requestKey(mid: string): void;
  /** Opens a data channel from our side. */
  openChannel(label: string, ordered: boolean): void;
  /** Nothing is sent where the channel is not open, or the message is larger than the other side takes. */
  sendData(label: string, bytes: Uint8Array): void;
  close(): Promise<void>;
};

/** A sender's name on the wire, and what its reports have counted under it. */
type NamedSender = { readonly ssrc: number; readonly packetCount: number; readonly octetCount: number };

const codecParameters: Record<CodecName, () => RTCRtpCodecParameters> = {
  vp8: useVP8,
  vp9: useVP9,
  h264: useH264,
};

function codecOf(name: CodecName): RTCRtpCodecParameters {
  return Object.assign(codecParameters[name](), { rtcpFeedback: feedback });
}
const feedback = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "goog-remb" },
];

/** RFC 5104, section 4.3.1; werift has the class and does not export it. */
const fullIntraRequest = 4;

/** RFC 5246, sections 6.2.1 and 7.2: the type of a record, its level (warning) and what it says. */
const alertType = 21;
const closeNotify = Buffer.from([1, 0]);

/** Packets sent at once. The default UDP buffer of a viewer holds some 90; a 720p key picture of H.264 can be 75. */
const burstCount = 16;
/** Then this many a millisecond, which is 75 Mbit/s. */
const paceCount = 8;

/**
 * What we say one message of a data channel may have. It grows by its sender's name before it is passed on, to others that may take no
 * more than the 64 KiB that hold where nothing is said (https://www.rfc-editor.org/rfc/rfc8841#section-6.1).
 */
const dataBytesMax = 63 * 1024;
/** Open at once; LiveKit's clients have three. */
const channelCountMax = 8;

/** Characters of one trickled candidate. */
const candidateLengthMax = 1024;

/** Minimum and maximum of 0: the viewer shows a picture when it has it. Without it Chromium smooths for 30 ms and more. */
const playoutDelayZero = Buffer.from([0, 0, 0]);

export function createPeer(options: PeerOptions, on: PeerEvents): Peer {
  const { clock } = options;
  const pc = new RTCPeerConnection({
    codecs: { video: codecNames.map(codecOf), audio: [useOPUS()] },
    headerExtensions: {
      video: [
        { id: 1, uri: midUri },
        { id: 2, uri: absoluteSendTimeUri },
        { id: 3, uri: playoutDelayUri },
        { id: 4, uri: colorSpaceUri },
        { id: 5, uri: ridUri },
      ],
      audio: [{ id: 1, uri: midUri }],
    },
    // A host candidate is all that is needed. Named none, werift asks a public STUN server about each peer (0.25.2, observed); one of
    // the other address family is turned down before anything is sent or looked up.
    iceServers: [{ urls: "stun:[::1]:1" }],
    // Switched off, the interfaces of the machine are not gathered, only the addresses named.
    iceUseIpv4: options.addresses === null,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [...(options.addresses ?? ["127.0.0.1"])],
    maxMessageSize: dataBytesMax,
    ...(options.portRange && { icePortRange: [...options.portRange] }),
  });
  const rtcp = createRtcpTally();
  const sequences = new Map<string, number>();
  const ssrcs = new Map<string, number>();
  /** What each section has sent last: the RTP timestamp, and when. */
  const lastSent = new Map<string, { timestamp: number; atMs: number }>();
  /** Senders whose SSRC was changed, as the client was told of them. */
  const toldSenders = new Map<RTCRtpSender, NamedSender>();
  let ssrcChangeCount = 0;
  const channels = new Set<RTCDataChannel>();
  /** All that are open, whether a section still uses them or not. */
  const transports = new Set<RTCDtlsTransport>();
  let originId: string | null = null;
  /** Candidates trickled since the other side's ICE credentials are these. */
  let trickled = { credentials: "", count: 0 };
  let hasMisread = false;
  /** It has said goodbye in DTLS. */
  let hasLeft = false;
  let closed = false;
  const tap = createUdpTap(options.gates, options.portRange);

  afterEach(pc, "createDtlsTransport", watchTransport);
  afterEach(pc, "createSctpTransport", (transport: RTCSctpTransport) => {
    guardSctp(transport);
    afterEach(transport, "setDtlsTransport", () => guardSctp(transport));
  });

  pc.connectionStateChange.subscribe((state) => {
    if (closed || hasLeft) return;
    if (state === "connected") on.connected();
    if (state === "failed" || state === "disconnected" || state === "closed") on.lost(state);
  });
  // A section may carry one stream after another; only the section itself tells of each.
  pc.onRemoteTransceiverAdded.subscribe((transceiver) => {
    transceiver.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe(({ header, payload }, extensions) => {
        const { mid } = transceiver;
        if (closed || mid == null) return;
        const { sequenceNumber, timestamp, marker } = header;
        if (track.kind === "audio") return on.audio(payload, timestamp, marker, mid);
        ssrcs.set(mid, header.ssrc);
        const packet = { sequenceNumber, timestamp, marker, payload, receivedMs: clock.now() };
        on.video(packet, readColorSpace(extensions?.[colorSpaceUri]), mid);
      });
    });
  });
  pc.onDataChannel.subscribe(keepChannel);

  function keepChannel(channel: RTCDataChannel): void {
    if (channels.size >= channelCountMax) {
      // Not before it was acknowledged: that would be an acknowledgement of nothing.
      setImmediate(() => channel.close());
      return;
    }
    channels.add(channel);
    channel.stateChange.subscribe((state) => {
      if (state === "closed") channels.delete(channel);
    });
    channel.onMessage.subscribe((data) => {
      if (!closed) on.data?.(channel.label, Buffer.from(data as Buffer));
    });
  }

  function receiveRtcp(packet: RtcpPacket): void {
    // Not from the sender's own event: in a connection that goes both ways werift hands a PLI to the receiver.
    if (closed) return;
    if (packet instanceof RtcpRrPacket || packet instanceof RtcpSrPacket) return noteReports(packet.reports);
    if (packet instanceof RtcpTransportLayerFeedback) {
      const { feedback } = packet;
      const kind = feedback instanceof GenericNack && kindOf(feedback.mediaSourceSsrc);
      if (kind) rtcp.nacked(kind, (feedback as GenericNack).lost.length);
    }
    if (!(packet instanceof RtcpPayloadSpecificFeedback)) return;
    const { feedback } = packet;
    if (!feedback) return;
    if (feedback instanceof PictureLossIndication) askKey("PLI", feedback.mediaSsrc);
    else if (feedback.count === fullIntraRequest) askKey("FIR", null);
    else if (feedback instanceof ReceiverEstimatedMaxBitrate) on.estimated(Number(feedback.bitrate));
  }

  function noteReports(reports: RtcpRrPacket["reports"]): void {
    for (const report of reports) {
      const kind = kindOf(report.ssrc);
      if (kind) rtcp.reported(kind, report);
    }
  }

  /** What we send under this SSRC. */
  function kindOf(ssrc: number): "video" | "audio" | null {
    const sending = pc.getTransceivers().find(({ sender }) => sender.ssrc === ssrc);
    const kind = sending?.kind;
    return kind === "video" || kind === "audio" ? kind : null;
  }

  /** `ssrc`: of the stream that is meant. FIR names it where werift does not look; then it means all of them. */
  function askKey(kind: "PLI" | "FIR", ssrc: number | null): void {
    const sending = pc.getTransceivers().filter(({ kind, mid, sender }) => {
      return kind === "video" && mid != null && sender.track;
    });
    const meant = sending.filter(({ sender }) => sender.ssrc === ssrc);
    rtcp.keyRequested();
    for (const { mid } of meant.length > 0 ? meant : sending) on.keyRequested(kind, mid!);
  }

  function find(mid: string): RTCRtpTransceiver | undefined {
    return pc.getTransceivers().find((transceiver) => transceiver.mid === mid);
  }

  function attach(sends: Sends): void {
    for (const transceiver of pc.getTransceivers()) {
      const streamId = transceiver.mid == null ? undefined : sends.get(transceiver.mid);
      const { sender } = transceiver;
      if (streamId === undefined) {
        // Answered as inactive where the client only listens.
        transceiver.setDirection("recvonly");
        continue;
      }
      sender.streamIds = [streamId];
      if (!sender.track) void sender.replaceTrack(new MediaStreamTrack({ kind: transceiver.kind }));
      transceiver.setDirection(transceiver.offerDirection === "sendonly" ? "sendonly" : "sendrecv");
    }
  }

  function watchTransport(transport: RTCDtlsTransport): void {
    transports.add(transport);
    transport.onRtcp.subscribe(receiveRtcp);
    transport.onStateChange.subscribe((state) => {
      if (state === "connected") prepareKeys(transport);
    });
    const { iceTransport } = transport;
    tapSockets(transport);
    const { addRemoteCandidate } = iceTransport;
    // Each offer of a connection names those again that the ones before had, and werift tries each as often as it is named.
    iceTransport.addRemoteCandidate = async (candidate) => {
      const known = iceTransport.connection.remoteCandidates;
      const isKnown = known.some(({ host, port }) => host === candidate?.ip && port === candidate.port);
      if (!candidate || (!isKnown && known.length < candidateCountMax)) await addRemoteCandidate(candidate);
    };
  }

  /** Those of each candidate, as soon as they are open: werift makes them when it gathers. */
  function tapSockets(transport: RTCDtlsTransport): void {
    const { connection } = transport.iceTransport;
    const ensure: (protocol: StunProtocol) => void = Reflect.get(connection, "ensureProtocol");
    // No other than UDP's: there is no TURN server, and ICE over TCP is off.
    Reflect.set(connection, "ensureProtocol", (protocol: StunProtocol) => {
      const { connectionMade } = protocol;
      protocol.connectionMade = async (...about) => {
        await connectionMade(...about);
        tap.attach(protocol.transport, (payloadType) => mediaOf(transport, payloadType));
      };
      ensure.call(connection, protocol);
    });
  }

  /** Within a transport a payload type has one meaning: https://www.rfc-editor.org/rfc/rfc8843#section-10.1.2 */
  function mediaOf(transport: RTCDtlsTransport, payloadType: number): "video" | "audio" | undefined {
    return pc.getTransceivers().find(({ dtlsTransport, codecs }) => {
      return dtlsTransport === transport && codecs.some((codec) => codec.payloadType === payloadType);
    })?.kind as "video" | "audio" | undefined;
  }

  /** After an ICE restart werift sends no checks of its own, nor looks at those of a client whose candidates it does not know (0.25.2). */
  function checkAgain(): void {
    for (const { state, iceTransport } of pc.dtlsTransports) {
      if (state !== "connected" || Reflect.get(iceTransport.connection, "earlyChecksDone")) continue;
      iceTransport.start().catch(() => {
        // The connection state says so.
      });
    }
  }

  /** Those that no section uses any more: werift forgets them, open sockets and all (0.25.2). */
  async function stopUnused(): Promise<void> {
    const used = new Set(closed ? [] : pc.dtlsTransports);
    const unused = [...transports].filter((transport) => !used.has(transport));
    for (const transport of unused) transports.delete(transport);
    await Promise.all(unused.map((transport) => transport.stop()));
  }

  /** What the other side's bytes set off in here, werift leaves to promises that nobody awaits: one that fails would end the process. */
  function guardSctp(transport: RTCSctpTransport): void {
    const { sctp } = transport;
    const handleData: (data: Buffer) => Promise<void> = Reflect.get(sctp, "handleData");
    const receive: (...message: unknown[]) => Promise<void> = Reflect.get(transport, "datachannelReceive");
    Reflect.set(sctp, "handleData", (data: Buffer) => {
      if (!isReadable(data)) return misread(new Error(`${data.length} bytes are no SCTP packet`));
      return handleData.call(sctp, data).catch(misread);
    });
    Reflect.set(sctp, "receive", (...message: unknown[]) => receive(...message).catch(misread));
  }

  function misread({ message }: Error): void {
    if (closed || hasMisread) return;
    hasMisread = true;
    on.misread?.(message);
  }

  /** New credentials come with new candidates. */
  function countAnew(sdp: string): void {
    const credentials = /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1] ?? "";
    if (credentials !== trickled.credentials) trickled = { credentials, count: 0 };
  }

  function sendRtp(mid: string, { payload, timestamp, marker, colorSpace }: OutgoingPacket): void {
    const transceiver = find(mid);
    if (closed || !transceiver?.sender.track) return;
    const sequenceNumber = ((sequences.get(mid) ?? 0) + 1) & 0xffff;
    sequences.set(mid, sequenceNumber);
    const header = new RtpHeader({ sequenceNumber, timestamp, marker });
    for (const { id, uri } of transceiver.kind === "video" ? transceiver.headerExtensions : []) {
      if (uri === playoutDelayUri) header.extensions.push({ id, payload: playoutDelayZero });
      if (uri === colorSpaceUri && colorSpace) header.extensions.push({ id, payload: colorSpace });
    }
    transceiver.sender.sendRtp(new RtpPacket(header, payload)).catch(() => {
      // The transport is going down; the connection state says so.
    });
  }

  /**
   * Timestamps of one stream as its section has them: they go on where the stream before it in that section has stopped, or libwebrtc
   * takes what seems to be older for late and shows nothing any more (observed; the section keeps its SSRC). `hz`: of the RTP clock.
   */
  function continueTime(mid: string, hz: number): (timestamp: number) => number {
    let offset: number | null = null;
    return (own) => {
      const before = lastSent.get(mid);
      const atMs = clock.now();
      if (offset === null) {
        offset = 0;
        if (before) {
          const passed = Math.max(1, Math.round(((atMs - before.atMs) * hz) / 1000));
          offset = before.timestamp + passed - own;
        }
      }
      const timestamp = (own + offset) >>> 0;
      lastSent.set(mid, { timestamp, atMs });
      return timestamp;
    };
  }

  const pacer = createPacer(clock, (packet) => sendRtp(packet.mid, packet));

  function requestKey(mid: string): void {
    const ssrc = ssrcs.get(mid);
    if (!closed && ssrc !== undefined) void find(mid)?.receiver.sendRtcpPLI(ssrc);
  }

  const line: PeerLine = {
    closeDtls() {
      if (closed || hasLeft) return;
      hasLeft = true;
      tap.pass(() => transports.forEach(sayGoodbye));
      tap.silence();
      on.lost("closed");
    },
    async changePath() {
      const moving = [...transports].map(({ iceTransport }) => iceTransport).filter(hasPath);
      if (closed || moving.length === 0) {
        throw new Error(
          "The path cannot change: there is none yet. Put it at the moment peer-connected, or later.",
        );
      }
      for (const { connection } of moving) {
        const { protocol, localCandidate } = connection.nominated!;
        // A description to come names the new one.
        localCandidate.port = await tap.move((protocol as StunProtocol).transport);
        checkPath(connection);
      }
    },
    changeSsrc() {
      const router: { registerRtpSender(sender: object): void } = Reflect.get(pc, "router");
      const senders = pc.getTransceivers().map(({ sender }) => sender);
      const used = new Set(senders.flatMap(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc]));
      const become = (sender: RTCRtpSender, about: NamedSender) => {
        Object.assign(sender, about);
        router.registerRtpSender(sender);
      };
      for (const sender of senders) {
        const before = sender.ssrc;
        if (isTold(before)) {
          const [packetCount, octetCount] = [
            Reflect.get(sender, "packetCount"),
            Reflect.get(sender, "octetCount"),
          ];
          toldSenders.set(sender, { ssrc: before, packetCount, octetCount });
        }
        let ssrc = before;
        while (used.has(ssrc)) ssrc = (Math.imul(ssrc, 0x9e3779b1) + 1) >>> 0;
        used.add(ssrc);
        // Its reports count anew: https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1
        become(sender, { ssrc, packetCount: 0, octetCount: 0 });
      }
      ssrcChangeCount++;
      return () => {
        if (--ssrcChangeCount > 0) return;
        // Negotiated since, the client knows the new one and no longer the old.
        for (const [sender, before] of toldSenders) if (!isTold(sender.ssrc)) become(sender, before);
        toldSenders.clear();
      };
    },
  };

  /** Whether our last description names it. */
  function isTold(ssrc: number): boolean {
    return pc.localDescription?.sdp.includes(`a=ssrc:${ssrc} `) ?? false;
  }

  return {
    get originId() {
      return originId;
    },
    get rtcp() {
      return rtcp.summary;
    },
    get isConnected() {
      return !closed && !hasLeft && pc.connectionState === "connected";
    },
    line,
    async answer(offer, sends) {
      originId ??= offer.originId;
      countAnew(offer.sdp);
      try {
        await pc.setRemoteDescription({ type: "offer", sdp: offer.sdp });
        attach(sends);
        await pc.setLocalDescription(await pc.createAnswer());
      } catch (error) {
        throw new OfferError(
          `The offer could not be answered${inBrackets(error)}. Send RTCPeerConnection's localDescription.sdp as it is.`,
        );
      } finally {
        await stopUnused();
      }
      checkAgain();
      return withRateHints(pc.localDescription!.sdp, options.uplinkRate);
    },
    async offer(iceRestart) {
      await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
      return pc.localDescription!.sdp;
    },
    async acceptAnswer(sdp) {
      countAnew(sdp);
      try {
        await pc.setRemoteDescription({ type: "answer", sdp: withUsableCandidates(sdp) });
      } catch (error) {
        throw new OfferError(
          `The answer could not be taken${inBrackets(error)}. Send RTCPeerConnection's localDescription.sdp as it is.`,
        );
      }
      checkAgain();
    },
    addSender(kind, codec, streamId) {
      const transceiver = pc.addTransceiver(new MediaStreamTrack({ kind }), { direction: "sendonly" });
      transceiver.sender.streamIds = [streamId];
      if (codec) transceiver.setCodecPreferences([codecOf(codec)]);
      return { mid: () => transceiver.mid! };
    },
    removeSender(mid) {
      find(mid)?.setDirection("inactive");
    },
    output({ video, audio }) {
      const videoTime = continueTime(video ?? "", 90_000);
      const audioTime = continueTime(audio ?? "", 48_000);
      return {
        sendVideo(payloads, own, ends, colorSpace) {
          if (video === undefined) return;
          const timestamp = videoTime(own);
          pacer.push(
            payloads.map((payload, index) => {
              const isLast = index === payloads.length - 1;
              // Chromium looks for it on the last packet of a picture, or of a layer, only.
              const said = isLast ? colorSpace : null;
              return { mid: video, payload, timestamp, marker: ends && isLast, colorSpace: said };
            }),
          );
        },
        sendAudio(payload, own, marker) {
          if (audio === undefined) return;
          const packet = { mid: audio, payload, timestamp: audioTime(own), marker, colorSpace: null };
          sendRtp(audio, packet);
        },
      };
    },
    async addCandidate(candidate) {
      if (closed || !candidate?.candidate) return;
      const { length } = candidate.candidate;
      if (length > candidateLengthMax) {
        throw new OfferError(
          `The candidate has ${length} characters; at most ${candidateLengthMax} are read. A browser's has about 150: send RTCIceCandidate.toJSON() as it is.`,
        );
      }
      if (isHiddenCandidate(candidate.candidate) || ++trickled.count > candidateCountMax) return;
      const { sdpMid, sdpMLineIndex } = candidate;
      await pc.addIceCandidate({
        candidate: candidate.candidate,
        ...(sdpMid != null && { sdpMid }),
        ...(sdpMLineIndex != null && { sdpMLineIndex }),
      });
    },
    requestKey,
    openChannel(label, ordered) {
      keepChannel(pc.createDataChannel(label, { ordered, ...(!ordered && { maxRetransmits: 0 }) }));
    },
    sendData(label, bytes) {
      const channel = [...channels].findLast((one) => one.label === label && one.readyState === "open");
      if (closed || !channel) return;
      // 0: the other side sets no limit.
      const bytesMax = channel.sctp.remoteMaxMessageSize || Number.POSITIVE_INFINITY;
      if (bytes.length > bytesMax) return on.tooLarge?.(label, bytes.length);
      channel.send(Buffer.from(bytes));
    },
    async close() {
      if (closed) return;
      closed = true;
      pacer.close();
      tap.close();
      await pc.close();
      await stopUnused();
    },
  };
}

/** Shows `see` what a method of werift's gives back before anybody else has it. */
function afterEach<Given>(owner: object, method: string, see: (given: Given) => void): void {
  const call: (...about: unknown[]) => Given = Reflect.get(owner, method);
  Reflect.set(owner, method, (...about: unknown[]) => {
    const given = call.apply(owner, about);
    see(given);
    return given;
  });
}

/** werift's own words, where it has any: some of its errors are empty, some the engine's about `undefined`. */
function inBrackets(error: unknown): string {
  const { message } = error as Error;
  return /\s/.test(message) && !/undefined|null|is not /.test(message) ? ` (${message})` : "";
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

/** close_notify, encrypted, as a peer that closes says it (https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1). werift says nothing. */
function sayGoodbye({ dtls, state }: RTCDtlsTransport): void {
  if (!dtls || state !== "connected") return;
  const { cipher } = dtls;
  const { encryptPacket } = cipher;
  cipher.encryptPacket = (packet) => {
    packet.recordLayerHeader.contentType = alertType;
    return encryptPacket.call(cipher, packet);
  };
  // As far as the socket it runs at once.
  dtls.send(closeNotify).catch(() => {});
  cipher.encryptPacket = encryptPacket;
}

function hasPath({ connection }: RTCIceTransport): boolean {
  return connection.nominated !== undefined;
}

/** Asks along the path that is in use, so that the other side learns of it now, and not with the next request for consent, seconds later. */
function checkPath(connection: RTCIceTransport["connection"]): void {
  const { protocol, remoteAddr, localCandidate } = connection.nominated!;
  const { localUsername, remoteUsername, remotePassword, iceControlling } = connection;
  const build: (about: object) => Parameters<StunProtocol["request"]>[0] = Reflect.get(
    connection,
    "buildRequest",
  );
  const request = build.call(connection, {
    nominate: iceControlling,
    localUsername,
    remoteUsername,
    iceControlling,
    localCandidate,
  });
  protocol.request(request, remoteAddr, Buffer.from(remotePassword), { retransmissions: 4 }).catch(() => {
    // Nobody has answered; the connection state will say so.
  });
}

/** The four bytes that say primaries, transfer, matrix and range; the other 24 of the long form are HDR's. */
function readColorSpace(extension: unknown): Buffer | null {
  const isOne = Buffer.isBuffer(extension) && (extension.length === 4 || extension.length === 28);
  return isOne ? Buffer.from(extension.subarray(0, 4)) : null;
}

type OutgoingPacket = {
  readonly mid: string;
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
