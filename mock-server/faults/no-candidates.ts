/** A description that says everything but where to. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const noCandidates = defineFault({
  name: "no-candidates",
  about:
    "Our descriptions name no address: the connection stands only where we find the client by the addresses it names.",
  places: [{ channel: "ice", directions: ["to-client"], kinds: ["description"] }],
  settings: z.strictObject({}),
  open: () => ({
    take(item, next) {
      if (!("sdp" in item)) return false;
      next({ ...item, sdp: item.sdp.replace(/^a=(?:candidate:.*|end-of-candidates)\r?\n/gm, "") });
      return true;
    },
  }),
});
