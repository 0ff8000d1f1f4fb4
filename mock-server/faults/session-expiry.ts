/** A session has lasted as long as it may. The reason is documented, the words are assumed. */
import { z } from "zod";
import { SERVER_ERRORS } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

export const sessionExpiry = defineFault({
  name: "session-expiry",
  about: "The session is ended because it has lasted as long as it may.",
  places: [{ channel: "control", directions: ["to-client"], at: "tick:3" }],
  settings: z.strictObject({
    error: z
      .string()
      .max(1000)
      .default(SERVER_ERRORS.sessionDurationReached)
      .describe("Said in an error first; empty for none."),
  }),
  open: ({ error }) => ({
    strike: (line) => line.end("timeout", error || null),
  }),
});
