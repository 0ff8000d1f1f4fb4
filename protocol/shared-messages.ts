// Messages that both dialects speak: the state a client asks for, the acks it gets, and the life of a generation.
import { z } from "zod";
import { filledText, flag, number, text, textOrNull, wholeNumber } from "./_fields.ts";

/** What an uploaded file's id starts with; a string is a reference exactly when it does. Documented (JS 0.1.1 and later). */
export const FILE_REF_PREFIX = "file_";

/**
 * Client → server. Sets the prompt and leaves the image alone. The text counts byte for byte: the ack is matched by it.
 * `enhance_prompt` is missing from JS up to 0.0.3, otherwise always sent. Documented.
 */
export const promptMessage = z.looseObject({
  type: z.literal("prompt"),
  prompt: filledText,
  enhance_prompt: flag.optional(),
});

/**
 * Client → server. Sets or clears image and prompt at once; which key is present matters as much as its value.
 *
 * - `image_data`: base64 without a data-URL prefix, null to clear; missing in Python up to 0.0.23.
 * - `image_ref`: an uploaded file's id, in place of `image_data` (JS 0.1.1 and later).
 * - `prompt`: null only in the passthrough form `{image_data: null, prompt: null}`.
 *
 * Documented, except that we refuse an image in both forms at once: no client sends it. Assumed.
 */
export const setImageMessage = z
  .looseObject({
    type: z.literal("set_image"),
    image_data: z.string({ error: "must be a string of base64 or null" }).nullable().optional(),
    image_ref: z
      .string({ error: `must be a string that starts with "${FILE_REF_PREFIX}"` })
      .startsWith(FILE_REF_PREFIX, { error: `must be a string that starts with "${FILE_REF_PREFIX}"` })
      .optional(),
    prompt: textOrNull.optional(),
    enhance_prompt: flag.optional(),
  })
  .refine((message) => typeof message.image_data !== "string" || message.image_ref === undefined, {
    path: ["image_ref"],
    error: 'must be left out when "image_data" holds an image',
  });

/**
 * Server → client. Answers one `prompt`; `prompt` repeats the sent text byte for byte, or the client never matches it.
 * Documented (JS 0.0.19 and later); every client reads a missing `error` as none.
 */
export const promptAckMessage = z.looseObject({
  type: z.literal("prompt_ack"),
  prompt: text,
  success: flag,
  error: textOrNull.optional(),
});

/** Server → client. Answers one `set_image`; carries no id, so clients match it by order. Documented (JS 0.0.30 and later). */
export const setImageAckMessage = z.looseObject({
  type: z.literal("set_image_ack"),
  success: flag,
  error: textOrNull.optional(),
});

/**
 * Server → client. A failure of the session. JS keeps the connection and raises an event, Android 0.7 reconnects.
 * Documented (JS 0.0.6 and later).
 */
export const errorMessage = z.looseObject({ type: z.literal("error"), error: text });

/** Server → client. Output frames begin; moves a client to `generating`. Documented (JS 0.0.45 and later). */
export const generationStartedMessage = z.looseObject({ type: z.literal("generation_started") });

/**
 * Server → client, once a second of generation (assumed). `seconds` so far. Documented (JS 0.0.47 and later). Send whole
 * numbers: Python drops the message otherwise.
 */
export const generationTickMessage = z.looseObject({ type: z.literal("generation_tick"), seconds: number });

/** The reasons `generation_ended` is known to give. Documented: the SDK's signalling-proxy example at v0.0.52. */
export const GENERATION_END_REASONS = [
  "disconnect",
  "timeout",
  "moderation_violation",
  "error",
  "insufficient_credits",
] as const;

export type GenerationEndReason = (typeof GENERATION_END_REASONS)[number];

/**
 * Server → client. Generation stopped after `seconds`. `reason` is usually one of {@link GENERATION_END_REASONS}, but
 * clients take any text. Not terminal: clients stay or reconnect. Documented (JS 0.0.47 and later).
 */
export const generationEndedMessage = z.looseObject({
  type: z.literal("generation_ended"),
  seconds: number,
  reason: text,
});

/**
 * Server → client. Place in the line for a slot; the LiveKit clients stop their room-info timer at the first one.
 * Documented (JS 0.0.62 only, then 0.1.0 and later); Python and Android read whole numbers only.
 */
export const queuePositionMessage = z.looseObject({
  type: z.literal("queue_position"),
  position: wholeNumber,
  queue_size: wholeNumber,
});
