/** The promise that judges are there for, broken: prompt and image of one change come into force so many pictures apart. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const tornSet = defineFault({
  name: "torn-set",
  about: "Of a change of prompt and image, one shows some pictures before the other.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    first: z.enum(["prompt", "image"]).default("prompt").describe("Which of them shows first."),
    frames: z.int().min(1).max(1000).default(3).describe("Pictures that show it without the other."),
  }),
  needs: "transcode",
  open: ({ first, frames }) => ({
    take(item, next) {
      const { previous, adopted, shown } = item;
      const changesBoth =
        adopted && adopted.prompt !== previous.prompt && adopted.image?.hash !== previous.image?.hash;
      // Nothing to tear, or a fault before this one keeps it from being seen.
      if (!changesBoth || shown.length === 0) {
        next(item);
        return false;
      }
      const torn = first === "prompt" ? { image: previous.image } : { prompt: previous.prompt };
      next({ ...item, shown: [{ state: { ...adopted, ...torn }, frames }, ...shown] });
    },
  }),
});
