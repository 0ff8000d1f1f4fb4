/** A connection that is gone without a word: no close frame, which clients see as 1006. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const dropSocket = defineFault({
  name: "drop-socket",
  about: "A socket is gone without a close frame.",
  places: [
    { channel: "control", directions: ["to-client"], at: "connected" },
    { channel: "livekit", directions: ["to-client"], at: "after-join-response" },
  ],
  settings: z.strictObject({}),
  open: () => ({
    strike: (line) => line.drop(),
  }),
});
