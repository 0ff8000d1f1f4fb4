/** `ready` makes a client of the direct dialect offer once more (observed); in the LiveKit dialect it means nothing to JS. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const unsolicitedReady = defineFault({
  name: "unsolicited-ready",
  about: "The server says that it is ready, which makes clients of the direct dialect offer again.",
  places: [{ channel: "control", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({}),
  open: () => ({
    strike: (line) => line.send({ type: "ready" }),
  }),
});
