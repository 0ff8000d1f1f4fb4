/** A sender that goes on under another name, as after a restart of its own, without a word of it in any description. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const ssrcChange = defineFault({
  name: "ssrc-change",
  about:
    "What we send goes on under other SSRCs than described: Chromium shows nothing until the connection is negotiated anew (observed), which no healing does.",
  places: [{ channel: "media", directions: ["to-client"], at: "first-frame" }],
  settings: z.strictObject({}),
  needs: "pictures",
  open: () => ({
    strike: (line) => line.changeSsrc(),
  }),
});
