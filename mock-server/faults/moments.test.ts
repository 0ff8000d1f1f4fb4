import { expect, test } from "vitest";
import { momentNames, noMoment, once } from "./moments.ts";

test.each<[text: unknown, sentence: string]>([
  ["tick:0", 'What follows the colon is a whole number from 1: "tick:3".'],
  ["connected:one", 'What follows the colon is a whole number from 1: "connected:3".'],
  ["conected", 'Did you mean "connected"? The moments are upgrade, open,'],
  ["tik:3", 'Did you mean "tick"?'],
  ["constructor:1", "The moments are upgrade, open,"],
  ["", "The moments are upgrade"],
  [3, "The moments are upgrade"],
])("%j is no moment", (text, sentence) => {
  expect(noMoment(text).startsWith(sentence)).toBe(true);
});

test("what comes one time only is a moment", () => {
  expect(momentNames).toEqual(expect.arrayContaining([...once]));
});
