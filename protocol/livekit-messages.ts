// Messages of the LiveKit dialect (JS 0.1.x, Python 0.1.x, Android 0.7.x): joining a room. Media is LiveKit's own affair.
import { z } from "zod";
import { flag, text } from "./_fields.ts";
import { promptMessage, setImageMessage } from "./shared-messages.ts";

/** Clients take output tracks only from participants whose identity starts with this. Documented. */
export const INFERENCE_IDENTITY_PREFIX = "inference-server-";

/**
 * Client → server, the first frame; itself never acked.
 *
 * - `initial_state` (JS 0.1.6 and 0.1.7, Android 0.7.5 and later): a whole state message, which is acked; null for none.
 * - `passthrough` (JS 0.1.8 and later): false when a state message follows at once.
 * - `client_capabilities.frame_timing` (JS 0.1.15 and later): the client strips LiveKit packet trailers.
 *
 * Documented; seen in the published 0.1.3, 0.1.6, 0.1.14 and 0.1.20. Assumed: null says as little as leaving it out.
 */
export const livekitJoinMessage = z.looseObject({
  type: z.literal("livekit_join"),
  initial_state: z
    .discriminatedUnion("type", [promptMessage, setImageMessage], {
      error: (issue) =>
        issue.code === "invalid_union"
          ? 'must be "prompt" or "set_image"'
          : 'must be a "prompt" or "set_image" message, or null',
    })
    .nullable()
    .optional(),
  passthrough: flag.nullable().optional(),
  client_capabilities: z
    .looseObject({ frame_timing: flag.optional() }, { error: "must be an object" })
    .nullable()
    .optional(),
});

/** Server → client. Where and as whom to join the LiveKit room. Documented. */
export const livekitRoomInfoMessage = z.looseObject({
  type: z.literal("livekit_room_info"),
  livekit_url: text,
  token: text,
  room_name: text,
  session_id: text,
});

/** The response of POST /watch-stream/{room_name}: a viewer's way into the room. Documented (all three are required). */
export const watchStreamResponse = z.looseObject({ livekit_url: text, token: text, room_name: text });

export type WatchStreamResponse = z.infer<typeof watchStreamResponse>;
