/**
 * An ack that comes when nobody waits for it any more, or somebody else does: acks of images carry no id, so that it settles whatever
 * call is pending then (observed).
 */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilDue } from "./held-items.ts";

export const lateAck = defineFault({
  name: "late-ack",
  about: "An ack comes late: after a time, or after later acks.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["prompt_ack", "set_image_ack"] }],
  settings: z
    .strictObject({
      delayMs: z
        .number()
        .min(0)
        .max(600_000)
        .default(16_000)
        .describe("How late, milliseconds; 0: however long it takes."),
      acks: z.int().min(0).max(100).default(0).describe("Later acks that come before it; 0: however many."),
    })
    .refine(
      ({ delayMs, acks }) => delayMs > 0 || acks > 0,
      "One of delayMs and acks is above 0, or the ack never comes: that is missing-ack.",
    ),
  times: 1,
  open({ delayMs, acks }, { clock, note }) {
    const held = holdUntilDue({ clock, note });
    /** By how many acks each that is held was overtaken, oldest first. */
    const overtaken: number[] = [];
    return {
      take(item, next) {
        overtaken.push(0);
        const give = () => {
          overtaken.shift();
          next(item);
        };
        held.hold(item, give, delayMs > 0 ? clock.now() + delayMs : Infinity);
      },
      passed() {
        if (acks === 0) return;
        for (const index of overtaken.keys()) overtaken[index]!++;
        while (overtaken[0]! >= acks) held.giveOldest();
      },
      heal: held.heal,
      drop: held.drop,
    };
  },
});
