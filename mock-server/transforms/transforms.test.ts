import { describe, expect, test } from "vitest";
import {
  below,
  chroma,
  cloneFrame,
  createFrame,
  type Frame,
  images,
  matchGolden,
  movingSquare,
  pngToFrame,
  readImage,
} from "../../fixtures/index.ts";
import { blend } from "./blend.ts";
import { caption } from "./caption.ts";
import type { Look, Mask } from "./look.ts";
import { named, transforms } from "./plan.ts";
import { tint } from "./tint.ts";
import type { Transform } from "./transform.ts";

/** A picture from a camera, odd ones, tiny ones, and one whose planes start at odd bytes of their buffers. */
const frames: readonly (readonly [string, () => Frame])[] = [
  ["a camera's 320×180", () => movingSquare(40, 320, 180)],
  ["1280×688 of dice", () => dice(1280, 688)],
  ["641×35 of dice", () => dice(641, 35)],
  ["33×47 of dice", () => dice(33, 47)],
  ["3×2 of dice", () => dice(3, 2)],
  ["1×1 of dice", () => dice(1, 1)],
  ["131×90 of dice below 6 lines", () => below(dice(131, 96), 6)],
];

const stripes: Mask = {
  width: 200,
  height: 16,
  data: new Uint8Array(200 * 16).map((_, at) => (at % 8 < 4 ? 255 : 0)),
};
const look: Look = {
  revision: 1,
  prompt: "a prompt",
  promptHash: 0xb000,
  imageHash: 0x1234,
  caption: stripes,
  image: pngToFrame(readImage("face-png")),
  mirrored: false,
};

describe.each(transforms)("$name", (transform) => {
  test("is what its golden picture shows", () => {
    matchGolden(`transforms/${transform.name}`, changed(transform, movingSquare(40, 320, 180)));
  });

  test.each(frames)("depends on nothing but the picture and the look: %s", (_, create) => {
    expectSame(changed(transform, create()), changed(transform, create()));
  });

  test.each(frames)("stays within legal samples: %s", (_, create) => {
    const { y, u, v } = changed(transform, create());
    expect(extremes(y)).toSatisfy(within(16, 235));
    expect(extremes(u)).toSatisfy(within(16, 240));
    expect(extremes(v)).toSatisfy(within(16, 240));
  });

  test("leaves the lines above the part it is given", () => {
    const frame = dice(320, 180);
    const before = cloneFrame(frame);
    transform.apply(below(frame, 32), look);
    expectSame(top(frame, 32), top(before, 32));
  });
});

const twiceIsNothing = (transform: Transform) => (before: Frame) =>
  expectSame(changed(transform, changed(transform, before)), before);

const twiceIsOnce = (transform: Transform) => (before: Frame) => {
  const once = changed(transform, before);
  expectSame(changed(transform, once), once);
};

const sameHistogram = (transform: Transform) => (before: Frame) => {
  const after = changed(transform, before);
  for (const plane of ["y", "u", "v"] as const) expect(histogram(after[plane])).toEqual(histogram(before[plane]));
};

const sameLuma = (transform: Transform) => (before: Frame) =>
  expect(same(changed(transform, before).y, before.y)).toBe(true);

const evenStaysEven = (transform: Transform) => (before: Frame) => {
  const { width, height } = before;
  const flat = createFrame(width, height);
  flat.y.fill(101);
  flat.u.fill(57);
  flat.v.fill(201);
  const after = changed(transform, flat);
  for (const plane of [after.y, after.u, after.v]) expect(extremes(plane)[0]).toBe(extremes(plane)[1]);
};

const sameMean = (transform: Transform) => (before: Frame) => {
  const after = changed(transform, before);
  for (const plane of ["y", "u", "v"] as const) {
    expect(Math.abs(mean(after[plane]) - mean(before[plane]))).toBeLessThanOrEqual(1);
  }
};

const properties: Record<string, ((transform: Transform) => (before: Frame) => void)[]> = {
  passthrough: [() => (before) => expectSame(changed(named[0]!, before), before)],
};
