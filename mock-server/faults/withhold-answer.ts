/** Answers to a client's offers, kept back until the fault heals. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilHealed } from "./held-items.ts";

export const withholdAnswer = defineFault({
  name: "withhold-answer",
  about: "The client's offers to the room are not answered; those that wait are when it heals.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["answer"] }],
  settings: z.strictObject({}),
  open: (_settings, tools) => holdUntilHealed(tools),
});
