import { describe, expect, test } from "vitest";
import { createDice } from "../dice.ts";
import { type CodedPicture, createFrameAssembler, type MediaPacket } from "./frame-assembler.ts";
import { payloadFormats } from "./payloads/index.ts";

/** A VP8 stream: `K` is a key picture, `d` a delta, the digit behind it how many packets it has. */
function stream(text: string, firstSequenceNumber = 100): { packets: MediaPacket[]; pictures: string[] } {
  const format = payloadFormats.vp8();
  const packets: MediaPacket[] = [];
  const pictures: string[] = [];
  for (const [index, picture] of text.split(" ").entries()) {
    const key = picture.startsWith("K");
    const count = Number(picture.slice(1));
    const data = Uint8Array.from(
      { length: count * 10 },
      (_, at) => [key ? 0 : 1, index >> 8][at] ?? index + at,
    );
    pictures.push(name(data));
    for (const [part, payload] of format.pack(data, key, 14).entries()) {
      packets.push({
        sequenceNumber: (firstSequenceNumber + packets.length) & 0xffff,
        timestamp: 3000 * index,
        marker: part === count - 1,
        payload,
        receivedMs: packets.length,
      });
    }
  }
  return { packets, pictures };
}

const name = (data: Uint8Array) => Buffer.from(data).toString("hex");

function assemble(packets: readonly MediaPacket[]) {
  const out: CodedPicture[] = [];
  const asked: string[] = [];
  const assembler = createFrameAssembler(payloadFormats.vp8(), {
    picture: (picture) => out.push(picture),
    needsKey: (why) => asked.push(`${why} after ${out.length}`),
  });
  for (const packet of packets) assembler.push(packet);
  return { out, names: out.map(({ data }) => name(data)), asked, waitsForKey: assembler.waitsForKey };
}

test("in order: every picture, with its own time and that of its first packet", () => {
  const { packets, pictures } = stream("K3 d1 d2 d1");
  const { out, names, asked, waitsForKey } = assemble(packets);
  expect(names).toEqual(pictures);
  expect(out.map(({ key, timestamp, receivedMs }) => [key, timestamp, receivedMs])).toEqual([
    [true, 0, 0],
    [false, 3000, 3],
    [false, 6000, 4],
    [false, 9000, 6],
  ]);
  expect(asked).toEqual(["start after 0"]);
  expect(waitsForKey).toBe(false);
});

type Row = {
  name: string;
  text: string;
  /** What becomes of the packets on their way. */
  way: (packets: MediaPacket[]) => MediaPacket[];
  /** Indices of the pictures that come out. */
  out: number[];
  asked: string[];
  waits?: true;
  first?: number;
};

const all = (count: number) => Array.from({ length: count }, (_, index) => index);
const long = `K3 ${Array(60).fill("d1").join(" ")}`;

const rows: Row[] = [
  {
    name: "two packets that changed places inside a picture",
    text: "K3 d3",
    way: (p) => [p[0]!, p[2]!, p[1]!, p[3]!, p[5]!, p[4]!],
    out: [0, 1],
    asked: ["start after 0"],
  },
  {
    name: "pictures that overtook one another",
    text: "K2 d1 d1 d2",
    way: (p) => [p[0]!, p[3]!, p[5]!, p[2]!, p[1]!, p[4]!],
    out: [0, 1, 2, 3],
    asked: ["start after 0"],
  },
  {
    name: "a packet that comes at the last moment of its window",
    text: long,
    way: (p) => [...p.slice(0, 3), ...p.slice(4, 52), p[3]!, ...p.slice(52)],
    out: all(61),
    asked: ["start after 0"],
  },
  {
    name: "a packet that comes one too late",
    text: `${long} K1 d1`,
    way: (p) => [...p.slice(0, 3), ...p.slice(4, 53), p[3]!, ...p.slice(53)],
    out: [0, 61, 62],
    asked: ["start after 0", "loss after 1"],
  },
  {
    name: "every packet twice",
    text: "K2 d1 d3",
    way: (p) => p.flatMap((packet) => [packet, packet]),
    out: [0, 1, 2],
    asked: ["start after 0"],
  },
  {
    name: "everything once more, later",
    text: "K2 d1 d3",
    way: (p) => [...p, ...p],
    out: [0, 1, 2],
    asked: ["start after 0"],
  },
  {
    name: "sequence numbers that wrap inside a picture",
    text: "K3 d2 d1 d4",
    first: 65_534,
    way: (p) => [p[0]!, p[2]!, p[1]!, ...p.slice(3)],
    out: [0, 1, 2, 3],
    asked: ["start after 0"],
  },
  {
    name: "markers left out: the next picture's timestamp ends one",
    text: "K2 d2 d1 d1",
    way: (p) => p.map((packet, index) => (index === p.length - 1 ? packet : { ...packet, marker: false })),
    out: [0, 1, 2, 3],
    asked: ["start after 0"],
  },
  {
    name: "padding between pictures, inside one, and with times of its own",
    text: "K3 d2",
    way: (p) => {
      const padding = (timestamp: number) => ({
        ...p[0]!,
        payload: new Uint8Array(),
        marker: false,
        timestamp,
      });
      const padded = [p[0]!, padding(77), p[1]!, padding(0), p[2]!, padding(0), padding(77), p[3]!, p[4]!];
      return padded.map((packet, index) => ({ ...packet, sequenceNumber: 500 + index }));
    },
    out: [0, 1],
    asked: ["start after 0"],
  },
  {
    name: "a stream that is joined in the middle of a key picture",
    text: "K3 d1 d1 K2 d1",
    way: (p) => p.slice(1),
    out: [3, 4],
    asked: ["start after 0"],
  },
  {
    name: "a stream that is joined between deltas",
    text: "d1 d2 d1 K1 d1",
    way: (p) => p,
    out: [3, 4],
    asked: ["start after 0"],
  },
  {
    name: "no key picture at all",
    text: "d1 d2 d1",
    way: (p) => p,
    out: [],
    asked: ["start after 0"],
    waits: true,
  },
  {
    name: "two losses before the next key picture: one incident",
    text: `K1 d1 ${Array(120).fill("d1").join(" ")} K1 d1`,
    way: (p) => p.filter((_, index) => index !== 1 && index !== 60),
    out: [0, 122, 123],
    asked: ["start after 0", "loss after 1"],
  },
  {
    name: "two losses with a key picture between: two incidents",
    text: `K1 d2 ${Array(60).fill("d1").join(" ")} K1 d2 ${Array(60).fill("d1").join(" ")} K1`,
    way: (p) => p.filter((_, index) => index !== 1 && index !== 64),
    out: [0, 62, 124],
    asked: ["start after 0", "loss after 1", "loss after 2"],
  },
  {
    name: "a lost end of a picture: its beginning is not glued to the next",
    text: `K3 d1 ${Array(60).fill("d1").join(" ")} K1`,
    way: (p) => p.filter((_, index) => index !== 2),
    out: [62],
    asked: ["start after 0"],
  },
  {
    name: "a picture damaged on the way",
    text: "K2 d1 d1 K1",
    way: (p) =>
      p.map((packet, index) => (index === 2 ? { ...packet, payload: Uint8Array.of(0x90, 0x80) } : packet)),
    out: [0, 3],
    asked: ["start after 0", "damage after 1"],
  },
  {
    name: "a sender that starts anew, far ahead",
    text: "K1 d1 d1 d1 K1 d1",
    way: (p) =>
      p.map((packet, index) => (index < 2 ? packet : { ...packet, sequenceNumber: 30_000 + index })),
    out: [0, 1, 4, 5],
    asked: ["start after 0", "loss after 2"],
  },
  {
    name: "a sender that starts anew, far behind",
    text: "K1 d1 d1 d1 K1 d1",
    first: 30_000,
    way: (p) => p.map((packet, index) => (index < 2 ? packet : { ...packet, sequenceNumber: 10 + index })),
    out: [0, 1, 4, 5],
    asked: ["start after 0", "loss after 2"],
  },
  {
    name: "a picture without an end",
    text: "K1 d1",
    way: (p) => [
      ...p,
      ...Array.from({ length: 10_000 }, (_, index) => ({
        ...p[1]!,
        sequenceNumber: 102 + index,
        timestamp: 9000,
        marker: index === 9_999,
      })),
    ],
    out: [0, 1],
    asked: ["start after 0", "damage after 2"],
    waits: true,
  },
];

test.each(rows)("$name", ({ text, way, out, asked, waits, first }) => {
  const { packets, pictures } = stream(text, first);
  const seen = assemble(way(packets));
  expect(seen.names).toEqual(out.map((index) => pictures[index]));
  expect(seen.asked).toEqual(asked);
  expect(seen.waitsForKey).toBe(waits ?? false);
});

describe("whatever the network does", () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "seed %i: whole pictures only, in order, and after a gap nothing before a key picture",
    (seed) => {
      const dice = createDice(`assembler/${seed}`);
      const text = Array.from({ length: 300 }, (_, index) => {
        const key = index === 0 || dice.next() < 0.05;
        return `${key ? "K" : "d"}${1 + Math.floor(dice.next() * 6)}`;
      }).join(" ");
      const { packets, pictures } = stream(text, Math.floor(dice.next() * 65_536));
      const lossChance = seed % 3 === 0 ? 0 : 0.02;
      // The first two arrive, so that where the stream begins is known; then each is lost, late or doubled by the dice.
      const arrivals = packets.flatMap((packet, index) => {
        if (index > 1 && dice.next() < lossChance) return [];
        const late = () => (index > 1 && dice.next() < 0.2 ? dice.next() * 20 : 0);
        const times = dice.next() < 0.1 ? [index + late(), index + late()] : [index + late()];
        return times.map((time) => ({ time, index, packet }));
      });
      arrivals.sort((a, b) => a.time - b.time);
      const { names, asked } = assemble(arrivals.map(({ packet }) => packet));

      const order = names.map((picture) => pictures.indexOf(picture));
      expect(order).not.toContain(-1);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(new Set(order).size).toBe(order.length);
      const kinds = text.split(" ");
      for (const [at, index] of order.entries()) {
        const follows = at > 0 && order[at - 1] === index - 1;
        if (!follows) expect(kinds[index]).toMatch(/^K/);
      }
      if (lossChance === 0) {
        expect(order).toEqual(all(300));
        expect(asked).toEqual(["start after 0"]);
      } else {
        expect(order.length).toBeGreaterThan(10);
        expect(new Set(asked).size).toBe(asked.length);
      }
    },
  );
});
