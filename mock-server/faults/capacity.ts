/** No slot is free: the words and the code are documented. Clients try again to the end of their ladder. */
import { z } from "zod";
import { CLOSE_CODES, SERVER_ERRORS } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

export const capacity = defineFault({
  name: "capacity",
  about: "The client is sent away because no session slot is free.",
  places: [{ channel: "control", directions: ["to-client"], at: "open" }],
  settings: z.strictObject({}),
  open: () => ({
    strike: (line) => line.refuse(SERVER_ERRORS.concurrentSessionLimit, CLOSE_CODES.atCapacity.code),
  }),
});
