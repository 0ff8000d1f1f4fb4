/** What is said of a generator that fell behind, and that nothing is said of one that did not. */
import { describe, expect, test } from "vitest";
import { realClock } from "./clock.ts";
import { doubts, type Generated, type Honesty, watchHonesty } from "./honesty.ts";

const calm: Honesty = {
  eventLoopLagP99Ms: 2,
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
  frameMs: 1000 / 30,
  isNode: true,
};

describe("doubts", () => {
  test("none where all was well, nor where nothing was due", () => {
    expect(doubts(sound)).toEqual([]);
    expect(doubts({ ...sound, framesDue: 0, framesSent: 0, framesLate: 0 })).toEqual([]);
  });

  test.each<[string, Partial<Generated>, string]>([
    ["unsent pictures", { framesSent: 990 }, "did not send 1.0 %"],
    ["late pictures", { framesLate: 50 }, "sent 5.0 % of its pictures"],
    [
      "a late loop, in one shard of two",
      { shards: [calm, { ...calm, eventLoopLagP99Ms: 20 }] },
      "20.0 ms late",
    ],
    ["a full core", { shards: [calm, { ...calm, cpuCores: 0.97 }] }, "97 % of the one core"],
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

  test("a browser has processes of its own, and may use more than one core", () => {
    const full = { ...sound, shards: [{ ...calm, cpuCores: 1.5 }], isNode: false };
    expect(doubts(full)).toEqual([]);
  });
});

test("a loop that is held up is seen, with the CPU that held it", async () => {
  const watch = watchHonesty(realClock);
  await realClock.sleep(20);
  const until = realClock.now() + 120;
  while (realClock.now() < until);
  await realClock.sleep(20);
  const { eventLoopLagMaxMs, cpuCores, machineBusy } = watch.read();
  watch.stop();
  expect(eventLoopLagMaxMs).toBeGreaterThan(80);
  expect(cpuCores).toBeGreaterThan(0.3);
  expect(machineBusy).toBeGreaterThan(0);
});
