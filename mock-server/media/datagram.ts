/**
 * Tells what a datagram of a WebRTC connection is by its first bytes; SRTP leaves the header of a packet readable. Knows no keys, and of
 * a session only which payload types are pictures and which are sound.
 */
import type { Direction } from "../faults/fault.ts";

/** One encrypted RTP packet. */
export type RtpDatagram = {
  readonly direction: Direction;
  readonly kind: "srtp";
  readonly bytes: Buffer;
  readonly media: "video" | "audio";
  /** The SSRC as text. */
  readonly stream: string;
  /** The last packet of a picture; of sound the marker says something else. */
  readonly endsFrame: boolean;
  readonly sequenceNumber: number;
  /** 90 kHz, or 48 kHz for sound. */
  readonly timestamp: number;
};

/** `srtp` without `media` is RTCP, or RTP of a payload type that nobody has negotiated. */
export type Datagram =
  | RtpDatagram
  | {
      readonly direction: Direction;
      readonly kind: "stun" | "dtls" | "srtp";
      readonly bytes: Buffer;
      readonly media?: undefined;
    };

/** What packets of a payload type are. */
export type MediaOf = (payloadType: number) => "video" | "audio" | undefined;

/** Bytes of an RTP header without extensions. */
const headerLength = 12;

/** `null`: of no protocol that a connection speaks. https://www.rfc-editor.org/rfc/rfc7983#section-7 */
export function readDatagram(bytes: Buffer, direction: Direction, mediaOf: MediaOf): Datagram | null {
  const [first = 255, second = 0] = bytes;
  if (first < 4) return { direction, kind: "stun", bytes };
  if (first >= 20 && first < 64) return { direction, kind: "dtls", bytes };
  if (first < 128 || first >= 192) return null;
  const payloadType = second & 127;
  // RTCP's types, less their highest bit: https://www.rfc-editor.org/rfc/rfc5761#section-4
  const isRtcp = payloadType >= 64 && payloadType < 96;
  const media = isRtcp || bytes.length < headerLength ? undefined : mediaOf(payloadType);
  if (!media) return { direction, kind: "srtp", bytes };
  return {
    direction,
    kind: "srtp",
    bytes,
    media,
    stream: String(bytes.readUInt32BE(8)),
    endsFrame: media === "video" && second > 127,
    sequenceNumber: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
  };
}
