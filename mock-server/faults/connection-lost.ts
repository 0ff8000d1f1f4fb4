/** A network that is gone for a while, and back as if nothing had been: a lift, a tunnel, a cable pulled. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const connectionLost = defineFault({
  name: "connection-lost",
  about: "Every datagram is lost, both ways, for a while; then all is as before.",
  places: [{ channel: "ice", at: "connected" }],
  settings: z.strictObject({}),
  for: { ms: 3000 },
  open: () => ({ take: () => true }),
});
