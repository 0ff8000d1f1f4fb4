/** How one codec travels in RTP payloads. Each file of this folder has the same four functions, in the same order. */
export type PayloadFormat = {
  /** Whether this payload begins a picture that can be decoded without any other. Damaged payloads give `false`. */
  startsKeyPicture(payload: Uint8Array): boolean;
  /** One coded picture from the payloads that carried it, in order; `null` when they are damaged. */
  unpack(payloads: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | null;
  /** One coded picture as payloads of at most `sizeMax` bytes. `key`: whether it can be decoded alone. */
  pack(picture: Uint8Array, key: boolean, sizeMax: number): Buffer[];
  /**
   * The last payload of a picture, or of one of its layers, without the last `byteCount` bytes; it may share memory. `null` where it does not
   * hold those and one more: receivers drop a payload that holds nothing, and with it the picture.
   */
  cutTail(payload: Uint8Array, byteCount: number): Uint8Array | null;
};

/**
 * What stands behind the descriptors of one picture's payloads; `null` when one is cut short. `descriptorLength` may exceed a
 * payload that is.
 */
export function unpackBehind(
  payloads: readonly Uint8Array[],
  descriptorLength: (payload: Uint8Array) => number,
): Uint8Array<ArrayBuffer> | null {
  const pieces: Uint8Array[] = [];
  for (const payload of payloads) {
    const length = descriptorLength(payload);
    if (length > payload.length) return null;
    pieces.push(payload.subarray(length));
  }
  return concatenate(pieces);
}

/** `cutTail` for a codec whose payloads are a descriptor and a piece of the picture. */
export function cutTailBehind(
  payload: Uint8Array,
  descriptorLength: number,
  byteCount: number,
): Uint8Array | null {
  const length = payload.length - byteCount;
  return length > descriptorLength ? payload.subarray(0, length) : null;
}

/** One picture cut into payloads of at most `sizeMax` bytes; `writeDescriptor` writes the `length` bytes of descriptor in front of each. */
export function packBehind(
  picture: Uint8Array,
  sizeMax: number,
  length: number,
  writeDescriptor: (payload: Buffer, begins: boolean, ends: boolean) => void,
): Buffer[] {
  const room = sizeMax - length;
  const payloads: Buffer[] = [];
  for (let offset = 0; offset < picture.length; offset += room) {
    const piece = picture.subarray(offset, offset + room);
    const payload = Buffer.allocUnsafe(length + piece.length);
    writeDescriptor(payload, offset === 0, offset + room >= picture.length);
    payload.set(piece, length);
    payloads.push(payload);
  }
  return payloads;
}

/** The pieces one after the other, in memory of their own, so that it can be handed to a worker. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
