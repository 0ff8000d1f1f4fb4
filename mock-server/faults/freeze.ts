/** The stream goes on, and what it shows does not. */
import { z } from "zod";
import { pictureEffect } from "./_picture-effect.ts";
import { defineFault } from "./fault.ts";

export const freeze = defineFault({
  name: "freeze",
  about: "Pictures keep coming, and all are the one sent last, its counter with it.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["picture"] }],
  settings: z.strictObject({}),
  needs: "transcode",
  open: () => pictureEffect({ freeze: true }),
});
