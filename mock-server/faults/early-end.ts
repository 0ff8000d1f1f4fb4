/** The end of generation is told, and the socket stays: for JS that is an event and no end (documented). */
import { z } from "zod";
import { GENERATION_END_REASONS } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

export const earlyEnd = defineFault({
  name: "early-end",
  about: "The client is told that generation has ended, and all goes on.",
  places: [{ channel: "control", directions: ["to-client"], at: "tick:3" }],
  settings: z.strictObject({
    reason: z.enum(GENERATION_END_REASONS).default("timeout").describe("Why it is said to have ended."),
    seconds: z.number().min(0).max(86_400).default(3).describe("How long it is said to have run, seconds."),
  }),
  open: ({ reason, seconds }) => ({
    strike: (line) => line.send({ type: "generation_ended", seconds, reason }),
  }),
});
