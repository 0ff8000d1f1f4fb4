/** How one codec travels in RTP payloads. Each file of this folder has the same three functions, in the same order. */
export type PayloadFormat = {
  /** Whether this payload begins a picture that can be decoded without any other. Damaged payloads give `false`. */
  startsKeyPicture(payload: Uint8Array): boolean;
  /** One coded picture from the payloads that carried it, in order; `null` when they are damaged. */
  unpack(payloads: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | null;
  /** One coded picture as payloads of at most `sizeMax` bytes. `key`: whether it can be decoded alone. */
  pack(picture: Uint8Array, key: boolean, sizeMax: number): Buffer[];
};

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
