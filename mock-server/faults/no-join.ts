/** A server that opened the socket and then says nothing: the join response does not come, nor what would follow it. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const noJoin = defineFault({
  name: "no-join",
  about: "The socket to the room opens, and the client is never told that it is in.",
  places: [{ channel: "livekit", directions: ["to-client"] }],
  settings: z.strictObject({}),
  open() {
    let isSilent = false;
    return {
      take(item, next) {
        if (item.kind === "join") isSilent = true;
        if (isSilent) return;
        next(item);
        return false;
      },
    };
  },
});
