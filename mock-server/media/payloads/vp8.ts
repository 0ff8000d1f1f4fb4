/** VP8 in RTP: https://www.rfc-editor.org/rfc/rfc7741#section-4.2 */
import { cutTailBehind, type PayloadFormat, packBehind, unpackBehind } from "./payload-format.ts";

const descriptorLengthWritten = 4;

/** A VP8 payload format that counts its own picture ids, one stream each. */
export function vp8(): PayloadFormat {
  let pictureId = 0;
  return {
    startsKeyPicture(payload) {
      const length = descriptorLength(payload);
      const starts = (payload[0]! & 0x1f) === 0x10; // S set, partition 0
      return starts && length < payload.length && (payload[length]! & 1) === 0;
    },
    unpack(payloads) {
      const first = payloads[0];
      return first && (first[0]! & 0x1f) === 0x10 ? unpackBehind(payloads, descriptorLength) : null;
    },
    pack(picture, _key, sizeMax) {
      pictureId = (pictureId + 1) & 0x7fff;
      return packBehind(picture, sizeMax, descriptorLengthWritten, (payload, begins) => {
        payload[0] = begins ? 0x90 : 0x80; // X, and S on the first
        payload[1] = 0x80; // I
        payload.writeUInt16BE(0x8000 | pictureId, 2);
      });
    },
    cutTail: (payload, byteCount) => cutTailBehind(payload, descriptorLength(payload), byteCount),
  };
}

/** Bytes before the VP8 data. Longer than the payload where it is cut short. */
function descriptorLength(payload: Uint8Array): number {
  if (payload.length === 0) return 1;
  if ((payload[0]! & 0x80) === 0) return 1;
  const extensions = payload[1] ?? 0;
  let length = 2;
  if (extensions & 0x80) length += (payload[length] ?? 0) & 0x80 ? 2 : 1; // picture id, 15 or 7 bits
  if (extensions & 0x40) length += 1; // TL0PICIDX
  if (extensions & 0x30) length += 1; // TID and KEYIDX share a byte
  return length;
}
