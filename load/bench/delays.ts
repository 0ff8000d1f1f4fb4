/** Reads delays off what a page saw: pure, on the page's clock, in milliseconds. */
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { counterDistance } from "../../fixtures/strips.ts";

/** A `set()`: when it was called, when it resolved, and the revision that it made. */
export type TimedSet = { readonly calledMs: number; readonly ackedMs: number; readonly revision: number };

export type SetDelays = {
  readonly ackMs: number;
  /** From the call to the first picture that shows it. */
  readonly visibleMs: number;
  /** Pictures presented from the ack on, before the first that shows it. 0 as well where that one came before the ack. */
  readonly picturesBefore: number;
};

/** Ages of the pictures presented in a window, from being drawn to being presented. Pictures without an input strip have none. */
export function agesMs(pictures: readonly SeenPicture[], fromMs: number, toMs: number): number[] {
  return pictures.flatMap(({ atMs, input }) =>
    input && atMs >= fromMs && atMs < toMs ? [atMs - input.timestampMs] : [],
  );
}

/** @throws Error when no picture shows the revision */
export function setDelays(
  { calledMs, ackedMs, revision }: TimedSet,
  pictures: readonly SeenPicture[],
): SetDelays {
  const shows = ({ output }: SeenPicture) =>
    output !== null && counterDistance(revision, output.revision) >= 0;
  const first = pictures.findIndex(shows);
  if (first < 0) {
    throw new Error(
      `None of ${pictures.length} pictures shows revision ${revision}. Look for state-refused in the server's journal.`,
    );
  }
  return {
    ackMs: ackedMs - calledMs,
    visibleMs: pictures[first]!.atMs - calledMs,
    picturesBefore: pictures.slice(0, first).filter(({ atMs }) => atMs >= ackedMs).length,
  };
}
