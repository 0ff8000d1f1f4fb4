/**
 * What is in force in a session, as one immutable value, and the one table that says what a message makes of it. Pure: no
 * sockets, no time, no pictures beyond a decoded reference image.
 */
import type { Frame } from "../fixtures/frame.ts";
import type { SetImageMessage, StateMessage } from "../protocol/index.ts";

export type ReferenceImage = {
  /** As the output strip carries it. */
  readonly hash: number;
  readonly mime: string;
  /** Pixels, as the client sent it. */
  readonly width: number;
  readonly height: number;
  readonly byteLength: number;
  readonly picture: Frame;
};

export type State = {
  /** 0 for a new session, then one more for each message that was accepted. */
  readonly revision: number;
  readonly prompt: string | null;
  readonly enhance: boolean;
  readonly image: ReferenceImage | null;
  /** `switch_camera` of clients before 0.0.18. */
  readonly mirrored: boolean;
};

export const initialState: State = { revision: 0, prompt: null, enhance: true, image: null, mirrored: false };

/**
 * What `set({ prompt })` does to the image. On the wire it is the same as `set({ prompt, image: null })`. `keep`: the product
 * page, "update just the prompt" (documented). `clear`: the SDK's own example (documented, and it contradicts the page).
 */
export const promptOnlySets = ["keep", "clear"] as const;
export type PromptOnlySet = (typeof promptOnlySets)[number];

/** What a message asks for. A key that is absent leaves its part of the state alone. */
export type Change = {
  readonly prompt?: string | null;
  readonly image?: { readonly data: string } | { readonly ref: string } | null;
  readonly enhance?: boolean;
};

/**
 * Reads a state message. The rows, with the versions that send them, are in the table of the design and in its test:
 *
 * | `set_image` carries | image | prompt |
 * |---|---|---|
 * | `image_data` text or `image_ref`, no `prompt` | set | kept |
 * | `image_data` text or `image_ref`, `prompt` text | set | set |
 * | `image_data` null, no `prompt` | cleared | kept |
 * | `image_data` null, `prompt` null | cleared | cleared |
 * | `image_data` null, `prompt` text | `promptOnlySet` | set |
 * | no image key, `prompt` text | kept | set |
 * | neither key | cleared | kept |
 */
export function readChange(message: StateMessage, promptOnlySet: PromptOnlySet): Change {
  const enhance = message.enhance_prompt === undefined ? {} : { enhance: message.enhance_prompt };
  if (message.type === "prompt") return { prompt: message.prompt, ...enhance };
  // No SDK sends an empty prompt; it can only mean none.
  const prompt = message.prompt === undefined ? {} : { prompt: message.prompt || null };
  return { ...prompt, ...imageChange(message, promptOnlySet), ...enhance };
}

function imageChange(message: SetImageMessage, promptOnlySet: PromptOnlySet): Pick<Change, "image"> {
  const { image_data: data, image_ref: ref, prompt } = message;
  if (ref != null) return { image: { ref } };
  if (typeof data === "string") return { image: { data } };
  if (!prompt) return { image: null };
  const kept = data === undefined || promptOnlySet === "keep";
  return kept ? {} : { image: null };
}

/** The state after a change whose image, if it names one, has been decoded. */
export function nextState(state: State, change: Change, image: ReferenceImage | null): State {
  return {
    revision: state.revision + 1,
    prompt: change.prompt === undefined ? state.prompt : change.prompt,
    enhance: change.enhance ?? state.enhance,
    image: change.image === undefined ? state.image : image,
    mirrored: state.mirrored,
  };
}
