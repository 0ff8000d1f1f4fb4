/** H.264 in RTP, packetization mode 1: https://www.rfc-editor.org/rfc/rfc6184#section-5. Coded pictures are Annex B. */
import { concatenate, cutTailBehind, type PayloadFormat } from "./payload-format.ts";

const startCode = Uint8Array.of(0, 0, 0, 1);
const type = { idr: 5, sps: 7, pps: 8, aggregate: 24, fragment: 28 };

export function h264(): PayloadFormat {
  return {
    startsKeyPicture(payload) {
      const kind = payload[0]! & 0x1f;
      if (kind === type.fragment) return (payload[1]! & 0x80) !== 0 && isKeyUnit(payload[1]! & 0x1f);
      if (kind === type.aggregate) return payload.length > 3 && isKeyUnit(payload[3]! & 0x1f);
      return isKeyUnit(kind);
    },
    unpack(payloads) {
      const pieces: Uint8Array[] = [];
      let inFragment = false;
      for (const payload of payloads) {
        const kind = (payload[0] ?? 0) & 0x1f;
        if (kind === type.fragment) {
          if (payload.length < 3) return null;
          const starts = (payload[1]! & 0x80) !== 0;
          if (starts === inFragment) return null;
          if (starts) pieces.push(startCode, Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f)));
          pieces.push(payload.subarray(2));
          inFragment = (payload[1]! & 0x40) === 0;
        } else if (inFragment) {
          return null;
        } else if (kind === type.aggregate) {
          for (let offset = 1; offset < payload.length; ) {
            const length = ((payload[offset] ?? 0) << 8) | (payload[offset + 1] ?? 0);
            const unit = payload.subarray(offset + 2, offset + 2 + length);
            if (length === 0 || unit.length < length) return null;
            pieces.push(startCode, unit);
            offset += 2 + length;
          }
        } else if (kind >= 1 && kind <= 23) {
          pieces.push(startCode, payload);
        } else {
          return null;
        }
      }
      return pieces.length > 0 && !inFragment ? concatenate(pieces) : null;
    },
    pack(picture, _key, sizeMax) {
      const payloads: Buffer[] = [];
      let sets: Uint8Array[] = [];
      for (const unit of splitUnits(picture)) {
        const kind = unit[0]! & 0x1f;
        if (kind === type.sps || kind === type.pps) {
          sets.push(unit);
          continue;
        }
        if (sets.length > 0) payloads.push(aggregate(sets));
        sets = [];
        if (unit.length <= sizeMax) payloads.push(Buffer.from(unit));
        else payloads.push(...fragment(unit, sizeMax));
      }
      if (sets.length > 0) payloads.push(aggregate(sets));
      return payloads;
    },
    cutTail(payload, byteCount) {
      const kind = (payload[0] ?? 0) & 0x1f;
      if (kind === type.aggregate) return cutLastUnit(payload, byteCount);
      return cutTailBehind(payload, kind === type.fragment ? 2 : 1, byteCount);
    },
  };
}

/** In an aggregate the last unit's length stands in front of it, and has to follow. */
function cutLastUnit(payload: Uint8Array, byteCount: number): Uint8Array | null {
  let start = 1;
  let length = 0;
  for (let next = start; next < payload.length; next = start + 2 + length) {
    start = next;
    length = ((payload[start] ?? 0) << 8) | (payload[start + 1] ?? 0);
  }
  const left = length - byteCount;
  if (start + 2 + length !== payload.length || left < 2) return null;
  const cut = Buffer.from(payload.subarray(0, payload.length - byteCount));
  cut.writeUInt16BE(left, start);
  return cut;
}

function isKeyUnit(kind: number): boolean {
  return kind === type.idr || kind === type.sps;
}

/** The NAL units of an Annex B picture, without start codes. */
export function splitUnits(picture: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = -1;
  for (let i = picture.indexOf(1); i !== -1; i = picture.indexOf(1, i + 1)) {
    if (i < 2 || picture[i - 1] !== 0 || picture[i - 2] !== 0) continue;
    if (start >= 0) units.push(trimZeros(picture.subarray(start, i - 2)));
    start = i + 1;
  }
  if (start >= 0) units.push(trimZeros(picture.subarray(start)));
  return units.filter((unit) => unit.length > 0);
}

function trimZeros(unit: Uint8Array): Uint8Array {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end--;
  return unit.subarray(0, end);
}

/** Parameter sets in one payload (STAP-A): a receiver gets both or neither. */
function aggregate(units: readonly Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [Uint8Array.of(0x60 | type.aggregate)];
  for (const unit of units) pieces.push(Uint8Array.of(unit.length >> 8, unit.length & 0xff), unit);
  return Buffer.from(concatenate(pieces).buffer);
}

function fragment(unit: Uint8Array, sizeMax: number): Buffer[] {
  const room = sizeMax - 2;
  const payloads: Buffer[] = [];
  for (let offset = 1; offset < unit.length; offset += room) {
    const piece = unit.subarray(offset, offset + room);
    const payload = Buffer.allocUnsafe(2 + piece.length);
    payload[0] = (unit[0]! & 0xe0) | type.fragment;
    payload[1] = (offset === 1 ? 0x80 : 0) | (offset + room >= unit.length ? 0x40 : 0) | (unit[0]! & 0x1f);
    payload.set(piece, 2);
    payloads.push(payload);
  }
  return payloads;
}
