/** What a room tells a client of the others in it, when it joins and later: here nothing. */
import { z } from "zod";
import { fieldsOf, withFields } from "./_signal-item.ts";
import { defineFault } from "./fault.ts";

export const noUpdate = defineFault({
  name: "no-update",
  about: "The client hears of nobody in its room, nor of what they publish: it gets no stream.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["join", "update"] }],
  settings: z.strictObject({}),
  open: () => ({
    take(item, next) {
      if (item.kind === "update") return;
      const isAlone = fieldsOf(item).otherParticipants!.length === 0;
      next(isAlone ? item : withFields(item, { otherParticipants: [] }));
      return !isAlone;
    },
  }),
});
