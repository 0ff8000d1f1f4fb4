/** No socket: an HTTP status in its place. A browser hides it from its page, so that SDKs try again even after a 401 (observed). */
import { z } from "zod";
import { defineFault, type UpgradeItem } from "./fault.ts";

export const refuseUpgrade = defineFault({
  name: "refuse-upgrade",
  about: "A client that asks for a socket is answered with an HTTP status.",
  places: [
    { channel: "control", directions: ["to-server"], kinds: ["upgrade"] },
    { channel: "livekit", directions: ["to-server"], kinds: ["upgrade"] },
  ],
  settings: z.strictObject({
    // What is below tells a client to wait for another one.
    status: z.int().min(200).max(599).default(503).describe("The HTTP status."),
    body: z.string().max(1000).default("Refused by a fault.").describe("What stands below it."),
  }),
  open: ({ status, body }) => ({
    take: (item) => (item as UpgradeItem).refuse(status, body),
  }),
});
