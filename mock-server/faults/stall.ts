/** Nothing moves until it is over; then all comes at once. A network that was away, or a server that was busy. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdUntilHealed } from "./held-items.ts";

export const stall = defineFault({
  name: "stall",
  about: "Messages are held back, a close too; once it heals they come in order.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"], also: ["close"] },
    { channel: "livekit", directions: ["to-client", "to-server"], also: ["close"] },
  ],
  settings: z.strictObject({}),
  open: (_settings, tools) => holdUntilHealed(tools),
});
