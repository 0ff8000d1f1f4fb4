/** An ack comes twice: JS 0.1.6 and later may keep the second for a call that is never sent then (observed). */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const doubleAck = defineFault({
  name: "double-ack",
  about: "A state message is acked twice.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["prompt_ack", "set_image_ack"] }],
  settings: z.strictObject({}),
  times: 1,
  open: () => ({
    take(item, next) {
      next(item);
      next(item);
    },
  }),
});
