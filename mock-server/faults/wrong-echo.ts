/** Clients match a prompt's ack by its text: one that the server changed is for nobody, and the call times out (documented). */
import { z } from "zod";
import type { ControlItem } from "./fault.ts";
import { defineFault } from "./fault.ts";

export const wrongEcho = defineFault({
  name: "wrong-echo",
  about: "The ack of a prompt repeats another text than the client sent.",
  places: [{ channel: "control", directions: ["to-client"], kinds: ["prompt_ack"] }],
  settings: z.strictObject({
    how: z
      .enum(["text", "trimmed", "upper"])
      .default("text")
      .describe("Another text, the same without spaces at its ends, or in capitals."),
    text: z.string().max(1000).default("an enhanced prompt").describe("The other text."),
  }),
  open: ({ how, text }) => ({
    take(item, next) {
      const sent = item as ControlItem;
      const prompt = String(sent.message.prompt);
      const echo = { text, trimmed: prompt.trim(), upper: prompt.toUpperCase() }[how];
      next({ ...sent, message: { ...sent.message, prompt: echo } });
      return echo !== prompt;
    },
  }),
});
