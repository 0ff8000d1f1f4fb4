/** Messages of LiveKit's signalling, as faults read and change them. Knows no LiveKit: fields are what the message's bytes will say. */
import { INFERENCE_IDENTITY_PREFIX } from "../../protocol/index.ts";
import type { Items, SignalItem } from "./fault.ts";

type Fields = Readonly<Record<string, unknown>>;

export type SignalFields = {
  readonly id?: number;
  readonly pingInterval?: number;
  readonly participant?: Fields;
  readonly otherParticipants?: readonly Participant[];
  readonly participants?: readonly Participant[];
  readonly midToTrackId?: Readonly<Record<string, string>>;
};

export type Participant = { readonly identity: string; readonly tracks: readonly { readonly sid: string }[] };

export function fieldsOf(item: Items["livekit"]): SignalFields {
  return (item as SignalItem).message.value as SignalFields;
}

/** The same message with some fields changed; `undefined` leaves one out. */
export function withFields(item: Items["livekit"], fields: Fields): SignalItem {
  const { message, ...rest } = item as SignalItem;
  return { ...rest, message: { case: message.case, value: { ...(message.value as object), ...fields } } };
}

/** Whether it is one whose track clients take for the edited picture. */
export function isModel({ identity }: Participant): boolean {
  return identity.startsWith(INFERENCE_IDENTITY_PREFIX);
}
