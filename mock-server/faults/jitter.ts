/** Packets that are late, each by something else: what a busy network does to an even stream. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilDue } from "./held-items.ts";

export const jitter = defineFault({
  name: "jitter",
  about: "RTP packets come late, each by something else; none is lost.",
  places: [{ channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] }],
  settings: z.strictObject({
    maxMs: z.number().min(1).max(10_000).default(50).describe("How late at most, milliseconds. Seeded."),
    keepOrder: z
      .boolean()
      .default(true)
      .describe("Whether those of a stream wait for the ones before; otherwise they overtake one another."),
  }),
  open({ maxMs, keepOrder }, tools) {
    const { clock, dice } = tools;
    const held = holdUntilDue(tools);
    let lastDueMs = 0;
    return {
      take(item, next) {
        const ownMs = clock.now() + dice.next() * maxMs;
        lastDueMs = keepOrder ? Math.max(lastDueMs, ownMs) : ownMs;
        held.hold(item, () => next(item), lastDueMs);
      },
      heal: held.heal,
      drop: held.drop,
    };
  },
});
