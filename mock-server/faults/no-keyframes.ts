/** What a client gets that depends on a picture it has never seen. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const noKeyframes = defineFault({
  name: "no-keyframes",
  about: "Key pictures never come, so that who comes late, or asks for one, cannot see what does.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["encoded"] }],
  settings: z.strictObject({}),
  needs: "pictures",
  open: () => ({
    take(item, next) {
      if ("isKey" in item && item.isKey) return true;
      next(item);
      return false;
    },
  }),
});
