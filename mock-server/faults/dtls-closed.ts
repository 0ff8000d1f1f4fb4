/** The other end of the connection says goodbye in DTLS, and its socket says nothing of it. */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const dtlsClosed = defineFault({
  name: "dtls-closed",
  about: "We close the connection for media in DTLS, while its signalling stands.",
  places: [{ channel: "ice", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({}),
  open: () => ({
    strike: (line) => line.closeDtls(),
  }),
});
