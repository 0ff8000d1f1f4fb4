/**
 * GNU Unifont, read from the WOFF file of its npm package: a bitmap font of the whole Basic Multilingual Plane, whose outlines run
 * along the dots of a 16-line grid, so that its bitmaps are exact without a rasteriser. Knows nothing of text.
 * https://www.w3.org/TR/WOFF/ and https://learn.microsoft.com/typography/opentype/spec/
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { inflate } from "node:zlib";

/** Lines of every glyph. */
export const GLYPH_HEIGHT = 16;
/** Dots of a row that lie left of the pen; marks are drawn there, over the letter before them. */
export const GLYPH_OVERHANG = 16;

export type Glyph = {
  /** Dots from this pen position to the next: 8, 16, or 0 for a mark over the letter before it. */
  readonly advance: number;
  /** One word a line, top first; bit `GLYPH_OVERHANG + x` is the dot `x` right of the pen, −16..15. */
  readonly rows: Int32Array;
};

/** The glyph of a code point; the replacement box where the font has none. */
export type Unifont = (codePoint: number) => Glyph;

/** Font units of one dot, and the dots that are above the baseline. */
const DOT_UNITS = 64;
const ASCENT = 14;

let loading: Promise<Unifont> | undefined;

/** The font, read on the first call: about 11 MB of outlines are inflated off the main thread. */
export function loadUnifont(): Promise<Unifont> {
  loading ??= readTables(
    createRequire(import.meta.url).resolve("@fontsource/unifont/files/unifont-latin-400-normal.woff"),
  ).then(unifontOf);
  return loading;
}

type Tables = { cmap: Buffer; glyf: Buffer; hhea: Buffer; hmtx: Buffer; loca: Buffer };

async function readTables(path: string): Promise<Tables> {
  const file = await readFile(path);
  const tables: Record<string, Buffer> = {};
  for (let index = 0; index < file.readUInt16BE(12); index++) {
    const entry = 44 + index * 20;
    const name = file.toString("latin1", entry, entry + 4);
    if (!["cmap", "glyf", "hhea", "hmtx", "loca"].includes(name)) continue;
    const start = file.readUInt32BE(entry + 4);
    const packed = file.subarray(start, start + file.readUInt32BE(entry + 8));
    tables[name] = packed.length < file.readUInt32BE(entry + 12) ? await promisify(inflate)(packed) : packed;
  }
  return tables as Tables;
}

function unifontOf(tables: Tables): Unifont {
  const ranges = characterRanges(tables.cmap);
  const advanceCount = tables.hhea.readUInt16BE(34);
  return (codePoint) => {
    const range = ranges.find(({ first, last }) => codePoint >= first && codePoint <= last);
    const index = range ? range.glyph + codePoint - range.first : 0;
    const advance = tables.hmtx.readUInt16BE(Math.min(index, advanceCount - 1) * 4);
    return { advance: advance / DOT_UNITS, rows: bitmap(tables, index) };
  };
}

/** Which glyphs stand for which code points: the `cmap` subtable of format 12. */
function characterRanges(cmap: Buffer): { first: number; last: number; glyph: number }[] {
  const subtables = Array.from({ length: cmap.readUInt16BE(2) }, (_, index) =>
    cmap.readUInt32BE(8 + index * 8),
  );
  const start = subtables.find((at) => cmap.readUInt16BE(at) === 12)!;
  return Array.from({ length: cmap.readUInt32BE(start + 12) }, (_, index) => {
    const at = start + 16 + index * 12;
    return {
      first: cmap.readUInt32BE(at),
      last: cmap.readUInt32BE(at + 4),
      glyph: cmap.readUInt32BE(at + 8),
    };
  });
}

/** Fills an outline: each of its upright lines turns over all the dots to its right. */
function bitmap({ glyf, loca }: Tables, index: number): Int32Array {
  const rows = new Int32Array(GLYPH_HEIGHT);
  const start = loca.readUInt32BE(index * 4);
  if (start === loca.readUInt32BE(index * 4 + 4)) return rows;
  for (const contour of contours(glyf, start)) {
    let before = contour.at(-1)!;
    for (const point of contour) {
      const column = GLYPH_OVERHANG + point.x / DOT_UNITS;
      if (point.x === before.x && column < 32) {
        const top = ASCENT - Math.max(point.y, before.y) / DOT_UNITS;
        const bottom = ASCENT - Math.min(point.y, before.y) / DOT_UNITS;
        for (let row = top; row < bottom; row++) rows[row]! ^= -1 << column;
      }
      before = point;
    }
  }
  return rows;
}

/** The corners of a simple glyph. Its lines are upright or level throughout, so whether a point is on the curve says nothing. */
function contours(glyf: Buffer, start: number): { x: number; y: number }[][] {
  const ends = Array.from({ length: glyf.readInt16BE(start) }, (_, i) =>
    glyf.readUInt16BE(start + 10 + i * 2),
  );
  const count = ends.at(-1)! + 1;
  let at = start + 10 + ends.length * 2;
  at += 2 + glyf.readUInt16BE(at);
  const flags: number[] = [];
  while (flags.length < count) {
    const flag = glyf[at++]!;
    const repeats = flag & 8 ? glyf[at++]! : 0;
    for (let i = 0; i <= repeats; i++) flags.push(flag);
  }
  const readCoordinates = (short: number, same: number) => {
    let value = 0;
    return flags.map((flag) => {
      if (flag & short) value += flag & same ? glyf[at++]! : -glyf[at++]!;
      else if (!(flag & same)) {
        value += glyf.readInt16BE(at);
        at += 2;
      }
      return value;
    });
  };
  const xs = readCoordinates(2, 16);
  const ys = readCoordinates(4, 32);
  const points = xs.map((x, i) => ({ x, y: ys[i]! }));
  return ends.map((end, i) => points.slice(i === 0 ? 0 : ends[i - 1]! + 1, end + 1));
}
