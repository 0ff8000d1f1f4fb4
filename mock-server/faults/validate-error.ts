/** The door of the room is shut for another reason than the token: what `validate` says of it is what a client acts on. */
import { z } from "zod";
import { defineFault, type UpgradeItem } from "./fault.ts";

const paths = ["both", "/rtc/v1", "/rtc"] as const;

export const validateError = defineFault({
  name: "validate-error",
  about:
    "The socket to the room is refused, and validate says why; with 404, the client goes to the older path.",
  // A client asks validate once its socket was refused, never before.
  places: [{ channel: "livekit", directions: ["to-server"], kinds: ["upgrade", "validate"] }],
  settings: z.strictObject({
    status: z.int().min(400).max(599).default(500).describe("The HTTP status of both."),
    body: z
      .string()
      .max(500)
      .default("the room cannot be reached")
      .describe(
        'The text of both. A 404 leads to the older path unless it says "requested room does not exist".',
      ),
    path: z
      .enum(paths)
      .default("both")
      .describe("Where: `/rtc/v1` alone, with 404, makes clients use `/rtc`."),
  }),
  open: ({ status, body, path }) => ({
    take(item, next) {
      const asked = item as UpgradeItem;
      if (path === "both" || path === asked.path) return asked.refuse(status, body);
      next(item);
      return false;
    },
  }),
});
