/**
 * The last resort to tell pictures apart: how the light of a picture moves. A model that repaints erases strips, and drops metadata, but what moves
 * in the input moves in the output. What is read is the delay of some seconds as a whole, with an interval, or a refusal: never that of one picture.
 */
import { type Luma, stripsHeight } from "../../fixtures/strips.ts";
import { createDice } from "../dice.ts";

export const gridColumns = 8;
export const gridRows = 4;
const cellCount = gridColumns * gridRows;

/** When a picture was due at the camera, or came back, and its `gridLuma`. */
export type SeenPicture = { readonly atMs: number; readonly luma: readonly number[] };

export type Signature =
  | {
      readonly kind: "found";
      readonly delayMs: number;
      /** 95 % interval of the bootstrap. */
      readonly lowMs: number;
      readonly highMs: number;
      /** The camera repeats itself after so long: the delay may be this much longer, any number of times. `null`: not within 4 s. */
      readonly moduloMs: number | null;
      /** How much of the output's motion the input's explains, 0…1, and what it explains at the best other delay. */
      readonly likeness: number;
      readonly nextLikeness: number;
    }
  | { readonly kind: "refused"; readonly why: string };

/** Delays that are tried. */
export const delayMsMax = 2000;
/** What the noise of jitter may make of no delay at all. */
const delayMsMin = -20;
/** Between two delays that are tried: over all, then around the best. */
const coarseStepMs = 20;
const fineStepMs = 4;
/** Ticks of the input as it is resampled. */
const tickMs = 2;
/** How far the input is looked at for repetitions. */
const periodMsMax = 4000;
/** Of its motion, what explains itself: then it repeats. */
const repeatLikeness = 0.9;
/**
 * Differences are taken over so long: over one picture's time, jitter and coding noise are as large as the motion; over a second, the peak is
 * as wide as a second.
 */
const strideMs = 100;
/** A hole in the pictures, over which nothing is compared. */
const holeMs = 400;
/** A peak reaches so far to each side. */
const lobeMs = 200;
const blockMs = 500;
const resampleCount = 200;
/** Root mean square of a cell's change over `strideMs`, in steps of luma: below, it is coding noise. */
const motionMin = 0.25;
const picturesMin = 30;
/**
 * Measured on the fixtures' camera at 15 and 30 fps, with 20 ms of jitter and 10 % lost: pictures made of it by any transform explain 0.57 and
 * more, those of another camera 0.05 at most. The best other delay explains up to 0.61 of what the right one does.
 */
const likenessMin = 0.2;
const nextShareMax = 0.75;

/**
 * Mean luma of each cell of a picture, row by row, then how much neighbouring samples differ in each: 64 numbers. Without the strips at its top:
 * those change with every picture, and mean nothing of it.
 */
export function gridLuma({ width, height, y }: Luma): number[] {
  const strips = stripsHeight(width, "tall");
  const top = strips * 2 < height ? strips : 0;
  // A mean of a few hundred samples is as good as one of ten thousand.
  const step = Math.max(1, Math.floor(width / 160));
  const light: number[] = [];
  const edges: number[] = [];
  for (let row = 0; row < gridRows; row++) {
    const firstLine = top + Math.floor(((height - top) * row) / gridRows);
    const lastLine = top + Math.floor(((height - top) * (row + 1)) / gridRows);
    for (let column = 0; column < gridColumns; column++) {
      const left = Math.floor((width * column) / gridColumns);
      const right = Math.floor((width * (column + 1)) / gridColumns);
      let sum = 0;
      let edge = 0;
      let count = 0;
      for (let line = firstLine; line < lastLine - 1; line += step) {
        for (let at = line * width + left; at < line * width + right - 1; at += step) {
          const sample = y[at]!;
          sum += sample;
          edge += Math.abs(sample - y[at + 1]!) + Math.abs(sample - y[at + width]!);
          count++;
        }
      }
      light.push(count > 0 ? sum / count : 0);
      edges.push(count > 0 ? edge / count : 0);
    }
  }
  return [...light, ...edges];
}

/**
 * The delay between pictures that were sent and the pictures made of them. `sent` should begin `delayMsMax` before `received`; both in the order
 * of their times. The changes of the output's light are regressed on those of the input's light, and of its edges (a drawing is light where the
 * input has edges), at every delay. One gain for all cells takes care of inversion, tint and contrast, and leaves chance little room. The same
 * pictures give the same answer.
 */
export function readSignature(sent: readonly SeenPicture[], received: readonly SeenPicture[]): Signature {
  const refuse = (why: string): Signature => ({ kind: "refused", why });
  if (sent.length < picturesMin || received.length < picturesMin) {
    return refuse(
      `A signature takes ${picturesMin} pictures each way, and there are ${sent.length} sent and ${received.length} received. Watch for longer.`,
    );
  }
  const steps = stepsOf(received);
  const sentSteps = stepsOf(sent);
  for (const [motion, whose, advice] of [
    [motionOf(sentSteps), "The camera's picture", "Take a clip with motion."],
    [motionOf(steps), "What comes back", "Look whether it is frozen, or another picture."],
  ] as const) {
    if (motion >= motionMin) continue;
    return refuse(
      `${whose} hardly moves (${motion.toFixed(2)} steps of luma in ${strideMs} ms; it takes ${motionMin}), so that every delay looks alike. ${advice}`,
    );
  }
  const input = resample(sent);
  const moduloMs = periodOf(input, sentSteps);
  if (moduloMs !== null && moduloMs < delayMsMax - lobeMs) {
    return refuse(
      `The camera's picture repeats itself after ${moduloMs} ms, so that nobody can tell a delay from one ${moduloMs} ms longer. Take a clip that repeats after ${delayMsMax} ms at the earliest.`,
    );
  }

  const coarseMs = range(
    delayMsMin,
    Math.min(delayMsMax, (moduloMs ?? delayMsMax) + delayMsMin - 1),
    coarseStepMs,
  );
  const tried = features.map((feature) => {
    const likenesses = likenessOf([sumsOf(input, feature, steps, coarseMs)]);
    return { feature, likenesses, best: indexOfMax(likenesses) };
  });
  const { feature, likenesses, best } = tried.reduce((a, b) =>
    b.likenesses[b.best]! > a.likenesses[a.best]! ? b : a,
  );
  const nearMs = coarseMs[best]!;
  const fineMs = range(nearMs - lobeMs / 2, nearMs + lobeMs / 2, fineStepMs);
  const blocks = blocksOf(steps).map((block) => sumsOf(input, feature, block, fineMs));
  const fine = likenessOf(blocks);
  const delayMs = fineMs[indexOfMax(fine)]!;
  const likeness = Math.max(...fine);
  const apartMs = (otherMs: number) => {
    const apart = Math.abs(otherMs - delayMs);
    return moduloMs === null ? apart : Math.min(apart, moduloMs - apart);
  };
  const nextLikeness = Math.max(0, ...likenesses.filter((_, index) => apartMs(coarseMs[index]!) > lobeMs));
  const told = `the best, ${delayMs} ms, explains ${percent(likeness)} of the motion that comes back (it takes ${percent(likenessMin)}), and the best other ${percent(nextLikeness)} (at most ${percent(nextShareMax)} of that)`;
  if (likeness < likenessMin || nextLikeness > nextShareMax * likeness) {
    return refuse(`No delay stands out: ${told}. Watch for longer, or take a clip with more motion.`);
  }

  const dice = createDice(1, "signature");
  const drawn = Array.from({ length: resampleCount }, () => {
    const again = likenessOf(blocks.map(() => blocks[dice.below(blocks.length)]!));
    return fineMs[indexOfMax(again)]!;
  }).sort((a, b) => a - b);
  const lowMs = Math.max(0, drawn[Math.floor(0.025 * resampleCount)]!);
  const highMs = Math.max(0, drawn[Math.ceil(0.975 * resampleCount) - 1]!);
  return { kind: "found", delayMs: Math.max(0, delayMs), lowMs, highMs, moduloMs, likeness, nextLikeness };
}

/** The input at every tick, between its pictures in a straight line. */
type Resampled = { readonly startMs: number; readonly tickCount: number; readonly values: Float32Array };

const valueCount = 2 * cellCount;

function resample(pictures: readonly SeenPicture[]): Resampled {
  const startMs = pictures[0]!.atMs;
  const tickCount = Math.floor((pictures.at(-1)!.atMs - startMs) / tickMs) + 1;
  const values = new Float32Array(tickCount * valueCount);
  let next = 1;
  for (let tick = 0; tick < tickCount; tick++) {
    const atMs = startMs + tick * tickMs;
    while (next < pictures.length - 1 && pictures[next]!.atMs < atMs) next++;
    const from = pictures[next - 1]!;
    const to = pictures[next]!;
    const share = to.atMs > from.atMs ? (atMs - from.atMs) / (to.atMs - from.atMs) : 1;
    for (let index = 0; index < valueCount; index++) {
      values[tick * valueCount + index] = from.luma[index]! + share * (to.luma[index]! - from.luma[index]!);
    }
  }
  return { startMs, tickCount, values };
}

/** How the light of all cells changed from one picture to one `strideMs` later. */
type Step = { readonly fromMs: number; readonly toMs: number; readonly changes: Float32Array };

function stepsOf(pictures: readonly SeenPicture[]): Step[] {
  const steps: Step[] = [];
  let from = 0;
  for (const { atMs, luma } of pictures) {
    while (atMs - pictures[from + 1]!.atMs >= strideMs) from++;
    const before = pictures[from]!;
    const tookMs = atMs - before.atMs;
    if (tookMs < strideMs || tookMs > holeMs) continue;
    const changes = Float32Array.from({ length: cellCount }, (_, cell) => luma[cell]! - before.luma[cell]!);
    steps.push({ fromMs: before.atMs, toMs: atMs, changes });
  }
  return steps;
}

function motionOf(steps: readonly Step[]): number {
  if (steps.length === 0) return 0;
  let sum = 0;
  for (const { changes } of steps) for (const change of changes) sum += change * change;
  return Math.sqrt(sum / steps.length / cellCount);
}

/** Products of output and input changes, by delay: what a regression is made of, and what adds up. */
type Sums = { readonly xy: Float64Array; readonly xx: Float64Array; readonly yy: Float64Array };

/**
 * Where to look, in what was sent, for what moves the light of a cell: in its own light, in its edges, and in the cell across, for who mirrors
 * the camera.
 */
const features: readonly ((cell: number) => number)[] = [
  (cell) => cell,
  (cell) => cellCount + cell,
  (cell) => cell + gridColumns - 1 - 2 * (cell % gridColumns),
];

function sumsOf(
  { startMs, tickCount, values }: Resampled,
  feature: (cell: number) => number,
  steps: readonly Step[],
  delays: readonly number[],
): Sums {
  const places = Array.from({ length: cellCount }, (_, cell) => feature(cell));
  const [xy, xx, yy] = [0, 0, 0].map(() => new Float64Array(delays.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const { fromMs, toMs, changes } of steps) {
    for (let index = 0; index < delays.length; index++) {
      const from = Math.round((fromMs - delays[index]! - startMs) / tickMs);
      const to = Math.round((toMs - delays[index]! - startMs) / tickMs);
      if (from < 0 || to >= tickCount) continue;
      for (let cell = 0; cell < cellCount; cell++) {
        const at = places[cell]!;
        const x = values[to * valueCount + at]! - values[from * valueCount + at]!;
        const y = changes[cell]!;
        xy[index]! += x * y;
        xx[index]! += x * x;
        yy[index]! += y * y;
      }
    }
  }
  return { xy, xx, yy };
}

/** Changes near each other are alike, and count as one observation. */
function blocksOf(steps: readonly Step[]): Step[][] {
  return [...Map.groupBy(steps, ({ toMs }) => Math.floor((toMs - steps[0]!.toMs) / blockMs)).values()];
}

/** By delay: how much of the output's changes one gain explains. */
function likenessOf(blocks: readonly Sums[]): number[] {
  return Array.from({ length: blocks[0]!.xy.length }, (_, index) => {
    let xy = 0;
    let xx = 0;
    let yy = 0;
    for (const block of blocks) {
      xy += block.xy[index]!;
      xx += block.xx[index]!;
      yy += block.yy[index]!;
    }
    return xx > 0 && yy > 0 ? (xy * xy) / (xx * yy) : 0;
  });
}

/** After how long the input looks as before; `null`: not within `periodMsMax`. */
function periodOf(input: Resampled, steps: readonly Step[]): number | null {
  const lags = range(lobeMs, periodMsMax, coarseStepMs);
  const likenesses = likenessOf([sumsOf(input, features[0]!, steps, lags)]);
  const first = likenesses.findIndex(
    (likeness, index) => likeness > repeatLikeness && likeness >= (likenesses[index + 1] ?? 0),
  );
  return first < 0 ? null : lags[first]!;
}

function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

function indexOfMax(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** Pictures of so long are read together. */
const windowMs = 8000;

/**
 * Reads window after window, while they come; each takes some 16 ms of CPU. Keeps those of one window, and what was sent `delayMsMax` before it.
 */
export function createSignatureReader(found: (signature: Signature) => void) {
  let sent: SeenPicture[] = [];
  let received: SeenPicture[] = [];
  return {
    sent(picture: SeenPicture): void {
      sent.push(picture);
      // Where nothing comes back, nothing else makes it end.
      if (sent.length % 64 === 0) forget(picture.atMs - windowMs - delayMsMax - lobeMs);
    },
    received(picture: SeenPicture): void {
      received.push(picture);
      if (picture.atMs - received[0]!.atMs < windowMs) return;
      found(readSignature(sent, received));
      received = [];
    },
  };

  function forget(beforeMs: number): void {
    sent = sent.filter(({ atMs }) => atMs >= beforeMs);
  }
}
