/** Spoils nothing: to see what a declaration would meet, and what gates cost. */
import { z } from "zod";
import { channels, defineFault } from "./fault.ts";

export const nothing = defineFault({
  name: "nothing",
  about: "Lets everything pass as it is, and counts it.",
  places: channels.map((channel) => ({ channel, directions: ["to-client", "to-server"] })),
  settings: z.strictObject({}),
  open: () => ({
    take: (item, next) => next(item),
  }),
});
