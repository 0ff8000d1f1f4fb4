/** Sound with holes: what is left out was never numbered, as when a sender has nothing to send. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const audioGap = defineFault({
  name: "audio-gap",
  about: "Sound falls silent again and again, by whole packets.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["sound"] }],
  settings: z.strictObject({
    everyPackets: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe("How much sound comes before each gap, packets; one has 20 ms in browsers."),
    gapPackets: z.int().min(1).max(100_000).default(10).describe("How long each gap is, packets."),
  }),
  needs: "pictures",
  open({ everyPackets, gapPackets }) {
    let count = 0;
    return {
      take(item, next) {
        if (item.kind === "sound" && count++ % (everyPackets + gapPackets) >= everyPackets) return true;
        next(item);
        return false;
      },
    };
  },
});
