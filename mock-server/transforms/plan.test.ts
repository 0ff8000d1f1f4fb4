import { expect, test } from "vitest";
import { cloneFrame, createFrame, movingSquare } from "../../fixtures/index.ts";
import type { Look } from "./look.ts";
import { named, plan, render, transforms } from "./plan.ts";

const nothing: Look = {
  revision: 0,
  prompt: null,
  promptHash: 0,
  imageHash: 0,
  caption: null,
  image: null,
  mirrored: false,
};
const image = createFrame(4, 4);
const caption = { width: 1, height: 1, data: new Uint8Array([255]) };

test.each<[string, Partial<Look>, string[]]>([
  ["nothing", {}, []],
  ["a mirrored camera", { mirrored: true }, ["mirror"]],
  ["an image alone", { image }, ["blend"]],
  ["a prompt that names no transform", { prompt: "a man in a red hat", caption }, ["tint", "caption"]],
  ["a prompt without letters", { prompt: "!", caption: null }, ["tint"]],
  ["a named transform", { prompt: "invert", caption }, ["invert", "caption"]],
  ["two, in the prompt's order", { prompt: "Mirror, then invert!" }, ["mirror", "invert"]],
  ["two, the other way round", { prompt: "INVERT\nand mirror" }, ["invert", "mirror"]],
  ["one said twice", { prompt: "blur it, blur it" }, ["blur"]],
  ["parts of words", { prompt: "mirrored blurry flipping" }, ["tint"]],
  ["overlays by name", { prompt: "caption and blend" }, ["tint"]],
  ["passthrough by name", { prompt: "passthrough please", caption }, ["passthrough", "caption"]],
  ["a mirrored camera, mirrored", { prompt: "mirror", mirrored: true }, ["mirror", "mirror"]],
  [
    "all at once",
    { prompt: "sepia", image, caption, mirrored: true },
    ["mirror", "sepia", "blend", "caption"],
  ],
])("plans %s", (_, look, names) => {
  expect(plan({ ...nothing, ...look }).map(({ name }) => name)).toEqual(names);
});

test("a look without prompt or image leaves every sample", () => {
  const frame = movingSquare(3, 64, 48);
  const before = cloneFrame(frame);
  render(frame, nothing);
  expect(frame).toEqual(before);
});

test("render runs the plan from first to last", () => {
  const look: Look = { ...nothing, prompt: "flip and pixelate", promptHash: 1 };
  const expected = movingSquare(3, 320, 180);
  for (const transform of plan(look)) transform.apply(expected, look);
  const frame = movingSquare(3, 320, 180);
  render(frame, look);
  expect(frame).toEqual(expected);
  expect(frame).not.toEqual(movingSquare(3, 320, 180));
});

test("every transform has its own name, and a sentence for what it does and what holds", () => {
  expect(new Set(transforms.map(({ name }) => name)).size).toBe(transforms.length);
  expect(transforms.filter((transform) => !named.includes(transform)).map(({ name }) => name)).toEqual([
    "blend",
    "caption",
  ]);
  for (const { does, property } of transforms) {
    expect(does).toMatch(/^[A-Z].*\.$/);
    expect(property).toMatch(/^[A-Z].*\.$/);
  }
});
