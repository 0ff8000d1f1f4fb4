/** The picture out of focus. */
import { chroma } from "../../fixtures/frame.ts";
import type { Transform } from "./transform.ts";

/**
 * Planes wider than this are halved before they are blurred. What a blur leaves has no detail that needs more samples, and blurring
 * all of 1280×688 took three times as long.
 */
const WIDTH_MAX = 400;
/** Reach of the blur as a share of the width: outlines go, large shapes stay. */
const RADIUS_SHARE = 1 / 100;

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
  let reduced = plane;
  let step = 1;
  for (; reduced.width > WIDTH_MAX; step *= 2) reduced = halve(reduced);
  const radius = Math.max(1, Math.round(reduced.width * RADIUS_SHARE));
  enlarge(average(reduced, Math.min(radius, reduced.width, reduced.height)), plane, step);
}

/** One sample for each square of four: their mean. */
function halve({ width, height, samples }: Plane): Plane {
  const halved = emptyPlane((width + 1) >> 1, (height + 1) >> 1);
  const last = width - 1;
  for (let row = 0, to = 0; row < height; row += 2) {
    const upper = row * width;
    const lower = Math.min(row + 1, height - 1) * width;
    for (let x = 0; x < last; x += 2, to++) {
      const sum = samples[upper + x]! + samples[upper + x + 1]! + samples[lower + x]! + samples[lower + x + 1]!;
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
function average({ width, height, samples }: Plane, radius: number): Plane {
  const averaged = emptyPlane(width, height);
  const side = radius * 2 + 1;
  const columns = new Int32Array(width + radius * 2);
  const inner = columns.subarray(radius, radius + width);
  for (let row = -radius; row <= radius; row++) {
    const from = reflect(row, height) * width;
    for (let x = 0; x < width; x++) inner[x]! += samples[from + x]!;
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
      averaged.samples[row * width + x] = sum / (side * side) + 0.5;
      sum -= columns[x]!;
    }
    const leaving = reflect(row - radius, height) * width;
    const entering = reflect(row + radius + 1, height) * width;
    for (let x = 0; x < width; x++) inner[x]! += samples[entering + x]! - samples[leaving + x]!;
  }
  return averaged;
}

/** Fills `plane` from its reduction, going evenly from the centre of one square of `step` samples to the next. */
function enlarge(reduced: Plane, plane: Plane, step: number): void {
  const { width, height, samples } = plane;
  const half = step >> 1;
  // With the last sample repeated for what lies beyond its centre. 16 bits of fraction: 8 from the rows, 8 more from the columns.
  const line = new Int32Array(reduced.width + 1);
  for (let row = 0; row < height; row++) {
    const place = (row + 0.5) / step - 0.5;
    const upper = Math.max(0, Math.floor(place)) * reduced.width;
    const lower = Math.min(reduced.height - 1, Math.floor(place) + 1) * reduced.width;
    const weight = Math.round((place - Math.floor(place)) * 256);
    for (let x = 0; x < reduced.width; x++) {
      line[x] = reduced.samples[upper + x]! * (256 - weight) + reduced.samples[lower + x]! * weight;
    }
    line[reduced.width] = line[reduced.width - 1]!;
    const start = row * width;
    const end = start + width;
    let at = start + half;
    samples.fill((line[0]! + 128) >> 8, start, Math.min(at, end));
    for (let x = 0; at < end; x++) {
      const slope = (((line[x + 1]! - line[x]!) << 8) / step) | 0;
      // The first sample after a centre lies half a sample beyond it, unless each sample is its own square.
      let level = (line[x]! << 8) + (half > 0 ? slope >> 1 : 0) + 0x8000;
      for (const stop = Math.min(at + step, end); at < stop; at++, level = (level + slope) | 0) samples[at] = level >> 16;
    }
  }
}

function emptyPlane(width: number, height: number): Plane {
  return { width, height, samples: new Uint8Array(width * height) };
}

/** The index that stands at `index` when 0..size−1 goes on as its reflection on both sides. */
function reflect(index: number, size: number): number {
  if (index < 0) return -1 - index;
  return index < size ? index : 2 * size - 1 - index;
}
