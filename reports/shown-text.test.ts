import { describe, expect, test } from "vitest";
import { cut, cutApart, escapeControls, shownDuration, widthOf, wrap } from "./shown-text.ts";

test.each([
  ["a\u001b[2Jb", "a\\u001b[2Jb"],
  ["a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"],
  ["\u202egnp.exe", "\\u202egnp.exe"],
  ["\ud800!", "\ufffd!"],
  ["\uffff", "\\uffff"],
  [`e${"\u0301".repeat(30)}`, "e\ufffd"],
  ["👩‍🚀 漢字 قط e\u0301", "👩‍🚀 漢字 قط e\u0301"],
])("%j is shown as %j", (text, shown) => {
  expect(escapeControls(text)).toBe(shown);
});

test.each([
  ["", 0],
  ["plain", 5],
  ["e\u0301", 1],
  ["漢字", 4],
  ["한국", 4],
  ["ｆｕｌｌ", 8],
  ["👩‍🚀", 2],
  ["🇩🇪🇯🇵", 4],
  ["❤️", 2],
  ["✓✗–…", 4],
  ["\u200b", 0],
  // Nobody draws that as one.
  ["👩\u200d".repeat(40), 120],
])("%j is %d wide", (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each([
  ["four", 4, "four"],
  ["fives", 4, "fiv…"],
  ["漢字漢字", 8, "漢字漢字"],
  ["漢字漢字", 7, "漢字漢…"],
  ["漢字漢字", 6, "漢字…"],
  ["👩‍🚀👩‍🚀", 3, "👩‍🚀…"],
  ["", 3, ""],
])("%j in %d columns is %j", (text, width, expected) => {
  expect(cut(text, width)).toBe(expected);
});

describe("wrap", () => {
  test.each([
    ["one two three", 9, 3, ["one two", "three"]],
    ["one two three", 7, 3, ["one two", "three"]],
    ["one two three four", 8, 2, ["one two", "three f…"]],
    ["onetwothreefour", 4, 9, ["onet", "woth", "reef", "our"]],
    ["a bcdefghijkl", 8, 9, ["a bcdefg", "hijkl"]],
    ["漢字漢字", 4, 2, ["漢字", "漢字"]],
  ])("%j in %d columns and at most %d lines", (text, width, lines, expected) => {
    expect(wrap(text, width, lines)).toEqual(expected);
  });

  test("a text of megabytes costs no more than its beginning", () => {
    expect(wrap("漢".repeat(5_000_000), 10, 2)).toEqual(["漢漢漢漢漢", "漢漢漢漢…"]);
  });
});

describe("cutApart", () => {
  const long = "x".repeat(100);
  test.each([
    ["short ones stay", "ab", "ac", 50, ["ab", "ac"]],
    ["equal ones stay", long, long, 50, [long, long]],
    ["ones that differ early stay", `a${long}`, `b${long}`, 50, [`a${long}`, `b${long}`]],
    [
      "others are shown from shortly before they differ",
      `${long}a`,
      `${long}b`,
      50,
      [`…${"x".repeat(24)}a`, `…${"x".repeat(24)}b`],
    ],
    ["one goes on where the other ends", long, `${long}!`, 50, [`…${"x".repeat(24)}`, `…${"x".repeat(24)}!`]],
  ])("%s", (_what, one, other, width, expected) => {
    expect(cutApart(one, other, width)).toEqual(expected);
  });
});

test.each([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [1000, "1.0 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 0 s"],
  [161_234, "2 min 41 s"],
])("%d ms are %s", (ms, shown) => {
  expect(shownDuration(ms)).toBe(shown);
});
