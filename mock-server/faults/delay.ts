/** Things come late, and in the order they were sent. */
import { z } from "zod";
import type { Timer } from "../clock.ts";
import { defineFault } from "./fault.ts";
import { holdItems } from "./held-items.ts";

export const delay = defineFault({
  name: "delay",
  about: "Messages, or answers over HTTP, come late, in order.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"], also: ["close"] },
    { channel: "livekit", directions: ["to-client", "to-server"], also: ["close"] },
    { channel: "http", directions: ["to-server"] },
  ],
  settings: z.strictObject({
    delayMs: z.number().min(0).max(600_000).default(1000).describe("How late at least, milliseconds."),
    jitterMs: z.number().min(0).max(600_000).default(0).describe("How much later at most, milliseconds."),
  }),
  open({ delayMs, jitterMs }, { clock, dice, note }) {
    const held = holdItems({ note });
    const timers = new Set<Timer>();
    let lastDueMs = 0;
    const cancelAll = () => {
      for (const timer of timers) timer.cancel();
      timers.clear();
    };
    return {
      take(item, next) {
        const nowMs = clock.now();
        const dueMs = Math.max(lastDueMs, nowMs + delayMs + dice.next() * jitterMs);
        lastDueMs = dueMs;
        held.hold(item, () => next(item), dueMs);
        const timer = clock.after(dueMs - nowMs, () => {
          timers.delete(timer);
          held.giveDue(dueMs);
        });
        timers.add(timer);
      },
      heal() {
        cancelAll();
        held.giveAll();
      },
      drop: cancelAll,
    };
  },
});
