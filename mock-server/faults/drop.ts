/** Something is lost on its way. What comes after it is not held up. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const drop = defineFault({
  name: "drop",
  about: "Messages are lost on their way.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"] },
    { channel: "livekit", directions: ["to-client", "to-server"] },
  ],
  settings: z.strictObject({}),
  open: () => ({
    take() {},
  }),
});
