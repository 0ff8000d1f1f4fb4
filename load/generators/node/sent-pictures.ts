/**
 * What a camera sent over one connection lately, and which of it a picture is that came back with its number in the clip: the clip repeats
 * itself, so that this number alone says it only up to whole loops. Pure.
 */

export type SentPictures = {
  add(frame: number, index: number, sentMs: number): void;
  /** The running number of the picture of the clip that came back at that time; `null` where it could be one or another. */
  find(index: number, atMs: number): number | null;
};

/** Those that did not come back are forgotten: half a minute at 30 pictures a second. */
const keptCountMax = 1024;

/** `loopMs`: how long the clip is. */
export function createSentPictures(loopMs: number): SentPictures {
  /** From the last that came back on: pictures come back in their order. */
  let kept: { readonly frame: number; readonly index: number; readonly sentMs: number }[] = [];
  let lastLagMs: number | null = null;

  function choose(index: number, atMs: number) {
    const fitting = kept.filter((one) => one.index === index && one.sentMs <= atMs);
    // The first may be any: what the other side could not decode yet never comes back. It did not take a whole loop: that is this
    // carrier's limit.
    if (fitting.length < 2 || lastLagMs === null) return fitting.at(-1);
    const goesOn = kept.slice(0, 2).find((one) => one === fitting[0]);
    if (goesOn) return goesOn;
    // After a gap: one that was under way for about as long as the last one was.
    const strangeness = (one: { sentMs: number }) => Math.abs(atMs - one.sentMs - lastLagMs!);
    const nearest = fitting.reduce((a, b) => (strangeness(b) < strangeness(a) ? b : a));
    return strangeness(nearest) < loopMs / 2 ? nearest : undefined;
  }

  return {
    add(frame, index, sentMs) {
      kept.push({ frame, index, sentMs });
      if (kept.length > keptCountMax) kept.shift();
    },
    find(index, atMs) {
      const found = choose(index, atMs);
      if (!found) return null;
      kept = kept.slice(kept.indexOf(found));
      lastLagMs = atMs - found.sentMs;
      return found.frame;
    },
  };
}
