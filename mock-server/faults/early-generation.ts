/** `generation_started` before there is media: JS 0.0.x takes it for a connection, 0.1.x forgets it (observed). */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const earlyGeneration = defineFault({
  name: "early-generation",
  about: "The client is told that generation has started before there is any media.",
  places: [{ channel: "control", directions: ["to-client"], at: "joined" }],
  settings: z.strictObject({}),
  open: () => ({
    strike: (line) => line.send({ type: "generation_started" }),
  }),
});
