/** A state message is refused as the service refuses one: nothing changes, and the ack says why. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const negativeAck = defineFault({
  name: "negative-ack",
  about: "A state message is refused in its ack, and nothing changes.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    // Assumed: no source gives the words.
    error: z.string().max(1000).default("The state was refused.").describe("What the ack says."),
  }),
  times: 1,
  open: ({ error }) => ({
    take: (item, next) =>
      next({ ...item, adopted: null, shown: [], ack: { ...item.ack, success: false, error } }),
  }),
});
