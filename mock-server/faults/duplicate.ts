/** Something comes more than once. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const duplicate = defineFault({
  name: "duplicate",
  about: "Messages or packets come more than once, one copy after the other.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"] },
    { channel: "livekit", directions: ["to-client", "to-server"] },
    { channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] },
  ],
  settings: z.strictObject({
    copies: z.int().min(1).max(20).default(1).describe("How many come beside the first."),
  }),
  open: ({ copies }) => ({
    take(item, next) {
      for (let n = 0; n <= copies; n++) next(item);
    },
  }),
});
