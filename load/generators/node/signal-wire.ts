/**
 * LiveKit's signalling as a client writes and reads it: the URL it joins by, requests out, responses in. The one file of load that imports
 * @livekit/protocol; what others need of it is passed on below.
 */
import { gzipSync } from "node:zlib";
import {
  ClientInfo,
  ConnectionSettings,
  JoinRequest,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";

export {
  DisconnectReason,
  LeaveRequest_Action,
  PacketTrailerFeature,
  TrackSource,
  TrackType,
} from "@livekit/protocol";

export type Response = Extract<SignalResponse["message"], { case: string }>;
/** A request with the fields that matter; the others have protobuf's defaults. */
export type Request = {
  [Name in NonNullable<SignalRequest["message"]["case"]>]: {
    readonly case: Name;
    readonly value: Given<Extract<SignalRequest["message"], { case: Name }>["value"]>;
  };
}[NonNullable<SignalRequest["message"]["case"]>];
type Given<Value> = Value extends object ? Partial<Value> : Value;

/** The protocol that livekit-client 2.20 speaks. */
const protocolVersion = 17;

/** Where a client joins with its first offer, or `resumes` the stay of this participant. */
export function joinUrl(
  livekitUrl: string,
  token: string,
  how: { readonly offer: { readonly sdp: string; readonly id: number } } | { readonly resumes: string },
): string {
  const join = new JoinRequest({
    clientInfo: new ClientInfo({ protocol: protocolVersion }),
    connectionSettings: new ConnectionSettings({ autoSubscribe: true }),
    ...("resumes" in how
      ? { reconnect: true, participantSid: how.resumes }
      : { publisherOffer: new SessionDescription({ type: "offer", ...how.offer }) }),
  });
  const wrapped = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(join.toBinary()),
  });
  const query = new URLSearchParams({
    access_token: token,
    join_request: Buffer.from(wrapped.toBinary()).toString("base64url"),
  });
  return `${livekitUrl.replace(/\/$/, "")}/rtc/v1?${query}`;
}

export function writeRequest(request: Request): Uint8Array {
  return new SignalRequest({ message: request as SignalRequest["message"] }).toBinary();
}

/** `null`: a message that is newer than this file. @throws Error for bytes that are none */
export function readResponse(bytes: Uint8Array): Response | null {
  const { message } = SignalResponse.fromBinary(bytes);
  return message.case === undefined ? null : message;
}
