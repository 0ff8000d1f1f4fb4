/** Faults of pictures and sound, above the packet, as a WebRTC client meets them: what it decodes, when it is dated, what it hears. */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { below } from "../../fixtures/frame.ts";
import { stripsHeight } from "../../fixtures/strips.ts";
import { createMediaClient, type MediaClient, type SeenPicture } from "../_media-client.ts";
import { closeLater, emptied, nothingOpen, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import type { JournalLine } from "../journal.ts";
import type { MediaMode } from "../media/pipeline.ts";
import { type MockServer, startServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

/** One picture in it is a key picture: the first. */
const { frames } = readClip("vp8-180p15");
/** What a client sends, for each picture. 90 kHz. */
const step = 6000;

const servers = {} as Record<MediaMode, MockServer>;
beforeAll(async () => {
  for (const mode of ["transcode", "relay"] as const) servers[mode] = await startServer({ port: 0, mode });
});
afterAll(async () => {
  for (const server of Object.values(servers)) {
    await emptied(server);
    await server.close();
    expect(server.open).toEqual(nothingOpen);
    expect(server.faults.planCount).toBe(0);
    expect(server.journal.lines.filter(({ kind }) => kind === "defect")).toEqual([]);
  }
});

type Packet = { kind: string; sequenceNumber: number; timestamp: number };

/** A client whose connection stands, and what came to it, packet by packet. */
async function connect(mode: MediaMode, faults: readonly Declaration[] = []) {
  const server = servers[mode];
  const query = faults.length > 0 ? { api_key: writeMockKey(faults) } : {};
  const next = server.nextSession();
  const control = closeLater(await openSocket(server.realtimeUrl, { query }));
  const session = await next;
  const media = closeLater(createMediaClient(control, { codec: "vp8", audio: true }));
  const packets: Packet[] = [];
  media.pc.onTrack.subscribe(({ kind, onReceiveRtp }) => {
    onReceiveRtp.subscribe(({ header: { sequenceNumber, timestamp } }) => {
      packets.push({ kind, sequenceNumber, timestamp });
    });
  });
  await media.negotiate();
  await media.connected();
  await session.until("peer-connected");
  const fired = () => session.plan.faults.map((fault) => fault.fired);
  /** Of this session's journal, what faults did. */
  const noted = () =>
    server.journal.lines
      .filter(({ session: of, kind }) => of === session.id && /^fault-(fired|healed)$/.test(kind))
      .map(({ kind, fields }) => `${fields.name} ${kind.slice("fault-".length)}`);
  return { server, session, media, packets, fired, noted };
}

function send(media: MediaClient, index: number, at = index): void {
  const { data, key } = frames[index]!;
  media.sendPicture(data, key, at * step);
}

/** Sends one, and waits until it, or what came of it, is here. */
function echo(media: MediaClient, index: number, at = index): Promise<SeenPicture> {
  const count = media.pictures.length;
  send(media, index, at);
  return media.picture(() => true, count);
}

function say(media: MediaClient, index: number): void {
  media.sendAudio(Buffer.from([0xfc, index]), index * 960);
}

/** Nothing comes of what a fault leaves out that could be waited for, and no line is written each time. */
async function counted(done: () => boolean): Promise<void> {
  while (!done()) await setImmediate();
}

function read({ frame, input, output }: SeenPicture): string {
  const { y } = below(frame, stripsHeight(frame.width));
  const luma = y.reduce((sum, sample) => sum + sample, 0) / y.length;
  const size = frame.width === 320 ? "" : ` ${frame.width}×${frame.height}`;
  return `${input?.frameId}/${output?.outputCount}${size}${luma < 20 ? " black" : ""}`;
}

/** How far the numbers go from each packet of this kind to the next. */
function stepsOf(packets: readonly Packet[], kind: string): Set<number> {
  const numbers = packets.filter((packet) => packet.kind === kind).map((packet) => packet.sequenceNumber);
  return new Set(numbers.slice(1).map((number, index) => (number - numbers[index]!) & 0xffff));
}

/** Timestamps of this kind, from the first on, each once. */
function timesOf(packets: readonly Packet[], kind: string): number[] {
  const times = packets.filter((packet) => packet.kind === kind).map(({ timestamp }) => timestamp);
  return [...new Set(times.map((time) => (time - times[0]!) | 0))];
}

const third = { after: { frames: 3 }, for: { frames: 4 } };

describe("what a picture shows", () => {
  // Picture/output count of what comes back for each picture sent; null: nothing.
  test.each<[string, Declaration[], (string | null)[], number[]]>([
    [
      "frozen",
      [{ name: "freeze", when: third }],
      ["0/0", "1/1", "2/2", "2/2", "2/2", "2/2", "2/2", "7/3", "8/4"],
      [4],
    ],
    [
      "black",
      [{ name: "black", when: third }],
      ["0/0", "1/1", "2/2", "3/3 black", "4/4 black", "5/5 black", "6/6 black", "7/7", "8/8"],
      [4],
    ],
    [
      "of another size",
      [{ name: "resize", with: { width: 426, height: 240 }, when: third }],
      ["0/0", "1/1", "2/2", "3/3 426×240", "4/4 426×240", "5/5 426×240", "6/6 426×240", "7/7", "8/8"],
      [4],
    ],
    [
      "one of two",
      [{ name: "fps-drop", with: { keepOneOf: 2 }, when: third }],
      ["0/0", "1/1", "2/2", null, "4/3", null, "6/4", "7/5", "8/6"],
      [2],
    ],
    [
      "several of these",
      [
        { name: "fps-drop", with: { keepOneOf: 3 }, when: { at: "first-frame", for: { frames: 6 } } },
        { name: "resize", when: { after: { frames: 2 }, times: 1 } },
        { name: "black", when: { after: { frames: 3 } } },
      ],
      ["0/0", null, null, "3/1", null, null, "6/2 480×270", "7/3 black", "8/4 black"],
      [4, 1, 2],
    ],
  ])("%s", async (_, faults, expected, firedTimes) => {
    const { session, media, packets, fired, noted } = await connect("transcode", faults);
    const seen: (string | null)[] = [];
    for (const [index, wanted] of expected.entries()) {
      if (wanted === null) send(media, index);
      else await echo(media, index);
      seen.push(wanted === null ? null : read(media.pictures.at(-1)!));
    }
    expect(seen).toEqual(expected);
    const comes = expected.filter((wanted) => wanted !== null);
    expect(media.pictures).toHaveLength(comes.length);
    expect(session.frameCount).toBe(comes.length);
    expect(fired()).toEqual(firedTimes);
    expect(noted()).toEqual(expect.arrayContaining(faults.map(({ name }) => `${name} fired`)));
    if (faults.length === 1)
      expect(noted()).toEqual([`${faults[0]!.name} fired`, `${faults[0]!.name} healed`]);
    // The time of what is left out passes all the same, and no number is missing.
    const times = expected.flatMap((wanted, index) => (wanted === null ? [] : [index * step]));
    expect(timesOf(packets, "video")).toEqual(times);
    expect(stepsOf(packets, "video")).toEqual(new Set([1]));
  });
});

describe.each(["transcode", "relay"] as const)("%s", (mode) => {
  test.each<["video" | "audio" | "both"]>([["video"], ["audio"], ["both"]])(
    "%s stops and goes on, and no number is missing",
    async (which) => {
      const { server, session, media, packets, noted } = await connect(mode);
      const stops = { video: which !== "audio", audio: which !== "video" };
      for (const index of [0, 1, 2]) {
        await echo(media, index);
        say(media, index);
        await media.audioAt(index);
      }
      const [fault] = server.faults.add(
        { name: "stop-sending", with: { media: which } },
        { session: session.id },
      );
      let fired = 0;
      for (const index of [3, 4, 5]) {
        if (stops.video) send(media, index);
        else await echo(media, index);
        if (stops.video) fired++;
        await counted(() => fault!.fired === fired);
        say(media, index);
        if (stops.audio) fired++;
        else await media.audioAt(index);
        await counted(() => fault!.fired === fired);
      }
      expect(media.pictures).toHaveLength(stops.video ? 3 : 6);
      expect(media.audio).toHaveLength(stops.audio ? 3 : 6);
      const asked = media.keyRequestCount;
      fault!.heal();

      say(media, 6);
      await media.audioAt(stops.audio ? 3 : 6);
      if (stops.video && mode === "relay") {
        // It cannot be decoded, and stays behind; what can be is asked of the client.
        send(media, 6);
        await media.until(() => media.keyRequestCount > asked);
        expect(media.pictures).toHaveLength(3);
        await echo(media, 0, 7);
        await echo(media, 1, 8);
      } else {
        // The encoder makes a key picture, not more often than it ever does.
        for (let at = 6; media.pictures.length < (stops.video ? 5 : 8); at++) {
          const { stats } = session.pipeline!;
          const before = stats.picturesOut + stats.dropped;
          send(media, at % frames.length, at);
          await counted(() => stats.picturesOut + stats.dropped > before);
          if (stats.picturesOut > media.pictures.length)
            await media.picture(() => true, media.pictures.length);
        }
      }
      const after = media.pictures.slice(stops.video ? 3 : 6);
      expect(after.map(({ key }) => key)).toEqual([stops.video, false]);
      expect(after.every(({ input }) => input !== null)).toBe(true);
      for (const kind of ["video", "audio"]) expect(stepsOf(packets, kind), kind).toEqual(new Set([1]));
      const sounds = which === "video" ? [0, 1, 2, 3, 4, 5, 6] : [0, 1, 2, 6];
      expect(media.audio.map((payload) => payload[1])).toEqual(sounds);
      expect(timesOf(packets, "audio")).toEqual(sounds.map((index) => index * 960));
      expect(noted()).toEqual(["stop-sending fired", "stop-sending healed"]);
    },
  );

  test("timestamps jump, and back, one fault after the other", async () => {
    const { server, session, media, packets } = await connect(mode);
    const jumps = [
      { settings: { bySeconds: 20 }, video: 20, audio: 20 },
      { settings: { bySeconds: -0.5 }, video: -0.5, audio: -0.5 },
      { settings: { bySeconds: -86_400, media: "video" }, video: -86_400, audio: 0 },
      { settings: { bySeconds: 1, media: "audio" }, video: 0, audio: 1 },
    ];
    const expected: Record<string, number[]> = { video: [], audio: [] };
    let index = 0;
    const both = async (video = 0, audio = 0) => {
      await echo(media, index);
      say(media, index);
      await media.audioAt(index);
      expected.video!.push((index * step + video * 90_000) | 0);
      expected.audio!.push((index * 960 + audio * 48_000) | 0);
      index++;
    };
    await both();
    for (const { settings, video, audio } of jumps) {
      const [fault] = server.faults.add({ name: "timestamp-jump", with: settings }, { session: session.id });
      await both(video, audio);
      await both(video, audio);
      fault!.heal();
      await both();
      expect(fault!.fired).toBe(video && audio ? 4 : 2);
    }
    for (const kind of ["video", "audio"]) {
      expect(timesOf(packets, kind), kind).toEqual(expected[kind]);
      expect(stepsOf(packets, kind), kind).toEqual(new Set([1]));
    }
  });

  test("without key pictures packets come, and nothing is to be seen; with the first all is well", async () => {
    const count = 4;
    const faults = [{ name: "no-keyframes", when: { for: { frames: count } } }];
    const { server, session, media, packets, noted } = await connect(mode, faults);
    const fault = () => session.plan.faults[0]!;
    for (let index = 0; index < count; index++) {
      send(media, index);
      // Relayed, the one key picture is many packets, each left out.
      await counted(() => session.frameCount + (mode === "relay" ? 1 : fault().fired) > index);
    }
    await counted(() => fault().healed);
    expect(fault().fired).toBeGreaterThan(0);
    expect(session.frameCount).toBe(count - (mode === "relay" ? 1 : fault().fired));
    await media.until(() => packets.some(({ kind }) => kind === "video"));
    expect(media.pictures).toEqual([]);
    // The first is asked for as the connection stands, the second as one would be that was lost.
    const isAsked = ({ session: of, kind }: JournalLine) => of === session.id && kind === "key-asked";
    if (mode === "relay") await until(server, () => server.journal.lines.filter(isAsked).length > 1);
    for (let index = 0; media.pictures.length < 2; index++) {
      const before = session.frameCount;
      send(media, index % frames.length, count + index);
      await counted(() => session.frameCount > before);
    }
    expect(media.pictures.slice(0, 2).map(({ key }) => key)).toEqual([true, false]);
    expect(noted()).toEqual(["no-keyframes fired", "no-keyframes healed"]);
    expect(server.journal.lines.some(({ kind }) => kind === "defect")).toBe(false);
  });
});

test("sound has gaps, and none once it heals", async () => {
  const with_ = { everyPackets: 3, gapPackets: 2 };
  const faults = [{ name: "audio-gap", with: with_, when: { after: { packets: 1 }, for: { packets: 10 } } }];
  const { server, session, media, packets, fired } = await connect("relay", faults);
  const heard = [0, 1, 2, 3, 6, 7, 8, 11, 12, 13, 14];
  for (let index = 0; index < 15; index++) say(media, index);
  await media.audioAt(heard.length - 1);
  expect(media.audio.map((payload) => payload[1])).toEqual(heard);
  expect(timesOf(packets, "audio")).toEqual(heard.map((index) => index * 960));
  expect(stepsOf(packets, "audio")).toEqual(new Set([1]));
  expect(fired()).toEqual([4]);
  await until(server, () => session.plan.faults[0]!.healed);
  await echo(media, 0);
});

test.each([
  ["resize", { width: 481 }, 'Fault resize: "with.width" is 481. It takes an even number'],
  ["resize", { height: 2306 }, 'Fault resize: "with.height" is 2306. It takes'],
  ["fps-drop", { keepOneOf: 1 }, 'Fault fps-drop: "with.keepOneOf" is 1. It takes a whole number from 2'],
  [
    "stop-sending",
    { media: "sound" },
    'Fault stop-sending: "with.media" is "sound". It takes "both", "video" or',
  ],
])("%s with %j is refused with a sentence", (name, settings, sentence) => {
  expect(() => servers.transcode.faults.add({ name, with: settings })).toThrow(sentence);
});

test.each(["freeze", "black", "resize", "fps-drop"])("%s is refused where pictures are relayed", (name) => {
  expect(() => servers.relay.faults.add({ name })).toThrow("start it with --mode transcode");
});
