/** Answers to a client's offers, kept back until the fault heals. */
import { z } from "zod";
import { holdBack } from "./_hold-back.ts";
import { defineFault } from "./fault.ts";

export const withholdAnswer = defineFault({
  name: "withhold-answer",
  about: "The client's offers to the room are not answered; those that wait are when it heals.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["answer"] }],
  settings: z.strictObject({}),
  open: holdBack,
});
