import { expect, test } from "vitest";
import { joinArabic } from "./_arabic.ts";

test.each([
  ["a letter alone", "ب", "\ufe8f"],
  ["two that join", "بب", "\ufe91\ufe90"],
  ["three that join", "ببب", "\ufe91\ufe92\ufe90"],
  ["one that joins only to what came before", "بابا", "\ufe91\ufe8e\ufe91\ufe8e"],
  ["one that joins to nothing", "بءب", "\ufe8f\ufe80\ufe8f"],
  ["a mark between letters", "بَب", "\ufe91\u064e\ufe90"],
  ["lam-alef alone", "لا", "\ufefb"],
  ["lam-alef after a letter", "بلا", "\ufe91\ufefc"],
  ["a Persian word", "گچ", "\ufb94\ufb7b"],
  ["Farsi yeh in the middle", "بیب", "\ufe91\ufbff\ufe90"],
  ["tatweel", "ـب", "\u0640\ufe90"],
  ["a zero-width non-joiner between letters", "ب\u200cب", "\ufe8f\u200c\ufe8f"],
  ["other scripts", "abc 漢字", "abc 漢字"],
])("joins %s", (_, text, joined) => {
  expect(joinArabic(text)).toBe(joined);
});
