/** VP9 in RTP; of a picture with spatial layers, all of them: https://www.rfc-editor.org/rfc/rfc9628#section-4.2 */
import { readTrailer, stripTrailer } from "../packet-trailer.ts";
import { cutTailBehind, type PayloadFormat, packBehind, unpackBehind } from "./payload-format.ts";

const descriptorLengthWritten = 3;

/** A VP9 payload format that counts its own picture ids, one stream each. */
export function vp9(): PayloadFormat {
  let pictureId = 0;
  return {
    startsKeyPicture(payload) {
      // P clear: predicted from nothing; B set: first payload of the picture.
      return descriptorLength(payload) < payload.length && (payload[0]! & 0x48) === 0x08;
    },
    unpack(payloads) {
      const first = payloads[0];
      if (!first || !(first[0]! & 0x08)) return null;
      const last = payloads.length - 1;
      const whole = payloads.map((payload, index) => (index < last ? withoutLayerTrailer(payload) : payload));
      return unpackBehind(whole, descriptorLength);
    },
    pack(picture, key, sizeMax) {
      pictureId = (pictureId + 1) & 0x7fff;
      return packBehind(picture, sizeMax, descriptorLengthWritten, (payload, begins, ends) => {
        payload[0] = 0x80 | (key ? 0 : 0x40) | (begins ? 0x08 : 0) | (ends ? 0x04 : 0);
        payload.writeUInt16BE(0x8000 | pictureId, 1);
      });
    },
    cutTail: (payload, byteCount) => cutTailBehind(payload, descriptorLength(payload), byteCount),
  };
}

/** To a sender each spatial layer is a picture that gets a trailer, but a decoder looks for the next layer where the one before ends. */
function withoutLayerTrailer(payload: Uint8Array): Uint8Array {
  const endsLayer = (payload[0]! & 0x04) !== 0; // E
  const trailer = endsLayer ? readTrailer(payload) : null;
  return trailer ? stripTrailer(payload, trailer) : payload;
}

/** Bytes before the VP9 data. Longer than the payload where it is cut short. */
function descriptorLength(payload: Uint8Array): number {
  const flags = payload[0] ?? 0;
  let length = 1;
  if (flags & 0x80) length += (payload[length] ?? 0) & 0x80 ? 2 : 1; // I: picture id, 15 or 7 bits
  if (flags & 0x20) length += flags & 0x10 ? 1 : 2; // L: layer indices, and TL0PICIDX unless flexible
  if ((flags & 0x50) === 0x50) {
    // F and P: up to three reference distances, each saying whether another follows
    for (let i = 0; i < 3; i++) if (((payload[length++] ?? 0) & 1) === 0) break;
  }
  if (flags & 0x02) {
    // V: scalability structure
    const structure = payload[length++] ?? 0;
    if (structure & 0x10) length += 4 * ((structure >> 5) + 1); // Y: a size for each layer
    if (structure & 0x08) {
      // G: a description of each picture of the group
      for (let left = payload[length++] ?? 0; left > 0; left--)
        length += 1 + (((payload[length] ?? 0) >> 2) & 3);
    }
  }
  return length;
}
