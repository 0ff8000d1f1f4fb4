// The ack rule, in one place: exactly one ack for each state message, in order, whether it came alone or inside a
// `livekit_join`, and none for the join itself. A missing or an extra ack shifts every later one in real clients.
import type { ClientMessage, PromptAckMessage, SetImageAckMessage, StateMessage } from "./messages.ts";
import type { ParseFailure } from "./parse.ts";

/** The state message that `message` is, or carries as its `initial_state`; null when it asks for no state. */
export function stateMessageOf(message: ClientMessage): StateMessage | null {
  if (message.type === "prompt" || message.type === "set_image") return message;
  return message.type === "livekit_join" ? (message.initial_state ?? null) : null;
}

/** The ack that `state` is owed: a success when `error` is null, else a refusal with that text. Documented. */
export function ackFor(
  state: StateMessage,
  error: string | null = null,
): PromptAckMessage | SetImageAckMessage {
  return ackOfType(state.type, state.prompt ?? "", error);
}

/**
 * The refusal that a frame is owed although it did not parse: a `prompt` or `set_image` with wrong fields, alone or inside a
 * `livekit_join`. Null when the frame asked for no state, and so gets no ack. Assumed.
 */
export function refusalFor(failure: ParseFailure): PromptAckMessage | SetImageAckMessage | null {
  const state = failure.type === "livekit_join" ? failure.raw?.initial_state : failure.raw;
  if (typeof state !== "object" || state === null) return null;
  const { type, prompt } = state as Record<string, unknown>;
  if (type !== "prompt" && type !== "set_image") return null;
  return ackOfType(type, typeof prompt === "string" ? prompt : "", failure.error);
}

function ackOfType(
  type: StateMessage["type"],
  prompt: string,
  error: string | null,
): PromptAckMessage | SetImageAckMessage {
  const success = error === null;
  return type === "prompt"
    ? { type: "prompt_ack", prompt, success, error }
    : { type: "set_image_ack", success, error };
}
