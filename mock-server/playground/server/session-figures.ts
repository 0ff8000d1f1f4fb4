/** Pictures a second and time in the server of one session, over the last two minutes. Reads no clock: the caller says when. */

type Figures = {
  readonly atMs: number;
  /** `null`: not known, as at the first look and where the session has new media. */
  readonly fps: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
};

/** What of `media` in `describeSession()` is looked at. */
export type Counted = {
  readonly picturesOut?: number;
  readonly residenceP50Ms: number | null;
  readonly residenceP99Ms: number | null;
};

export const windowMs = 120_000;
/** A look right behind another, as after a click, has too few pictures for a rate. */
const spanMsMin = 500;

export type FigureLog = {
  /** `atMs`: the server's time, so that a late answer makes no wrong rate. */
  add(atMs: number, media: Counted | null): void;
  /** Oldest first. */
  readonly points: readonly Figures[];
};

export function createFigureLog(): FigureLog {
  let points: Figures[] = [];
  let last: { atMs: number; picturesOut: number } | null = null;
  return {
    add(atMs, media) {
      const newest = points.at(-1);
      // Another server, whose time began anew.
      if (newest && atMs < newest.atMs) {
        points = [];
        last = null;
      }
      if (newest && atMs >= newest.atMs && atMs - newest.atMs < spanMsMin) return;
      const picturesOut = media?.picturesOut ?? null;
      const isCounted = picturesOut !== null && last !== null && picturesOut >= last.picturesOut;
      const fps = isCounted ? ((picturesOut - last!.picturesOut) * 1000) / (atMs - last!.atMs) : null;
      last = picturesOut === null ? null : { atMs, picturesOut };
      points.push({
        atMs,
        fps,
        p50Ms: media?.residenceP50Ms ?? null,
        p99Ms: media?.residenceP99Ms ?? null,
      });
      points = points.filter((point) => point.atMs > atMs - windowMs);
    },
    get points() {
      return points;
    },
  };
}
