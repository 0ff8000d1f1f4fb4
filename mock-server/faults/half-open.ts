/** A connection that only seems to stand, as after a change of networks. What a client says meanwhile is read once it heals. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const halfOpen = defineFault({
  name: "half-open",
  about: "A socket stays open, and nothing comes or is read any more, pings included.",
  places: [
    { channel: "control", directions: ["to-client"], at: "connected", isSilent: true },
    { channel: "livekit", directions: ["to-client"], at: "after-join-response", isSilent: true },
  ],
  settings: z.strictObject({}),
  // Nor does a deaf server notice that a client has left. Documented: after a crash, a slot is free within 45 s.
  for: { ms: 45_000 },
  open() {
    const muted: (() => void)[] = [];
    const listen = () => {
      for (const again of muted.splice(0)) again();
    };
    // A socket in the room outlives the session: deaf, it would not notice that its client has left, nor would anybody else.
    return { strike: (line) => muted.push(line.mute()), heal: listen, drop: listen };
  },
});
