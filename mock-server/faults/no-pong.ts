/** Answers to a client's pings to its room: without them it takes its socket for dead, whatever else comes over it. */
import { z } from "zod";
import { fieldsOf, withFields } from "./_signal-item.ts";
import { defineFault } from "./fault.ts";

export const noPong = defineFault({
  name: "no-pong",
  about: "Pings to the room are not answered: the client drops its socket and resumes.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["pong", "pongResp", "join"] }],
  settings: z.strictObject({
    timeoutSeconds: z
      .int()
      .min(2)
      .max(60)
      .nullable()
      .default(null)
      .describe(
        "How long the client is told to wait for an answer, when it joins, seconds; null: as always, 15.",
      ),
  }),
  open: ({ timeoutSeconds }) => ({
    take(item, next) {
      if (item.kind !== "join") return;
      // LiveKit's own: three pings within the time.
      const told = timeoutSeconds && {
        pingTimeout: timeoutSeconds,
        pingInterval: Math.min(fieldsOf(item).pingInterval!, Math.ceil(timeoutSeconds / 3)),
      };
      next(told ? withFields(item, told) : item);
      return false;
    },
  }),
});
