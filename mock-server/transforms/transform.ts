/** The one shape every file of this folder has. */
import type { Frame } from "../../fixtures/index.ts";
import type { Look } from "./look.ts";

/**
 * A pure picture-to-picture function. `apply` changes the samples of `frame` in place (that saves a copy of the picture)
 * and depends on nothing but them and the look: no time, no session, no codec, no memory of earlier frames.
 */
export type Transform = {
  /** The word in a prompt that asks for it, and the name of its file and golden picture. */
  readonly name: string;
  /** One sentence for the person who reads docs/transforms.md or the page. */
  readonly does: string;
  /** The property its test checks, in one sentence. */
  readonly property: string;
  /** It is given the rows of the strips as well, and no strip or pixel marker is written after it: it takes them, as a model does. */
  readonly coversStrips?: true;
  apply(frame: Frame, look: Look): void;
};
