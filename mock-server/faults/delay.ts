/** Things come late, and in the order they were sent. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilDue } from "./held-items.ts";

export const delay = defineFault({
  name: "delay",
  about: "Messages, packets of a stream, or answers over HTTP, come late, in order.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"], also: ["close"] },
    { channel: "livekit", directions: ["to-client", "to-server"], also: ["close"] },
    { channel: "http", directions: ["to-server"] },
    { channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] },
  ],
  settings: z.strictObject({
    delayMs: z.number().min(0).max(600_000).default(1000).describe("How late at least, milliseconds."),
    jitterMs: z.number().min(0).max(600_000).default(0).describe("How much later at most, milliseconds."),
  }),
  open({ delayMs, jitterMs }, tools) {
    const { clock, dice } = tools;
    const held = holdUntilDue(tools);
    let lastDueMs = 0;
    return {
      take(item, next) {
        lastDueMs = Math.max(lastDueMs, clock.now() + delayMs + dice.next() * jitterMs);
        held.hold(item, () => next(item), lastDueMs);
      },
      heal: held.heal,
      drop: held.drop,
    };
  },
});
