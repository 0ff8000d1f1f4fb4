import { Socket } from "node:dgram";
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { crc32c, type RTCDataChannel, RTCPeerConnection, RTCSctpTransport } from "werift";
import { realClock } from "../clock.ts";
import { OfferError, readOffer } from "./offer.ts";
import { createPeer, type Peer, type PeerEvents } from "./peer.ts";

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

function open(on: Partial<PeerEvents> = {}): Peer {
  return createPeer(
    { clock: realClock(), addresses: ["127.0.0.1"], portRange: null, uplinkRate: { start: 3000, max: 3500 } },
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
