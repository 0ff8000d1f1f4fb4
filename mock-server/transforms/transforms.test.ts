import { describe, expect, test } from "vitest";
import {
  below,
  cloneFrame,
  createFrame,
  type Frame,
  matchGolden,
  movingSquare,
  pngToFrame,
  readImage,
  readInputStrip,
  readOutputStrip,
  stripsFit,
  writeInputStrip,
  writeOutputStrip,
} from "../../fixtures/index.ts";
import { rasterise } from "../pictures/caption.ts";
import { blend } from "./blend.ts";
import { caption } from "./caption.ts";
import { edges } from "./edges.ts";
import type { Look, Mask } from "./look.ts";
import { transforms } from "./plan.ts";
import { posterize } from "./posterize.ts";
import { repaint } from "./repaint.ts";
import { tint } from "./tint.ts";
import type { Transform } from "./transform.ts";

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

/** A camera's picture, large, odd, tiny and nasty ones, and one whose planes start at odd bytes of their buffers. */
const frames: readonly (readonly [string, () => Frame])[] = [
  ["a camera's 320×180", () => movingSquare(40, 320, 180)],
  ["1280×688 of dice", () => dice(1280, 688)],
  ["641×35 of dice", () => dice(641, 35)],
  ["33×47 of dice", () => dice(33, 47)],
  ["3×2 of dice", () => dice(3, 2)],
  ["1×1 of dice", () => dice(1, 1)],
  ["a bright frame round black", () => outline(160, 48)],
  ["131×90 of dice below 6 lines", () => below(dice(131, 96), 6)],
];

const planes = ["y", "u", "v"] as const;

type Check = (transform: Transform, before: Frame) => void;

const sameOnce: Check = (transform, before) => expectSame(changed(transform, before), before);

const sameTwice: Check = (transform, before) =>
  expectSame(changed(transform, changed(transform, before)), before);

const twiceIsOnce: Check = (transform, before) => {
  const once = changed(transform, before);
  expectSame(changed(transform, once), once);
};

const sameHistogram: Check = (transform, before) => {
  const after = changed(transform, before);
  for (const plane of planes) expect(histogram(after[plane])).toEqual(histogram(before[plane]));
};

const sameLuma: Check = (transform, before) => expectSamePlane(changed(transform, before).y, before.y);

const sameMean: Check = (transform, before) => {
  const after = changed(transform, before);
  for (const plane of planes) {
    expect(Math.abs(mean(after[plane]) - mean(before[plane])), plane).toBeLessThanOrEqual(1);
  }
};

const evenStaysEven: Check = (transform, { width, height }) => {
  const after = changed(transform, even(width, height, 101, 57, 201));
  for (const plane of planes) expect(new Set(after[plane]).size, plane).toBe(1);
};

const noColours: Check = (transform, before) => {
  const { u, v } = changed(transform, before);
  expect(new Set([...u, ...v])).toEqual(new Set([128]));
};

const fourLumas: Check = (transform, before) =>
  expect(new Set(changed(transform, before).y).size).toBeLessThanOrEqual(4);

const ownColours: Check = (transform, before) => {
  const grey = { ...before, u: before.u.map(() => 128), v: before.v.map(() => 128) };
  expectSame(changed(transform, before), changed(transform, grey));
};

const lighterStaysLighter: Check = (transform, before) => {
  const darker = changed(transform, { ...before, y: before.y.map((sample) => Math.max(16, sample - 9)) }).y;
  expect(changed(transform, before).y.every((sample, at) => sample >= darker[at]!)).toBe(true);
  expect(mean(changed(transform, before).y)).toBeGreaterThan(mean(darker));
};

/** In both heights of cells, whatever they say: their sync is what goes first. */
const noStrips: Check = (transform, before) => {
  for (const cell of ["normal", "tall"] as const) {
    if (!stripsFit(before.width, before.height, cell)) continue;
    const stamped = cloneFrame(before);
    writeInputStrip(stamped, { frameId: 0xabcdef, timestampMs: 12_345, flags: 0 }, cell);
    writeOutputStrip(stamped, { revision: 7, promptHash: 0xb000, imageHash: 0, outputCount: 99 }, cell);
    expect([readInputStrip(stamped)?.cell, readOutputStrip(stamped)?.cell]).toEqual([cell, cell]);
    const after = changed(transform, stamped);
    expect([readInputStrip(after), readOutputStrip(after)]).toEqual([null, null]);
  }
};

/** What the `property` sentence of each transform says, run on each of `frames`. */
const properties: Record<string, readonly Check[]> = {
  passthrough: [sameOnce],
  tint: [sameLuma, evenStaysEven],
  mirror: [sameTwice, sameHistogram],
  flip: [sameTwice, sameHistogram],
  invert: [sameTwice, evenStaysEven],
  grayscale: [sameLuma, noColours, twiceIsOnce],
  sepia: [sameLuma, twiceIsOnce],
  blur: [sameMean, evenStaysEven],
  pixelate: [twiceIsOnce, evenStaysEven],
  edges: [noColours, evenStaysEven],
  posterize: [twiceIsOnce, fourLumas],
  repaint: [ownColours, lighterStaysLighter, noStrips],
};

describe.each(transforms)("$name", (transform) => {
  test("is what its golden picture shows", async () => {
    const words = { ...look, caption: await rasterise("a friend with a red hat") };
    matchGolden(`transforms/${transform.name}`, changed(transform, movingSquare(40, 320, 180), words));
  });

  test.each(frames)("keeps its property: %s", (_, create) => {
    for (const check of properties[transform.name] ?? []) check(transform, create());
  });

  test.each(frames)("makes the same of the same picture, in legal samples: %s", (_, create) => {
    const after = changed(transform, create());
    expectSame(changed(transform, create()), after);
    expect([...extremes(after.y), 16, 235].toSorted(ascending)).toEqual([16, ...extremes(after.y), 235]);
    for (const plane of [after.u, after.v]) {
      expect([...extremes(plane), 16, 240].toSorted(ascending)).toEqual([16, ...extremes(plane), 240]);
    }
  });

  test("leaves the lines above the part that it is given", () => {
    const frame = dice(320, 180);
    const before = cloneFrame(frame);
    transform.apply(below(frame, 32), look);
    for (const plane of planes) {
      const length = plane === "y" ? 32 * 320 : 16 * 160;
      expectSamePlane(frame[plane].subarray(0, length), before[plane].subarray(0, length));
    }
  });
});

test("mirror, flip and invert put a sample where it belongs", () => {
  const frame = (...y: number[]) => ({ width: 3, height: 2, y, u: [16, 40], v: [128, 240] });
  const before = frame(16, 20, 30, 40, 50, 235);
  const expected = {
    mirror: { ...frame(30, 20, 16, 235, 50, 40), u: [40, 16], v: [240, 128] },
    flip: frame(40, 50, 235, 16, 20, 30),
    invert: { ...frame(235, 231, 221, 211, 201, 16), u: [240, 216], v: [128, 16] },
  };
  for (const [name, { y, u, v }] of Object.entries(expected)) {
    const transform = transforms.find((candidate) => candidate.name === name)!;
    const after = changed(transform, {
      width: 3,
      height: 2,
      y: Uint8Array.from(before.y),
      u: Uint8Array.from(before.u),
      v: Uint8Array.from(before.v),
    });
    expect([name, [...after.y], [...after.u], [...after.v]]).toEqual([name, y, u, v]);
  }
});

test.each([
  [0x0000, "u", 1],
  [0x4000, "v", 1],
  [0x8000, "u", -1],
  [0xc000, "v", -1],
] as const)("tint moves a grey picture towards the hue of hash %i", (promptHash, towards, sign) => {
  const after = changed(tint, even(16, 16, 100, 128, 128), { ...look, promptHash });
  const other = towards === "u" ? "v" : "u";
  expect(sign * (mean(after[towards]) - 128)).toBeGreaterThan(30);
  expect(mean(after[other])).toBe(128);
});

test("edges draws a step as a line one pixel wide on black, and takes the colours", () => {
  const before = even(8, 4, 50, 90, 200);
  for (let row = 0; row < 4; row++) before.y.fill(150, row * 8 + 4, row * 8 + 8);
  const after = changed(edges, before);
  for (let row = 0; row < 4; row++) {
    expect([...after.y.subarray(row * 8, row * 8 + 8)]).toEqual([16, 16, 16, 235, 16, 16, 16, 16]);
  }
  expect(new Set([...after.u, ...after.v])).toEqual(new Set([128]));
});

test("posterize keeps black, white and grey", () => {
  for (const luma of [16, 235]) {
    expectSame(changed(posterize, even(4, 4, luma, 128, 128)), even(4, 4, luma, 128, 128));
  }
});

test("only repaint has the server write no strips; of a server without strips others destroy the sender's, too", () => {
  expect(transforms.filter(({ coversStrips }) => coversStrips).map(({ name }) => name)).toEqual(["repaint"]);
  const stamped = movingSquare(40, 320, 180);
  writeInputStrip(stamped, { frameId: 1, timestampMs: 2, flags: 0 });
  const destroying = transforms.filter((transform) => !readInputStrip(changed(transform, stamped)));
  expect(destroying.map(({ name }) => name)).toEqual([
    ...["mirror", "flip", "invert", "blur", "pixelate", "edges", "repaint"],
  ]);
});

test.each([80, 95, 96, 159, 160, 223, 426, 854, 1279, 1280, 1920])(
  "repaint takes the strips of a picture %i wide",
  (width) => noStrips(repaint, dice(width, 90)),
);

test("repaint moves as the picture does: the mean luma of a coarse grid goes along", () => {
  const grids = [movingSquare(0, 320, 180), movingSquare(30, 320, 180)].map((frame) => [
    gridOf(frame),
    gridOf(changed(repaint, frame)),
  ]);
  const moved = (which: 0 | 1) => grids[1]![which]!.map((luma, at) => luma - grids[0]![which]![at]!);
  expect(Math.max(...moved(0))).toBeGreaterThan(20);
  expect(correlation(moved(0), moved(1))).toBeGreaterThan(0.98);
});

test.each([
  ["a square image in a wide picture", 100, 100, 320, 180, { left: 114, top: 44, width: 90, height: 90 }],
  ["a wide image in a tall picture", 512, 256, 180, 320, { left: 0, top: 114, width: 180, height: 90 }],
  ["an image smaller than its place", 2, 2, 64, 64, { left: 16, top: 16, width: 32, height: 32 }],
])("blend changes the middle only: %s", (_, imageWidth, imageHeight, width, height, area) => {
  const white = even(imageWidth, imageHeight, 235, 128, 128);
  const after = changed(blend, even(width, height, 16, 128, 128), { ...look, image: white });
  expect(boxOf(after, 16)).toEqual(area);
  expect(new Set(after.y)).toEqual(new Set([16, 148]));
});

test.each([
  ["as laid out", 640, 360, { left: 214, top: 316, width: 212, height: 28 }],
  ["twice as large", 1280, 720, { left: 428, top: 632, width: 424, height: 56 }],
  ["half as large", 320, 180, { left: 106, top: 158, width: 108, height: 14 }],
])("caption changes its band only: %s", (_, width, height, area) => {
  const after = changed(caption, even(width, height, 216, 128, 128));
  expect(boxOf(after, 216)).toEqual(area);
  expect(new Set(after.y)).toEqual(new Set([216, 66, 235]));
});

test("caption reduced draws letters as bright as what they cover", () => {
  const onePixelStripes = { ...stripes, data: stripes.data.map((_, at) => (at % 2 ? 255 : 0)) };
  const after = changed(caption, even(320, 180, 216, 128, 128), { ...look, caption: onePixelStripes });
  expect(new Set(after.y)).toEqual(new Set([216, 66, 151]));
});

test.each([blend, caption])("$name without anything to lay does nothing", (transform) => {
  const before = dice(64, 48);
  expectSame(changed(transform, before, { ...look, image: null, caption: null }), before);
});

function changed(transform: Transform, before: Frame, given: Look = look): Frame {
  // Not a clone: a part of a larger frame stays one, at its odd place in the buffer.
  const planeOf = (plane: Uint8Array) => {
    const buffer = plane.buffer.slice(0);
    return new Uint8Array(buffer, plane.byteOffset, plane.length);
  };
  const after = { ...before, y: planeOf(before.y), u: planeOf(before.u), v: planeOf(before.v) };
  transform.apply(after, given);
  return after;
}

/** Legal samples, the same on every run. */
function dice(width: number, height: number): Frame {
  const frame = createFrame(width, height);
  let state = 1;
  const roll = (sides: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return 16 + ((state >>> 16) % sides);
  };
  frame.y.forEach((_, at) => {
    frame.y[at] = roll(220);
  });
  frame.u.forEach((_, at) => {
    frame.u[at] = roll(225);
    frame.v[at] = roll(225);
  });
  return frame;
}

/** Bright outermost samples, which a blur that counts its border twice makes too much of. */
function outline(width: number, height: number): Frame {
  const frame = even(width, height, 16, 128, 128);
  frame.y.fill(235, 0, width);
  for (let row = 0; row < height; row++) frame.y[row * width] = 235;
  return frame;
}

function even(width: number, height: number, y: number, u: number, v: number): Frame {
  const frame = createFrame(width, height);
  frame.y.fill(y);
  frame.u.fill(u);
  frame.v.fill(v);
  return frame;
}

function expectSame(actual: Frame, expected: Frame): void {
  for (const plane of planes) expectSamePlane(actual[plane], expected[plane]);
}

function expectSamePlane(actual: Uint8Array, expected: Uint8Array): void {
  // Comparing arrays of a million samples with toEqual takes seconds.
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** Mean luma of 8 by 4 cells. */
function gridOf({ width, height, y }: Frame): number[] {
  const sums = new Array<number>(32).fill(0);
  y.forEach((sample, at) => {
    const column = Math.floor(((at % width) * 8) / width);
    sums[Math.floor((Math.floor(at / width) * 4) / height) * 8 + column]! += sample;
  });
  return sums.map((sum) => (sum * 32) / (width * height));
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - middle);
  };
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

function histogram(plane: Uint8Array): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const sample of plane) counts[sample]! += 1;
  return counts;
}

function mean(plane: Uint8Array): number {
  return plane.reduce((sum, sample) => sum + sample, 0) / plane.length;
}

function extremes(plane: Uint8Array): [number, number] {
  const present = [...new Set(plane)].toSorted(ascending);
  return [present[0]!, present.at(-1)!];
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** The smallest area that holds every luma sample other than `background`. */
function boxOf(frame: Frame, background: number) {
  const columns = new Set<number>();
  const rows = new Set<number>();
  frame.y.forEach((sample, at) => {
    if (sample === background) return;
    columns.add(at % frame.width);
    rows.add(Math.floor(at / frame.width));
  });
  const left = Math.min(...columns);
  const top = Math.min(...rows);
  return { left, top, width: Math.max(...columns) - left + 1, height: Math.max(...rows) - top + 1 };
}
