/** A prompt that the service will not have: refused in its ack, the session goes on (documented). */
import { z } from "zod";
import { defineFault } from "./fault.ts";

export const moderation = defineFault({
  name: "moderation",
  about: "A prompt is refused in its ack by moderation, and nothing changes.",
  places: [{ channel: "state", directions: ["to-server"] }],
  settings: z.strictObject({
    word: z
      .string()
      .max(100)
      .default("")
      .describe("Prompts that have it are refused; all where it is empty."),
    // Assumed: no source gives the words.
    error: z
      .string()
      .max(1000)
      .default("The prompt was rejected by moderation.")
      .describe("What the ack says."),
  }),
  open: ({ word, error }) => ({
    take(item, next) {
      const prompt = item.adopted?.prompt;
      const isRefused = prompt?.toLowerCase().includes(word.toLowerCase()) ?? false;
      next(
        isRefused ? { ...item, adopted: null, shown: [], ack: { ...item.ack, success: false, error } } : item,
      );
      return isRefused;
    },
  }),
});
