/** A join response that lacks a part which clients cannot do without (measured with 0.1.20, one part left out a run). */
import { z } from "zod";
import { fieldsOf, withFields } from "./_signal-item.ts";
import { defineFault } from "./fault.ts";

const parts = ["permission", "participant", "server-version"] as const;

export const incompleteJoin = defineFault({
  name: "incomplete-join",
  about: "The join response lacks a part: the client cannot connect, or cannot publish.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["join"] }],
  settings: z.strictObject({
    without: z
      .enum(parts)
      .default("permission")
      .describe("What it lacks: the right to publish, the participant itself, or the server's version."),
  }),
  open: ({ without }) => ({
    take(item, next) {
      const lacking = {
        permission: { participant: { ...fieldsOf(item).participant, permission: undefined } },
        participant: { participant: undefined },
        "server-version": { serverInfo: undefined, serverVersion: undefined },
      };
      next(withFields(item, lacking[without]));
    },
  }),
});
