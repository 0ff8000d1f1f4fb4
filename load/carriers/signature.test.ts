import { describe, expect, test } from "vitest";
import { type Frame, movingSquare } from "../../fixtures/index.ts";
import { createDice } from "../dice.ts";
import { gridLuma, readSignature, type SeenPicture, type Signature } from "./signature.ts";

const width = 160;
const height = 90;
const pictureCount = 300;

/** What becomes of a picture's luma on its way through a model. */
type Repaint = (luma: Uint8Array) => Uint8Array;

/** Of each sample and its neighbours on the right and below. */
function fromNeighbours(make: (own: number, right: number, below: number) => number): Repaint {
  return (luma) => luma.map((own, at) => make(own, luma[at + 1] ?? own, luma[at + width] ?? own));
}

const repaints: Readonly<Record<string, Repaint>> = {
  "as it was": (luma) => luma,
  inverted: (luma) => luma.map((y) => 251 - y),
  "darker and flatter": (luma) => luma.map((y) => 20 + y * 0.3),
  blurred: (luma) => {
    const blurred = luma.slice();
    for (let at = 8; at < luma.length - 8; at++) {
      let sum = 0;
      for (let near = at - 8; near <= at + 8; near++) sum += luma[near]!;
      blurred[at] = sum / 17;
    }
    return blurred;
  },
  "posterised to four tones": (luma) => luma.map((y) => Math.round(y / 73) * 73),
  "drawn by its edges": fromNeighbours((own, right, below) =>
    Math.min(235, 16 + Math.max(0, Math.abs(own - right) + Math.abs(own - below) - 12) * 6),
  ),
  mirrored: (luma) => luma.map((_, at) => luma[at - (at % width) + width - 1 - (at % width)]!),
};

/** A camera of this loop, there and back as the clips are; 0 never repeats. */
function camera(loopCount: number): (frame: number) => number {
  if (loopCount === 0) return (frame) => frame;
  return (frame) => Math.min(frame % loopCount, loopCount - 1 - (frame % loopCount));
}

const grids = new Map<string, number[]>();
function gridOf(shown: number, name: string): number[] {
  const key = `${shown} ${name}`;
  let grid = grids.get(key);
  if (!grid) {
    const frame: Frame = movingSquare(shown, width, height);
    grid = gridLuma({ width, height, y: repaints[name]!(frame.y) });
    grids.set(key, grid);
  }
  return grid;
}

type Scene = {
  readonly fps: number;
  readonly loopCount: number;
  readonly name?: string;
  readonly delayMs: number;
  /** To each side. */
  readonly jitterMs?: number;
  readonly lossShare?: number;
  /** Steps of luma that coding adds or takes. */
  readonly noise?: number;
};

function sceneOf({
  fps,
  loopCount,
  name = "as it was",
  delayMs,
  jitterMs = 0,
  lossShare = 0,
  noise = 0,
}: Scene) {
  const dice = createDice(delayMs, `${name}/${fps}`);
  const around = (size: number) => (dice.next() * 2 - 1) * size;
  const shownBy = camera(loopCount);
  const sent: SeenPicture[] = [];
  const received: SeenPicture[] = [];
  for (let frame = 0; frame < pictureCount; frame++) {
    const dueMs = 5000 + (frame * 1000) / fps;
    sent.push({ atMs: dueMs, luma: gridOf(shownBy(frame), "as it was") });
    const atMs = dueMs + delayMs + around(jitterMs);
    if (dice.next() < lossShare) continue;
    received.push({ atMs, luma: gridOf(shownBy(frame), name).map((cell) => cell + around(noise)) });
  }
  return { sent, received: received.sort((a, b) => a.atMs - b.atMs) };
}

function read(scene: Scene): Signature {
  const { sent, received } = sceneOf(scene);
  return readSignature(sent, received);
}

const hard = { jitterMs: 10, lossShare: 0.1, noise: 0.3 };

describe.each(Object.keys(repaints))("a picture %s", (name) => {
  test.each([
    { fps: 30, loopCount: 60, delayMs: 80 },
    { fps: 30, loopCount: 60, delayMs: 285 },
    { fps: 30, loopCount: 0, delayMs: 1500 },
    { fps: 15, loopCount: 30, delayMs: 7 },
    { fps: 15, loopCount: 0, delayMs: 900 },
  ])("at $fps fps, delayed by $delayMs ms, with jitter, loss and noise", (scene) => {
    const signature = read({ ...scene, name, ...hard });
    if (signature.kind === "refused") throw new Error(signature.why);
    // A third of the time between two pictures.
    expect(Math.abs(signature.delayMs - scene.delayMs)).toBeLessThanOrEqual(333 / scene.fps);
    expect(signature.lowMs).toBeLessThanOrEqual(signature.delayMs);
    expect(signature.highMs).toBeGreaterThanOrEqual(signature.delayMs);
    expect(signature.highMs - signature.lowMs).toBeLessThanOrEqual(1000 / scene.fps);
    expect(signature.moduloMs).toBe(scene.loopCount === 0 ? null : 2000);
  });
});

test("the interval holds the delay nearly always, and grows with the noise", () => {
  const delays = Array.from({ length: 20 }, (_, index) => 50 + index * 37);
  const intervals = (more: Partial<Scene>) =>
    delays.map((delayMs) => {
      const signature = read({ fps: 30, loopCount: 0, delayMs, ...more });
      if (signature.kind === "refused") throw new Error(signature.why);
      return { ...signature, isRight: signature.lowMs - 4 <= delayMs && signature.highMs + 4 >= delayMs };
    });
  const mean = (widths: number[]) => widths.reduce((sum, one) => sum + one, 0) / widths.length;
  const widthOf = (found: ReturnType<typeof intervals>) =>
    mean(found.map(({ lowMs, highMs }) => highMs - lowMs));
  const calm = intervals(hard);
  const rough = intervals({ ...hard, jitterMs: 30, noise: 3, lossShare: 0.3 });
  expect(calm.filter(({ isRight }) => isRight).length).toBeGreaterThanOrEqual(18);
  expect(rough.filter(({ isRight }) => isRight).length).toBeGreaterThanOrEqual(18);
  expect(widthOf(rough)).toBeGreaterThan(2 * widthOf(calm));
});

test("the same pictures give the same answer", () => {
  const scene = { fps: 30, loopCount: 60, delayMs: 123, ...hard };
  expect(read(scene)).toEqual(read(scene));
});

test("a delay of more than the loop is told as what remains, and that it is", () => {
  expect(read({ fps: 30, loopCount: 60, delayMs: 2300 })).toMatchObject({ kind: "found", moduloMs: 2000 });
  const signature = read({ fps: 30, loopCount: 60, delayMs: 2300 });
  expect(signature.kind === "found" && Math.abs(signature.delayMs - 300)).toBeLessThanOrEqual(4);
});

describe("is refused", () => {
  const good = sceneOf({ fps: 30, loopCount: 60, delayMs: 80 });
  const still = good.received.map(({ atMs }) => ({ atMs, luma: good.received[0]!.luma }));
  const other = good.received.map(({ atMs }, index) => ({
    atMs,
    luma: gridLuma(movingSquare(index + 500, width, height, 2)),
  }));
  const noise = createDice(1, "noise");
  const quick = sceneOf({ fps: 30, loopCount: 20, delayMs: 80 });

  test.each<[string, { sent: readonly SeenPicture[]; received: readonly SeenPicture[] }, RegExp]>([
    ["nothing at all", { sent: [], received: [] }, /takes 30 pictures each way, and there are 0 sent and 0/],
    ["too little of it", { ...good, received: good.received.slice(0, 20) }, /300 sent and 20 received/],
    ["a camera that shows one picture", { ...good, sent: still }, /camera's picture hardly moves \(0\.00/],
    ["a frozen output", { ...good, received: still }, /comes back hardly moves/],
    ["a loop shorter than the delays", quick, /repeats itself after \d{3} ms/],
    ["another camera's picture", { ...good, received: other }, /No delay stands out/],
    [
      "noise",
      {
        ...good,
        received: good.received.map(({ atMs, luma }) => ({ atMs, luma: luma.map(() => 255 * noise.next()) })),
      },
      /No delay stands out/,
    ],
    [
      "pictures too far apart",
      { ...good, received: sceneOf({ fps: 2, loopCount: 0, delayMs: 0 }).received },
      /hardly moves/,
    ],
  ])("%s", (_, { sent, received }, why) => {
    const signature = readSignature(sent, received);
    expect(signature).toEqual({ kind: "refused", why: expect.stringMatching(why) });
  });
});

describe("the grid", () => {
  test("has the light of each cell, then its edges", () => {
    const y = new Uint8Array(width * height).fill(50);
    // A bright square within the last cell but its last line and column.
    for (let line = 80; line < 85; line++) y.fill(200, line * width + 145, line * width + 150);
    const grid = gridLuma({ width, height, y });
    expect(grid).toHaveLength(64);
    expect(grid.slice(0, 31)).toEqual(new Array(31).fill(50));
    expect(grid[31]).toBeGreaterThan(55);
    expect(grid.slice(32, 63)).toEqual(new Array(31).fill(0));
    expect(grid[63]).toBeGreaterThan(5);
  });

  test("passes over the strips, at any size", () => {
    for (const [width, height] of [
      [1280, 720],
      [320, 180],
    ] as const) {
      const y = new Uint8Array(width * height).fill(90);
      y.fill(235, 0, Math.round(height * 0.08) * width);
      expect(new Set(gridLuma({ width, height, y }).slice(0, 32))).toEqual(new Set([90]));
    }
  });

  test("of a picture that is all strip it is finite", () => {
    expect(gridLuma({ width: 8, height: 4, y: new Uint8Array(32) }).every(Number.isFinite)).toBe(true);
  });
});
