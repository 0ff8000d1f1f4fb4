/** The picture is black below the strips, which are still to be read. */
import { z } from "zod";
import { pictureEffect } from "./_picture-effect.ts";
import { defineFault } from "./fault.ts";

export const black = defineFault({
  name: "black",
  about: "Pictures are black, but for their strips.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["picture"] }],
  settings: z.strictObject({}),
  needs: "transcode",
  open: () => pictureEffect({ black: true }),
});
