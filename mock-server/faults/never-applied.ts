/** An ack that was a lie: it promises a change that nobody ever sees. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const neverApplied = defineFault({
  name: "never-applied",
  about: "A change is acked and never shown.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    lost: z
      .enum(["pictures", "state"])
      .default("pictures")
      .describe(
        "Who does not learn of it: `pictures`: it is in force, and the next change shows it, too; `state`: it is forgotten altogether.",
      ),
  }),
  needs: "transcode",
  open: ({ lost }) => ({
    take(item, next) {
      next({ ...item, shown: [], ...(lost === "state" && { adopted: null }) });
    },
  }),
});
