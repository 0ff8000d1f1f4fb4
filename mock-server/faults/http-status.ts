/** An HTTP status in place of an answer, as from an overloaded service or a proxy before it. Nothing is done of what was asked for. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const httpStatus = defineFault({
  name: "http-status",
  about: "A request is answered with a status and a sentence, and nothing is done.",
  places: [{ channel: "http", directions: ["to-server"] }],
  settings: z.strictObject({
    status: z.int().min(400).max(599).default(503).describe("The HTTP status."),
    // FastAPI's shape (documented); the words are assumed.
    detail: z
      .string()
      .max(1000)
      .default("The service is not available.")
      .describe("What the body says as `detail`."),
  }),
  open: ({ status, detail }) => ({
    take: (item) => item.refuse(status, detail),
  }),
});
