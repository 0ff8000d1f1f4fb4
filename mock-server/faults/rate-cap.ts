/** A link that is too narrow: each packet takes its time and waits for those before it, and where the queue is full, it is lost. */
import { z } from "zod";
import type { Direction } from "./fault.ts";
import { defineFault } from "./fault.ts";
import { holdUntilDue } from "./held-items.ts";

export const rateCap = defineFault({
  name: "rate-cap",
  about:
    "Only so many bits a second pass, of each RTP stream (media) or of the whole connection (ice), either direction by itself: the rest waits, and is lost where too much does.",
  places: [
    { channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] },
    { channel: "ice", directions: ["to-client", "to-server"] },
  ],
  settings: z.strictObject({
    kilobitsPerSecond: z
      .number()
      .min(1)
      .max(1_000_000)
      .default(500)
      .describe("What passes; of each datagram its bytes as UDP carries them."),
    queueMsMax: z
      .number()
      .min(0)
      .max(60_000)
      .default(200)
      .describe("Who would wait longer for those before it is lost, milliseconds."),
  }),
  open({ kilobitsPerSecond, queueMsMax }, tools) {
    const { clock } = tools;
    const held = holdUntilDue(tools);
    /** Until when the link is taken. */
    const freeMs: Record<Direction, number> = { "to-client": 0, "to-server": 0 };
    return {
      take(item, next) {
        const nowMs = clock.now();
        const startMs = Math.max(nowMs, freeMs[item.direction]);
        if (startMs - nowMs > queueMsMax) return true;
        freeMs[item.direction] = startMs + ((item.byteLength?.() ?? 0) * 8) / kilobitsPerSecond;
        held.hold(item, () => next(item), freeMs[item.direction]);
        return true;
      },
      heal: held.heal,
      drop: held.drop,
    };
  },
});
