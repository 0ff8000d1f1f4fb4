/** Fewer pictures, evenly: what is left out is never encoded, so that it is no loss. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const fpsDrop = defineFault({
  name: "fps-drop",
  about: "Only one picture of so many comes, and none of them is missing.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["picture"] }],
  settings: z.strictObject({
    keepOneOf: z
      .int()
      .min(2)
      .max(1000)
      .default(3)
      .describe("3: the third picture, the sixth and so on are kept."),
  }),
  needs: "transcode",
  open({ keepOneOf }) {
    let count = 0;
    return {
      take(item, next) {
        if ("effect" in item && ++count % keepOneOf !== 0) return true;
        next(item);
        return false;
      },
    };
  },
});
