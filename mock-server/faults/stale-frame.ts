/** Time runs backwards in the picture: what was replaced is seen once more. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const staleFrame = defineFault({
  name: "stale-frame",
  about: "After some pictures of a change, some more show what was there before it.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    afterFrames: z.int().min(1).max(1000).default(3).describe("Pictures that show the change first."),
    frames: z.int().min(1).max(1000).default(1).describe("Pictures that then show what was there before."),
  }),
  needs: "transcode",
  open: ({ afterFrames, frames }) => ({
    take(item, next) {
      const last = item.shown.at(-1);
      // A fault before this one keeps it from being seen.
      if (!last) {
        next(item);
        return false;
      }
      const shown = [
        ...item.shown.slice(0, -1),
        { ...last, frames: afterFrames },
        { state: item.previous, frames },
        last,
      ];
      next({ ...item, shown });
    },
  }),
});
