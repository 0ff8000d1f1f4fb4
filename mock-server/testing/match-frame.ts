/**
 * Compares a picture with a PNG by pixelmatch; what differs goes into a picture of its own. The rows of the strips are left out: they are
 * never the same twice.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import type { Frame } from "../../fixtures/frame.ts";
import { frameToRgba } from "../../fixtures/frame-colour.ts";
import { stripsHeight } from "../../fixtures/strips.ts";

export type Pixels = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
};

/** RGBA pixels, a frame as lucy-testkit/fixtures has them, or the bytes of a PNG. */
export type PictureGiven = Pixels | Frame | Uint8Array;

export type MatchFrameOptions = {
  /** Colour distance, 0 to 1, from which on a pixel differs. 0.1 unless said otherwise, as with pixelmatch. */
  readonly threshold?: number;
  /** Share of pixels that may differ, 0 to 1. 0.01 unless said otherwise. */
  readonly differingShareMax?: number;
  /** Whether the rows of the strips count, too. */
  readonly withStrips?: boolean;
  /** Of a video in Playwright: how long it may take until a picture matches. */
  readonly withinMs?: number;
  /** Where the pictures of a failure go. The test's output in Playwright, else `test-results/lucy-testkit`, unless said otherwise. */
  readonly folder?: string;
};

export type FrameMatchers = {
  /** The picture looks like this PNG, a path or its bytes. The difference picture's place is in the failure. */
  toMatchFrame(png: string | URL | Uint8Array, options?: MatchFrameOptions): Promise<void>;
};

export type FrameVerdict = {
  readonly pass: boolean;
  readonly expected: string;
  readonly got: string;
  /** Writes the actual picture, and where both have one size the difference; returns their paths. */
  write(): string[];
};

/** @throws Error where the PNG is none, or not there; RangeError for a share that is none */
export function matchFrame(
  picture: PictureGiven,
  png: string | URL | Uint8Array,
  {
    threshold = 0.1,
    differingShareMax = 0.01,
    withStrips = false,
    folder = "test-results/lucy-testkit",
  }: MatchFrameOptions = {},
): FrameVerdict {
  checkShare("threshold", threshold);
  checkShare("differingShareMax", differingShareMax);
  const actual = pixelsOf(picture);
  const { width, height } = actual;
  const write = (what: string, pixels: Pixels) => {
    const encoded = PNG.sync.write(
      Object.assign(new PNG({ width, height }), { data: Buffer.from(pixels.data) }),
    );
    const name = createHash("sha256").update(encoded).digest("hex").slice(0, 8);
    const path = join(folder, `${name}.${what}.png`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, encoded);
    return path;
  };
  const wanted = readPng(png, () => write("actual", actual));
  const expected = `a picture of ${wanted.width}×${wanted.height} that differs in at most ${percent(differingShareMax)} of its pixels`;
  if (wanted.width !== width || wanted.height !== height) {
    return {
      pass: false,
      expected,
      got: `one of ${width}×${height}`,
      write: () => [write("actual", actual)],
    };
  }
  const from = withStrips ? 0 : Math.min(height, stripsHeight(width, "tall"));
  const rest = ({ data }: Pixels) => data.subarray(from * width * 4);
  const difference = new Uint8Array(width * height * 4);
  const pixelCount = width * (height - from);
  const count =
    pixelCount === 0
      ? 0
      : pixelmatch(rest(wanted), rest(actual), difference.subarray(from * width * 4), width, height - from, {
          threshold,
          includeAA: true,
        });
  const pass = pixelCount > 0 && count <= differingShareMax * pixelCount;
  const got =
    pixelCount === 0
      ? `one of ${width}×${height}, which is nothing but strips`
      : `${count} of ${pixelCount} pixels differ (${percent(count / pixelCount)}), at threshold ${threshold}`;
  return {
    pass,
    expected,
    got,
    write: () => [write("actual", actual), write("difference", { width, height, data: difference })],
  };
}

/** Where to look, for the end of a failure. */
export function picturesNamed(paths: readonly string[]): string {
  return paths.map((path) => `See ${path}`).join("\n");
}

function pixelsOf(picture: PictureGiven): Pixels {
  if (picture instanceof Uint8Array) {
    try {
      return PNG.sync.read(Buffer.from(picture));
    } catch (error) {
      throw new Error(
        `toMatchFrame() got ${picture.length} bytes that are no PNG. Give it one, RGBA pixels or a frame.`,
        { cause: error },
      );
    }
  }
  if (typeof picture === "object" && picture !== null && "data" in picture) return picture;
  if (typeof picture === "object" && picture !== null && "y" in picture) {
    return { width: picture.width, height: picture.height, data: frameToRgba(picture) };
  }
  throw new TypeError(
    `toMatchFrame() is about a picture: { width, height, data }, a frame, or the bytes of a PNG; got ${typeof picture}.`,
  );
}

function readPng(png: string | URL | Uint8Array, writeActual: () => string): Pixels {
  const path = png instanceof Uint8Array ? null : png instanceof URL ? fileURLToPath(png) : png;
  const shown = path === null ? "The PNG to compare with" : relative(process.cwd(), path);
  let bytes: Buffer;
  try {
    bytes = path === null ? Buffer.from(png as Uint8Array) : readFileSync(path);
  } catch (error) {
    throw new Error(
      `There is no ${shown} to compare with. The picture is ${writeActual()}: look at it, and put it there if it is right.`,
      { cause: error },
    );
  }
  try {
    return PNG.sync.read(bytes);
  } catch (error) {
    throw new Error(`${shown} is not a PNG that can be read. Write it anew.`, { cause: error });
  }
}

function checkShare(name: string, share: number): void {
  if (share >= 0 && share <= 1) return;
  throw new RangeError(`toMatchFrame() takes 0 to 1 as its ${name}; got ${share}.`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
