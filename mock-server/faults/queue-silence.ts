/** A place in the queue, and then nothing: the first one lifts the limit of JS and Android, which then wait for ever (documented). */
import { z } from "zod";
import type { ControlItem } from "./fault.ts";
import { defineFault } from "./fault.ts";
import { holdItems } from "./held-items.ts";

export const queueSilence = defineFault({
  name: "queue-silence",
  about: "The client is told its place in the queue, and no more until it heals.",
  places: [{ channel: "control", directions: ["to-client"], also: ["close"] }],
  settings: z.strictObject({
    position: z.int().min(0).max(10_000).default(3).describe("Its place."),
    queueSize: z.int().min(0).max(10_000).default(3).describe("How many wait."),
    count: z.int().min(0).max(1000).default(1).describe("How often it is told; 0: never."),
  }),
  open({ position, queueSize, count }, { note }) {
    const held = holdItems({ note });
    let isSilent = false;
    return {
      take(item, next) {
        if (isSilent) return held.hold(item, () => next(item));
        if (item.kind !== "livekit_room_info") {
          next(item);
          return false;
        }
        isSilent = true;
        const message = { type: "queue_position", position, queue_size: queueSize };
        const told = { direction: "to-client", kind: message.type, message } satisfies ControlItem;
        for (let n = 0; n < count; n++) next(told);
        held.hold(item, () => next(item));
      },
      heal: held.giveAll,
    };
  },
});
