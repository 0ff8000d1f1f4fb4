/** Seeded chance for load: the same seed gives the same arrivals and the same intervals on every machine. */
export type Dice = {
  /** A fraction in [0, 1). */
  next(): number;
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
};

/** Dice whose throws depend on the seed and on what they are for, so that one user's throws do not move another's. */
export function createDice(seed: number, purpose: string): Dice {
  let state = hash(`${seed}/${purpose}`);
  // mulberry32, as the mock server throws.
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return { next, below: (count) => Math.floor(next() * count) };
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
