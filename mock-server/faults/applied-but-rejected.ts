/** The other lie of an ack: a change that takes effect all the same. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const appliedButRejected = defineFault({
  name: "applied-but-rejected",
  about: "A change comes into force and is shown, and its ack says that it was refused.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    // Assumed: no source gives the words.
    error: z.string().min(1).max(1000).default("The state was refused.").describe("What the ack says."),
  }),
  open: ({ error }) => ({
    take: (item, next) => next({ ...item, ack: { ...item.ack, success: false, error } }),
  }),
});
