/**
 * LiveKit's packet trailer: what a sender's worker writes behind an encoded picture, and a viewer's takes off again. Pure
 * functions on bytes; which picture gets one, and for whom, is the pipeline's business.
 *
 * `TLV*, length, "LKTS"`: every byte before the magic is inverted, the length counts the whole trailer. Observed in
 * livekit-client 2.20.2 and 2.23.0, `src/frameMetadata/frameMetadata.ts`.
 */

export type PacketTrailer = {
  /** When the picture was taken, by the sender's clock. Microseconds since 1970. */
  readonly userTimestamp: bigint | null;
  /** Counts the sender's pictures, from 1. */
  readonly frameId: number | null;
  /** Of the whole trailer: so many bytes at the end are no picture. */
  readonly byteLength: number;
};

const magic = 0x4c4b5453;
/** The length byte and the magic. */
const envelopeLength = 5;
/** `userData` may have any length. */
const tag = { userTimestamp: 1, frameId: 2, userData: 3 };
const timestampLength = 8;
const frameIdLength = 4;

/**
 * The trailer at the end of an encoded picture. Bytes that are not one to the last, or that say nothing we know, are the
 * picture's own, and give `null`.
 */
export function readTrailer(picture: Uint8Array): PacketTrailer | null {
  const end = picture.length - envelopeLength;
  if (end < 0) return null;
  const view = new DataView(picture.buffer, picture.byteOffset, picture.byteLength);
  if (view.getUint32(end + 1) !== magic) return null;
  const byteLength = inverted(picture[end]!);
  let at = picture.length - byteLength;
  if (at < 0) return null;

  let userTimestamp: bigint | null = null;
  let frameId: number | null = null;
  let known = false;
  while (at + 2 <= end) {
    const kind = inverted(picture[at]!);
    const length = inverted(picture[at + 1]!);
    at += 2;
    if (at + length > end) return null;
    if (kind === tag.userTimestamp) {
      if (length !== timestampLength) return null;
      userTimestamp = BigInt.asUintN(64, ~view.getBigUint64(at));
    } else if (kind === tag.frameId) {
      if (length !== frameIdLength) return null;
      frameId = ~view.getUint32(at) >>> 0;
    }
    known ||= kind === tag.userTimestamp || kind === tag.frameId || kind === tag.userData;
    at += length;
  }
  return known && at === end ? { userTimestamp, frameId, byteLength } : null;
}

/** The picture without its trailer; it shares the bytes. */
export function stripTrailer<T extends Uint8Array>(picture: T, { byteLength }: PacketTrailer): T {
  return picture.subarray(0, picture.length - byteLength) as T;
}

/** A trailer with this timestamp alone, 15 bytes, to stand behind a picture. Microseconds, 0..2⁶⁴-1. @throws RangeError */
export function writeTrailer(userTimestampMicros: bigint): Buffer {
  const trailer = Buffer.allocUnsafe(2 + timestampLength + envelopeLength);
  trailer[0] = inverted(tag.userTimestamp);
  trailer[1] = inverted(timestampLength);
  trailer.writeBigUInt64BE(userTimestampMicros, 2);
  for (let at = 2; at < 2 + timestampLength; at++) trailer[at] = inverted(trailer[at]!);
  trailer[2 + timestampLength] = inverted(trailer.length);
  trailer.writeUInt32BE(magic, trailer.length - 4);
  return trailer;
}

function inverted(byte: number): number {
  return byte ^ 0xff;
}
