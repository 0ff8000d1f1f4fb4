import { Socket } from "node:dgram";
import dns from "node:dns";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { realClock } from "../clock.ts";
import { readOffer } from "./offer.ts";
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
