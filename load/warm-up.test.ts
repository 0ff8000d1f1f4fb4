/** What is done before a measurement, with made-up sessions: each dialect once, at the mock, and nobody is left there. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Generator, SessionAbout } from "./generator.ts";
import { steppedClock } from "./generators/node/_stepped-clock.ts";
import { parsePlan } from "./plan.ts";
import { startWarming, warmUp } from "./warm-up.ts";

const plan = parsePlan(
  "about: Both.\ndialect: both\nclip: vp8-180p15\narrivals: [{ sessions: 1 }]\nholdSeconds: 1\n",
  "both.yaml",
);
const target = { url: "http://127.0.0.1:1", realtimeUrl: "ws://127.0.0.1:1", apiKey: "k" };

type Session = "plays" | "is silent" | "is refused" | "ends" | "does not close";

function begin(of: Session) {
  const time = steppedClock();
  const opened: Pick<SessionAbout, "dialect" | "target">[] = [];
  let openCount = 0;
  const generator: Generator = {
    name: "node",
    blindSpots: [],
    now: time.clock.now,
    async open({ dialect, target }, observer) {
      opened.push({ dialect, target });
      if (of === "is refused") throw new Error("No.");
      openCount++;
      if (of === "ends" || of === "does not close") observer.ended(time.clock.now(), "Over.");
      const play = () => {
        observer.received({ atMs: time.clock.now(), frame: null, carrier: null, output: null });
        time.clock.after(67, play);
      };
      if (of === "plays") play();
      return {
        id: null,
        set: () => Promise.reject(new Error("none")),
        stats: () => Promise.reject(new Error("none")),
        close() {
          openCount--;
          return of === "does not close" ? new Promise(() => {}) : Promise.resolve();
        },
      };
    },
    async close() {},
  };
  const stopped = new AbortController();
  const done = warmUp(generator, { plan, target, clock: time.clock, stopped: stopped.signal });
  const pass = async (ms: number) => {
    await setImmediate();
    time.advance(ms);
    await setImmediate();
  };
  return { done, pass, stopped, opened, openCount: () => openCount };
}

describe("warming up", () => {
  test.each<[Session, ms: number]>([
    ["plays", 1500],
    ["is silent", 10_000],
    ["does not close", 10_000],
    ["is refused", 0],
    ["ends", 0],
  ])("with a mock whose session %s takes %i ms", async (of, ms) => {
    const { done, pass, opened, openCount } = begin(of);
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    await pass(Math.max(0, ms - 100));
    expect(isDone).toBe(ms === 0);
    await pass(200);
    expect(isDone).toBe(true);
    expect(opened).toEqual([
      { dialect: "direct", target },
      { dialect: "livekit", target },
    ]);
    expect(openCount()).toBe(0);
  });

  test("ends at once when the shard is stopped", async () => {
    const { done, stopped, pass, openCount } = begin("is silent");
    await pass(10);
    stopped.abort();
    await done;
    expect(openCount()).toBe(0);
  });

  test("takes no mock for a browser's pages", async () => {
    expect(await startWarming({ ...plan, generator: "browser" })).toBeNull();
  });
});
