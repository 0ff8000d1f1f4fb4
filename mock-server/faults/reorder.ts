/** Something is overtaken: it comes after what was sent later. */
import { z } from "zod";
import { defineFault } from "./fault.ts";
import { holdItems } from "./held-items.ts";

export const reorder = defineFault({
  name: "reorder",
  about: "Messages, or packets of a stream, are overtaken by later ones: of each few, the first comes last.",
  places: [
    { channel: "control", directions: ["to-client", "to-server"] },
    { channel: "livekit", directions: ["to-client", "to-server"] },
    { channel: "media", directions: ["to-client", "to-server"], kinds: ["video", "audio"] },
  ],
  settings: z.strictObject({
    depth: z.int().min(1).max(100).default(1).describe("How many later ones overtake it."),
  }),
  open({ depth }, { note }) {
    const held = holdItems({ note });
    let overtook = 0;
    function countPassed(): void {
      if (held.count === 0 || ++overtook < depth) return;
      overtook = 0;
      held.giveAll();
    }
    return {
      take(item, next) {
        if (held.count === 0) return held.hold(item, () => next(item));
        next(item);
        countPassed();
        return false;
      },
      passed: countPassed,
      heal: held.giveAll,
    };
  },
});
