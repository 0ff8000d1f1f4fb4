import { expect, test } from "vitest";
import type { Item } from "./fault.ts";
import { holdItems } from "./held-items.ts";

function setUp(byteLength?: number) {
  const notes: string[] = [];
  const out: number[] = [];
  const held = holdItems({ note: (kind) => void notes.push(kind) });
  const item: Item = {
    direction: "to-client",
    kind: "a",
    ...(byteLength !== undefined && { byteLength: () => byteLength }),
  };
  const hold = (count: number, dueMs?: (n: number) => number) => {
    for (let n = 0; n < count; n++) held.hold(item, () => out.push(n), dueMs?.(n));
  };
  return { held, hold, out, notes };
}

test("in the order they came", () => {
  const { held, hold, out } = setUp();
  hold(3);
  held.giveOldest();
  expect([out, held.count]).toEqual([[0], 2]);
  held.giveAll();
  held.giveOldest();
  expect([out, held.count]).toEqual([[0, 1, 2], 0]);
});

test("those that are due", () => {
  const { held, hold, out } = setUp();
  hold(4, (n) => n * 10);
  held.giveDue(9);
  expect(out).toEqual([0]);
  held.giveDue(20);
  expect(out).toEqual([0, 1, 2]);
});

test.each([
  ["items", undefined, 4096],
  ["bytes", 16 * 1024 * 1024, 4],
])("too many %s: the oldest goes early, and the journal is told once", (_name, bytes, max) => {
  const { held, hold, out, notes } = setUp(bytes);
  hold(max);
  expect([out, notes]).toEqual([[], []]);
  hold(2);
  expect([out, notes, held.count]).toEqual([[0, 1], ["fault-overflow"], max]);
});
