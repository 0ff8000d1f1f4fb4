/** The picture out of focus. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

/**
 * Planes wider than this are halved before they are blurred. What a blur leaves has no detail that needs more samples, and blurring
 * all of 1280×688 took twice as long.
 */
const WIDTH_MAX = 200;
/** Reach of the blur as a share of the width: outlines go, large shapes stay. */
const RADIUS_SHARE = 1 / 60;

export const blur: Transform = {
  name: "blur",
  does: "Puts the picture out of focus.",
  property: "The mean of each plane stays within 1; an even picture stays even.",
  apply({ width, height, y, u, v }) {
    blurPlane({ width, height, samples: y });
    blurPlane({ width: chroma(width), height: chroma(height), samples: u });
    blurPlane({ width: chroma(width), height: chroma(height), samples: v });
  },
};

type Plane = { readonly width: number; readonly height: number; readonly samples: Uint8Array };

function blurPlane(plane: Plane): void {
  if (plane.width > WIDTH_MAX) {
    const half = halve(plane);
    blurPlane(half);
    double(half, plane);
  } else {
    const radius = Math.max(1, Math.round(plane.width * RADIUS_SHARE));
    average(plane, Math.min(radius, plane.width, plane.height));
  }
}

/** One sample for each square of four: their mean. */
function halve({ width, height, samples }: Plane): Plane {
  const halved = createPlane((width + 1) >> 1, (height + 1) >> 1);
  const last = width - 1;
  for (let row = 0, to = 0; row < height; row += 2) {
    const upper = row * width;
    const lower = Math.min(row + 1, height - 1) * width;
    for (let x = 0; x < last; x += 2, to++) {
      const sum =
        samples[upper + x]! + samples[upper + x + 1]! + samples[lower + x]! + samples[lower + x + 1]!;
      halved.samples[to] = (sum + 2) >> 2;
    }
    if (width % 2 === 1) halved.samples[to++] = (samples[upper + last]! + samples[lower + last]! + 1) >> 1;
  }
  return halved;
}

/**
 * Every sample becomes the mean of the square that reaches `radius` samples around it. Beyond its borders the plane goes on as its
 * own reflection: so every sample counts equally often, which is what keeps the mean. `columns` holds the sums over the
 * rows in reach and moves down with the row that is written; a running sum over it moves right.
 */
function average({ width, height, samples }: Plane, radius: number): void {
  const before = samples.slice();
  const side = radius * 2 + 1;
  const columns = new Int32Array(width + radius * 2);
  const inner = columns.subarray(radius, radius + width);
  for (let row = -radius; row <= radius; row++) {
    const from = reflect(row, height) * width;
    for (let x = 0; x < width; x++) inner[x]! += before[from + x]!;
  }
  for (let row = 0; row < height; row++) {
    for (let beyond = 0; beyond < radius; beyond++) {
      columns[radius - 1 - beyond] = inner[beyond]!;
      columns[radius + width + beyond] = inner[width - 1 - beyond]!;
    }
    let sum = 0;
    for (let x = 0; x < side - 1; x++) sum += columns[x]!;
    for (let x = 0; x < width; x++) {
      sum += columns[x + side - 1]!;
      samples[row * width + x] = sum / (side * side) + 0.5;
      sum -= columns[x]!;
    }
    const leaving = reflect(row - radius, height) * width;
    const entering = reflect(row + radius + 1, height) * width;
    for (let x = 0; x < width; x++) inner[x]! += before[entering + x]! - before[leaving + x]!;
  }
}

/**
 * Fills `plane` from its half: each sample three quarters of the nearest and one quarter of the next, in both directions.
 * `Math.imul` spares the checks for overflow, which took half of the time.
 */
function double(half: Plane, plane: Plane): void {
  const { width, height } = plane;
  // With the outermost samples repeated on both sides.
  const line = new Uint16Array(half.width + 2);
  for (let row = 0; row < height; row++) {
    const next = (row >> 1) + (row % 2 === 0 ? -1 : 1);
    const near = rowOf(half, row >> 1);
    const far = rowOf(half, Math.min(half.height - 1, Math.max(0, next)));
    for (let x = 0; x < near.length; x++) line[x + 1] = Math.imul(near[x]!, 3) + far[x]!;
    line[0] = line[1]!;
    line[half.width + 1] = line[half.width]!;
    const written = rowOf(plane, row);
    let left = line[0]!;
    let middle = line[1]!;
    for (let pair = 0; pair < width >> 1; pair++) {
      const right = line[pair + 2]!;
      const most = Math.imul(middle, 3) + 8;
      written[pair * 2] = (most + left) >> 4;
      written[pair * 2 + 1] = (most + right) >> 4;
      left = middle;
      middle = right;
    }
    if (width % 2 === 1) written[width - 1] = (middle * 3 + left + 8) >> 4;
  }
}

function rowOf({ width, samples }: Plane, row: number): Uint8Array {
  return samples.subarray(row * width, (row + 1) * width);
}

function createPlane(width: number, height: number): Plane {
  return { width, height, samples: new Uint8Array(width * height) };
}

/** The index that stands at `index` when 0..size−1 goes on as its reflection on both sides. */
function reflect(index: number, size: number): number {
  if (index < 0) return -1 - index;
  return index < size ? index : 2 * size - 1 - index;
}
