/** A sender that goes on under another name, as after a restart of its own, without a word of it in any description. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const ssrcChange = defineFault({
  name: "ssrc-change",
  about:
    "What we send goes on under other SSRCs than described: Chromium shows nothing until it heals, or until the connection is negotiated anew (observed).",
  places: [{ channel: "media", directions: ["to-client"], at: "first-frame" }],
  settings: z.strictObject({}),
  needs: "pictures",
  open() {
    const changes: (() => void)[] = [];
    return {
      strike: (line) => changes.push(line.changeSsrc()),
      heal() {
        for (const undo of changes) undo();
      },
    };
  },
});
