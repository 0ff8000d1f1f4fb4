/** A NAT that forgot: the same connection, from another port. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const pathChange = defineFault({
  name: "path-change",
  about: "We go on from another UDP port, and are deaf on the one before.",
  places: [{ channel: "ice", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({}),
  open: (_settings, { note }) => ({
    strike(line) {
      line.changePath().catch(({ message }: Error) => note("path-stays", { error: message }, true));
    },
  }),
});
