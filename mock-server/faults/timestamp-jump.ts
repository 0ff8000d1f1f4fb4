/** A sender whose clock is set while it sends. Packets are numbered as if nothing had happened. */
import { z } from "zod";
import { isSent, sentMedia } from "./_sent-media.ts";
import { defineFault } from "./fault.ts";

/** RTP clocks, RFC 7741 (section 4.1) and RFC 6184 (section 8.2.1) for pictures, RFC 7587 (section 4.1) for Opus. Hertz. */
const rates = { encoded: 90_000, sound: 48_000 };

export const timestampJump = defineFault({
  name: "timestamp-jump",
  about: "Timestamps of pictures, sound or both jump, and jump back when it heals.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["encoded", "sound"] }],
  settings: z.strictObject({
    media: sentMedia,
    bySeconds: z
      .number()
      .min(-86_400)
      .max(86_400)
      .default(10)
      .describe("How far, backwards if negative, seconds."),
  }),
  needs: "pictures",
  open: ({ media, bySeconds }) => ({
    take(item, next) {
      if (!isSent(item, media)) {
        next(item);
        return false;
      }
      const ticks = Math.round(bySeconds * rates[item.kind as keyof typeof rates]);
      // 32 bits, which wrap.
      next({ ...item, timestamp: (item.timestamp + ticks) >>> 0 });
      return true;
    },
  }),
});
