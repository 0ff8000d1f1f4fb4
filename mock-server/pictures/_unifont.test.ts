import { expect, test } from "vitest";
import { GLYPH_OVERHANG, loadUnifont } from "./_unifont.ts";

/** As in GNU Unifont's own .hex file: two hexadecimal digits for eight dots, sixteen lines. */
test.each([
  ["A", "0000000018242442427E424242420000"],
  ["é", "00000C3000003C42427E4040423C0000"],
  [" ", "00000000000000000000000000000000"],
  ["א", "0000000000424222122C484442420000"],
  ["�", "0000007E665A5A7A76767E76767E0000"],
])("%s is the bitmap that Unifont was made from", async (character, hex) => {
  const { advance, rows } = (await loadUnifont())(character.codePointAt(0)!);
  expect(advance).toBe(8);
  expect([...rows].map(hexOf).join("")).toBe(hex);
});

test("Chinese is twice as wide, marks take no place and lie left of the pen", async () => {
  const font = await loadUnifont();
  expect(font(0x4e2d).advance).toBe(16);
  expect(font(0x0301).advance).toBe(0);
  expect(font(0x0301).rows.some((row) => row !== 0)).toBe(true);
  expect(font(0x0301).rows.every((row) => row >>> GLYPH_OVERHANG === 0)).toBe(true);
});

test("what the font lacks is its replacement box", async () => {
  const font = await loadUnifont();
  for (const codePoint of [0xe000, 0x1f600, 0x10ffff]) expect(font(codePoint)).toEqual(font(0xfffd));
});

/** The eight dots right of the pen. */
function hexOf(row: number): string {
  let byte = 0;
  for (let x = 0; x < 8; x++) byte |= ((row >>> (GLYPH_OVERHANG + x)) & 1) << (7 - x);
  return byte.toString(16).padStart(2, "0").toUpperCase();
}
