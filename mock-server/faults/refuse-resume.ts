/** A room that no longer knows a client which lost its socket: another node answers, or it was restarted. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const refuseResume = defineFault({
  name: "refuse-resume",
  about: "A client that lost its socket to the room and comes back is told to start over.",
  places: [{ channel: "livekit", directions: ["to-server"], kinds: ["resume"] }],
  settings: z.strictObject({}),
  open: () => ({
    take() {},
  }),
});
