// The two catalogues of control messages, client → server and server → client, with their types and who speaks what.
// Every frame is one JSON object with a string `type`; fields we do not know are let through.
import type { z } from "zod";
import {
  answerMessage,
  iceCandidateMessage,
  iceRestartMessage,
  imageSetMessage,
  offerMessage,
  readyMessage,
  sessionIdMessage,
  statusMessage,
  switchCameraMessage,
} from "./direct-messages.ts";
import { livekitJoinMessage, livekitRoomInfoMessage } from "./livekit-messages.ts";
import type { Era } from "./sdk-versions.ts";
import {
  errorMessage,
  generationEndedMessage,
  generationStartedMessage,
  generationTickMessage,
  promptAckMessage,
  promptMessage,
  queuePositionMessage,
  setImageAckMessage,
  setImageMessage,
} from "./shared-messages.ts";

/** Every message a client sends, by its `type`. */
export const CLIENT_MESSAGES = {
  offer: offerMessage,
  answer: answerMessage,
  "ice-candidate": iceCandidateMessage,
  prompt: promptMessage,
  set_image: setImageMessage,
  switch_camera: switchCameraMessage,
  livekit_join: livekitJoinMessage,
};

/** Every message a server sends, by its `type`. */
export const SERVER_MESSAGES = {
  ready: readyMessage,
  offer: offerMessage,
  answer: answerMessage,
  "ice-candidate": iceCandidateMessage,
  "ice-restart": iceRestartMessage,
  prompt_ack: promptAckMessage,
  image_set: imageSetMessage,
  set_image_ack: setImageAckMessage,
  error: errorMessage,
  generation_started: generationStartedMessage,
  generation_tick: generationTickMessage,
  generation_ended: generationEndedMessage,
  session_id: sessionIdMessage,
  status: statusMessage,
  queue_position: queuePositionMessage,
  livekit_room_info: livekitRoomInfoMessage,
};

export type ClientMessageType = keyof typeof CLIENT_MESSAGES;
export type ServerMessageType = keyof typeof SERVER_MESSAGES;

/** A parsed message with only its known fields typed; without this every misspelt field would type as `unknown`. */
type Known<Message> = { [Key in keyof Message as string extends Key ? never : Key]: Message[Key] };

/** One message a client sends, by its `type`: `ClientMessageOf<"offer">`. */
export type ClientMessageOf<Type extends ClientMessageType> = Known<z.infer<(typeof CLIENT_MESSAGES)[Type]>>;

/** One message a server sends, by its `type`: `ServerMessageOf<"error">`. */
export type ServerMessageOf<Type extends ServerMessageType> = Known<z.infer<(typeof SERVER_MESSAGES)[Type]>>;

/** Any message a client sends; narrow on `type`. */
export type ClientMessage = { [Type in ClientMessageType]: ClientMessageOf<Type> }[ClientMessageType];

/** Any message a server sends; narrow on `type`. */
export type ServerMessage = { [Type in ServerMessageType]: ServerMessageOf<Type> }[ServerMessageType];

export type PromptMessage = ClientMessageOf<"prompt">;
export type SetImageMessage = ClientMessageOf<"set_image">;
export type LivekitJoinMessage = ClientMessageOf<"livekit_join">;
export type PromptAckMessage = ServerMessageOf<"prompt_ack">;
export type SetImageAckMessage = ServerMessageOf<"set_image_ack">;

/** A message that asks for another state, and is owed exactly one ack. */
export type StateMessage = PromptMessage | SetImageMessage;

/** What a client may send in each dialect. Documented. */
export const CLIENT_TYPES: Readonly<Record<Era, readonly ClientMessageType[]>> = {
  direct: ["offer", "answer", "ice-candidate", "prompt", "set_image", "switch_camera"],
  livekit: ["livekit_join", "prompt", "set_image"],
};

/** What a server may send in each dialect. Documented. Android 0.7 reconnects on anything else. */
export const SERVER_TYPES: Readonly<Record<Era, readonly ServerMessageType[]>> = {
  direct: [
    "ready",
    "offer",
    "answer",
    "ice-candidate",
    "ice-restart",
    "prompt_ack",
    "image_set",
    "set_image_ack",
    "error",
    "generation_started",
    "generation_tick",
    "generation_ended",
    "session_id",
    "status",
    "queue_position",
  ],
  livekit: [
    "livekit_room_info",
    "queue_position",
    "prompt_ack",
    "set_image_ack",
    "error",
    "generation_started",
    "generation_tick",
    "generation_ended",
    "status",
  ],
};

/**
 * What a client may send first in each dialect; it tells which one the connection speaks. Documented: LiveKit clients join first, direct
 * ones offer or send their initial state. Assumed: the mirror toggle, which nothing keeps an app from using before, and a
 * candidate that overtakes its offer.
 */
export const FIRST_TYPES: Readonly<Record<Era, readonly ClientMessageType[]>> = {
  direct: ["offer", "prompt", "set_image", "ice-candidate", "switch_camera"],
  livekit: ["livekit_join"],
};
