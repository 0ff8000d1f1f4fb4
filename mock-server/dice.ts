/**
 * Seeded chance. Each user of chance gets its own dice, split off by name, so that what one session throws does not depend on
 * how many others there are.
 */
export type Dice = {
  readonly seed: string;
  /** A fraction in [0, 1). */
  next(): number;
  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string;
  /** Independent dice whose throws depend on this seed and `name` only. */
  split(name: string): Dice;
};

export function createDice(seed: number | string): Dice {
  const text = String(seed);
  let state = hash(text);
  // mulberry32: 32 bits of state are plenty for choosing ids and lost packets, and it is the same in every language.
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    seed: text,
    next,
    hex: (length) => Array.from({ length }, () => Math.floor(next() * 16).toString(16)).join(""),
    split: (name) => createDice(`${text}/${name}`),
  };
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
