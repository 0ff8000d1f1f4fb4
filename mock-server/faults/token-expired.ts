/** Client tokens that are too old when they arrive, as from a server whose clock is wrong or a response that was cached. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const tokenExpired = defineFault({
  name: "token-expired",
  about: "A client token has expired when it is minted: it says so, and opens nothing.",
  places: [{ channel: "http", directions: ["to-server"], kinds: ["tokens"] }],
  settings: z.strictObject({
    sinceSeconds: z.int().min(1).max(86_400).default(60).describe("How long ago it expired, seconds."),
  }),
  open: ({ sinceSeconds }) => ({
    take: (item, next) => next({ ...item, tokenLifeSeconds: -sinceSeconds }),
  }),
});
