/** An answer says by number which offer it answers. Here it says another. */
import { z } from "zod";
import { fieldsOf, withFields } from "./_signal-item.ts";
import { defineFault } from "./fault.ts";

export const wrongAnswerId = defineFault({
  name: "wrong-answer-id",
  about: "Answers name another offer than the client's: it goes on waiting for its own.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["answer"] }],
  settings: z.strictObject({
    by: z
      .int()
      .min(-1_000_000)
      .max(1_000_000)
      .default(1)
      .describe(
        "Added to the offer's number. Below 0 it is 0, which stands for no offer: media flows all the same.",
      ),
  }),
  open: ({ by }) => ({
    take: (item, next) => next(withFields(item, { id: Math.max(0, (fieldsOf(item).id ?? 0) + by) })),
  }),
});
