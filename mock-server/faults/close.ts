/** A close that nobody asked for: with an `open` or `room-socket` moment, accepted and closed at once. */
import { z } from "zod";
import { CLOSE_CODES } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

export const close = defineFault({
  name: "close",
  about: "The server closes a socket, with a code and a reason.",
  places: [
    { channel: "control", directions: ["to-client"], at: "open" },
    { channel: "livekit", directions: ["to-client"], at: "room-socket" },
  ],
  settings: z.strictObject({
    code: z
      .int()
      .min(1000)
      .max(4999)
      .refine(
        isSendable,
        `No frame carries this code. It takes ${CLOSE_CODES.normal.code} to 1014 without 1004, 1005 and ${CLOSE_CODES.abnormal.code}, or 3000 to 4999.`,
      )
      .default(CLOSE_CODES.serverError.code)
      .describe("The close code."),
    reason: z.string().max(123).default("").describe("The reason, cut to 123 bytes."),
  }),
  open: ({ code, reason }) => ({
    strike: (line) => line.close(code, reason),
  }),
});

/** RFC 6455, section 7.4: the rest is reserved, or for whoever sees a socket go without a close frame. */
function isSendable(code: number): boolean {
  if (code >= 3000) return true;
  return code <= 1014 && code !== 1004 && code !== 1005 && code !== CLOSE_CODES.abnormal.code;
}
