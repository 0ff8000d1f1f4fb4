/** A session whose connections are made up: when it tries again, when it stops, and what it counts. Time goes as far as a test says. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Clip } from "../../../fixtures/index.ts";
import type { SessionAbout, TransportStats } from "../../generator.ts";
import { steppedClock } from "./_stepped-clock.ts";
import type { Connection, ConnectionAbout } from "./connection.ts";
import { openSession } from "./session.ts";

/** Of 10 pictures a second. Nothing decodes them. */
const clip: Clip = {
  codec: "vp8",
  width: 320,
  height: 180,
  fps: 10,
  frames: [0, 1, 2, 3, 4].map((index) => ({
    data: Uint8Array.of(index === 0 ? 0 : 1, index),
    key: index === 0,
  })),
};
const stats: TransportStats = {
  roundTripMs: 20,
  jitterMs: 1,
  packetsReceived: 100,
  packetsLost: 2,
  keyRequests: 1,
};

/** `answers`: what becomes of each attempt, in turn; the last for all that follow. `null`: it stands. */
async function setUp(answers: readonly (string | null)[], connectMs = 0) {
  const time = steppedClock();
  const attemptsMs: number[] = [];
  const events: string[] = [];
  const frames: (number | null)[] = [];
  let current: ConnectionAbout | null = null;
  let closedCount = 0;

  async function connect(about: ConnectionAbout): Promise<Connection> {
    const failure = answers[Math.min(attemptsMs.length, answers.length - 1)]!;
    attemptsMs.push(time.clock.now());
    if (failure !== null) throw new Error(failure);
    time.advance(connectMs);
    current = about;
    let sequenceNumber = 0;
    const peer: Partial<Connection["peer"]> = {
      // What is sent comes back at once.
      send(payloads, timestamp) {
        for (const [index, payload] of payloads.entries()) {
          const marker = index === payloads.length - 1;
          const receivedMs = time.clock.now();
          about.packet({ sequenceNumber: sequenceNumber++, timestamp, marker, payload, receivedMs });
        }
      },
      requestKey() {},
      stats: async () => stats,
    };
    return {
      id: `session ${attemptsMs.length}`,
      peer: peer as Connection["peer"],
      carriesTrailers: true,
      change: async () => time.clock.now(),
      async close() {
        closedCount++;
      },
    };
  }

  const session = await openSession({
    about: {} as SessionAbout,
    observer: {
      sent() {},
      received: ({ frame, carrier }) => void (carrier === "metadata" && frames.push(frame)),
      lost: (atMs, why) => void events.push(`${atMs} lost: ${why}`),
      recovered: (atMs) => void events.push(`${atMs} recovered`),
      ended: (atMs, why) => void events.push(`${atMs} ended: ${why}`),
    },
    clip,
    grids: null,
    clock: time.clock,
    connect,
    readers: null,
    app: new AbortController(),
    closed() {},
  });
  onTestFinished(() => session.close());
  return {
    session,
    attemptsMs,
    events,
    frames,
    lose: (why: string, isFinal = false) => current!.lost(why, isFinal),
    get closedCount() {
      return closedCount;
    },
    get timerCount() {
      return time.timerCount;
    },
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 100) {
        await new Promise(setImmediate);
        time.advance(100);
      }
      await new Promise(setImmediate);
    },
  };
}

test("a session tells when its connection was asked for, and when it stood", async () => {
  const { session } = await setUp([null], 300);
  expect(session.connected).toEqual({ calledMs: 0, connectedMs: 300 });
});

describe("a session that is lost", () => {
  test("tries at once and then after longer and longer pauses, six times in all", async () => {
    const { attemptsMs, events, lose, pass } = await setUp([null, "busy"]);
    await pass(20_000);
    lose("gone");
    await pass(60_000);
    expect(attemptsMs.map((ms) => ms - 20_000)).toEqual([-20_000, 0, 1000, 3000, 7000, 15_000, 25_000]);
    expect(events).toEqual(["20000 lost: gone", "45000 ended: busy"]);
  });

  test("goes on where it was with the first that stands", async () => {
    const { session, events, frames, lose, pass } = await setUp([null, "busy", null]);
    await pass(20_000);
    lose("gone");
    await pass(2000);
    expect(events).toEqual(["20000 lost: gone", "21000 recovered"]);
    expect(session.id).toBe("session 3");
    // Turns 201 to 210 passed without a connection.
    expect(frames.slice(198, 203)).toEqual([198, 199, 200, 211, 212]);
  });

  test("does not storm a server that takes it in and sends it away", async () => {
    const { attemptsMs, lose, pass } = await setUp([null]);
    for (let time = 0; time < 3; time++) {
      lose("gone");
      await pass(5000);
    }
    expect(attemptsMs).toEqual([0, 0, 6000, 12_000]);
  });

  test("is patient again after a connection that lasted", async () => {
    const { attemptsMs, lose, pass } = await setUp([null]);
    lose("gone");
    await pass(15_000);
    lose("gone");
    await pass(1000);
    expect(attemptsMs).toEqual([0, 0, 15_000]);
  });

  test.each([
    ["that may not come back", "Invalid API key", false],
    ["that is over", "credits", true],
  ])("%s ends", async (_what, why, isFinal) => {
    const { attemptsMs, events, lose, pass } = await setUp([null]);
    lose(why, isFinal);
    await pass(30_000);
    expect(attemptsMs).toEqual([0]);
    expect(events.at(-1)).toBe(`0 ended: ${why}`);
  });

  test("ends where the server says that it is no use", async () => {
    const { attemptsMs, events, lose, pass } = await setUp([null, "401: expired"]);
    lose("gone");
    await pass(30_000);
    expect(attemptsMs).toEqual([0, 0]);
    expect(events).toEqual(["0 lost: gone", "0 ended: 401: expired"]);
  });

  test("refuses to set anything meanwhile", async () => {
    const { session, lose } = await setUp([null, "busy"]);
    lose("gone");
    await expect(session.set({ prompt: "mirror" })).rejects.toThrow("the connection is lost");
  });

  test("counts what went over all its connections", async () => {
    const { session, lose, pass } = await setUp([null]);
    expect(await session.stats()).toEqual(stats);
    lose("gone");
    await pass(1000);
    expect(await session.stats()).toEqual({
      ...stats,
      packetsReceived: 200,
      packetsLost: 4,
      keyRequests: 2,
    });
  });

  test("that is closed while it waits leaves no timer, and says nothing", async () => {
    const setting = await setUp([null, "busy"]);
    setting.lose("gone");
    await setting.pass(500);
    await setting.session.close();
    await setting.pass(30_000);
    expect(setting.attemptsMs).toEqual([0, 0]);
    expect(setting.events).toEqual(["0 lost: gone"]);
    expect(setting.timerCount).toBe(0);
    expect(setting.closedCount).toBe(1);
  });
});
