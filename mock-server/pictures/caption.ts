/**
 * A prompt in letters, as a mask for a picture 640 pixels wide. One bitmap font for every script, so that a caption is the same to
 * the pixel on every machine; no system fonts, no smoothing. Knows nothing of frames: `transforms/caption.ts` draws the mask.
 */
import type { Mask } from "../transforms/look.ts";
import { joinArabic } from "./_arabic.ts";
import { GLYPH_HEIGHT, GLYPH_OVERHANG, type Glyph, loadUnifont } from "./_unifont.ts";

/** Dots that a line may be wide: a 640-pixel picture with a margin on both sides. */
const LINE_WIDTH_MAX = 600;
const LINE_COUNT_MAX = 3;
/** From one line to the next; Unifont's marks fill all 16 lines of a glyph. */
const LINE_HEIGHT = GLYPH_HEIGHT + 3;
/** UTF-16 units of the prompt that are looked at; three lines hold at most 225 letters. */
const LENGTH_MAX = 512;
const ELLIPSIS = "…";
/** The dots of a glyph's row that lie left of the pen. */
const OVERHANG_MASK = (1 << GLYPH_OVERHANG) - 1;
const REPLACEMENT = "\ufffd";

/**
 * The words of `prompt`, wrapped to at most three centred lines. `null` where nothing is left to write: only spaces, control or
 * invisible characters. Emoji and everything else beyond the Basic Multilingual Plane become the font's replacement box.
 */
export async function rasterise(prompt: string): Promise<Mask | null> {
  const text = writable(prompt);
  if (text === "") return null;
  const [font, bidi] = await Promise.all([loadUnifont(), loadBidi()]);
  const glyphs = new Map(
    Array.from(text + ELLIPSIS, (character) => [character, font(character.charCodeAt(0))]),
  );
  const glyphOf = (character: string) => glyphs.get(character) ?? font(character.charCodeAt(0));
  const direction = bidi.getEmbeddingLevels(text).paragraphs[0]!.level % 2 === 0 ? "ltr" : "rtl";
  const lines = wrap(text, (character) => glyphOf(character).advance).map((line) => {
    const embedding = bidi.getEmbeddingLevels(line, direction);
    const mirrored = bidi.getMirroredCharactersMap(line, embedding.levels);
    const lineGlyphs = Array.from(line, (character, index) => glyphOf(mirrored.get(index) ?? character));
    return place(lineGlyphs, bidi.getReorderedIndices(line, embedding));
  });
  return draw(lines);
}

type Bidi = ReturnType<typeof import("bidi-js").default>;

let bidi: Promise<Bidi> | undefined;

/** The Unicode Bidirectional Algorithm. Its types describe an ES module, which Node does not get: there, `default` is the factory. */
function loadBidi(): Promise<Bidi> {
  bidi ??= import("bidi-js").then((module) => (module.default as unknown as () => Bidi)());
  return bidi;
}

/** The prompt as a single line of BMP characters that each have a place on it, Arabic already joined. */
function writable(prompt: string): string {
  const text = prompt
    .slice(0, LENGTH_MAX)
    .normalize("NFC")
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/[\p{Cc}\p{Emoji_Modifier}]/gu, "")
    .replaceAll(/[\u{10000}-\u{10ffff}]/gu, REPLACEMENT);
  // Joiners are invisible too, but decide how letters join.
  return joinArabic(text)
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .trim();
}

/**
 * Breaks `text` into lines of at most `LINE_WIDTH_MAX`: at a space, before or after a letter of double width (Chinese, Japanese
 * and Korean are written without spaces), else, in a word longer than a line, before any letter. The last line allowed ends
 * in an ellipsis if there was more.
 */
function wrap(text: string, advanceOf: (character: string) => number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest !== "" && lines.length < LINE_COUNT_MAX) {
    const last = lines.length === LINE_COUNT_MAX - 1;
    const end = lineEnd(rest, LINE_WIDTH_MAX, advanceOf);
    if (last && end < rest.length) {
      const shortened = lineEnd(rest, LINE_WIDTH_MAX - advanceOf(ELLIPSIS), advanceOf);
      lines.push(rest.slice(0, shortened).trimEnd() + ELLIPSIS);
    } else lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return lines;
}

/** How many characters of `text` go on a line of `width` dots. */
function lineEnd(text: string, width: number, advanceOf: (character: string) => number): number {
  let used = 0;
  let breakAt = 0;
  for (let index = 0; index < text.length; index++) {
    const advance = advanceOf(text[index]!);
    const before = index > 0 ? advanceOf(text[index - 1]!) : 0;
    if (text[index] === " " || (advance > 0 && Math.max(advance, before) > 8)) breakAt = index;
    used += advance;
    if (used > width && text[index] !== " ") return breakAt > 0 ? breakAt : index;
  }
  return text.length;
}

type Line = { width: number; glyphs: { left: number; rows: Int32Array }[] };

/** Puts glyphs, given in reading order, side by side in visual order, and marks over the letter they were written after. */
function place(glyphs: readonly Glyph[], visualOrder: readonly number[]): Line {
  const starts: number[] = [];
  let width = 0;
  for (const index of visualOrder) {
    starts[index] = width;
    width += glyphs[index]!.advance;
  }
  let letter = { start: 0, end: 0 };
  const placed = glyphs.map(({ advance, rows }, index) => {
    if (advance > 0) letter = { start: starts[index]!, end: starts[index]! + advance };
    // The pen is at the letter's right edge for marks of most scripts, at its left for those of Hebrew and Arabic.
    const overhangs = rows.some((row) => (row & OVERHANG_MASK) !== 0);
    return { left: advance === 0 && overhangs ? letter.end : letter.start, rows };
  });
  return { width, glyphs: placed };
}

function draw(lines: readonly Line[]): Mask {
  const width = Math.max(GLYPH_HEIGHT, ...lines.map((line) => line.width));
  const height = (lines.length - 1) * LINE_HEIGHT + GLYPH_HEIGHT;
  const mask: Mask = { width, height, data: new Uint8Array(width * height) };
  lines.forEach((line, number) => {
    const indent = (width - line.width) >> 1;
    for (const { left, rows } of line.glyphs) {
      rows.forEach((dots, row) => {
        for (let bit = 0; bit < 32; bit++) {
          const x = indent + left + bit - GLYPH_OVERHANG;
          if ((dots >>> bit) & 1 && x >= 0 && x < width)
            mask.data[(number * LINE_HEIGHT + row) * width + x] = 255;
        }
      });
    }
  });
  return mask;
}
