import { expect, test } from "vitest";
import { firstJsonError } from "./_first-json-error.ts";

const VALID = [
  "null",
  " true ",
  "-0.5e+10",
  '""',
  '"\\u00e9\\n\\"/"',
  "[]",
  "{}",
  '[[],{},[1,"a",{"b":[null]}]]',
  '\t{"a" : 1 ,\r\n"b":[false]}\n',
  '"é👩‍🚀\u2028"',
];

test.each(VALID)("%j is JSON", (source) => {
  expect(firstJsonError(source)).toBeNull();
  expect(() => JSON.parse(source)).not.toThrow();
});

test.each<[string, number]>([
  ["", 0],
  ["-", 0],
  ["01", 1],
  ["1.", 1],
  ["+1", 0],
  ["nul", 0],
  ["[1,]", 3],
  ["[,1]", 1],
  ['{"a":1,}', 7],
  ['{"a"}', 4],
  ["{}}", 2],
  ["[}", 1],
  ['"\\x"', 1],
  ['"\\u12g4"', 1],
  ['"\t"', 1],
  ["'a'", 0],
  ["\ufeff{}", 0],
  ["[1]\u00a0", 3],
])("%j stops being JSON at index %i", (source, at) => {
  expect(firstJsonError(source)?.at).toBe(at);
  expect(() => JSON.parse(source)).toThrow();
});

test("agrees with JSON.parse on every cut and on every changed character of the valid ones", () => {
  for (const source of VALID) {
    const spoilt = [...source].flatMap((_, index) => [
      source.slice(0, index),
      ...["x", '"', "}", ",", "\\", "0"].map(
        (char) => source.slice(0, index) + char + source.slice(index + 1),
      ),
    ]);
    for (const text of spoilt) {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      expect([text, firstJsonError(text) === null]).toEqual([text, valid]);
    }
  }
});
