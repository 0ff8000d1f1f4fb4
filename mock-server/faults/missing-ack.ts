/** An ack is lost: the client's call times out after 15 or 30 s, or settles with the next one's ack where acks carry no id. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const missingAck = defineFault({
  name: "missing-ack",
  about: "A state message is applied, and its ack never comes.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["prompt_ack", "set_image_ack"] }],
  settings: z.strictObject({}),
  times: 1,
  open: () => ({
    take() {},
  }),
});
