/**
 * What a client sends as its reference image, checked and made into a small picture. The one file that imports sharp, and only when
 * the first image comes; decoding runs on its threads. Knows nothing of messages or sessions.
 */
import type { Frame } from "../../fixtures/frame.ts";
import { rgbaToFrame } from "../../fixtures/frame-colour.ts";
import { type ImageMime, imageMimeOf, notAnImage } from "./image-type.ts";

export type ReferenceImageLimits = {
  /** Characters of base64. */
  readonly imageBase64LengthMax: number;
  /** Pixels of the longer side. */
  readonly imageSideMax: number;
  /** Pixels of the whole picture. */
  readonly imagePixelsMax: number;
  /** Pixels of the shorter side; below it the image is taken with a warning. */
  readonly imageSideRecommended: number;
};

export type DecodedReferenceImage =
  | {
      readonly ok: true;
      /** As sent, undecoded: what the image's hash is made of. */
      readonly bytes: Uint8Array;
      /** Pixels as shown, after any EXIF orientation. */
      readonly width: number;
      readonly height: number;
      readonly mime: ImageMime;
      /** At most `PICTURE_SIDE_MAX` pixels a side, both even. */
      readonly picture: Frame;
      /** A sentence for each thing that is taken but was hardly meant. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly error: string };

/** Pixels of the longer side of the picture that is kept: it is shown no higher than half a 720p frame. */
export const PICTURE_SIDE_MAX = 512;

/**
 * Images decoded at the same time. Each may take 160 MB (40 megapixels of RGBA), and Node shares four threads between decoding,
 * files and name look-ups.
 */
const DECODINGS_MAX = 2;

/**
 * Decodes an image: base64 without a prefix, as `image_data` carries it, or the bytes of a file. Checks, in this order: empty, length,
 * base64 (these three for a text only), file type, size in pixels by its header, and last the pixels themselves. A refusal is a
 * value, one sentence or two for the person who sent it.
 */
export async function decodeReferenceImage(
  image: string | Buffer,
  limits: ReferenceImageLimits,
): Promise<DecodedReferenceImage> {
  const warnings: string[] = [];
  if (typeof image === "string") {
    const wrongText = textProblem(image, limits);
    if (wrongText) return { ok: false, error: wrongText };
    if (/[\r\n]/.test(image)) {
      warnings.push(
        "The image's base64 contains line breaks, which some decoders refuse; send it as one line.",
      );
    }
  }
  const bytes = typeof image === "string" ? Buffer.from(image, "base64") : image;
  const mime = imageMimeOf(bytes);
  if (!mime) {
    const subject = typeof image === "string" ? `The image ${excerpt(image)}` : "The file";
    return { ok: false, error: notAnImage(subject, bytes) };
  }
  return waitForTurn(async () => {
    const size = await readHeader(bytes, mime, limits);
    if (!size.ok) return size;
    const { width, height } = size;
    const picture = await decode(bytes, mime, width, height, limits);
    if (!picture.ok) return picture;
    if (Math.min(width, height) < limits.imageSideRecommended) {
      const side = limits.imageSideRecommended;
      warnings.push(`The image is ${width}×${height} pixels; ${side}×${side} or more are recommended.`);
    }
    return { ok: true, bytes, width, height, mime, picture: picture.frame, warnings };
  });
}

/** What is wrong with the text before anything is decoded, or null. */
function textProblem(base64: string, limits: ReferenceImageLimits): string | null {
  const lengthMax = limits.imageBase64LengthMax;
  if (base64 === "") return "The image is an empty text; it takes the base64 of a JPEG, PNG or WebP file.";
  if (base64.length > lengthMax) {
    return (
      `The image has ${base64.length} characters of base64; at most ${lengthMax} are taken ` +
      `(${Math.floor((lengthMax * 3) / 4)} bytes of file). Scale it down or compress it more.`
    );
  }
  const prefix = /^data:[^,]{0,100},/i.exec(base64)?.[0];
  if (prefix)
    return `The image starts with "${prefix}"; it takes the base64 alone. Send what follows the comma.`;
  if (/^(https?|blob|file):/i.test(base64)) {
    return (
      `The image ${excerpt(base64)} is a URL; it takes base64, and the server fetches nothing. ` +
      "Fetch it in the client and send the bytes of the file as base64."
    );
  }
  const end = base64.search(/[^A-Za-z0-9+/\r\n]/);
  const padding = end === -1 ? "" : base64.slice(end).trimEnd();
  if (!/^={0,2}$/.test(padding)) {
    const hint = /^[A-Za-z0-9_-]+=*$/.test(base64)
      ? "It looks like the URL-safe alphabet: replace - by + and _ by /."
      : "Is it a file's name, or a mistyped URL? Send the bytes of the file as base64.";
    const place = `character ${end + 1} is ${JSON.stringify(String.fromCodePoint(base64.codePointAt(end)!))}`;
    return `The image ${excerpt(base64)} is not base64: ${place}; A–Z, a–z, 0–9, + and / are allowed. ${hint}`;
  }
  const length = base64.replaceAll(/[\r\n]/g, "").length;
  if (length % 4 !== 0) {
    return (
      `The image ${excerpt(base64)} is not base64: it has ${length} characters, which is not a multiple of four. ` +
      "It was cut off, lost its = at the end, or is not base64 at all; send the bytes of the whole file as base64."
    );
  }
  return null;
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

type Refusal = { readonly ok: false; readonly error: string };

/** The size as shown, from the header alone: a small file may claim more pixels than there is memory. */
async function readHeader(
  bytes: Buffer,
  mime: ImageMime,
  limits: ReferenceImageLimits,
): Promise<{ readonly ok: true; readonly width: number; readonly height: number } | Refusal> {
  const sharp = await loadSharp();
  try {
    const { autoOrient } = await sharp(bytes, { failOn: "truncated", limitInputPixels: false }).metadata();
    const { width, height } = autoOrient;
    const sideMax = limits.imageSideMax;
    const pixelsMax = limits.imagePixelsMax;
    if (Math.max(width, height) <= sideMax && width * height <= pixelsMax) return { ok: true, width, height };
    const error =
      `The image claims ${width}×${height} pixels; at most ${sideMax} a side and ` +
      `${pixelsMax / 1e6} megapixels in all are taken. Scale it down.`;
    return { ok: false, error };
  } catch (error) {
    return brokenImage(bytes, mime, error);
  }
}

async function decode(
  bytes: Buffer,
  mime: ImageMime,
  width: number,
  height: number,
  limits: ReferenceImageLimits,
): Promise<{ readonly ok: true; readonly frame: Frame } | Refusal> {
  const sharp = await loadSharp();
  const factor = Math.min(1, PICTURE_SIDE_MAX / Math.max(width, height));
  const scaledWidth = evenSide(width * factor);
  const scaledHeight = evenSide(height * factor);
  try {
    const rgba = await sharp(bytes, { failOn: "truncated", limitInputPixels: limits.imagePixelsMax })
      .autoOrient()
      .flatten({ background: "#808080" })
      .resize(scaledWidth, scaledHeight, { fit: "fill" })
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer();
    return { ok: true, frame: rgbaToFrame(rgba, scaledWidth, scaledHeight) };
  } catch (error) {
    return brokenImage(bytes, mime, error);
  }
}

function evenSide(side: number): number {
  return Math.max(2, Math.round(side / 2) * 2);
}

function brokenImage(bytes: Buffer, mime: ImageMime, error: unknown): Refusal {
  const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  return {
    ok: false,
    error:
      `The image starts as ${mime}, but its ${bytes.length} bytes cannot be decoded (${reason}). ` +
      "It was cut off or damaged on the way; send the whole file.",
  };
}

type Sharp = typeof import("sharp").default;

let sharpLoading: Promise<Sharp> | undefined;

function loadSharp(): Promise<Sharp> {
  sharpLoading ??= import("sharp").then(({ default: sharp }) => {
    // Every image comes once, and the codecs want the cores more.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return sharpLoading;
}

let running = 0;
const waiting: (() => void)[] = [];

/** Runs `task` when fewer than `DECODINGS_MAX` others run; first come, first served. */
async function waitForTurn<Result>(task: () => Promise<Result>): Promise<Result> {
  if (running >= DECODINGS_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await task();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
