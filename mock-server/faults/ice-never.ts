/** A network that lets no connectivity check through, as a firewall that knows no UDP. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const iceNever = defineFault({
  name: "ice-never",
  about: "ICE never completes: connectivity checks are lost, both ways.",
  places: [{ channel: "ice", kinds: ["stun"] }],
  settings: z.strictObject({}),
  open: () => ({ take: () => true }),
});
