import { expect, test } from "vitest";
import { createDice, type Dice } from "./dice.ts";

const throws = (dice: Dice, count: number) => Array.from({ length: count }, () => dice.next());

test("the same seed throws the same, a number or its text, today and on every machine", () => {
  expect(throws(createDice(1), 100)).toEqual(throws(createDice("1"), 100));
  expect(createDice(1).hex(32)).toBe("d1db9e3869347dd5f3c4b1fce9204f1f");
});

test("other seeds throw otherwise", () => {
  const firsts = Array.from({ length: 1000 }, (_, seed) => createDice(seed).hex(16));
  expect(new Set(firsts).size).toBe(1000);
});

test("throws lie in [0, 1) and fill it evenly", () => {
  const counts = new Array<number>(10).fill(0);
  for (const value of throws(createDice("even"), 10_000)) {
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThan(1);
    counts[Math.floor(value * 10)]!++;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("split dice depend on seed and name only: not on what was thrown or split before, nor do they disturb it", () => {
  const plain = createDice(7);
  const busy = createDice(7);
  throws(busy, 50);
  busy.split("another");
  expect(busy.split("media").hex(16)).toBe(plain.split("media").hex(16));
  expect(plain.split("media").seed).toBe("7/media");
  const undisturbed = createDice(7);
  const split = createDice(7);
  split.split("media").hex(100);
  expect(throws(split, 20)).toEqual(throws(undisturbed, 20));
  expect(plain.split("a").hex(16)).not.toBe(plain.split("b").hex(16));
});

test.each([0, 1, 16, 33])("hex(%i) is so many lower-case digits", (length) => {
  expect(createDice(3).hex(length)).toMatch(new RegExp(`^[0-9a-f]{${length}}$`));
});
