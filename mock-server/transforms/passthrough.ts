/** Nothing at all: the picture as it came, for prompts that want only their caption over it. */
import type { Transform } from "./transform.ts";

export const passthrough: Transform = {
  name: "passthrough",
  does: "Leaves the picture as it came.",
  property: "Every sample stays what it was.",
  apply() {},
};
