/** The account is empty. That the text has "credit" in it and the code are assumed, the reason of an end is documented. */
import { z } from "zod";
import { CLOSE_CODES, SERVER_ERRORS } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

export const insufficientCredits = defineFault({
  name: "insufficient-credits",
  about: "The client is sent away, or its session ended, because there are no credits left.",
  places: [{ channel: "control", directions: ["to-client"], at: "open" }],
  settings: z.strictObject({
    how: z
      .enum(["refuse", "end"])
      .default("refuse")
      .describe("An error and a close, or with the end of generation between them."),
    error: z.string().max(1000).default(SERVER_ERRORS.insufficientCredits).describe("What the error says."),
  }),
  open: ({ how, error }) => ({
    strike(line) {
      if (how === "refuse") line.refuse(error, CLOSE_CODES.policy.code);
      else line.end("insufficient_credits", error);
    },
  }),
});
