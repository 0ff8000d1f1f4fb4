/**
 * Puts the packets of coded pictures together again, whatever order they come in. Does not know what is in them; after a loss it hands on
 * nothing until a picture starts afresh, since what is built on a lost one would be wrong without saying so.
 */

export type Piece = {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly isEmpty: boolean;
};

/** Beyond so many packets behind a hole, what is missing will not come any more. */
const pastHoleMax = 60;

const after = (from: number, to: number) => (to - from) & 0xffff;

export type FrameJoiner<P extends Piece> = {
  /** Pictures that are whole now, in order. `lost`: there is a hole before the first of them. */
  add(piece: P): { pictures: P[][]; lost: boolean };
};

export function createFrameJoiner<P extends Piece>(): FrameJoiner<P> {
  const pieces = new Map<number, P>();
  let next: number | null = null;

  /** The next picture, if all of it is here; takes it out. */
  function takePicture(): P[] | null {
    const picture: P[] = [];
    for (let at = next!; ; at = (at + 1) & 0xffff) {
      const piece = pieces.get(at);
      if (!piece) return null;
      if (!piece.isEmpty) picture.push(piece);
      if (!piece.marker) continue;
      for (let taken = next!; taken !== ((at + 1) & 0xffff); taken = (taken + 1) & 0xffff)
        pieces.delete(taken);
      next = (at + 1) & 0xffff;
      return picture;
    }
  }

  /** Goes to behind the last picture's end that has come. */
  function skipHole(): void {
    const ends = [...pieces.values()].filter(({ marker }) => marker);
    const last = ends.reduce((best, { sequenceNumber }) => Math.max(best, after(next!, sequenceNumber)), 0);
    next = (next! + last + 1) & 0xffff;
    for (const sequenceNumber of pieces.keys()) {
      if (after(next, sequenceNumber) > 0x8000) pieces.delete(sequenceNumber);
    }
  }

  return {
    add(piece) {
      next ??= piece.sequenceNumber;
      // It was taken for lost, or is here already.
      if (after(next, piece.sequenceNumber) > 0x8000) return { pictures: [], lost: false };
      pieces.set(piece.sequenceNumber, piece);
      const lost = pieces.size > pastHoleMax && !pieces.has(next);
      if (lost) skipHole();
      const pictures: P[][] = [];
      for (let picture = takePicture(); picture; picture = takePicture()) {
        if (picture.length > 0) pictures.push(picture);
      }
      return { pictures, lost };
    },
  };
}
