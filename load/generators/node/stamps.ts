/**
 * What a picture's packet trailer says: when it was taken, by the sender's clock. The camera's schedule is fixed, so that its times tell its
 * pictures apart. Pure.
 */

export type Stamps = {
  /** Microseconds since 1970. */
  of(frame: number): bigint;
  /** The running number of the picture with this stamp; `null` where none has it. */
  frameOf(stamp: bigint): number | null;
};

/** `startedMs`: since 1970. */
export function createStamps(startedMs: number, fps: number): Stamps {
  const startedMicros = BigInt(Math.round(startedMs * 1000));
  const of = (frame: number) => startedMicros + BigInt(Math.round((frame * 1e6) / fps));
  return {
    of,
    frameOf(stamp) {
      const frame = Math.round((Number(stamp - startedMicros) * fps) / 1e6);
      return frame >= 0 && of(frame) === stamp ? frame : null;
    },
  };
}
