/**
 * Looks over an SCTP packet (https://www.rfc-editor.org/rfc/rfc9260#section-3) before werift reads it, which goes round for ever where a
 * length is 0 (0.25.2). Knows lengths only, not what the chunks mean.
 */

const headerBytes = 12;
const sack = 3;
/** Where the parameters start in the chunks that have any, behind type, flags and length. */
const parametersAt: Readonly<Record<number, number>> = { 1: 20, 2: 20, 4: 4, 5: 4, 6: 4, 9: 4, 130: 4 };

/** Whether each chunk and parameter ends behind where it begins, and an acknowledgement has no more to say than there are numbers. */
export function isReadable(packet: Buffer): boolean {
  for (let at = headerBytes; at + 4 <= packet.length; ) {
    const length = packet.readUInt16BE(at + 2);
    if (length < 4) return false;
    const chunk = packet.subarray(at, at + length);
    const type = chunk[0]!;
    if (type === sack && !isModest(chunk)) return false;
    for (let inside = parametersAt[type] ?? length; inside + 4 <= chunk.length; ) {
      const step = chunk.readUInt16BE(inside + 2);
      if (step < 4) return false;
      inside += padded(step);
    }
    at += padded(length);
  }
  return true;
}

/** werift walks through every number of every gap. Apart from each other, as they must be, they hold at most 65535. */
function isModest(chunk: Buffer): boolean {
  if (chunk.length < 16) return false;
  const gapCount = chunk.readUInt16BE(12);
  const duplicateCount = chunk.readUInt16BE(14);
  if (chunk.length < 16 + 4 * (gapCount + duplicateCount)) return false;
  let count = 0;
  for (let at = 16; at < 16 + 4 * gapCount; at += 4) {
    count += Math.max(0, chunk.readUInt16BE(at + 2) - chunk.readUInt16BE(at) + 1);
  }
  return count <= 0xffff;
}

/** Chunks and parameters begin at multiples of 4. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
