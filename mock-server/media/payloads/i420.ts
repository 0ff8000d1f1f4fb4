/** Pictures that are not coded and never travel in RTP: one payload each, as `../i420.ts` writes it. */
import type { PayloadFormat } from "./payload-format.ts";

export const i420 = (): PayloadFormat => ({
  startsKeyPicture: () => true,
  unpack: ([picture]) => (picture ? new Uint8Array(picture) : null),
  pack: ({ buffer, byteOffset, byteLength }) => [Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)],
  // Nothing stands behind it.
  cutTail: () => null,
});
