/** A stream that falls silent while its connection stands: nothing is numbered, so that nothing is lost, either. */
import { z } from "zod";
import { isSent, sentMedia } from "./_sent-media.ts";
import { defineFault } from "./fault.ts";

export const stopSending = defineFault({
  name: "stop-sending",
  about:
    "Pictures, sound or both stop coming while the connection stands; once it heals they go on from a key picture.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["encoded", "sound"] }],
  settings: z.strictObject({ media: sentMedia }),
  needs: "pictures",
  open: ({ media }) => ({
    take(item, next) {
      if (isSent(item, media)) return true;
      next(item);
      return false;
    },
  }),
});
