/** Pictures of another size in the middle of a stream, as when a model or an encoder changes its resolution. */
import { z } from "zod";
import { pictureEffect } from "./_picture-effect.ts";
import { defineFault } from "./fault.ts";

const odd = "It takes an even number: colours have half as many samples.";

export const resize = defineFault({
  name: "resize",
  about: "Pictures come in another size, and in their own again when it heals.",
  places: [{ channel: "media", directions: ["to-client"], kinds: ["picture"] }],
  settings: z.strictObject({
    width: z.int().min(16).max(4096).refine(isEven, odd).default(480).describe("Even, pixels."),
    height: z.int().min(16).max(2304).refine(isEven, odd).default(270).describe("Even, pixels."),
  }),
  needs: "transcode",
  open: (size) => pictureEffect({ size }),
});

function isEven(count: number): boolean {
  return count % 2 === 0;
}
