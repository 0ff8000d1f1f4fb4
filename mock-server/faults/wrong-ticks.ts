/** Ticks that count otherwise than seconds do. Whoever bills by them, or shows them, ought to notice. */
import { z } from "zod";
import type { ControlItem } from "./fault.ts";
import { defineFault } from "./fault.ts";

export const wrongTicks = defineFault({
  name: "wrong-ticks",
  about: "Ticks tell other seconds than have passed.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["generation_tick"], at: "tick:3" }],
  settings: z.strictObject({
    how: z
      .enum(["skip", "repeat", "backwards", "fractional"])
      .default("skip")
      .describe("After 2: 4, 6, 8; or 2, 3, 3, 4; or 1, 0, -1; or 3.5, 4.5."),
  }),
  open({ how }) {
    let first: number | null = null;
    return {
      take(item, next) {
        const sent = item as ControlItem;
        const second = Number(sent.message.seconds);
        first ??= second;
        const since = second - first;
        const seconds = {
          skip: first + 1 + 2 * since,
          repeat: first - 1 + Math.ceil(since / 2),
          backwards: first - 2 - since,
          fractional: second + 0.5,
        }[how];
        next({ ...sent, message: { ...sent.message, seconds } });
      },
    };
  },
});
