// Finds the listed name that a mistyped one most resembles, so that an error can say "did you mean". Knows no protocol.

// A client may send a megabyte where a name belongs; no name here is longer than this.
const COMPARED_CHARS_MAX = 40;

/**
 * The entry of `names` closest to `name`, ignoring case, or null when nothing is close: more than a third of the letters
 * would have to change.
 */
export function nearest(name: string, names: readonly string[]): string | null {
  if (name.length > COMPARED_CHARS_MAX) return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best !== null && bestDistance <= Math.max(1, Math.floor(best.length / 3)) ? best : null;
}

/** How many letters to insert, delete, replace or exchange with the next to turn `from` into `to`: two that changed places are one slip. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
      }
    }
    before = row;
    row = next;
  }
  return row[to.length]!;
}
