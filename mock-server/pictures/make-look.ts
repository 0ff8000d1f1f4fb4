/** From a state to what it looks like. */
import { promptHash } from "../../fixtures/hashes.ts";
import type { State } from "../state.ts";
import type { Look, Mask } from "../transforms/look.ts";

/** `caption`: the prompt's words, rasterised; making it takes a moment, so the caller does that first. */
export function makeLook(state: State, caption: Mask | null): Look {
  return {
    revision: state.revision,
    prompt: state.prompt,
    promptHash: state.prompt === null ? 0 : promptHash(state.prompt),
    imageHash: state.image?.hash ?? 0,
    caption,
    image: state.image?.picture ?? null,
    mirrored: state.mirrored,
  };
}
