import { describe, expect, test } from "vitest";
import { movingSquare } from "../fixtures/index.ts";
import { gridLuma } from "./carriers/signature.ts";
import type { ReceivedPicture } from "./generator.ts";
import { decodeHistogram } from "./histogram.ts";
import { createLedger, type Ledger, lossMsMax } from "./ledger.ts";
import type { FrameRow, HistogramName, Measurement } from "./measurement.ts";
import { addMeasurements } from "./merge.ts";
import { createTally, type Tally } from "./tally.ts";

const fps = 25;
const frameMs = 1000 / fps;

type Output = NonNullable<ReceivedPicture["output"]>;

/** What becomes of the picture of this number; the times are relative to its turn. */
type Fate = {
  /** `null`: its turn passed without it. */
  readonly sentLateMs?: number | null;
  /** When it came back; none, and it never did; several, and it came again. */
  readonly backMs?: readonly number[];
  /** Whether anybody can read which it is. */
  readonly isRead?: boolean;
  readonly output?: Partial<Output>;
};

const noOutput = { revision: 0, promptHash: 0, imageHash: 0 };

type Played = {
  readonly count: number;
  readonly fate?: (frame: number) => Fate;
  readonly carrier?: "metadata" | "strip";
  /** What else happens, and when: told between the pictures. */
  readonly also?: readonly { readonly atMs: number; happens(ledger: Ledger): void }[];
  readonly closeMs?: number;
  readonly tally?: Tally;
  /** When its first picture is due. */
  readonly startMs?: number;
  readonly connectMs?: number;
};

/** Plays a history to a ledger, in the order of its times. Every picture comes back after 80 ms, unless its fate is another. */
function play({
  count,
  fate = () => ({}),
  carrier = "strip",
  also = [],
  startMs = 1000,
  closeMs = startMs + count * frameMs,
  tally = createTally({ runStartedMs: 1000 }),
  connectMs = 300,
}: Played) {
  const rows: FrameRow[] = [];
  const ledger = createLedger({
    tally,
    session: "s1",
    fps,
    openedMs: startMs - connectMs,
    row: (row) => rows.push(row),
  });
  const happenings: { atMs: number; run(): void }[] = also.map(({ atMs, happens }) => ({
    atMs,
    run: () => happens(ledger),
  }));
  for (let frame = 0; frame < count; frame++) {
    const dueMs = startMs + frame * frameMs;
    const { sentLateMs = 0, backMs = [80], isRead = true, output } = fate(frame);
    const sentMs = sentLateMs === null ? null : dueMs + sentLateMs;
    happenings.push({ atMs: sentMs ?? dueMs, run: () => ledger.observer.sent({ frame, dueMs, sentMs }) });
    for (const delayMs of sentMs === null ? [] : backMs) {
      const atMs = dueMs + delayMs;
      happenings.push({
        atMs,
        run: () =>
          ledger.observer.received({
            atMs,
            frame: isRead ? frame : null,
            carrier: isRead ? carrier : null,
            output: output ? { ...noOutput, outputCount: frame, ...output } : null,
          }),
      });
    }
  }
  happenings.sort((a, b) => a.atMs - b.atMs);
  ledger.connected(startMs);
  for (const { atMs, run } of happenings) if (atMs <= closeMs) run();
  ledger.close(closeMs);
  return { measurement: tally.measurement(), rows };
}

/** Milliseconds, as they were recorded to the histogram's precision. */
function times({ histograms }: Pick<Measurement, "histograms">, name: HistogramName): number[] {
  return [...decodeHistogram(histograms[name]).buckets()].flatMap(({ low, high, count }) =>
    new Array<number>(count).fill(Math.round((low + high) / 200) / 10),
  );
}

describe("glass to glass", () => {
  test.each([3, 80, 285, 1234])("a delay of %d ms reads as that", (delayMs) => {
    const { measurement } = play({ count: 100, fate: () => ({ backMs: [delayMs] }), closeMs: 7000 });
    expect(times(measurement, "glass-to-glass")).toHaveLength(100);
    expect(Math.abs(times(measurement, "glass-to-glass")[50]! - delayMs)).toBeLessThan(1);
    expect(measurement.counts).toMatchObject({
      "frames-due": 100,
      "frames-sent": 100,
      "frames-late": 0,
      "frames-received": 100,
      "frames-by-strip": 100,
      "frames-unknown": 0,
      "frames-decided": 100,
      "frames-lost": 0,
      "frames-repeated": 0,
    });
  });

  test("is taken from a picture's turn: a generator that stalls hides nothing", () => {
    // Pictures 50 to 59 are sent at once when the tenth is due; each comes back 80 ms after it was sent.
    const lateMs = (frame: number) => (frame >= 50 && frame < 60 ? (59 - frame) * frameMs : 0);
    const { measurement } = play({
      count: 100,
      fate: (frame) => ({ sentLateMs: lateMs(frame), backMs: [lateMs(frame) + 80] }),
      closeMs: 7000,
    });
    expect(times(measurement, "glass-to-glass").slice(-9)).toEqual(
      [120, 160, 200, 240, 280, 320, 360, 400, 440].map((ms) => expect.closeTo(ms, 0)),
    );
    // One picture's time late is not yet more than that.
    expect(measurement.counts["frames-late"]).toBe(8);
  });

  test("a picture that was never sent is due, not sent, and no loss of the target's", () => {
    const { measurement, rows } = play({
      count: 100,
      fate: (frame) => (frame % 10 === 5 ? { sentLateMs: null } : {}),
      closeMs: 7000,
    });
    expect(measurement.counts).toMatchObject({
      "frames-due": 100,
      "frames-sent": 90,
      "frames-decided": 90,
      "frames-lost": 0,
    });
    expect(rows[5]).toMatchObject({ frame: 5, sentMs: null, receivedMs: null, carrier: null });
  });

  test("a turn without a connection is lost for a viewer, and nothing that the generator did not send", () => {
    const lost = {
      atMs: 1000 + 40 * frameMs - 1,
      happens: ({ observer }: Ledger) => observer.lost(2599, "gone"),
    };
    const back = {
      atMs: 1000 + 60 * frameMs - 1,
      happens: ({ observer }: Ledger) => observer.recovered(3399),
    };
    // 30 is the generator's own, and so is 70, after the way back.
    const isUnsent = (frame: number) => frame === 30 || (frame >= 40 && frame < 60) || frame === 70;
    const { measurement } = play({
      count: 100,
      fate: (frame) => (isUnsent(frame) ? { sentLateMs: null } : {}),
      also: [lost, back],
      closeMs: 7000,
    });
    expect(measurement.counts).toMatchObject({
      "frames-due": 100,
      "frames-sent": 78,
      "frames-off-air": 20,
      "frames-decided": 98,
      "frames-lost": 20,
    });
    expect(times(measurement, "reconnect")).toEqual([expect.closeTo(881, 0)]);
  });

  test("of which second it is, is when the picture came", () => {
    const { measurement } = play({ count: 50, fate: (frame) => ({ backMs: [frame < 25 ? 80 : 200] }) });
    expect(
      measurement.seconds.map(({ second, sessions, framesReceived, glassToGlass }) => ({
        second,
        sessions,
        framesReceived,
        counted: decodeHistogram(glassToGlass).count,
      })),
    ).toEqual([
      { second: 0, sessions: 1, framesReceived: 23, counted: 23 },
      { second: 1, sessions: 1, framesReceived: 22, counted: 22 },
      // Where it closed.
      { second: 2, sessions: 0, framesReceived: 1, counted: 1 },
    ]);
  });
});

describe("losses", () => {
  test.each([
    ["every tenth", 200, (frame: number) => frame % 10 === 3, 20],
    ["a burst", 200, (frame: number) => frame >= 60 && frame < 95, 35],
    ["all after the first", 200, (frame: number) => frame > 0, 199],
    ["none", 200, () => false, 0],
  ])("%s counts exactly", (_, count, isLost, lostCount) => {
    const { measurement, rows } = play({
      count,
      fate: (frame) => (isLost(frame) ? { backMs: [] } : {}),
      closeMs: 1000 + count * frameMs + 1000,
    });
    expect(measurement.counts).toMatchObject({
      "frames-decided": count,
      "frames-lost": lostCount,
      "frames-received": count - lostCount,
    });
    const lostBySecond = measurement.seconds.map(({ framesLost }) => framesLost);
    expect(lostBySecond.reduce((sum, lost) => sum + lost, 0)).toBe(lostCount);
    expect(rows.filter(({ receivedMs }) => receivedMs === null)).toHaveLength(lostCount);
    expect(rows.map(({ frame }) => frame)).toEqual(Array.from({ length: count }, (_, frame) => frame));
  });

  test("are in the second of their turn", () => {
    const { measurement } = play({
      count: 75,
      fate: (frame) => (frame >= 30 && frame < 37 ? { backMs: [] } : {}),
    });
    expect(measurement.seconds.map(({ framesLost }) => framesLost)).toEqual([0, 7, 0, 0]);
    expect(measurement.seconds[1]!.framesDecided).toBe(25);
  });

  test("a picture that comes after five seconds is lost, and one that comes just before is late", () => {
    const delayedBy = (ms: number) =>
      play({ count: 300, fate: (frame) => (frame === 20 ? { backMs: [ms] } : {}), closeMs: 14_000 })
        .measurement;
    expect(delayedBy(lossMsMax + 50).counts["frames-lost"]).toBe(1);
    expect(delayedBy(lossMsMax + 50).counts["frames-received"]).toBe(300);
    expect(delayedBy(lossMsMax - 50).counts["frames-lost"]).toBe(0);
    expect(times(delayedBy(lossMsMax - 50), "glass-to-glass").at(-1)).toBeCloseTo(4950, -1);
  });

  test("what is under way at the end is undecided, and what was overtaken is lost", () => {
    const { measurement } = play({
      count: 100,
      // Slow enough that more are under way than come in half a second.
      fate: (frame) => (frame === 67 ? { backMs: [] } : { backMs: [1200] }),
      closeMs: 1000 + 99 * frameMs + 10,
    });
    expect(measurement.counts).toMatchObject({ "frames-due": 100, "frames-decided": 70, "frames-lost": 1 });
  });

  test("pictures from before the first that comes back are start-up", () => {
    const { measurement } = play({ count: 200, fate: (frame) => (frame < 12 ? { backMs: [] } : {}) });
    expect(measurement.counts["frames-lost"]).toBe(0);
    expect(measurement.counts["frames-decided"]).toBe(200 - 12 - 1);
  });

  test("where none ever comes back, all are lost, long and short", () => {
    const lostIn = (count: number) => play({ count, fate: () => ({ backMs: [] }) }).measurement;
    // Those of the last half second are undecided.
    expect(lostIn(400).counts["frames-lost"]).toBe(400 - 12);
    expect(lostIn(50).counts["frames-lost"]).toBe(50 - 12);
    expect(times(lostIn(50), "time-to-first-frame")).toEqual([]);
    for (const { seconds, counts } of [lostIn(400), lostIn(50)]) {
      expect(seconds.reduce((sum, { framesLost }) => sum + framesLost, 0)).toBe(counts["frames-lost"]);
    }
  });

  test("a picture that came unreadable is no loss", () => {
    const { measurement } = play({
      count: 300,
      fate: (frame) => (frame % 20 === 7 ? { isRead: false } : frame % 20 === 13 ? { backMs: [] } : {}),
      closeMs: 20_000,
    });
    expect(measurement.counts).toMatchObject({
      "frames-unknown": 15,
      "frames-lost": 15,
      "frames-decided": 300,
    });
  });

  test("where no picture can be told apart, nobody says that one is lost, or late", () => {
    const { measurement } = play({
      count: 300,
      fate: (frame) => (frame % 3 === 0 ? { backMs: [] } : { isRead: false }),
      closeMs: 20_000,
    });
    expect(measurement.counts).toMatchObject({
      "frames-unknown": 200,
      "frames-decided": 0,
      "frames-lost": 0,
    });
    expect(measurement.histograms["glass-to-glass"]).toBe("");
    expect(times(measurement, "frame-gap")).toHaveLength(199);
  });

  test("a number that was never sent is misread", () => {
    const tally = createTally({ runStartedMs: 0 });
    const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
    ledger.connected(0);
    ledger.observer.sent({ frame: 0, dueMs: 0, sentMs: 0 });
    ledger.observer.sent({ frame: 1, dueMs: 40, sentMs: null });
    ledger.observer.sent({ frame: 2, dueMs: 80, sentMs: 80 });
    for (const frame of [77_777, 1]) {
      ledger.observer.received({ atMs: 90, frame, carrier: "strip", output: null });
    }
    expect(tally.measurement().counts).toMatchObject({ "frames-unknown": 2, "frames-by-strip": 0 });
  });
});

describe("repeats", () => {
  test.each<[string, (frame: number) => Fate]>([
    ["by source number", (frame) => (frame % 10 === 4 ? { backMs: [80, 100] } : {})],
    [
      "by output counter",
      (frame) => ({ backMs: [80], output: { outputCount: frame - (frame % 10 === 4 ? 1 : 0) } }),
    ],
  ])("%s are counted, and end no gap", (_, fate) => {
    const { measurement } = play({ count: 100, fate, closeMs: 7000 });
    expect(measurement.counts["frames-repeated"]).toBe(10);
    expect(times(measurement, "frame-gap").every((gap) => gap > 39)).toBe(true);
  });

  test("a server that shows one picture for eight seconds is frozen, though pictures come", () => {
    const tally = createTally({ runStartedMs: 0 });
    const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
    ledger.connected(0);
    for (let frame = 0; frame < 400; frame++) {
      const dueMs = frame * frameMs;
      ledger.observer.sent({ frame, dueMs, sentMs: dueMs });
      const shown = frame >= 100 && frame < 300 ? 100 : frame;
      ledger.observer.received({ atMs: dueMs, frame: shown, carrier: "metadata", output: null });
    }
    const { counts } = tally.measurement();
    expect(counts).toMatchObject({ "frames-repeated": 199, freezes: 1, "freeze-microseconds": 8_000_000 });
  });
});

describe("gaps and freezes", () => {
  /** Nothing comes for `frozenMs`, then goes on as if nothing had been. */
  const freeze = (frozenMs: number) => (frame: number) =>
    frame >= 100 && frame < 100 + frozenMs / frameMs ? { backMs: [] } : {};

  test("a freeze of 500 ms is one freeze of that size", () => {
    const { measurement } = play({
      count: 200,
      fate: (frame) =>
        frame >= 100 && frame < 111 ? { backMs: [] } : { backMs: [frame === 111 ? 100 : 80] },
    });
    expect(measurement.counts).toMatchObject({ freezes: 1, "freeze-microseconds": 500_000 });
    expect(times(measurement, "frame-gap").at(-1)).toBeCloseTo(500, 0);
  });

  test.each([
    // Beyond the average by 150 ms: 190.
    [160, 0],
    [200, 1],
  ])("a gap of %d ms is %d freezes", (gapMs, freezes) => {
    const { measurement } = play({ count: 200, fate: freeze(gapMs - frameMs) });
    expect(measurement.counts.freezes).toBe(freezes);
    if (freezes) expect(measurement.counts["freeze-microseconds"]).toBe(gapMs * 1000);
  });

  test("what comes steadily and slowly is no freeze", () => {
    const { measurement } = play({ count: 1000, fate: (frame) => (frame % 5 === 0 ? {} : { backMs: [] }) });
    // Until the average has followed.
    expect(measurement.counts.freezes).toBeLessThan(10);
  });

  test("a stream that stops for good is frozen until the end", () => {
    const { measurement } = play({ count: 150, fate: (frame) => (frame >= 50 ? { backMs: [] } : {}) });
    expect(measurement.counts).toMatchObject({ freezes: 1, "freeze-microseconds": 3_960_000 });
  });
});

describe("fps", () => {
  test("counts whole seconds, without those at the edges", () => {
    const { measurement } = play({ count: 125, startMs: 1400 });
    expect(times(measurement, "fps")).toEqual([25, 25, 25, 25]);
  });

  test.each([
    ["half of the pictures", (frame: number) => (frame % 2 ? { backMs: [] } : {}), [12, 12, 13, 13]],
    [
      "nothing in one second",
      (frame: number) => (frame >= 50 && frame < 75 ? { backMs: [] } : {}),
      [2, 23, 25, 25],
    ],
    ["every picture twice", () => ({ backMs: [80, 90] }), [25, 25, 25, 25]],
  ])("%s", (_, fate, expected) => {
    const { measurement } = play({ count: 125, fate });
    expect(times(measurement, "fps")).toEqual(expected);
  });

  test("a stream that stops, and one that never came, are at none", () => {
    expect(
      times(play({ count: 125, fate: (frame) => (frame >= 50 ? { backMs: [] } : {}) }).measurement, "fps"),
    ).toEqual([0, 0, 2, 25]);
    expect(times(play({ count: 125, fate: () => ({ backMs: [] }) }).measurement, "fps")).toEqual([
      0, 0, 0, 0,
    ]);
  });
});

test("connecting and the first picture are timed from the call, the one in whichever order they are told", () => {
  const { measurement } = play({ count: 50, startMs: 2000, connectMs: 300 });
  expect(times(measurement, "connect")).toEqual([expect.closeTo(300, 0)]);
  expect(times(measurement, "time-to-first-frame")).toEqual([expect.closeTo(380, 0)]);

  const tally = createTally({ runStartedMs: 0 });
  const { observer, connected } = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
  observer.received({ atMs: 900, frame: null, carrier: null, output: null });
  connected(950, 500);
  expect(times(tally.measurement(), "time-to-first-frame")).toEqual([expect.closeTo(400, 0)]);
});

type Moment =
  | { readonly call: string; readonly prompt?: number; readonly image?: number }
  | { readonly ack: string }
  | { readonly fail: string }
  /** What a picture's strip says: its revision, prompt, image. */
  | { readonly show: readonly [revision: number, prompt: number, image?: number] | null }
  | { readonly lost: true }
  | { readonly recovered: true };

/** Moments ten milliseconds apart; sets are named. */
function live(moments: readonly Moment[]): Measurement {
  const tally = createTally({ runStartedMs: 0 });
  const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
  ledger.connected(0);
  const sets = new Map<string, { calledMs: number; set: ReturnType<Ledger["set"]> }>();
  for (const [index, moment] of moments.entries()) {
    const atMs = 1000 + index * 10;
    if ("call" in moment) {
      const { call, prompt = null, image = null } = moment;
      sets.set(call, {
        calledMs: atMs,
        set: ledger.set({ calledMs: atMs, promptHash: prompt, imageHash: image }),
      });
    } else if ("ack" in moment) {
      const { calledMs, set } = sets.get(moment.ack)!;
      set.acked(calledMs, atMs);
    } else if ("fail" in moment) sets.get(moment.fail)!.set.failed();
    else if ("lost" in moment) ledger.observer.lost(atMs, "cut");
    else if ("recovered" in moment) ledger.observer.recovered(atMs);
    else {
      const [revision, promptHash, imageHash = 0] = moment.show ?? [];
      ledger.observer.received({
        atMs,
        frame: null,
        carrier: null,
        output:
          revision === undefined
            ? null
            : { revision, promptHash: promptHash!, imageHash, outputCount: index },
      });
    }
  }
  ledger.close(1000 + moments.length * 10);
  return tally.measurement();
}

const [A, B] = [17, 4242];

describe("sets", () => {
  test.each<[string, readonly Moment[], number[]]>([
    ["ack, then picture", [{ call: "1", prompt: A }, { ack: "1" }, { show: [0, 0] }, { show: [1, A] }], [30]],
    ["picture, then ack", [{ show: [0, 0] }, { call: "1", prompt: A }, { show: [1, A] }, { ack: "1" }], [10]],
    [
      "the first picture counts",
      [{ call: "1", prompt: A }, { ack: "1" }, { show: [1, A] }, { show: [1, A] }],
      [20],
    ],
    [
      "a picture of before shows the same prompt",
      [{ show: [4, A] }, { call: "1", prompt: A }, { ack: "1" }, { show: [4, A] }, { show: [5, A] }],
      [30],
    ],
    [
      "an image alone",
      [{ call: "1", image: B }, { ack: "1" }, { show: [1, A, 0] }, { show: [2, A, B] }],
      [30],
    ],
    [
      "prompt and image must both be there",
      [{ call: "1", prompt: A, image: B }, { ack: "1" }, { show: [1, A, 9] }, { show: [1, A, B] }],
      [30],
    ],
    [
      "two in flight, one after the other",
      [
        { show: [0, 0] },
        { call: "1", prompt: A },
        { call: "2", prompt: B },
        { ack: "1" },
        { ack: "2" },
        { show: [1, A] },
        { show: [2, B] },
      ],
      [40, 40],
    ],
    [
      "one that was overtaken is seen with the one that overtook it",
      [{ call: "1", prompt: A }, { call: "2", prompt: B }, { ack: "1" }, { ack: "2" }, { show: [2, B] }],
      [40, 30],
    ],
    [
      "there and back: the first picture is the first set's",
      [
        { show: [0, 0] },
        { call: "1", prompt: A },
        { call: "2", prompt: B },
        { call: "3", prompt: A },
        { ack: "1" },
        { ack: "2" },
        { ack: "3" },
        { show: [1, A] },
        { show: [2, B] },
        { show: [3, A] },
      ],
      [60, 60, 60],
    ],
    [
      "there and back within one picture: so many revisions say that all were taken",
      [
        { show: [0, 0] },
        { call: "1", prompt: A },
        { call: "2", prompt: B },
        { call: "3", prompt: A },
        { ack: "1" },
        { ack: "2" },
        { ack: "3" },
        { show: [3, A] },
      ],
      [60, 50, 40],
    ],
    [
      "a server that enhances prompts shows none of them, but its revisions",
      [{ show: [0, 0] }, { call: "1", prompt: A }, { ack: "1" }, { show: [0, 0] }, { show: [1, 999] }],
      [30],
    ],
    [
      "revisions go round",
      [{ show: [4095, 0] }, { call: "1", prompt: A }, { ack: "1" }, { show: [0, A] }],
      [20],
    ],
    [
      "who comes back counts from 0",
      [
        { show: [7, B] },
        { call: "1", prompt: A },
        { ack: "1" },
        { lost: true },
        { recovered: true },
        { show: [1, A] },
      ],
      [40],
    ],
    [
      "one that is called after the way back",
      [
        { show: [7, B] },
        { lost: true },
        { recovered: true },
        { call: "1", prompt: A },
        { ack: "1" },
        { show: [1, A] },
      ],
      [20],
    ],
    ["no strip, no answer", [{ call: "1", prompt: A }, { ack: "1" }, { show: null }], []],
    ["a refused set is never seen", [{ call: "1", prompt: A }, { fail: "1" }, { show: [1, A] }], []],
    [
      "nor does it hold up the next",
      [
        { show: [0, 0] },
        { call: "1", prompt: A },
        { fail: "1" },
        { call: "2", prompt: B },
        { ack: "2" },
        { show: [1, B] },
      ],
      [20],
    ],
  ])("%s", (_, moments, visibleMs) => {
    const measurement = live(moments);
    expect(times(measurement, "set-to-visible")).toEqual(
      visibleMs.toSorted((a, b) => a - b).map((ms) => expect.closeTo(ms, 0)),
    );
    const counted = (kind: "call" | "ack" | "fail") => moments.filter((moment) => kind in moment).length;
    expect(measurement.counts).toMatchObject({
      "sets-called": counted("call"),
      "sets-acked": counted("ack"),
      "sets-failed": counted("fail"),
      "sets-visible": visibleMs.length,
    });
  });

  test("a stalled ack is as late as it was", () => {
    const stalled = [{ call: "1" }, ...new Array<Moment>(50).fill({ show: null }), { ack: "1" }] as const;
    expect(times(live(stalled), "set-to-ack")).toEqual([expect.closeTo(510, 0)]);
  });

  test.each([
    // The slowest ack took 400 ms, and the grace is 500.
    ["acks that stop", 400, [5000, 9000, 9099, 9101, 9900], 3],
    ["no ack at all", null, [5000, 7999, 8001, 9900], 2],
  ])(
    "%s: what waited too long for one has failed, the rest is undecided",
    (_, ackMs, calledMs, failedCount) => {
      const tally = createTally({ runStartedMs: 0 });
      const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
      ledger.connected(0);
      const call = (calledMs: number) => ledger.set({ calledMs, promptHash: A, imageHash: null });
      if (ackMs !== null) call(1000).acked(1000, 1000 + ackMs);
      const called = calledMs.map(call);
      ledger.close(10_000);
      // Whoever is told afterwards changes nothing.
      for (const set of called) set.failed();
      called[0]!.acked(5000, 10_010);
      expect(tally.measurement().counts).toMatchObject({
        "sets-acked": ackMs === null ? 0 : 1,
        "sets-failed": failedCount,
      });
    },
  );

  test("of a hundred that are never seen the last are waited for", () => {
    const called = Array.from({ length: 100 }, (_, index): Moment => ({ call: `${index}`, prompt: A }));
    const acked = Array.from({ length: 100 }, (_, index): Moment => ({ ack: `${index}` }));
    const { counts } = live([
      ...called,
      ...acked,
      { call: "x", prompt: B },
      { ack: "x" },
      { show: [200, B] },
    ]);
    expect(counts["sets-visible"]).toBe(64);
  });

  test("a picture from before the call, as the client tells it, does not show it", () => {
    const tally = createTally({ runStartedMs: 0 });
    const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
    const set = ledger.set({ calledMs: 1000, promptHash: A, imageHash: null });
    const output = { revision: 1, promptHash: A, imageHash: 0, outputCount: 1 };
    ledger.observer.received({ atMs: 1010, frame: null, carrier: null, output });
    set.acked(1020, 1030);
    expect(tally.measurement().counts).toMatchObject({ "sets-acked": 1, "sets-visible": 0 });
  });
});

describe("reconnects", () => {
  test("are timed from the loss to the first picture after the way back", () => {
    const measurement = live([
      { show: null },
      { lost: true },
      // It was under way.
      { show: null },
      // Told again, while it is still away.
      { lost: true },
      { recovered: true },
      { show: null },
      { show: null },
    ]);
    expect(times(measurement, "reconnect")).toEqual([expect.closeTo(40, 0)]);
    expect(measurement.counts.reconnects).toBe(1);
  });

  test("one that never succeeds has no time", () => {
    const measurement = live([{ show: null }, { lost: true }, { show: null }]);
    expect(measurement.histograms.reconnect).toBe("");
    expect(measurement.counts.reconnects).toBe(0);
  });
});

test("a session that ends by itself counts to there, and its close no more", () => {
  const { measurement } = play({
    count: 200,
    also: [{ atMs: 5000, happens: ({ observer }) => observer.ended(5000, "limit") }],
  });
  expect(measurement.counts).toMatchObject({
    "sessions-due": 1,
    "sessions-connected": 1,
    "sessions-ended": 1,
    "frames-due": 100,
    "frames-lost": 0,
  });
  expect(measurement.seconds.map(({ sessions }) => sessions)).toEqual([1, 1, 1, 1, 0]);
});

test("a session that fails to open leaves a failure and nothing else", () => {
  const tally = createTally({ runStartedMs: 0 });
  const ledger = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
  ledger.failed();
  ledger.observer.sent({ frame: 0, dueMs: 0, sentMs: 0 });
  ledger.close(9000);
  const { counts, seconds } = tally.measurement();
  expect(Object.entries(counts).filter(([, count]) => count > 0)).toEqual([
    ["sessions-due", 1],
    ["sessions-failed", 1],
  ]);
  expect(seconds).toEqual([]);
});

test("rows tell each source picture's fate while the session goes on", () => {
  const { rows } = play({
    count: 300,
    carrier: "metadata",
    fate: (frame) => (frame === 3 ? { backMs: [] } : { output: { revision: frame > 2 ? 5 : 4 } }),
    closeMs: 10_000,
  });
  expect(rows.slice(2, 5)).toEqual([
    {
      session: "s1",
      frame: 2,
      dueMs: 1080,
      sentMs: 1080,
      receivedMs: 1160,
      revision: 4,
      carrier: "metadata",
    },
    { session: "s1", frame: 3, dueMs: 1120, sentMs: 1120, receivedMs: null, revision: null, carrier: null },
    {
      session: "s1",
      frame: 4,
      dueMs: 1160,
      sentMs: 1160,
      receivedMs: 1240,
      revision: 5,
      carrier: "metadata",
    },
  ]);
  let toldCount = 0;
  const ledger = createLedger({
    tally: createTally({ runStartedMs: 0 }),
    session: "s1",
    fps,
    openedMs: 0,
    row: () => toldCount++,
  });
  for (let frame = 0; frame < 1000; frame++) {
    ledger.observer.sent({ frame, dueMs: frame * frameMs, sentMs: frame * frameMs });
    // Nothing older than five seconds is kept.
    expect(frame - toldCount).toBeLessThanOrEqual(lossMsMax / frameMs);
  }
});

test("two shards come to what one run is, bucket by bucket", () => {
  const histories: Played[] = [
    { count: 400, fate: (frame) => ({ backMs: [60 + ((frame * 37) % 90)] }) },
    { count: 300, startMs: 3300, fate: (frame) => (frame % 9 === 4 ? { backMs: [] } : { backMs: [85] }) },
    { count: 10, startMs: 2100, connectMs: 700, fate: () => ({ backMs: [2500] }), closeMs: 9000 },
    {
      count: 500,
      startMs: 1200,
      fate: (frame) => (frame % 7 === 4 ? { isRead: false } : {}),
      closeMs: 16_000,
    },
  ];
  const playAll = (shard: readonly Played[]) => {
    const tally = createTally({ runStartedMs: 1000 });
    for (const history of shard) play({ ...history, tally });
    return tally.measurement();
  };
  const whole = playAll(histories);
  const shards = [histories.filter((_, index) => index % 2 === 0), histories.filter((_, index) => index % 2)];
  expect(addMeasurements(shards.map(playAll))).toEqual(whole);
  expect(addMeasurements(histories.map((one) => playAll([one])).reverse())).toEqual(whole);
  expect(whole.counts["frames-decided"]).toBeGreaterThan(1000);
  expect(addMeasurements([])).toEqual(createTally({ runStartedMs: 0 }).measurement());
});

describe("where only the light tells", () => {
  /** Eighteen seconds, in which some pictures can be read. */
  function watch(isRead: (shown: number) => boolean): Measurement {
    const tally = createTally({ runStartedMs: 0 });
    const { observer, close } = createLedger({ tally, session: "s1", fps, openedMs: 0, row: null });
    const grids = Array.from({ length: 18 * fps }, (_, frame) => gridLuma(movingSquare(frame, 160, 90)));
    for (const [frame, luma] of grids.entries()) {
      const dueMs = frame * frameMs;
      observer.sent({ frame, dueMs, sentMs: dueMs, luma });
      const shown = frame - 5;
      if (shown < 0) continue;
      // Five pictures, and 10 ms.
      const told = isRead(shown)
        ? ({ frame: shown, carrier: "strip" } as const)
        : { frame: null, carrier: null };
      observer.received({ atMs: dueMs + 10, ...told, output: null, luma: grids[shown]! });
    }
    close(18_000);
    return tally.measurement();
  }

  test("its delay is read a window at a time", () => {
    const measurement = watch(() => false);
    expect(measurement.counts).toMatchObject({ "signatures-found": 2, "signatures-refused": 0 });
    for (const delayMs of times(measurement, "signature-delay")) {
      expect(Math.abs(delayMs - 210)).toBeLessThan(5);
    }
    expect(measurement.histograms["glass-to-glass"]).toBe("");
  });

  test("and of a model that begins to repaint, from a second later on", () => {
    expect(watch((shown) => shown < 3).counts).toMatchObject({
      "signatures-found": 2,
      "signatures-refused": 0,
    });
    expect(watch((shown) => shown < 6 * fps).counts).toMatchObject({ "signatures-found": 1 });
  });

  test("and not where pictures are told now and then", () => {
    expect(watch((shown) => shown % fps === 0).counts).toMatchObject({
      "signatures-found": 0,
      "signatures-refused": 0,
    });
  });
});
