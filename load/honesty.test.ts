/** What is said of a generator that fell behind, and that nothing is said of one that did not. */
import { describe, expect, onTestFinished, test } from "vitest";
import { realClock } from "./clock.ts";
import { steppedClock } from "./generators/node/_stepped-clock.ts";
import { doubts, type Generated, type Honesty, watchHonesty } from "./honesty.ts";

const calm: Honesty = {
  eventLoopStalled: 0.001,
  eventLoopBusy: 0.3,
  eventLoopLagMaxMs: 9,
  cpuCores: 0.3,
  machineBusy: 0.5,
  rssMegabytes: 120,
};
const sound: Generated = {
  shards: [calm, calm],
  framesDue: 1000,
  framesOffAir: 0,
  framesSent: 1000,
  framesLate: 3,
  sessionsDue: 50,
  sessionsLate: 2,
  frameMs: 1000 / 30,
  isNode: true,
};

describe("doubts", () => {
  test("none where all was well, nor where nothing was due", () => {
    expect(doubts(sound)).toEqual([]);
    expect(
      doubts({ ...sound, framesDue: 0, framesSent: 0, framesLate: 0, sessionsDue: 0, sessionsLate: 0 }),
    ).toEqual([]);
  });

  test.each<[string, Partial<Generated>, string]>([
    ["unsent pictures", { framesSent: 990 }, "did not send 1.0 %"],
    ["late pictures", { framesLate: 50 }, "sent 5.0 % of its pictures"],
    [
      "a loop that stands still, in one shard of two",
      { shards: [calm, { ...calm, eventLoopStalled: 0.06, eventLoopLagMaxMs: 900 }] },
      "stood still for 6.0 % of the time, more than 16.7 ms at once and up to 900",
    ],
    ["late sessions", { sessionsLate: 6 }, "12 % of the sessions came"],
    ["a full thread", { shards: [calm, { ...calm, eventLoopBusy: 0.97 }] }, "busy for 97 % of the time"],
    ["a full machine", { shards: [{ ...calm, machineBusy: 0.99 }] }, "cores were 99 % busy"],
  ])("%s", (_name, change, says) => {
    const found = doubts({ ...sound, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(says);
    // What to do.
    expect(found[0]).toMatch(/(Take|Stop) /);
  });

  test("turns without a connection are none that the generator missed", () => {
    expect(doubts({ ...sound, framesSent: 700, framesOffAir: 300 })).toEqual([]);
    expect(doubts({ ...sound, framesSent: 690, framesOffAir: 300 })).toHaveLength(1);
  });

  test("a browser has processes of its own; threads that decode keep nobody from sending", () => {
    const full = {
      ...sound,
      shards: [{ ...calm, eventLoopBusy: 0.97, eventLoopStalled: 0.05 }],
      isNode: false,
    };
    expect(doubts(full)).toEqual([]);
    expect(doubts({ ...sound, shards: [{ ...calm, cpuCores: 1.8 }] })).toEqual([]);
  });
});

describe("a loop that stands still", () => {
  function watched(stallMs = 20) {
    const time = steppedClock();
    const watch = watchHonesty(time.clock, { stallMs });
    onTestFinished(() => watch.stop());
    return { ...time, watch };
  }

  test("for a second once is a tenth of ten, though one timer of hundreds", () => {
    const { advance, stall, watch } = watched();
    advance(4500);
    stall(1000);
    advance(4500);
    const { eventLoopStalled, eventLoopLagMaxMs } = watch.read();
    expect(eventLoopStalled).toBeCloseTo(0.1, 2);
    // A timer of 5 ms had begun.
    expect(eventLoopLagMaxMs).toBe(995);
  });

  test("again and again for less than is allowed is none", () => {
    const { advance, stall, watch } = watched();
    for (let time = 0; time < 100; time++) {
      stall(25);
      advance(5);
    }
    expect(watch.read()).toMatchObject({ eventLoopStalled: 0, eventLoopLagMaxMs: 20 });
  });

  test("until it is asked counts once; what was before a restart does not", () => {
    const { advance, stall, watch } = watched();
    advance(100);
    stall(100);
    expect(watch.read().eventLoopStalled).toBeCloseTo(0.5, 1);
    const again = watch.read().eventLoopStalled;
    advance(0);
    expect(watch.read().eventLoopStalled).toBe(again);
    stall(100);
    watch.restart();
    advance(100);
    expect(watch.read()).toMatchObject({ eventLoopStalled: 0, eventLoopLagMaxMs: 0 });
  });
});

test("a loop that is held up is seen, with the CPU that held it", async () => {
  const beganMs = realClock.now();
  const watch = watchHonesty(realClock, { stallMs: 16 });
  await realClock.sleep(20);
  const cpu = process.cpuUsage();
  const heldMs = realClock.now();
  // On a busy machine 120 ms of CPU take longer.
  while (realClock.now() < heldMs + 120 || process.cpuUsage(cpu).user < 120_000);
  await realClock.sleep(20);
  const { eventLoopLagMaxMs, eventLoopStalled, eventLoopBusy, cpuCores, machineBusy } = watch.read();
  watch.stop();
  const wallMs = realClock.now() - beganMs;
  expect(eventLoopLagMaxMs).toBeGreaterThan(80);
  expect(eventLoopStalled * wallMs).toBeGreaterThan(80);
  expect(eventLoopBusy * wallMs).toBeGreaterThan(80);
  expect(cpuCores * wallMs).toBeGreaterThan(110);
  expect(machineBusy).toBeGreaterThan(0);
});
