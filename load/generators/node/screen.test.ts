/** What a screen makes of packets: pictures of two packets each, whose bytes say nothing to a decoder. */
import { describe, expect, test } from "vitest";
import { type MediaPacket, payloadFormats, writeTrailer } from "../../../mock-server/index.ts";
import type { ReceivedPicture } from "../../generator.ts";
import type { Outcome } from "./picture-readers.ts";
import { createScreen } from "./screen.ts";
import { createSentPictures } from "./sent-pictures.ts";
import { createStamps } from "./stamps.ts";

const stamps = createStamps(0, 10);
const output = { revision: 3, promptHash: 7, imageHash: 0, outputCount: 1 };
const reading = (frameId: number): Outcome => ({ input: { frameId, timestampMs: 0, flags: 0 }, output });

/** `outcomes`: what the reader makes of each picture, in turn; `null` for no reader. */
function setUp(outcomes: readonly Outcome[] | null) {
  const received: ReceivedPicture[] = [];
  const askedMs: number[] = [];
  const read: number[] = [];
  const sent = createSentPictures(500);
  const format = payloadFormats.vp8();
  let nowMs = 0;
  let sequenceNumber = 0;
  const screen = createScreen({
    codec: "vp8",
    reader: outcomes && {
      read(data, _key, use) {
        read.push(data.length);
        use(outcomes[(read.length - 1) % outcomes.length]!);
      },
      close() {},
    },
    sent,
    stamps,
    missing: { take() {}, close() {} },
    received: (picture) => received.push(picture),
    needsKey: () => askedMs.push(nowMs),
  });
  return {
    received,
    askedMs,
    read,
    sent,
    screen,
    /** 100 ms after the last; its packets 10 ms apart. `without`: the numbers of packets that are lost. */
    come(key: boolean, { trailer = null as bigint | null, without = [] as number[] } = {}) {
      const picture = Buffer.alloc(1500, key ? 0 : 1);
      const payloads = format.pack(picture, key, 1180);
      if (trailer !== null) payloads.push(Buffer.concat([payloads.pop()!, writeTrailer(trailer)]));
      for (const [index, payload] of payloads.entries()) {
        const packet: MediaPacket = {
          sequenceNumber: sequenceNumber++,
          timestamp: nowMs * 90,
          marker: index === payloads.length - 1,
          payload,
          receivedMs: nowMs + index * 10,
        };
        if (!without.includes(index)) screen.take(packet);
      }
      nowMs += 100;
    },
  };
}

describe("a picture", () => {
  test("has come with its last packet, and is told by nothing where nobody looks", () => {
    const { received, come } = setUp(null);
    come(true);
    come(false);
    expect(received).toEqual([
      { atMs: 10, frame: null, carrier: null, output: null },
      { atMs: 110, frame: null, carrier: null, output: null },
    ]);
  });

  test("is told by its trailer, which no decoder sees", () => {
    const { received, read, sent, come } = setUp([reading(4)]);
    sent.add(12, 4, 0);
    come(true, { trailer: stamps.of(12) });
    come(false, { trailer: stamps.of(13) });
    expect(received.map(({ frame, carrier }) => [frame, carrier])).toEqual([
      [12, "metadata"],
      [13, "metadata"],
    ]);
    expect(received[0]!.output).toEqual(output);
    expect(read).toEqual([1500, 1500]);
  });

  test("is told by its strip where its trailer is somebody else's", () => {
    const { received, sent, come } = setUp([reading(4)]);
    sent.add(12, 4, 0);
    come(true, { trailer: stamps.of(12) + 1n });
    expect(received[0]).toMatchObject({ frame: 12, carrier: "strip" });
  });

  test("is told by nothing where its strip cannot be read, or is not the camera's", () => {
    const { received, come } = setUp([{ input: null, output: null }, reading(4)]);
    come(true);
    come(false);
    expect(received).toEqual([
      { atMs: 10, frame: null, carrier: null, output: null },
      { atMs: 110, frame: null, carrier: null, output },
    ]);
  });

  test("that nobody has read in time has come all the same", () => {
    const { received, come } = setUp(["unread"]);
    come(true);
    expect(received).toEqual([{ atMs: 10, frame: null, carrier: null, output: null }]);
  });
});

describe("a key picture is asked for", () => {
  test("where none came first, every 300 ms", () => {
    const { received, askedMs, come } = setUp(null);
    for (let count = 0; count < 8; count++) come(false);
    expect(received).toEqual([]);
    expect(askedMs).toEqual([0, 300, 600]);
  });

  test("where a packet stays lost, and what comes until then has not come", () => {
    const { received, askedMs, come } = setUp(null);
    come(true);
    come(false, { without: [0] });
    for (let count = 0; count < 30; count++) come(false);
    expect(received).toHaveLength(1);
    expect(askedMs.length).toBeGreaterThan(0);
    come(true);
    expect(received).toHaveLength(2);
  });

  test("where no picture comes of the bytes, and that one has not come", () => {
    const { received, askedMs, come } = setUp([null]);
    come(true);
    expect(received).toEqual([]);
    expect(askedMs).toEqual([0]);
  });
});

test("nothing is told after it was closed", () => {
  const { received, screen, come } = setUp(null);
  screen.close();
  come(true);
  expect(received).toEqual([]);
});
