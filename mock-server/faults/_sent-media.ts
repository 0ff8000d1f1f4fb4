/** Which of what leaves a pipeline a fault means. */
import { z } from "zod";
import type { Items, OutgoingItem } from "./fault.ts";

/** A setting: in it only, what `only` would say in words of the pipeline's. */
export const sentMedia = z
  .enum(["both", "video", "audio"])
  .default("both")
  .describe("Which of what is sent.");

export function isSent(item: Items["media"], media: z.output<typeof sentMedia>): item is OutgoingItem {
  if (item.kind !== "encoded" && item.kind !== "sound") return false;
  return media === "both" || (media === "video") === (item.kind === "encoded");
}
