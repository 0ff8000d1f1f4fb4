import { createSocket, Socket } from "node:dgram";
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import {
  crc32c,
  GenericNack,
  MediaStreamTrack,
  PictureLossIndication,
  type RTCDataChannel,
  RTCPeerConnection,
  RTCSctpTransport,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
  RtpHeader,
  RtpPacket,
  type StunProtocol,
  useOPUS,
  useVP8,
} from "werift";
import { createWaiters } from "../_waiters.ts";
import { realClock } from "../clock.ts";
import type { Datagram } from "./datagram.ts";
import { OfferError, readOffer } from "./offer.ts";
import { createPeer, type Peer, type PeerEvents, type PeerGates } from "./peer.ts";

const silent: PeerEvents = {
  connected() {},
  lost() {},
  video() {},
  audio() {},
  keyRequested() {},
  estimated() {},
};

/** Hosts that somebody looked up, and addresses that a packet was sent to. */
let reached: Set<string>;

beforeEach(() => {
  reached = new Set();
  const watch = (host: unknown) => reached.add(String(host));
  const { lookup } = dns;
  vi.spyOn(dns, "lookup").mockImplementation(((host: string, ...rest: unknown[]) => {
    watch(host);
    return (lookup as (...args: unknown[]) => void)(host, ...rest);
  }) as never);
  const promised = dns.promises.lookup;
  vi.spyOn(dns.promises, "lookup").mockImplementation(((host: string, ...rest: unknown[]) => {
    watch(host);
    return (promised as (...args: unknown[]) => unknown)(host, ...rest);
  }) as never);
  const { send } = Socket.prototype;
  vi.spyOn(Socket.prototype, "send").mockImplementation(function (this: Socket, ...args: unknown[]) {
    for (const arg of args) if (typeof arg === "string") watch(arg);
    return (send as (...args: unknown[]) => void).apply(this, args);
  } as never);
});

afterEach(() => vi.restoreAllMocks());

type Below = { gates?: PeerGates; portRange?: readonly [number, number] };

function open(on: Partial<PeerEvents> = {}, { gates, portRange }: Below = {}): Peer {
  return createPeer(
    {
      clock: realClock(),
      addresses: ["127.0.0.1"],
      portRange: portRange ?? null,
      uplinkRate: { start: 3000, max: 3500 },
      gates,
    },
    { ...silent, ...on },
  );
}

test("a connection reaches nobody but the other end", async () => {
  let answering: Peer;
  const connected = new Promise<void>((resolve) => {
    answering = open({ connected: resolve });
  });
  const offering = open();
  offering.addSender("video", "vp8", "one");
  const answer = await answering!.answer(readOffer(await offering.offer(false)), new Map());
  await offering.acceptAnswer(answer);
  await connected;
  await Promise.all([offering.close(), answering!.close()]);
  expect([...reached]).toEqual(["127.0.0.1"]);
});

/** A client of another make, with data channels of these labels, connected to a peer of ours. */
async function connect(
  labels: readonly string[],
  on: Partial<PeerEvents> = {},
  munge = (sdp: string) => sdp,
) {
  let client: RTCPeerConnection;
  const peer = open(on);
  client = new RTCPeerConnection({
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  onTestFinished(async () => {
    await Promise.all([client.close(), peer.close()]);
  });
  const channels = labels.map((label) => client.createDataChannel(label));
  await client.setLocalDescription(await client.createOffer());
  const sdp = await peer.answer(readOffer(munge(client.localDescription!.sdp)), new Map());
  await client.setRemoteDescription({ type: "answer", sdp });
  await Promise.all(channels.map(opened));
  return { client, peer, channels, sctp: client.sctpTransport! };
}

async function opened(channel: RTCDataChannel): Promise<void> {
  if (channel.readyState !== "open") await channel.stateChanged.watch((state) => state === "open");
}

/** What arrives on a channel, in order; resolves when `last` has. */
function received(channel: RTCDataChannel, last: string): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) => {
    channel.onMessage.subscribe((data) => {
      texts.push(String(data));
      if (texts.at(-1) === last) resolve(texts);
    });
  });
}

/** A packet as werift sends it, of these chunks. */
function sctpPacket(chunks: string): Buffer {
  const packet = Buffer.from(`138813880000000000000000${chunks}`, "hex");
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

test("SCTP that cannot be followed is left out, told once, and ends nothing", async () => {
  const misread: string[] = [];
  const fatal: unknown[] = [];
  const see = (error: unknown) => void fatal.push(error);
  process.on("unhandledRejection", see);
  onTestFinished(() => void process.off("unhandledRejection", see));
  const heard: string[] = [];
  let wake = () => {};
  const { sctp, channels } = await connect(["a"], {
    misread: (error) => void misread.push(error),
    data: (_label, bytes) => {
      heard.push(String(bytes));
      wake();
    },
  });
  const [ack, unknownOpen, unknownKind] = [
    [17, 50, "02"],
    [19, 50, "0300"],
    [channels[0]!.id, 99, "78"],
  ] as const;
  for (const [stream, kind, bytes] of [ack, unknownOpen, unknownKind]) {
    await sctp.sctp.send(stream, kind, Buffer.from(bytes, "hex"));
  }
  const chunks = ["0b000000", "ff000004", "0400000c0001000001020304", "01000008c0000000", "0300001000000001"];
  const packets = [Buffer.alloc(0), Buffer.alloc(40, 7), ...chunks.map(sctpPacket)];
  for (const packet of packets) await sctp.dtlsTransport.sendData(packet);
  channels[0]!.send(Buffer.from("after"));
  await new Promise<void>((resolve) => {
    wake = () => heard.includes("after") && resolve();
    wake();
  });
  expect(heard).toEqual(["after"]);
  expect(misread).toEqual(["channel not found"]);
  expect(fatal).toEqual([]);
});

test("eight channels are open at once, whatever they are called, and one that closed makes room", async () => {
  const { client, peer, channels } = await connect(Array<string>(8).fill("same"));
  const ninth = client.createDataChannel("other");
  // It is turned down: closed, once it was opened.
  await ninth.stateChanged.watch((state) => state === "closed");
  channels[0]!.close();
  await channels[0]!.stateChanged.watch((state) => state === "closed");
  // On a stream of its own: werift may still be busy with those that were reset.
  const tenth = client.createDataChannel("other", { id: 41 });
  await opened(tenth);
  const arrived = received(tenth, "hello");
  peer.sendData("other", Buffer.from("hello"));
  expect(await arrived).toEqual(["hello"]);
});

test("a message that is larger than the other side takes is told of, and not sent", async () => {
  const tooLarge: unknown[] = [];
  const { peer, channels } = await connect(
    ["a"],
    { tooLarge: (...what) => void tooLarge.push(what) },
    (sdp) => sdp.replace(/a=max-message-size:.*/, "a=max-message-size:100"),
  );
  const arrived = received(channels[0]!, "last");
  peer.sendData("a", Buffer.alloc(101));
  peer.sendData("a", Buffer.alloc(100, "x"));
  peer.sendData("a", Buffer.from("last"));
  expect(await arrived).toEqual(["x".repeat(100), "last"]);
  expect(tooLarge).toEqual([["a", 101]]);
});

test("a message that has what we take at most, and its sender's names, is what anybody takes", async () => {
  const { sctp } = await connect(["a"]);
  const names = 2 * (256 + 32);
  expect(sctp.remoteMaxMessageSize + names).toBeLessThanOrEqual(new RTCSctpTransport().remoteMaxMessageSize);
});

const offerText = (name: string) => readFileSync(new URL(`offers/${name}.sdp`, import.meta.url), "utf8");
const socketCount = () => process.getActiveResourcesInfo().filter((kind) => kind === "UDPWrap").length;

test("sections that move into one bundle leave no socket open behind them", async () => {
  const before = socketCount();
  const [head, audio] = offerText("aiortc-whole").split(/(?=m=)/);
  const mids = Array.from({ length: 12 }, (_, mid) => String(mid));
  const sections = mids.map((mid) => audio!.replace(/a=mid:\S+/, `a=mid:${mid}`)).join("");
  const offers = ["a=x", `a=group:BUNDLE ${mids.join(" ")}`].map(
    (line) => head!.replace(/a=group:BUNDLE.*/, line) + sections,
  );
  const peer = open();
  await peer.answer(readOffer(offers[0]!), new Map());
  expect(socketCount()).toBeGreaterThanOrEqual(12);
  await peer.answer(readOffer(offers[1]!), new Map());
  await peer.close();
  // A socket is gone a few turns after it was closed.
  for (let turn = 0; turn < 100 && socketCount() > before; turn++) await new Promise(setImmediate);
  expect(socketCount()).toBeLessThanOrEqual(before);
});

test.each([
  ["one offer", 4000, 0],
  ["many messages", 0, 4000],
])("thousands of candidates in %s: 64 are tried", async (_name, offered, trickled) => {
  const line = (at: number) => `candidate:${at} 1 udp 1 127.0.${at >> 8}.${at & 255} ${1000 + at} typ host`;
  const added = vi.spyOn(Reflect.get(await connectionOf(), "prototype"), "addRemoteCandidate");
  const peer = open();
  onTestFinished(() => peer.close());
  const lines = Array.from({ length: offered }, (_, at) => `a=${line(at)}\r\n`).join("");
  const sdp = offerText("chromium-vp8") + lines;
  for (let round = 0; round < 3; round++) await peer.answer(readOffer(sdp), new Map());
  for (let at = 0; at < trickled; at++) await peer.addCandidate({ candidate: line(at), sdpMid: "0" });
  expect(added.mock.calls.filter(([candidate]) => candidate)).toHaveLength(64);
  // New credentials, new candidates.
  await peer.answer(readOffer(sdp.replaceAll(/a=ice-ufrag:.*/g, "a=ice-ufrag:next")), new Map());
  await peer.addCandidate({ candidate: line(0), sdpMid: "0" });
  expect(added.mock.calls.filter(([candidate]) => candidate).length).toBeGreaterThan(64);
});

async function connectionOf() {
  const { Connection } = await import("werift");
  return Connection;
}

test.each([
  ["parameters without a codec", (sdp: string) => sdp.replace(/a=rtpmap:111 .*\r\n/, "")],
  ["no credentials", (sdp: string) => sdp.replaceAll(/a=ice-(ufrag|pwd):.*\r\n/g, "")],
  ["no fingerprint", (sdp: string) => sdp.replaceAll(/a=fingerprint:.*\r\n/g, "a=fingerprint\r\n")],
  ["no mids", (sdp: string) => sdp.replaceAll(/a=mid:.*\r\n/g, "")],
  ["a section of no protocol", (sdp: string) => sdp.replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 x")],
  ["an unmapped rtpmap", (sdp: string) => sdp.replaceAll(/a=rtpmap:(\d+) \S+/g, "a=rtpmap:$1")],
])("an offer with %s: an answer, or a sentence without the library's stumbling", async (_name, break_) => {
  const peer = open();
  onTestFinished(() => peer.close());
  try {
    expect(await peer.answer(readOffer(break_(offerText("chromium-vp8"))), new Map())).toMatch(/^v=0/);
  } catch (error) {
    expect(error).toBeInstanceOf(OfferError);
    expect((error as Error).message).toMatch(/^The offer.*\.$/s);
    expect((error as Error).message).not.toMatch(/undefined|null|is not a|\(\)/);
  }
});

type Verdict = (datagram: Datagram, deliver: (bytes: Buffer) => void) => void;

const passOn: Verdict = ({ bytes }, deliver) => deliver(bytes);

/** Gates that count, and do what `verdict` says; it can be changed. */
function gatesOf(verdict: Verdict = passOn) {
  const seen: Datagram[] = [];
  const gates = {
    idle: false,
    verdict,
    seen,
    saw: (direction: string, kind: string) =>
      seen.filter((one) => one.direction === direction && [one.kind, one.media].includes(kind as never)),
    datagram(datagram: Datagram, deliver: (bytes: Buffer) => void) {
      seen.push(datagram);
      gates.verdict(datagram, deliver);
      wake();
    },
  };
  return gates;
}

const { wake, until } = createWaiters();
const happens = (done: () => boolean) => until(() => done() || undefined);

/** A client of another make that sends and watches pictures and sound. `heard`, `received`: RTP as it came, at the client and at the peer. */
function offerMedia(below: Below = {}) {
  const before = socketCount();
  const lost: string[] = [];
  const keys: string[] = [];
  const received: number[] = [];
  const peer = open(
    {
      connected: wake,
      lost(state) {
        lost.push(state);
        wake();
      },
      video({ sequenceNumber }) {
        received.push(sequenceNumber);
        wake();
      },
      keyRequested(kind) {
        keys.push(kind);
        wake();
      },
    },
    below,
  );
  const client = new RTCPeerConnection({
    codecs: { video: [useVP8()], audio: [useOPUS()] },
    // Else werift leaves those sockets open that it has no use for once the sections share one.
    bundlePolicy: "max-bundle",
    iceServers: [{ urls: "stun:[::1]:1" }],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  onTestFinished(async () => {
    await Promise.all([client.close(), peer.close()]);
    for (let turn = 0; turn < 100 && socketCount() > before; turn++) await new Promise(setImmediate);
    expect(socketCount()).toBeLessThanOrEqual(before);
  });
  const camera = client.addTransceiver(new MediaStreamTrack({ kind: "video" }), { direction: "sendrecv" });
  client.addTransceiver(new MediaStreamTrack({ kind: "audio" }), { direction: "sendrecv" });
  client.connectionStateChange.subscribe(wake);

  async function negotiate(): Promise<string> {
    await client.setLocalDescription(await client.createOffer());
    return exchange(client.localDescription!.sdp);
  }

  async function exchange(offer: string): Promise<string> {
    const sends = new Map(client.getTransceivers().map(({ mid }) => [mid!, "one"]));
    const sdp = await peer.answer(readOffer(offer), sends);
    await client.setRemoteDescription({ type: "answer", sdp });
    return sdp;
  }

  /** As browsers do it that hide their addresses. werift says that it is connected as soon as its candidates are gathered. */
  async function restart(): Promise<void> {
    await client.setLocalDescription(await client.createOffer({ iceRestart: true }));
    await exchange(client.localDescription!.sdp.replace(/^a=(candidate|end-of-candidates).*\r\n/gm, ""));
    await client.dtlsTransports[0]!.iceTransport.start();
  }

  const isConnected = () => client.connectionState === "connected" && peer.isConnected;
  return { client, peer, camera, lost, keys, received, negotiate, restart, isConnected };
}

async function connectMedia(below: Below = {}) {
  const about = offerMedia(below);
  const { client, peer, camera } = about;
  await about.negotiate();
  await happens(about.isConnected);
  const heard: RtpHeader[] = [];
  const transport = client.dtlsTransports[0]!;
  transport.onRtp.subscribe(({ header }) => {
    heard.push(header);
    wake();
  });
  const [mid, audioMid] = client.getTransceivers().map((transceiver) => transceiver.mid!);
  const output = peer.output({ video: mid!, audio: audioMid! });
  const protocol = Reflect.get(transport.iceTransport.connection, "protocols")[0] as StunProtocol;
  let timestamp = 0;
  let sequenceNumber = 0;
  return {
    ...about,
    heard,
    output,
    transport,
    protocol,
    /** A picture of one packet each. */
    play(count: number) {
      for (let n = 0; n < count; n++) {
        timestamp += 3000;
        output.sendVideo([Buffer.from([0x10, n])], timestamp, true, null);
      }
    },
    film(count: number) {
      for (let n = 0; n < count; n++) {
        sequenceNumber++;
        const header = new RtpHeader({ sequenceNumber, timestamp: sequenceNumber * 3000, marker: true });
        void camera.sender.sendRtp(new RtpPacket(header, Buffer.from([0x10, n])));
      }
    },
  };
}

const numbers = (headers: readonly RtpHeader[]) => headers.map(({ sequenceNumber }) => sequenceNumber);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const sorted = (list: readonly number[]) => [...new Set(list)].sort((a, b) => a - b);
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

test("idle gates see nothing; others see everything, both ways, and what it is", async () => {
  const gates = { ...gatesOf(), idle: true };
  const { play, film, output, heard, received } = await connectMedia({ gates });
  play(5);
  film(5);
  await happens(() => heard.length === 5 && received.length === 5);
  expect(gates.seen).toEqual([]);
  gates.idle = false;
  play(5);
  film(5);
  output.sendAudio(Buffer.from("sound"), 960, true);
  await happens(() => heard.length === 11 && received.length === 10);
  const told = gates.seen.filter(({ media }) => media).map(({ direction, media }) => `${direction} ${media}`);
  expect(sorted([...told.keys()])).toHaveLength(11);
  expect(new Set(told)).toEqual(new Set(["to-client video", "to-server video", "to-client audio"]));
  const pictures = gates.saw("to-client", "video");
  expect(pictures.map((one) => one.media && one.sequenceNumber)).toEqual([6, 7, 8, 9, 10]);
  expect(pictures.map((one) => one.media && one.timestamp)).toEqual([6, 7, 8, 9, 10].map((n) => n * 3000));
  expect(new Set(pictures.map((one) => one.media && one.stream))).toEqual(new Set([String(heard[0]!.ssrc)]));
  expect(pictures.every((one) => one.media && one.endsFrame)).toBe(true);
});

test("a connection is made of STUN and DTLS both ways, past the gates", async () => {
  const gates = gatesOf();
  await connectMedia({ gates });
  for (const direction of ["to-client", "to-server"]) {
    for (const kind of ["stun", "dtls"]) expect(gates.saw(direction, kind).length).toBeGreaterThan(1);
  }
});

test.each(["to-client", "to-server"] as const)(
  "%s: each third packet is lost, asked for, and sent again past the gates",
  async (direction) => {
    const gates = gatesOf();
    const { play, film, heard, received } = await connectMedia({ gates });
    const triesOf = (wanted: number) =>
      gates.seen.filter((one) => one.direction === direction && one.media && one.sequenceNumber === wanted)
        .length;
    gates.verdict = (datagram, deliver) => {
      const { media, direction: way, bytes } = datagram;
      if (media && way === direction) {
        const { sequenceNumber } = datagram;
        // The sixth each time.
        if (sequenceNumber === 6 || (sequenceNumber % 3 === 0 && triesOf(sequenceNumber) === 1)) return;
      }
      deliver(bytes);
    };
    const arrived = () => (direction === "to-client" ? numbers(heard) : received);
    if (direction === "to-client") play(10);
    else film(10);
    await happens(() => triesOf(6) > 1 && sorted(arrived()).length === 9);
    expect(sorted(arrived())).toEqual(upTo(10).filter((n) => n !== 6));
    expect(triesOf(3)).toBeGreaterThan(1);
    expect(triesOf(1)).toBe(1);
  },
);

test("packets that come twice, and the second before the first: all are there at both ends", async () => {
  const gates = gatesOf();
  const { play, film, heard, received, isConnected } = await connectMedia({ gates });
  const held = new Map<string, () => void>();
  gates.verdict = ({ direction, bytes }, deliver) => {
    const before = held.get(direction);
    if (!before) return void held.set(direction, () => deliver(bytes));
    held.delete(direction);
    deliver(bytes);
    deliver(bytes);
    before();
  };
  play(10);
  film(10);
  await happens(() => sorted(numbers(heard)).length === 10 && sorted(received).length === 10);
  expect(numbers(heard).slice(0, 3)).toEqual([2, 2, 1]);
  gates.verdict = passOn;
  for (const free of held.values()) free();
  expect(isConnected()).toBe(true);
});

test("without STUN it never connects, and does once STUN passes", async () => {
  const gates = gatesOf(({ kind, bytes }, deliver) => kind !== "stun" && deliver(bytes));
  const { negotiate, isConnected, peer, client } = offerMedia({ gates });
  await negotiate();
  await happens(() => gates.saw("to-client", "stun").length > 2 && gates.saw("to-server", "stun").length > 2);
  expect([peer.isConnected, client.connectionState]).toEqual([false, "connecting"]);
  expect(gates.saw("to-client", "dtls")).toEqual([]);
  gates.verdict = passOn;
  await happens(isConnected);
});

test("a block of everything ends the connection at both ends; it comes back with an ICE restart", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const gates = gatesOf();
  const { client, peer, lost, restart, isConnected, play, film, heard, received } = await connectMedia({
    gates,
  });
  gates.verdict = () => {};
  // Consent to send lasts 30 s (RFC 7675, section 5.1).
  await vi.advanceTimersByTimeAsync(31_000);
  await happens(() => client.connectionState === "failed" && lost.length > 0);
  expect([peer.isConnected, lost]).toEqual([false, ["failed"]]);
  vi.useRealTimers();
  gates.verdict = passOn;
  await restart();
  film(1);
  await happens(() => received.length === 1);
  play(1);
  await happens(() => heard.length === 1 && isConnected());
});

test("what is held goes nowhere once the peer has closed", async () => {
  const gates = gatesOf();
  const { peer, play, film, heard, received } = await connectMedia({ gates });
  const held: (() => void)[] = [];
  gates.verdict = ({ bytes }, deliver) => void held.push(() => deliver(bytes));
  play(3);
  film(3);
  await happens(
    () => gates.saw("to-client", "video").length === 3 && gates.saw("to-server", "video").length === 3,
  );
  await peer.close();
  reached.clear();
  for (const free of held) free();
  await turns();
  expect([[...reached], heard, received]).toEqual([[], [], []]);
});

test("a peer that closes DTLS says so, and nothing afterwards", async () => {
  const gates = gatesOf();
  const { peer, client, transport, lost, play, film, heard, received } = await connectMedia({ gates });
  play(1);
  film(1);
  await happens(() => heard.length === 1 && received.length === 1);
  // Not even gates keep it back.
  const held: (() => void)[] = [];
  gates.verdict = ({ bytes }, deliver) => void held.push(() => deliver(bytes));
  film(1);
  await happens(() => held.length > 0);
  peer.line.closeDtls();
  peer.line.closeDtls();
  await transport.onStateChange.watch((state) => state === "closed");
  expect([lost, peer.isConnected]).toEqual([["closed"], false]);
  gates.verdict = passOn;
  for (const free of held) free();
  play(3);
  film(3);
  await client.dtlsTransports[0]!.iceTransport.connection.send(Buffer.from([0, 1]));
  await turns();
  expect([heard.length, received.length]).toEqual([1, 1]);
});

test("pictures go on from another port, the old one is deaf, and a later answer names the new one", async () => {
  const { peer, client, transport, protocol, negotiate, play, film, heard, received } = await connectMedia();
  play(1);
  film(1);
  await happens(() => heard.length === 1 && received.length === 1);
  const { port: before } = protocol.transport.rinfo!;
  const { connection } = transport.iceTransport;
  await peer.line.changePath();
  play(3);
  await happens(() => heard.length === 4);
  // The client has learned of it from a check that came before the pictures.
  const pair = connection.checkList.find(({ remoteAddr: [, port] }) => port !== before)!;
  const [, after] = pair.remoteAddr;
  expect([protocol.transport.rinfo!.port, pair.remoteCandidate.type]).toEqual([after, "prflx"]);
  film(3);
  await turns();
  expect(received).toEqual([1]);
  // werift holds on to a pair that it has chosen; browsers don't.
  connection.nominated = pair;
  film(3);
  await happens(() => received.length === 4);
  const named = /^a=candidate:.* (\d+) typ host/m.exec(await negotiate())![1];
  expect([Number(named), client.connectionState]).toEqual([after, "connected"]);
});

test("the path changes within the range of ports, as often as there are some, and says what is missing", async () => {
  const free = createSocket("udp4");
  await new Promise<void>((bound) => free.bind(0, bound));
  const { port } = free.address();
  await new Promise<void>((closed) => free.close(closed));
  const { peer, negotiate, isConnected, protocol, play, heard } = await connectMedia({
    portRange: [port, port + 2],
  });
  const path =
    /^The path cannot change: no UDP port from \d+ to \d+ is free \(EADDRINUSE\)\. Give --udp-ports a wider range\.$/;
  const seen = new Set([protocol.transport.rinfo!.port]);
  const changes = Array.from({ length: 3 }, () => peer.line.changePath());
  const results = await Promise.allSettled(changes);
  expect(results.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
  for (const result of results) if (result.status === "rejected") expect(result.reason.message).toMatch(path);
  play(1);
  await happens(() => heard.length === 1);
  seen.add(protocol.transport.rinfo!.port);
  for (const one of seen) expect(one! - port).toBeOneOf([0, 1, 2]);
  expect(isConnected()).toBe(true);
  await negotiate();
});

test("there is no path to change before the connection stands, nor once it has closed", async () => {
  const { peer } = offerMedia();
  await expect(peer.line.changePath()).rejects.toThrow("Put it at the moment peer-connected, or later.");
  await peer.close();
  await expect(peer.line.changePath()).rejects.toThrow("The path cannot change");
});

test("a path that changes while the peer closes leaves no socket", async () => {
  const { peer } = await connectMedia();
  const changing = peer.line.changePath();
  await peer.close();
  await expect(changing).rejects.toThrow("The path cannot change any more: the connection has closed.");
});

test("other SSRCs, each time, which answer to what the client asks", async () => {
  const gates = gatesOf();
  const { peer, transport, negotiate, play, heard, keys } = await connectMedia({ gates });
  play(1);
  for (const count of [2, 3]) {
    peer.line.changeSsrc();
    play(1);
    await happens(() => heard.length === count);
  }
  const ssrcs = heard.map(({ ssrc }) => ssrc);
  expect(new Set(ssrcs).size).toBe(3);
  expect(numbers(heard)).toEqual([1, 2, 3]);
  const [mediaSourceSsrc] = ssrcs.slice(-1) as [number];
  const nack = new GenericNack({ senderSsrc: 1, mediaSourceSsrc, lost: [3] });
  const pli = new PictureLossIndication({ senderSsrc: 1, mediaSsrc: mediaSourceSsrc });
  await transport.sendRtcp([new RtcpTransportLayerFeedback({ feedback: nack })]);
  await transport.sendRtcp([new RtcpPayloadSpecificFeedback({ feedback: pli })]);
  await happens(() => heard.length === 4 && keys.length > 0);
  expect([heard[3]!.ssrc, heard[3]!.sequenceNumber]).toEqual([mediaSourceSsrc, 3]);
  expect(await negotiate()).toContain(`a=ssrc:${mediaSourceSsrc} `);
});

test("other SSRCs are taken back with the last change that is, unless the client was told of them", async () => {
  const { peer, negotiate, play, heard } = await connectMedia({ gates: gatesOf() });
  const next = async () => {
    const count = heard.length + 1;
    play(1);
    await happens(() => heard.length === count);
    return heard.at(-1)!.ssrc;
  };
  const told = await next();
  const changes = [peer.line.changeSsrc(), peer.line.changeSsrc()];
  const changed = await next();
  changes[0]!();
  expect(await next()).toBe(changed);
  changes[1]!();
  expect(await next()).toBe(told);
  const undo = peer.line.changeSsrc();
  const anew = await next();
  await negotiate();
  undo();
  expect(await next()).toBe(anew);
  expect([changed, anew]).not.toContain(told);
  expect(numbers(heard)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a key picture is asked for of the section that is named", async () => {
  const about = offerMedia();
  const { client, peer, camera, negotiate, isConnected, received } = about;
  const second = client.addTransceiver(new MediaStreamTrack({ kind: "video" }), { direction: "sendrecv" });
  await negotiate();
  await happens(isConnected);
  const asked: number[] = [];
  client.dtlsTransports[0]!.onRtcp.subscribe((packet) => {
    if (!(packet instanceof RtcpPayloadSpecificFeedback)) return;
    if (packet.feedback instanceof PictureLossIndication) asked.push(packet.feedback.mediaSsrc);
    wake();
  });
  for (const { sender } of [camera, second]) {
    const header = new RtpHeader({ sequenceNumber: 1, timestamp: 3000, marker: true });
    void sender.sendRtp(new RtpPacket(header, Buffer.from([0x10])));
  }
  await happens(() => received.length === 2);
  for (const section of [second, camera]) {
    const count = asked.length;
    peer.requestKey(section.mid!);
    await happens(() => asked.length > count);
  }
  expect(asked).toEqual([second.sender.ssrc, camera.sender.ssrc]);
});
