/** A session that the service ends for what it shows. The reason is documented, that it closes the socket assumed. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const moderationEnd = defineFault({
  name: "moderation-end",
  about: "The session is ended by moderation.",
  places: [{ channel: "control", directions: ["to-client"], at: "ack-sent" }],
  settings: z.strictObject({
    error: z
      .string()
      .max(1000)
      .default("The session was ended by moderation.")
      .describe("Said in an error first; empty for none."),
  }),
  open: ({ error }) => ({
    strike: (line) => line.end("moderation_violation", error || null),
  }),
});
