/** An access token that the room takes for none of its own: LiveKit's answer to one that is expired, forged or for another project. */
import { z } from "zod";
import { defineFault, type UpgradeItem } from "./fault.ts";

export const refuseToken = defineFault({
  name: "refuse-token",
  about: "The room takes the client's token for no good: it is told so, and an SDK stops trying.",
  places: [{ channel: "livekit", directions: ["to-server"], kinds: ["upgrade", "validate"] }],
  settings: z.strictObject({
    status: z
      .union([z.literal(401), z.literal(403)])
      .default(401)
      .describe("The HTTP status of the refusal."),
    body: z
      .string()
      .max(500)
      // Observed in 0.1.20: a text with "unauthorized" is final, any other is tried again for some 25 s.
      .default("unauthorized: the access token is refused.")
      .describe(
        'The text, which becomes the client\'s error; an SDK stops at once where it says "unauthorized".',
      ),
  }),
  open: ({ status, body }) => ({
    take: (item) => (item as UpgradeItem).refuse(status, body),
  }),
});
