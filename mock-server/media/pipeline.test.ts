/** The pipeline above its codec: rates, key pictures, age, and what it does when the codec falls behind. Codec and clock are stand-ins. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../clock.ts";
import type { OutgoingItem, PictureEffect, PictureItem } from "../faults/fault.ts";
import type { Look } from "../transforms/look.ts";
import type { EditedPicture } from "./codec-messages.ts";
import { codecNames } from "./codec-name.ts";
import type { CodecEvents, CodecPool } from "./codec-pool.ts";
import { writeTrailer } from "./packet-trailer.ts";
import { payloadFormats } from "./payloads/index.ts";
import {
  createPipeline,
  type MediaMode,
  type PipelineEvents,
  type PipelineGates,
  type PipelineOptions,
} from "./pipeline.ts";

const look: Look = {
  revision: 0,
  prompt: null,
  promptHash: 0,
  imageHash: 0,
  caption: null,
  image: null,
  mirrored: false,
};

let nowMs: number;
/** When the test itself begins: what it sees is counted from here. */
let startMs: number;
let due: { atMs: number; run(): void }[];
let told: string[];
let sent: { timestamp: number; atMs: number; ends: boolean }[];
let colors: (string | undefined)[];
let decoded: number[];
/** What the codec was last given. */
let given: { data: Uint8Array; userTimestamp: bigint | null | undefined };
let effects: (PictureEffect | null | undefined)[];
let codec: CodecEvents;

const clock: Clock = {
  now: () => nowMs,
  date: () => new Date(nowMs),
  after(delayMs, run) {
    const timer = { atMs: nowMs + delayMs, run };
    due.push(timer);
    return {
      cancel() {
        due = due.filter((other) => other !== timer);
      },
    };
  },
  every: () => ({ cancel() {} }),
  get pendingCount() {
    return due.length;
  },
};

const codecs: CodecPool = {
  open(_settings, _look, on) {
    codec = on;
    return {
      decode(data, timestamp, _receivedMs, userTimestamp, effect) {
        decoded.push(timestamp);
        effects.push(effect);
        given = { data, userTimestamp };
      },
      show: (steps) => told.push(`show ${steps.map(({ look }) => look.revision)}`),
      forceKey: () => told.push(`key at ${nowMs - startMs}`),
      setBitrate: (bitsPerSecond) => told.push(`rate ${bitsPerSecond}`),
      close: () => told.push("close"),
    };
  },
  workerCount: 0,
  sessionCount: 0,
  close: async () => {},
};

beforeEach(() => {
  nowMs = 0;
  startMs = 0;
  due = [];
  told = [];
  sent = [];
  colors = [];
  decoded = [];
  effects = [];
});

describe("the encoder's rate", () => {
  test.each([
    {
      what: "an estimate above what is sent changes nothing",
      kilobytes: 500,
      estimate: 2_100_000,
      rates: [],
    },
    {
      what: "one above a picture that needs little changes nothing",
      kilobytes: 50,
      estimate: 300_000,
      rates: [],
    },
    {
      what: "one below what is sent is followed, less a tenth",
      kilobytes: 500,
      estimate: 1_000_000,
      rates: ["rate 900000"],
    },
    { what: "never below the least", kilobytes: 500, estimate: 10_000, rates: ["rate 300000"] },
  ])("$what", ({ kilobytes, estimate, rates }) => {
    const pipeline = open();
    codec.picture(edited({ bytes: kilobytes * 1000 }));
    advance(2000);
    pipeline.estimate(estimate);
    expect(told).toEqual(rates);
  });

  test("goes up again when there is room, and not twice within two seconds", () => {
    const pipeline = open();
    codec.picture(edited({ bytes: 500_000 }));
    advance(2000);
    pipeline.estimate(1_000_000);
    pipeline.estimate(3_000_000);
    advance(2000);
    pipeline.estimate(3_000_000);
    expect(told).toEqual(["rate 900000", "rate 2700000"]);
  });
});

test("key pictures are made at most every 300 ms, and none that was asked for is forgotten", () => {
  const pipeline = open();
  for (let i = 0; i < 50; i++) pipeline.requestKey();
  expect(told).toEqual(["key at 0"]);
  advance(1000);
  expect(told).toEqual(["key at 0", "key at 300"]);
});

describe("age", () => {
  test("a picture leaves when it is as old as asked, in order", () => {
    open({ latencyMs: 285 });
    codec.picture(edited({ timestamp: 1, receivedMs: startMs }));
    advance(40);
    codec.picture(edited({ timestamp: 2, receivedMs: startMs + 33 }));
    advance(1000);
    expect(sent).toEqual([
      { timestamp: 1, atMs: 285, ends: true },
      { timestamp: 2, atMs: 318, ends: true },
    ]);
  });

  test("without it a picture leaves at once", () => {
    open();
    codec.picture(edited({ timestamp: 1, receivedMs: startMs }));
    expect(sent).toEqual([{ timestamp: 1, atMs: 0, ends: true }]);
  });

  test("nothing waits once it is closed", () => {
    const pipeline = open({ latencyMs: 285 });
    codec.picture(edited({}));
    pipeline.requestKey();
    pipeline.requestKey();
    pipeline.close();
    expect(due).toEqual([]);
    expect(told.at(-1)).toBe("close");
  });
});

test("pictures beyond thirty in the worker are left out, and a key picture is asked for", () => {
  const keys: string[] = [];
  const pipeline = open({}, { needsKey: (why) => keys.push(why) });
  keys.length = 0;
  for (let i = 0; i < 33; i++) {
    pipeline.receiveVideo({
      sequenceNumber: i,
      timestamp: i * 3000,
      marker: true,
      payload: keyPayload(),
      receivedMs: nowMs,
    });
    advance(20);
  }
  expect(decoded).toHaveLength(30);
  expect(pipeline.stats.dropped).toBe(3);
  expect(keys.length).toBeGreaterThan(0);
});

test("after a picture that was left out nothing is decoded until a key picture", () => {
  const pipeline = open();
  const receive = (timestamp: number, isKey: boolean) =>
    pipeline.receiveVideo({
      sequenceNumber: timestamp,
      timestamp,
      marker: true,
      payload: vp8Payload(isKey),
      receivedMs: nowMs,
    });
  for (let i = 0; i <= 30; i++) receive(i, i === 0);
  expect(decoded).toHaveLength(30);
  // There is room again, and what comes is made from the one that was left out.
  for (let i = 0; i < 10; i++) codec.picture(edited({ timestamp: i }));
  receive(31, false);
  expect(decoded.at(-1)).toBe(29);
  receive(32, true);
  receive(33, false);
  expect(decoded.slice(-2)).toEqual([32, 33]);
});

test("a picture that is not edited is noted with its reason, and a key picture asked for", () => {
  const told: unknown[] = [];
  open({}, { needsKey: () => told.push("key"), noted: (kind, fields) => told.push([kind, fields]) });
  told.length = 0;
  codec.undecodable(7);
  advance(300);
  codec.undecodable(8, "a picture of 8192×8192 is larger than 4096×2304");
  expect(told).toEqual([
    ["undecodable-picture", { timestamp: 7 }],
    "key",
    ["undecodable-picture", { timestamp: 8, why: "a picture of 8192×8192 is larger than 4096×2304" }],
    "key",
  ]);
});

test("the first picture of a revision is told once", () => {
  const shown: number[] = [];
  open({}, { shown: (revision) => shown.push(revision) });
  for (const revision of [0, 0, 1, 1, 3]) codec.picture(edited({ revision }));
  expect(shown).toEqual([0, 1, 3]);
});

describe("relay", () => {
  test("passes each packet on, swallows padding, asks the sender for what a viewer needs", () => {
    const keys: string[] = [];
    const pipeline = open({ mode: "relay" }, { needsKey: (why) => keys.push(why) });
    keys.length = 0;
    const packet = { sequenceNumber: 1, timestamp: 7, marker: false, payload: keyPayload(), receivedMs: 0 };
    pipeline.receiveVideo(packet);
    pipeline.receiveVideo({ ...packet, payload: Buffer.alloc(0) });
    pipeline.receiveVideo({ ...packet, marker: true });
    advance(300);
    pipeline.requestKey();
    expect(sent.map(({ ends }) => ends)).toEqual([false, true]);
    expect(keys).toHaveLength(1);
  });
});

describe.each(codecNames)("packet trailers, %s", (codecName) => {
  const trailer = writeTrailer(1_767_225_600_000_000n);
  const startCode = codecName === "h264" ? [0, 0, 0, 1, 0x65] : [];

  /** What two viewers get of a picture that is sent in packets of at most `sizeMax` bytes. */
  function pass(mode: MediaMode, coded: Uint8Array, sizeMax = 100) {
    const pipeline = open({ mode, codec: codecName });
    const taken: Buffer[] = [];
    const plain: Buffer[] = [];
    const sendAudio = () => {};
    pipeline.add({ sendVideo: (payloads) => taken.push(...payloads), sendAudio, takesTrailers: true });
    pipeline.add({ sendVideo: (payloads) => plain.push(...payloads), sendAudio });
    const payloads = payloadFormats[codecName]().pack(coded, true, sizeMax);
    for (const [sequenceNumber, payload] of payloads.entries()) {
      const marker = sequenceNumber === payloads.length - 1;
      pipeline.receiveVideo({ sequenceNumber, timestamp: 7, marker, payload, receivedMs: nowMs });
    }
    return { payloads, taken, plain };
  }

  const picture = Uint8Array.of(...startCode, ...Array.from({ length: 333 }, (_, at) => 4 + (at % 200)));
  const unpacked = (payloads: readonly Buffer[]) =>
    Buffer.from(payloadFormats[codecName]().unpack(payloads)!);

  test("the decoder gets the picture, the timestamp goes beside it", () => {
    pass("transcode", Buffer.concat([picture, trailer]));
    expect(Buffer.from(given.data).equals(picture)).toBe(true);
    expect(given.userTimestamp).toBe(1_767_225_600_000_000n);
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["a trailer without its end", trailer.subarray(0, -1)],
    ["a trailer without its beginning", trailer.subarray(1)],
    ["a magic alone", trailer.subarray(-4)],
    ["a trailer that says another length", Buffer.from(trailer).fill(0xe0, 10, 11)],
    ["a trailer of what is not known", Buffer.from("aafe00f74c4b5453", "hex")],
  ])("%s at the end of a picture is the picture's own, and passed on", (_what, tail) => {
    const coded = Buffer.concat([picture, tail]);
    pass("transcode", coded);
    expect(Buffer.from(given.data).equals(coded)).toBe(true);
    expect(given.userTimestamp ?? null).toBeNull();
    const { payloads, plain } = pass("relay", coded);
    expect(plain).toEqual(payloads);
  });

  test("who takes them gets one behind the picture made from one that had it; others get none", () => {
    const { taken, plain } = pass("transcode", Buffer.concat([picture, trailer]));
    const data = Uint8Array.of(...startCode, ...new Uint8Array(5000).fill(9));
    codec.picture({ ...edited({}), data, userTimestamp: 5n });
    expect(unpacked(plain).equals(data)).toBe(true);
    expect(unpacked(taken).equals(Buffer.concat([data, writeTrailer(5n)]))).toBe(true);
    // Packed once: of VP8 and VP9 both carry the same picture ids.
    expect(taken.slice(0, -1)).toEqual(plain.slice(0, -1));
    codec.picture({ ...edited({}), data, userTimestamp: null });
    expect(taken.slice(-plain.length / 2)).toEqual(plain.slice(-plain.length / 2));
  });

  test("relayed, packets stay as they are for who takes them; others get the last without", () => {
    const { payloads, taken, plain } = pass("relay", Buffer.concat([picture, trailer]));
    expect(taken).toEqual(payloads);
    expect(unpacked(plain).equals(picture)).toBe(true);
    expect(payloads.map((payload, index) => payload.length - plain[index]!.length)).toEqual([0, 0, 0, 15]);
  });

  test("relayed, one that begins in the packet before stays", () => {
    const sizeMax = { vp8: 4, vp9: 3, h264: 2 }[codecName] + 340 - startCode.length;
    const { payloads, plain } = pass("relay", Buffer.concat([picture, trailer]), sizeMax);
    expect(payloads).toHaveLength(2);
    expect(plain).toEqual(payloads);
  });
});

test("relayed, spatial layers of VP9 lose a trailer each", () => {
  const pipeline = open({ mode: "relay", codec: "vp9" });
  const plain: Buffer[] = [];
  pipeline.add({ sendVideo: (payloads) => plain.push(...payloads), sendAudio() {} });
  const format = payloadFormats.vp9();
  const layers = [Buffer.alloc(300, 1), Buffer.alloc(500, 2)];
  const payloads = layers.flatMap((layer) =>
    format.pack(Buffer.concat([layer, writeTrailer(5n)]), true, 200),
  );
  for (const [sequenceNumber, payload] of payloads.entries()) {
    const marker = sequenceNumber === payloads.length - 1;
    pipeline.receiveVideo({ sequenceNumber, timestamp: 7, marker, payload, receivedMs: nowMs });
  }
  expect(Buffer.from(format.unpack(plain)!).equals(Buffer.concat(layers))).toBe(true);
});

test.each(["transcode", "relay"] as const)(
  "%s: the sender's colour space goes along until it says another, or a key picture says none",
  (mode) => {
    const pipeline = open({ mode });
    const key = keyPayload();
    const delta = payloadFormats.vp8().pack(Uint8Array.of(1), false, 1180)[0]!;
    for (const [timestamp, payload, marker, said] of [
      [0, delta, true, null],
      [1, key, false, null],
      [1, delta, true, "full"],
      [2, delta, true, null],
      [2, Buffer.alloc(0), true, null],
      [3, delta, true, "narrow"],
      [4, key, false, null],
      [4, delta, true, null],
      // Said behind the lowest of two layers.
      [5, key, false, "layered"],
      [5, delta, true, null],
      [6, delta, true, null],
    ] as const) {
      const packet = { sequenceNumber: timestamp, timestamp, marker, payload, receivedMs: 0 };
      pipeline.receiveVideo(packet, said && Buffer.from(said));
      if (mode === "transcode" && marker) codec.picture(edited({ timestamp }));
    }
    const atEnds = colors.filter((_color, index) => sent[index]!.ends);
    const again = mode === "transcode" ? ["full"] : [];
    expect(atEnds).toEqual([undefined, "full", "full", ...again, "narrow", undefined, "layered", "layered"]);
  },
);

test.each(["transcode", "relay"] as const)(
  "%s keeps how long the last pictures took, not all of them",
  (mode) => {
    const pipeline = open({ mode });
    const packet = { sequenceNumber: 1, timestamp: 7, marker: true, payload: keyPayload(), receivedMs: 0 };
    for (let count = 0; count < 5000; count++) {
      if (mode === "relay") pipeline.receiveVideo(packet);
      else codec.picture(edited({}));
    }
    expect(pipeline.stats.residenceMs).toHaveLength(3000);
  },
);

test("mode none takes packets and sends nothing, audio neither", () => {
  const pipeline = open({ mode: "none" });
  pipeline.receiveVideo({
    sequenceNumber: 1,
    timestamp: 7,
    marker: true,
    payload: keyPayload(),
    receivedMs: 0,
  });
  pipeline.receiveAudio(Buffer.from([1]), 0, true);
  expect(sent).toEqual([]);
  expect(pipeline.stats.packetsIn).toBe(1);
});

describe("gates", () => {
  /** What they were given, and the ways on that they were given with it. */
  function holding() {
    const pictures: { item: PictureItem; next(item: PictureItem): void }[] = [];
    const outgoing: { item: OutgoingItem; next(item: OutgoingItem): void }[] = [];
    const gates: PipelineGates = {
      idle: false,
      picture: (item, next) => pictures.push({ item, next }),
      outgoing: (item, next) => outgoing.push({ item, next }),
    };
    return { gates, pictures, outgoing };
  }

  const packetOf = (timestamp: number, marker = true, payload = keyPayload()) => ({
    sequenceNumber: timestamp,
    timestamp,
    marker,
    payload,
    receivedMs: nowMs,
  });
  const sound = Buffer.from("sound");

  test.each([
    ["transcode", 3],
    ["relay", 2],
  ] as const)("%s: idle ones are asked whether they are, and nothing else", (mode, askedCount) => {
    let asked = 0;
    const gates: PipelineGates = {
      get idle() {
        asked++;
        return true;
      },
      picture: () => expect.unreachable(),
      outgoing: () => expect.unreachable(),
    };
    const pipeline = open({ mode, gates });
    pipeline.receiveVideo(packetOf(7));
    if (mode === "transcode") codec.picture(edited({ timestamp: 7 }));
    pipeline.receiveAudio(sound, 8, true);
    expect(sent.map(({ timestamp }) => timestamp)).toEqual([7, -1]);
    expect(effects).toEqual(mode === "transcode" ? [null] : []);
    expect(asked).toBe(askedCount);
  });

  test("a picture is decoded with the effect that is asked for at once, else it is skipped", () => {
    const next: ((item: PictureItem) => void)[] = [];
    const asked: PictureItem[] = [];
    const wanted: (PictureEffect | null)[] = [{}, { black: true }, null];
    const pipeline = open({
      gates: {
        idle: false,
        picture(item, on) {
          const effect = wanted[asked.push(item) - 1];
          if (effect) on({ ...item, effect });
          else next.push(on);
        },
        outgoing: () => expect.unreachable(),
      },
    });
    for (const timestamp of [1, 2, 3]) pipeline.receiveVideo(packetOf(timestamp));
    next[0]!(asked[2]!);
    expect(decoded).toEqual([1, 2, 3]);
    expect(effects).toEqual([{}, { black: true }, { skip: true }]);
    const { byteLength, ...item } = asked[0]!;
    expect(item).toEqual({ direction: "to-client", kind: "picture", endsFrame: true, effect: {} });
    expect(byteLength?.()).toBe(20);
    codec.dropped(3, true);
    codec.dropped(4, false);
    expect(pipeline.stats).toMatchObject({ dropped: 2, skipped: 1 });
  });

  test("a transcoded picture leaves with each `next`, then, at the time it is given, and is not counted before", () => {
    const { gates, outgoing } = holding();
    const shown: number[] = [];
    const left: number[] = [];
    const on = { shown: (revision: number) => shown.push(revision), left: (n: number) => left.push(n) };
    const pipeline = open({ gates }, on);
    for (const timestamp of [1, 2, 3]) {
      // Key pictures: they need nothing that came before.
      codec.picture({ ...edited({ timestamp, revision: timestamp, bytes: 3000 }), key: true });
    }
    expect([sent, shown, pipeline.stats.picturesOut, pipeline.stats.bytesOut]).toEqual([[], [], 0, 0]);
    const [first, , third] = outgoing;
    third!.next(third!.item);
    advance(50);
    first!.next({ ...first!.item, timestamp: 90_000 });
    first!.next(first!.item);
    expect(sent).toEqual([
      { timestamp: 3, atMs: 0, ends: true },
      { timestamp: 90_000, atMs: 50, ends: true },
      { timestamp: 1, atMs: 50, ends: true },
    ]);
    expect([shown, left]).toEqual([[3], [1, 2, 3]]);
    expect(pipeline.stats).toMatchObject({ picturesOut: 3, residenceMs: [0, 50, 50] });
    const { byteLength, ...item } = first!.item;
    const kind = { direction: "to-client", kind: "encoded", endsFrame: true, isKey: true };
    expect(item).toEqual({ ...kind, timestamp: 1 });
    expect(byteLength?.()).toBe(3000);
    // What follows lacks none of them: the one that came late is not the last, and the one that never did was a key picture.
    advance(1000);
    told = [];
    codec.picture(edited({ timestamp: 4 }));
    const fourth = outgoing.at(-1)!;
    expect(fourth.item.isKey).toBe(false);
    fourth.next(fourth.item);
    expect([sent.at(-1)!.timestamp, told]).toEqual([4, []]);
  });

  test("what never leaves takes no picture id", () => {
    const { gates, outgoing } = holding();
    const ids: number[] = [];
    const pipeline = open({ gates });
    pipeline.add({
      // https://www.rfc-editor.org/rfc/rfc7741#section-4.2: behind two bytes, 15 bits.
      sendVideo: ([payload]) => ids.push(payload!.readUInt16BE(2) & 0x7fff),
      sendAudio() {},
    });
    for (const leaves of [true, false, false, true]) {
      codec.picture({ ...edited({}), key: true });
      const { item, next } = outgoing.at(-1)!;
      if (leaves) next(item);
    }
    expect(ids[1]! - ids[0]!).toBe(1);
  });

  test("relayed, each packet is asked for, and known as a key picture's", () => {
    const { gates, outgoing } = holding();
    const left: number[] = [];
    const pipeline = open({ mode: "relay", gates }, { left: (count) => left.push(count) });
    const delta = payloadFormats.vp8().pack(Uint8Array.of(1), false, 1180)[0]!;
    pipeline.receiveVideo(packetOf(1, true, delta));
    pipeline.receiveVideo(packetOf(2, false));
    pipeline.receiveVideo(packetOf(2, true, delta));
    pipeline.receiveVideo(packetOf(3, true, Buffer.alloc(0)));
    pipeline.receiveVideo(packetOf(4, true, delta));
    expect(outgoing.map(({ item }) => [item.kind, item.timestamp, item.isKey, item.endsFrame])).toEqual([
      ["encoded", 1, false, true],
      ["encoded", 2, true, false],
      ["encoded", 2, true, true],
      ["encoded", 4, false, true],
    ]);
    expect(outgoing.map(({ item }) => item.byteLength?.())).toEqual([5, 24, 5, 5]);
    for (const index of [1, 3, 2]) {
      const { item, next } = outgoing[index]!;
      next({ ...item, timestamp: item.timestamp + 100 });
      advance(10);
    }
    expect(sent).toEqual([
      { timestamp: 102, atMs: 0, ends: false },
      { timestamp: 104, atMs: 10, ends: true },
      { timestamp: 102, atMs: 20, ends: true },
    ]);
    expect(left).toEqual([1, 2]);
    expect(pipeline.stats).toMatchObject({ packetsIn: 5, picturesOut: 2, residenceMs: [10, 20] });
  });

  // K, P: a key picture and another; in lower case the gate leaves it out; from a bar on the gate is idle.
  describe.each(["transcode", "relay"] as const)("%s: left out are", (mode) => {
    test.each([
      ["none", "KPP|PP", "KPPPP", "", 0],
      ["the last", "KPpp|PPKP", "KPKP", "waiting-for-key", 1],
      ["some, again and again", "KpPpKP", "KKP", "waiting-for-key", 1],
      ["one before a key picture", "KpKP", "KKP", "", 0],
      ["a key picture", "KPkPP|P", "KPPPP", "", 1],
      ["a key picture and one behind it", "KPkpPkP|PKP", "KPKP", "waiting-for-key", 1],
      ["all from the first on", "kpp|PKP", "KP", "waiting-for-key", 1],
    ])("%s: of %s, %s leaves", (_, offered, left, notes, keysAsked) => {
      let idle = false;
      let passes = true;
      const gates: PipelineGates = {
        get idle() {
          return idle;
        },
        picture: () => expect.unreachable(),
        outgoing: (item, next) => passes && next(item),
      };
      const noted: string[] = [];
      const pipeline = open(
        { mode, gates },
        {
          noted: (kind) => kind === "picture-size" || noted.push(kind),
          needsKey: () => told.push("asked for"),
        },
      );
      // The viewer of every test asked for one as it came.
      advance(1000);
      told = [];
      for (const [index, letter] of [...offered].entries()) {
        const isKey = letter.toUpperCase() === "K";
        passes = letter.toUpperCase() === letter;
        if (letter === "|") idle = true;
        else if (mode === "transcode") codec.picture({ ...edited({ timestamp: index }), key: isKey });
        else pipeline.receiveVideo(packetOf(index, true, vp8Payload(isKey)));
      }
      expect(sent.map(({ timestamp }) => offered[timestamp]).join("")).toBe(left);
      const key = mode === "transcode" ? "key at 1000" : "asked for";
      expect([noted.join(), told]).toEqual([notes, Array(keysAsked).fill(key)]);
    });
  });

  test("relayed, what waits for a key picture waits for its first packet", () => {
    const { gates, outgoing } = holding();
    const seen: number[] = [];
    const pipeline = open({ mode: "relay", gates });
    pipeline.add({ sendVideo: (_payloads, timestamp) => seen.push(timestamp), sendAudio() {} });
    const delta = vp8Payload(false);
    pipeline.receiveVideo(packetOf(1, true, delta));
    pipeline.receiveVideo(packetOf(2, false));
    for (const timestamp of [2, 3]) pipeline.receiveVideo(packetOf(timestamp, true, delta));
    pipeline.receiveVideo(packetOf(4, false));
    pipeline.receiveVideo(packetOf(4, true, delta));
    for (const { item, next } of outgoing.slice(2)) next(item);
    expect(seen).toEqual([4, 4]);
  });

  test.each(["transcode", "relay"] as const)("%s: sound is asked for as well", (mode) => {
    const { gates, outgoing } = holding();
    const heard: unknown[] = [];
    const pipeline = open({ mode, gates });
    pipeline.add({ sendVideo() {}, sendAudio: (...about) => heard.push(about) });
    for (const timestamp of [1, 2]) pipeline.receiveAudio(sound, timestamp, true);
    const { item, next } = outgoing[1]!;
    expect(item).toMatchObject({ direction: "to-client", kind: "sound", isKey: false, timestamp: 2 });
    expect([item.endsFrame, item.byteLength?.()]).toEqual([undefined, 5]);
    expect(heard).toEqual([]);
    next({ ...item, timestamp: 960 });
    expect(heard).toEqual([[sound, 960, true]]);
  });

  test.each(["transcode", "relay"] as const)("%s: nothing leaves once it is closed", (mode) => {
    const { gates, outgoing, pictures } = holding();
    const pipeline = open({ mode, gates }, { left: () => expect.unreachable() });
    const all = () => {
      if (mode === "transcode") codec.picture(edited({}));
      else pipeline.receiveVideo(packetOf(1));
      pipeline.receiveAudio(sound, 1, true);
    };
    all();
    pipeline.close();
    all();
    pipeline.receiveVideo(packetOf(2));
    expect([outgoing.length, pictures.length]).toEqual([2, 0]);
    for (const { item, next } of outgoing) next(item);
    expect([sent, pipeline.stats.picturesOut]).toEqual([[], 0]);
  });
});

test("each picture that leaves is told of with its number", () => {
  const told: string[] = [];
  open(
    {},
    { shown: (revision) => told.push(`shown ${revision}`), left: (count) => told.push(`left ${count}`) },
  );
  for (const revision of [0, 0, 1]) codec.picture(edited({ revision }));
  expect(told).toEqual(["shown 0", "left 1", "left 2", "shown 1", "left 3"]);
});

function open(options: Partial<PipelineOptions> = {}, on: Partial<PipelineEvents> = {}) {
  const pipeline = createPipeline(
    {
      mode: "transcode",
      codec: "vp8",
      outputCodec: options.codec ?? "vp8",
      clock,
      codecs,
      look,
      strips: true,
      pixelMarker: false,
      outputSize: null,
      bitrate: { start: 2_500_000, min: 300_000, max: 3_500_000 },
      latencyMs: 0,
      ...options,
    },
    { shown() {}, needsKey() {}, noted() {}, failed() {}, ...on },
  );
  pipeline.add({
    sendVideo(_payloads, timestamp, ends, colorSpace) {
      sent.push({ timestamp, atMs: nowMs - startMs, ends });
      colors.push(colorSpace?.toString());
    },
    sendAudio: () => sent.push({ timestamp: -1, atMs: nowMs - startMs, ends: true }),
  });
  // A viewer that joins gets a key picture; what a test counts begins after that.
  advance(300);
  startMs = nowMs;
  told = [];
  return pipeline;
}

function edited({ bytes = 100, timestamp = 0, receivedMs = nowMs, revision = 0 }): EditedPicture {
  const cost = { decodeMs: 0, transformMs: 0, encodeMs: 0 };
  const data = new Uint8Array(bytes);
  return {
    data,
    key: false,
    width: 1280,
    height: 720,
    timestamp,
    receivedMs,
    userTimestamp: null,
    revision,
    promptHash: 0,
    imageHash: 0,
    outputCount: 0,
    input: null,
    cost,
  };
}

/** A packet that begins a VP8 picture: the first bit of one says whether others are needed (RFC 6386, section 9.1). */
function vp8Payload(isKey: boolean): Buffer {
  return payloadFormats.vp8().pack(Uint8Array.of(isKey ? 0 : 1), isKey, 1180)[0]!;
}

/** A whole VP8 key picture in one packet. */
function keyPayload(): Buffer {
  return payloadFormats.vp8().pack(new Uint8Array(20), true, 1180)[0]!;
}

function advance(ms: number): void {
  const end = nowMs + ms;
  for (;;) {
    const next = due.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
    if (!next) break;
    due = due.filter((timer) => timer !== next);
    nowMs = next.atMs;
    next.run();
  }
  nowMs = end;
}
