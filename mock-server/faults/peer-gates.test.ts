import { expect, test } from "vitest";
import type { Datagram } from "../media/datagram.ts";
import type { Channel, DatagramItem } from "./fault.ts";
import { type DatagramPlan, peerGates } from "./peer-gates.ts";

type Pass = (channel: Channel, item: DatagramItem, deliver: (item: DatagramItem) => void) => void;

/** A plan with something to do on these channels; what passes is written down, and goes on. */
function planOf(busy: readonly Channel[], pass: Pass = (_channel, item, deliver) => deliver(item)) {
  const passed: unknown[] = [];
  const plan = {
    isIdle: (channel: Channel) => !busy.includes(channel),
    pass(channel: Channel, item: DatagramItem, deliver: (item: DatagramItem) => void) {
      const { byteLength, ...rest } = item;
      passed.push({ channel, ...rest, byteLength: byteLength!() });
      pass(channel, item, deliver);
    },
  } as DatagramPlan;
  return { passed, gates: peerGates(plan) };
}

const bytes = Buffer.from("datagram");
const stun: Datagram = { direction: "to-server", kind: "stun", bytes };
const packet: Datagram = {
  direction: "to-client",
  kind: "srtp",
  bytes,
  media: "video",
  stream: "7",
  endsFrame: true,
  sequenceNumber: 1,
  timestamp: 2,
};
const ice = { channel: "ice", bytes, byteLength: 8 };
const media = {
  channel: "media",
  direction: "to-client",
  kind: "video",
  stream: "7",
  endsFrame: true,
  bytes,
};

test.each([
  ["STUN", stun, ["ice", "media"], [{ ...ice, direction: "to-server", kind: "stun" }]],
  [
    "RTCP",
    { direction: "to-client", kind: "srtp", bytes },
    ["ice", "media"],
    [{ ...ice, direction: "to-client", kind: "srtp" }],
  ],
  [
    "an RTP packet",
    packet,
    ["ice", "media"],
    [
      { ...ice, direction: "to-client", kind: "srtp" },
      { ...media, byteLength: 8 },
    ],
  ],
  ["an RTP packet, nothing on ice", packet, ["media"], [{ ...media, byteLength: 8 }]],
  ["an RTP packet, nothing on media", packet, ["ice"], [{ ...ice, direction: "to-client", kind: "srtp" }]],
  ["STUN, nothing on ice", stun, ["media"], []],
] as [string, Datagram, Channel[], unknown[]][])("%s passes", (_name, datagram, busy, expected) => {
  const { gates, passed } = planOf(busy);
  const delivered: Buffer[] = [];
  gates.datagram(datagram, (out) => void delivered.push(out));
  expect(passed).toEqual(expected);
  expect(delivered).toEqual([bytes]);
});

test.each([
  [[], true],
  [["ice"], false],
  [["media"], false],
  [["http", "control", "livekit", "state"], true],
] as [Channel[], boolean][])("with something on %j idle is %s", (busy, idle) => {
  expect(planOf(busy).gates.idle).toBe(idle);
});

test("what ice holds back never reaches media; what it changes or doubles does, as it left it", () => {
  const verdicts: Pass[] = [
    () => {},
    (channel, item, deliver) => {
      deliver(item);
      if (channel === "ice") deliver({ ...item, bytes: Buffer.from("changed") });
    },
  ];
  const results = verdicts.map((verdict) => {
    const { gates, passed } = planOf(["ice", "media"], verdict);
    const delivered: string[] = [];
    gates.datagram(packet, (out) => void delivered.push(String(out)));
    return [passed.length, delivered];
  });
  expect(results).toEqual([
    [1, []],
    [3, ["datagram", "changed"]],
  ]);
});
