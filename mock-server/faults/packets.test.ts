/** Faults of single packets: as gates on a clock that stands still, then as a WebRTC client meets them. */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { createMediaClient, type MediaClient } from "../_media-client.ts";
import { closeLater, emptied, nothingOpen, runServer } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { createWaiters } from "../_waiters.ts";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { type MockServer, startServer } from "../server.ts";
import type { Session } from "../session.ts";
import { declareFaults } from "./declare.ts";
import type { DatagramItem, Declaration } from "./fault.ts";
import { faults } from "./index.ts";
import { writeMockKey } from "./mock-key.ts";
import { createPlan } from "./plan.ts";

/** A plan with one fault; what is sent past it is numbered from 1, 125 bytes each, which is a kilobit. */
function setUp(declaration: Declaration, seed = 7) {
  const clock = manualClock();
  const plan = createPlan({ clock, dice: createDice(seed), note() {} });
  plan.add(declareFaults(declaration, { faults, mode: "relay" }));
  const out: { n: number; atMs: number }[] = [];
  let count = 0;
  const send = (about: Partial<DatagramItem> = {}, channel: "media" | "ice" = "media") => {
    const n = ++count;
    const item = { direction: "to-client", kind: "video", stream: "1", bytes: Buffer.alloc(125), ...about };
    const given = { ...item, byteLength: () => item.bytes.length } as DatagramItem;
    plan.pass(channel, given, () => out.push({ n, atMs: clock.now() }));
  };
  const many = (times: number, ...about: Parameters<typeof send>) => {
    for (let i = 0; i < times; i++) send(...about);
  };
  return { clock, plan, out, send, many, numbers: () => out.map(({ n }) => n) };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("packet-loss", () => {
  test.each<[about: Record<string, unknown>, lost: number[]]>([
    [{}, [10, 20]],
    [{ pattern: "0001" }, [4, 8, 12, 16, 20]],
    [{ pattern: "011" }, [2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20]],
    [{ ratio: 1 }, upTo(20)],
  ])("%j", (about, lost) => {
    const { many, numbers } = setUp({ name: "packet-loss", with: about });
    many(20);
    expect(upTo(20).filter((n) => !numbers().includes(n))).toEqual(lost);
  });

  test("each stream has a pattern of its own", () => {
    const { send, numbers } = setUp({ name: "packet-loss", with: { pattern: "001" } });
    for (let n = 0; n < 3; n++) for (const stream of ["1", "2"]) send({ stream });
    expect(numbers()).toEqual([1, 2, 3, 4]);
  });

  /** How long the rows of lost packets are. */
  function runsOf(numbers: readonly number[], count: number): number[] {
    const passed = new Set(numbers);
    const text = upTo(count).map((n) => (passed.has(n) ? " " : "x"));
    return (text.join("").match(/x+/g) ?? []).map(({ length }) => length);
  }

  test.each([
    [{ ratio: 0.1 }, 1 / 0.9],
    [{ ratio: 0.1, burstLength: 5 }, 5],
    [{ ratio: 0.5, burstLength: 20 }, 20],
  ])("%j: so much is lost, in rows of %d on average, the same again with the same seed", (about, mean) => {
    const count = 100_000;
    const runs = [1, 1, 2].map((seed) => {
      const { many, numbers } = setUp({ name: "packet-loss", with: about }, seed);
      many(count);
      return numbers();
    });
    const [one, again, other] = runs as [number[], number[], number[]];
    expect(one).toEqual(again);
    expect(one).not.toEqual(other);
    const rows = runsOf(one, count);
    expect((count - one.length) / count / about.ratio).toBeCloseTo(1, 1);
    expect((count - one.length) / rows.length / mean).toBeCloseTo(1, 1);
  });

  test.each([
    [{ pattern: "" }, '"with.pattern" is "". It takes ones and zeros, a one at least'],
    [{ pattern: "0000" }, '"0001" loses every fourth packet.'],
    [{ pattern: "1", ratio: 0.1 }, 'It takes a "pattern" or a "ratio", not both.'],
    [{ burstLength: 3 }, 'With a "burstLength" it takes a "ratio" as well'],
    [{ ratio: 0.9, burstLength: 3 }, "the ratio is n / (n + 1) at most."],
    [{ ratio: 1, burstLength: 1000 }, "the ratio is n / (n + 1) at most."],
  ])("%j is refused", (about, sentence) => {
    expect(() => setUp({ name: "packet-loss", with: about })).toThrow(sentence);
  });
});

describe("jitter", () => {
  test.each([true, false])("keepOrder: %s", (keepOrder) => {
    const { clock, many, out, numbers } = setUp({ name: "jitter", with: { maxMs: 40, keepOrder } });
    for (let n = 0; n < 50; n++) {
      many(1);
      clock.advance(4);
    }
    clock.advance(40);
    const late = out.map(({ n, atMs }) => atMs - (n - 1) * 4);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThan(40);
    expect(new Set(late.map(Math.round)).size).toBeGreaterThan(10);
    expect(numbers().toSorted((a, b) => a - b)).toEqual(upTo(50));
    if (keepOrder) expect(numbers()).toEqual(upTo(50));
    else expect(numbers()).not.toEqual(upTo(50));
    expect(clock.pendingCount).toBe(0);
  });

  test.each(["heal", "end"] as const)("%s: what is held comes at once, or never", (how) => {
    const { clock, plan, many, numbers } = setUp({ name: "jitter" });
    many(20);
    expect(numbers()).toEqual([]);
    if (how === "heal") plan.heal("f1");
    else plan.end();
    const expected = how === "heal" ? upTo(20) : [];
    expect(numbers()).toEqual(expected);
    clock.advance(1000);
    expect([numbers(), clock.pendingCount]).toEqual([expected, 0]);
  });
});

describe("rate-cap", () => {
  const narrow: Declaration = { name: "rate-cap", with: { kilobitsPerSecond: 100, queueMsMax: 50 } };

  test("each packet takes its time, and who would wait too long is lost", () => {
    const { clock, many, out } = setUp(narrow);
    many(10);
    expect(out).toEqual([]);
    clock.advance(25);
    many(10);
    clock.advance(1000);
    // A kilobit every 10 ms: five wait behind the first, and by 25 ms two have gone and the third has half its way.
    const expected = [1, 2, 3, 4, 5, 6, 11, 12].map((n, index) => ({ n, atMs: 10 * (index + 1) }));
    expect(out).toEqual(expected);
    expect(clock.pendingCount).toBe(0);
  });

  test("a link that was idle owes nothing", () => {
    const { clock, many, out } = setUp(narrow);
    clock.advance(10_000);
    many(2);
    clock.advance(20);
    expect(out.map(({ atMs }) => atMs)).toEqual([10_010, 10_020]);
  });

  test("on ice all streams share one link, and directions don't", () => {
    const { clock, send, out } = setUp({ ...narrow, channel: "ice", direction: "both" });
    for (const direction of ["to-client", "to-server"] as const) {
      send({ direction, kind: "stun" }, "ice");
      send({ direction, kind: "srtp" }, "ice");
    }
    clock.advance(100);
    expect(out.map(({ n, atMs }) => `${n} ${atMs}`)).toEqual(["1 10", "3 10", "2 20", "4 20"]);
  });

  test("healed, it gives out what waits", () => {
    const { clock, plan, many, numbers } = setUp(narrow);
    many(10);
    plan.heal("f1");
    expect([numbers(), clock.pendingCount]).toEqual([upTo(6), 0]);
  });
});

describe("a WebRTC client", () => {
  const clip = readClip("vp8-180p15");
  const clock = manualClock();
  const seen: { kind: string; sequenceNumber: number; ssrc: number }[] = [];
  const { wake, until } = createWaiters();
  let server: MockServer;
  let session: Session;
  let control: SocketClient;
  let media: MediaClient;
  /** Sounds and pictures sent so far. */
  let sounds = 0;
  let pictures = 0;

  beforeAll(async () => {
    server = await startServer({ port: 0, mode: "relay" }, clock);
    const next = server.nextSession();
    control = await openSocket(server.realtimeUrl);
    session = await next;
    media = createMediaClient(control, { codec: "vp8", audio: true });
    media.pc.onTrack.subscribe(({ kind, onReceiveRtp }) => {
      onReceiveRtp.subscribe(({ header: { sequenceNumber, ssrc } }) => {
        seen.push({ kind, sequenceNumber, ssrc });
        // When the client itself has it, too.
        queueMicrotask(wake);
      });
    });
    await media.negotiate();
    await media.connected();
    await session.until("peer-connected");
    film(1);
    await until(() => media.pictures.length === 1 || undefined);
  });
  afterAll(async () => {
    await media[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    await emptied(server);
    await server.close();
    expect(server.open).toEqual(nothingOpen);
    expect(clock.pendingCount).toBe(0);
    expect(server.journal.lines.filter(({ kind }) => kind === "defect")).toEqual([]);
  });

  /** Opus, which is never decoded here; its second byte numbers it, its length is such that two datagrams are 2.4 kbit. */
  function play(count: number): void {
    for (let n = 0; n < count; n++) {
      media.sendAudio(Buffer.from([0xfc, ++sounds, ...Buffer.alloc(112)]), 960 * sounds);
    }
  }

  /** One packet each after the first, which is a key picture. */
  function film(count: number): void {
    for (let n = 0; n < count; n++) {
      const { data, key } = clip.frames[pictures % 9]!;
      media.sendPicture(data, key, 6000 * pictures++);
    }
  }

  const happens = async (done: () => boolean) => {
    while (!done()) await setImmediate();
  };

  /** Declares a fault; `did` is what the journal says it did. */
  function add(declaration: Declaration) {
    const [fault] = server.faults.add(declaration, { session: session.id });
    const did = () =>
      server.journal.lines
        .filter(({ fields, session: of }) => fields.fault === fault!.id && of === session.id)
        .map(({ kind }) => kind)
        .filter((kind) => /^fault-(fired|healed)$/.test(kind));
    return { fault: fault!, did };
  }

  type Row = {
    fault: Declaration;
    /** Sounds that are sent, numbered from 1. */
    sent: number;
    /** Meets so many of them. */
    fired: number;
    /** At once. */
    hears?: number[];
    /** Then the clock advances by so much. */
    afterMs?: number;
    hearsLater?: number[];
    /** Then it heals, where it has not yet. */
    atLast?: number[];
  };

  test.each<Row>([
    {
      fault: { name: "packet-loss", with: { pattern: "0001" }, when: { for: { packets: 9 } } },
      sent: 9,
      fired: 2,
      hears: [1, 2, 3, 5, 6, 7, 9],
    },
    {
      fault: { name: "packet-loss", direction: "to-server", with: { pattern: "001" } },
      sent: 7,
      fired: 2,
      hears: [1, 2, 4, 5, 7],
    },
    {
      fault: { name: "packet-loss", with: { ratio: 1 }, only: "video" },
      sent: 3,
      fired: 0,
      hears: [1, 2, 3],
    },
    { fault: { name: "duplicate", channel: "media" }, sent: 2, fired: 2, hears: [1, 1, 2, 2] },
    { fault: { name: "reorder", channel: "media" }, sent: 5, fired: 3, hears: [2, 1, 4, 3], atLast: [5] },
    { fault: { name: "delay", channel: "media" }, sent: 3, fired: 3, afterMs: 1000, hearsLater: [1, 2, 3] },
    { fault: { name: "delay", channel: "media" }, sent: 3, fired: 3, afterMs: 999, atLast: [1, 2, 3] },
    { fault: { name: "jitter", with: { maxMs: 60 } }, sent: 9, fired: 9, afterMs: 60, hearsLater: upTo(9) },
    {
      fault: { name: "jitter", direction: "to-server", with: { maxMs: 60 } },
      sent: 9,
      fired: 9,
      afterMs: 60,
      hearsLater: upTo(9),
    },
    {
      // Of a datagram of some 1.2 kbit three can wait behind the first.
      fault: { name: "rate-cap", with: { kilobitsPerSecond: 100, queueMsMax: 40 } },
      sent: 9,
      fired: 9,
      afterMs: 60,
      hearsLater: [1, 2, 3, 4],
    },
  ])("$fault.name of sound, $sent sent: $fault.with", async (row) => {
    const { fault, did } = add(row.fault);
    const from = seen.length;
    const before = sounds;
    const heard = (count: number) => happens(() => seen.length >= from + count);
    const expected: number[] = [];
    const look = async (more: number[] = []) => {
      expected.push(...more);
      await heard(expected.length);
      const numbers = media.audio.slice(-expected.length).map((payload) => payload[1]! - before);
      expect(expected.length === 0 ? [] : numbers).toEqual(expected);
    };
    play(row.sent);
    await happens(() => fault.fired === row.fired);
    await look(row.hears);
    clock.advance(row.afterMs ?? 0);
    await look(row.hearsLater);
    fault.heal();
    await look(row.atLast);
    expect(did()).toEqual([...(row.fired > 0 ? ["fault-fired"] : []), "fault-healed"]);
    // All is well again, and nothing was left behind to come before it.
    play(2);
    await look([row.sent + 1, row.sent + 2]);
    // What is lost on its way to the client is missing from our numbers; we number what has come to us.
    const numbers = seen.slice(from).map(({ sequenceNumber }) => sequenceNumber);
    const isWhole = new Set(numbers).size === Math.max(...numbers) - Math.min(...numbers) + 1;
    const loses = ["packet-loss", "rate-cap"].includes(row.fault.name) && row.fired > 0;
    expect(isWhole).toBe(!loses || row.fault.direction === "to-server");
  });

  test.each(["to-client", "to-server"] as const)(
    "packet-loss of pictures, %s: what is asked for again may be lost again, and comes in the end",
    async (direction) => {
      const when = { for: { packets: 3 } };
      const { fault, did } = add({
        name: "packet-loss",
        direction,
        only: "video",
        with: { pattern: "101" },
        when,
      });
      const from = media.pictures.length;
      // The first is lost, the second shows the gap; the third past the gate is the first, sent again.
      film(2);
      await media.until(() => media.pictures.length === from + 2);
      expect([fault.fired, did()]).toEqual([2, ["fault-fired", "fault-healed"]]);
      film(1);
      await media.until(() => media.pictures.length === from + 3);
      fault.heal();
    },
  );

  test("ssrc-change: what comes has another SSRC, and its numbers go on; a client that knows no such stream hears nothing until it heals", async () => {
    const onWire: { ssrc: number; sequenceNumber: number }[] = [];
    const { unSubscribe } = media.pc.dtlsTransports[0]!.onRtp.subscribe(({ header }) => onWire.push(header));
    const from = seen.length;
    play(1);
    await happens(() => seen.length === from + 1);
    const { fault, did } = add({ name: "ssrc-change" });
    play(1);
    await happens(() => onWire.length === 2);
    expect(seen).toHaveLength(from + 1);
    fault.heal();
    play(1);
    await happens(() => seen.length === from + 2);
    unSubscribe();
    const [before, after, healed] = onWire;
    expect(after!.ssrc).not.toBe(before!.ssrc);
    expect(after!.sequenceNumber).toBe(before!.sequenceNumber + 1);
    expect(healed).toMatchObject({ ssrc: before!.ssrc, sequenceNumber: before!.sequenceNumber + 2 });
    expect(did()).toEqual(["fault-fired", "fault-healed"]);
  });
});

test("packet-loss of more than can be repaired: the client is asked for a key picture, and pictures go on from there", async () => {
  const clock = manualClock();
  const server = await runServer({ mode: "transcode" }, clock);
  const { frames } = readClip("vp8-180p15");
  // More than a client keeps to send again (werift: 128), behind a first picture that comes whole.
  const lost: Declaration = {
    name: "packet-loss",
    direction: "to-server",
    only: "video",
    with: { ratio: 1 },
    when: { after: { frames: 1 }, for: { packets: 200 } },
  };
  const begun = server.nextSession();
  const control = closeLater(
    await openSocket(server.realtimeUrl, { query: { api_key: writeMockKey(lost) } }),
  );
  const media = closeLater(createMediaClient(control, { codec: "vp8" }));
  await media.negotiate();
  await media.connected();
  await (await begun).until("peer-connected");
  let count = 0;
  const film = (picture: number) => {
    const { data, key } = frames[picture]!;
    media.sendPicture(data, key, 6000 * count++);
  };
  film(0);
  await media.picture(({ input }) => input?.frameId === 0);
  const isNoticed = () =>
    server.journal.lines.some(({ kind, fields }) => kind === "waiting-for-key" && fields.why === "loss");
  const filmUntil = async (done: () => boolean) => {
    while (!done()) {
      media.sendPayload(Buffer.from([0x10, 1]), 6000 * count++);
      // Who has asked a moment ago waits before it asks again.
      clock.advance(10);
      await setImmediate();
    }
  };
  await filmUntil(isNoticed);
  const asked = media.keyRequestCount;
  await filmUntil(() => media.keyRequestCount > asked);
  const kinds = server.journal.lines.filter(({ kind }) => /^fault-(fired|healed)$/.test(kind));
  expect(kinds.map(({ kind }) => kind)).toEqual(["fault-fired", "fault-healed"]);
  const from = media.pictures.length;
  film(0);
  await media.picture(({ input }) => input?.frameId === 0, from);
});
