/** An error that is not the end: JS keeps its connection and raises an event, 0.1.x rejects what is pending too (observed). */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const serverError = defineFault({
  name: "server-error",
  about: "The server tells of an error, and goes on.",
  places: [{ channel: "control", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({
    // Assumed. It has none of the words that keep a client from trying again.
    error: z.string().max(1000).default("Internal server error.").describe("What it says."),
  }),
  open: ({ error }) => ({
    strike: (line) => line.send({ type: "error", error }),
  }),
});
