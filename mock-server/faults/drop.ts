/** Something is lost on its way. What comes after it is not held up. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const drop = defineFault({
  name: "drop",
  about: "Messages are lost on their way.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"] },
    { channel: "livekit", directions: ["to-client", "to-server"] },
  ],
  settings: z.strictObject({
    every: z.int().min(1).max(1000).default(1).describe("3: the third, the sixth and so on are lost."),
  }),
  open({ every }) {
    let count = 0;
    return {
      take(item, next) {
        if (++count % every === 0) return true;
        next(item);
        return false;
      },
    };
  },
});
