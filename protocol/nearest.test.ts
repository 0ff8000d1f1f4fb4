import { expect, test } from "vitest";
import { nearest } from "./index.ts";

const NAMES = ["prompt", "set_image", "livekit_join", "ice-candidate", "with", "tick"];

test.each([
  ["promt", "prompt"],
  ["Prompt", "prompt"],
  ["setimage", "set_image"],
  ["set-image", "set_image"],
  ["livekitJoin", "livekit_join"],
  ["wiht", "with"],
  ["iwth", "with"],
  ["wthi", null],
  ["tcik", "tick"],
  ["banana", null],
  ["", null],
  ["p".repeat(100_000), null],
])("%s is nearest to %s", (name, expected) => {
  expect(nearest(name, NAMES)).toBe(expected);
});

test("an empty list has nothing near", () => {
  expect(nearest("prompt", [])).toBeNull();
});
