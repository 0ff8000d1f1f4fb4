// Messages of the direct dialect (JS 0.0.x, Python to 0.0.40, Android to 0.6.1): SDP and ICE on the control socket.
import { z } from "zod";
import { text, wholeNumber } from "./_fields.ts";

/** Both ways. The client offers after its initial state is acked; a server's offer is supported and unused. Documented. */
export const offerMessage = z.looseObject({ type: z.literal("offer"), sdp: text });

/** Both ways. Documented. Python never trickles: its answer must already hold the server's candidates. */
export const answerMessage = z.looseObject({ type: z.literal("answer"), sdp: text });

/**
 * An RTCIceCandidateInit. Browsers may leave `candidate` out of one, but every client sends a serialised
 * RTCIceCandidate, which always has it. Documented.
 */
const candidate = z.looseObject(
  {
    candidate: text,
    sdpMid: z.string({ error: "must be a string or null" }).nullable().optional(),
    sdpMLineIndex: z.int({ error: "must be a whole number or null" }).nullable().optional(),
    usernameFragment: z.string({ error: "must be a string or null" }).nullable().optional(),
  },
  { error: "must be an ICE candidate object or null" },
);

/** Both ways. Trickled candidates; null marks the end (JS 0.0.5 and later). Documented. */
export const iceCandidateMessage = z.looseObject({
  type: z.literal("ice-candidate"),
  candidate: candidate.nullable(),
});

/** Client → server. Mirrors the picture: 2 turns it on, 0 off. No ack. Documented (JS up to 0.0.17). */
export const switchCameraMessage = z.looseObject({
  type: z.literal("switch_camera"),
  rotateY: z.literal([0, 2], { error: "must be 0 or 2" }),
});

/** Server → client. Makes the client offer a second time; no client waits for it, so do not send it. Documented. */
export const readyMessage = z.looseObject({ type: z.literal("ready") });

/**
 * Server → client. Despite its name a new peer connection, through this TURN server; without `turn_config` the client does
 * nothing. Documented (JS 0.0.5 to 0.0.52).
 */
export const iceRestartMessage = z.looseObject({
  type: z.literal("ice-restart"),
  turn_config: z
    .looseObject(
      { username: text, credential: text, server_url: text },
      { error: "must be an object with username, credential and server_url" },
    )
    .optional(),
});

/** Server → client. The avatar model's image ack before `set_image_ack`. Documented (JS 0.0.28 and 0.0.29 only). */
export const imageSetMessage = z.looseObject({ type: z.literal("image_set"), status: text });

/**
 * Server → client. Names the session; the client builds its subscribe token from all three fields. Documented (JS 0.0.46
 * and later); Python and Android drop it unless the port is a whole number.
 */
export const sessionIdMessage = z.looseObject({
  type: z.literal("session_id"),
  session_id: text,
  server_ip: text,
  server_port: wholeNumber,
});

/** Server → client. Free text about the session's set-up. Documented (JS 0.0.62 only, Android 0.7). */
export const statusMessage = z.looseObject({ type: z.literal("status"), status: text });
