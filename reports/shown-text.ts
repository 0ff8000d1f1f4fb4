/**
 * Texts that clients and servers made, fit to be shown: what would steer a terminal is written out, what is too wide is cut. Knows nothing of
 * results.
 */

/** Accents on top of each other, which have no width and bury the lines above. Tibetan takes four. */
const piles = /\p{M}{8,}/gu;

/** Shown, not obeyed: control characters, line ends, changes of direction and what is no character are written out. */
export function escapeControls(text: string): string {
  return text
    .toWellFormed()
    .replace(piles, "\ufffd")
    .replace(
      /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** East Asian Wide and Fullwidth (Unicode Standard Annex #11), roughly, and what is drawn as an emoji. */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const widthless = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** Code units of what is one character to the eye: a family with skin tones takes some 25. What is longer is no such thing. */
const graphemeLengthMax = 40;

/** Columns of a terminal. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfOne(segment);
  return width;
}

function widthOfOne(grapheme: string): number {
  if (grapheme.length > graphemeLengthMax) return grapheme.length;
  if (wide.test(grapheme)) return 2;
  return widthless.test(grapheme) ? 0 : 1;
}

/** The start of a text that is at most so wide; `…` says that there was more. */
export function cut(text: string, widthMax: number): string {
  return wrap(text, widthMax, 1)[0]!;
}

/** Lines at most so wide, broken between words where there are any; `…` at the end of the last says that there was more. */
export function wrap(text: string, widthMax: number, linesMax: number): string[] {
  // Nobody counts the columns of a megabyte.
  const lengthMax = widthMax * linesMax * graphemeLengthMax;
  const isWhole = text.length <= lengthMax;
  let rest = isWhole ? text : text.slice(0, lengthMax).toWellFormed();
  const lines: string[] = [];
  while (lines.length < linesMax - 1 && widthOf(rest) > widthMax) {
    const fitting = startOf(rest, widthMax);
    const space = rest[fitting.length] === " " ? fitting.length : fitting.lastIndexOf(" ");
    // A space in the first half would leave the line too empty.
    const line = space > fitting.length / 2 ? rest.slice(0, space) : fitting;
    lines.push(line);
    rest = rest.slice(line.length).trimStart();
  }
  const isDone = isWhole && widthOf(rest) <= widthMax;
  return [...lines, isDone ? rest : `${startOf(rest, widthMax - 1)}…`];
}

function startOf(text: string, widthMax: number): string {
  let width = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    width += widthOfOne(segment);
    if (width > widthMax) return text.slice(0, index);
  }
  return text;
}

/** Two texts to compare, each in so much room: where they are long and begin alike, from shortly before they differ. */
export function cutApart(one: string, other: string, widthMax: number): [string, string] {
  const before = 24;
  let alike = 0;
  while (alike < one.length && alike < other.length && one[alike] === other[alike]) alike += 1;
  const isSeen = one === other || widthOf(one.slice(0, alike)) <= widthMax - before;
  const show = (text: string) => (isSeen ? text : `…${text.slice(alike - before).toWellFormed()}`);
  return [show(one), show(other)];
}

/** `1 scenario`, `2 scenarios`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** `850 ms`, `12.3 s`, `2 min 41 s`. */
export function shownDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
