/** What to add to a page's time to have ours, as far as looks at both clocks tell: never less than one bound, never more than the other. Pure arithmetic. */
export type ClockWindow = { readonly lowMs: number; readonly highMs: number };

/** The page's clock was read between two readings of ours. Milliseconds. */
export type ClockLook = { readonly beforeMs: number; readonly pageMs: number; readonly afterMs: number };

/** Browsers round the time down so far. */
const pageStepMs = 0.1;

export const openWindow: ClockWindow = { lowMs: Number.NEGATIVE_INFINITY, highMs: Number.POSITIVE_INFINITY };

/** Every look's bounds hold, so that the narrowest of many do. */
export function narrow(
  { lowMs, highMs }: ClockWindow,
  { beforeMs, pageMs, afterMs }: ClockLook,
): ClockWindow {
  return {
    lowMs: Math.max(lowMs, beforeMs - pageMs - pageStepMs),
    highMs: Math.min(highMs, afterMs - pageMs),
  };
}

export function middleOf({ lowMs, highMs }: ClockWindow): number {
  return (lowMs + highMs) / 2;
}

/** How wrong its middle may be. */
export function errorOf({ lowMs, highMs }: ClockWindow): number {
  return (highMs - lowMs) / 2;
}

/** How far the clocks have moved against each other at least; 0 where both windows hold one and the same difference. */
export function movedBetween(first: ClockWindow, later: ClockWindow): number {
  return Math.max(0, later.lowMs - first.highMs, first.lowMs - later.highMs);
}
