/** Media flows, and nobody says so: JS 0.1.3 and later read it from the first tick, others stay `connected` (observed). */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const noGeneration = defineFault({
  name: "no-generation",
  about: "The client is never told that generation has started.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["generation_started"] }],
  settings: z.strictObject({}),
  open: () => ({
    take() {},
  }),
});
