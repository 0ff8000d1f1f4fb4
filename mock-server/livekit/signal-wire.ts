/**
 * LiveKit's signalling as bytes: requests in, responses out, the join request in a URL, data packets. The one file that imports
 * @livekit/protocol; what others need of it is passed on below. Sizes are checked before anything is unpacked.
 */
import { gunzipSync } from "node:zlib";
import {
  DataPacket,
  JoinRequest,
  SignalRequest,
  SignalResponse,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";
import { SDP_BYTES_MAX } from "../../protocol/index.ts";

export {
  type AddTrackRequest,
  DisconnectReason,
  type JoinRequest,
  LeaveRequest_Action,
  PacketTrailerFeature,
  ParticipantInfo,
  ParticipantInfo_State,
  RequestResponse_Reason,
  ServerInfo_Edition,
  type SessionDescription,
  SignalTarget,
  SimulcastCodecInfo,
  type SubscriptionPermission,
  TrackInfo,
  TrackSource,
  TrackType,
  type VideoLayer,
} from "@livekit/protocol";

export type Request = Extract<SignalRequest["message"], { case: string }>;
type Message = NonNullable<ConstructorParameters<typeof SignalResponse>[0]>["message"];
export type Response = Extract<NonNullable<Message>, { case: string }>;

/** One message of the signalling socket: an SDP and what stands around it. */
export const SIGNAL_BYTES_MAX = SDP_BYTES_MAX + 16 * 1024;
/** `join_request`, as it stands in the URL; a browser's has 2700 characters. Node itself refuses a URL beyond 16 kB. */
const joinRequestLengthMax = 12 * 1024;

/** Something that is no message of LiveKit's; the text is a sentence for the journal and the client. */
export class SignalError extends Error {}

/** @throws SignalError */
export function readRequest(bytes: Uint8Array): Request {
  if (bytes.length > SIGNAL_BYTES_MAX) {
    throw new SignalError(
      `A signal message of ${bytes.length} bytes is too large: at most ${SIGNAL_BYTES_MAX} are read. An offer has some 18 000.`,
    );
  }
  let request: SignalRequest;
  try {
    request = SignalRequest.fromBinary(bytes);
  } catch (error) {
    throw new SignalError(
      `${bytes.length} bytes are no livekit.SignalRequest (${(error as Error).message}). Send protobuf, one message a frame.`,
    );
  }
  if (request.message.case === undefined) {
    throw new SignalError(
      `${bytes.length} bytes hold no livekit.SignalRequest that this server knows. It speaks LiveKit's protocol 17.`,
    );
  }
  return request.message;
}

/** `fields`: the same as JSON. */
export function writeResponse(message: Response): { bytes: Uint8Array; fields: Record<string, unknown> } {
  const response = new SignalResponse({ message } as { message: NonNullable<Message> });
  return { bytes: response.toBinary(), fields: fieldsOf(response.message as Request) };
}

/** What a message holds, as JSON: numbers of 64 bits as text, names for the values of enumerations. */
export function fieldsOf({ value }: Request): Record<string, unknown> {
  return typeof value === "object" ? (value.toJson() as Record<string, unknown>) : { value: String(value) };
}

/**
 * `join_request` of `/rtc/v1`: URL-safe base64 of a WrappedJoinRequest, itself often gzipped.
 * @throws SignalError
 */
export function readJoinRequest(text: string): JoinRequest {
  if (text.length > joinRequestLengthMax) {
    throw new SignalError(
      `join_request has ${text.length} characters; at most ${joinRequestLengthMax} are read. A browser's has some 2700.`,
    );
  }
  try {
    // Node passes over what is none.
    if (!/^[\w+/-]+={0,2}$/.test(text)) throw new Error("not base64");
    const { compression, joinRequest } = WrappedJoinRequest.fromBinary(Buffer.from(text, "base64url"));
    const bytes =
      compression === WrappedJoinRequest_Compression.GZIP
        ? gunzipSync(joinRequest, { maxOutputLength: SIGNAL_BYTES_MAX })
        : joinRequest;
    return JoinRequest.fromBinary(bytes);
  } catch (error) {
    throw new SignalError(
      `join_request cannot be read (${(error as Error).message}). It is base64 of a livekit.WrappedJoinRequest, plain or gzipped, of at most ${SIGNAL_BYTES_MAX} bytes.`,
    );
  }
}

/**
 * A packet of a data channel, marked as coming from this participant, whatever it said itself.
 * @returns the packet, and the identities it is for: none for everybody
 * @throws SignalError
 */
export function readDataPacket(
  bytes: Uint8Array,
  from: { identity: string; sid: string },
): { bytes: Uint8Array; to: readonly string[] } {
  try {
    const packet = DataPacket.fromBinary(bytes);
    packet.participantIdentity = from.identity;
    packet.participantSid = from.sid;
    if (packet.value.case === "user") {
      packet.value.value.participantIdentity = from.identity;
      packet.value.value.participantSid = from.sid;
    }
    return { bytes: packet.toBinary(), to: packet.destinationIdentities };
  } catch (error) {
    throw new SignalError(
      `${bytes.length} bytes of a data channel are no livekit.DataPacket (${(error as Error).message}).`,
    );
  }
}
