import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { type Frame, images, pngToFrame, readImage } from "../../fixtures/index.ts";
import { decodeReferenceImage, type ReferenceImageLimits } from "./reference-image.ts";

const limits: ReferenceImageLimits = {
  imageBase64LengthMax: 10 * 1024 * 1024,
  imageSideMax: 8192,
  imagePixelsMax: 40_000_000,
  imageSideRecommended: 512,
};

const decode = (bytes: Uint8Array) => decodeReferenceImage(Buffer.from(bytes).toString("base64"), limits);
const decodeText = (base64: string) => decodeReferenceImage(base64, limits);

const good = images.filter(({ broken }) => broken === undefined);

test.each(good)("takes $name", async ({ name, mime, width, height }) => {
  const bytes = readImage(name);
  const image = await decode(bytes);
  if (!image.ok) throw new Error(image.error);
  expect(image).toMatchObject({ mime, width, height });
  expect(Buffer.compare(image.bytes, bytes)).toBe(0);
  const factor = Math.min(1, 512 / Math.max(width, height));
  expect(Math.abs(image.picture.width - width * factor)).toBeLessThanOrEqual(1);
  expect(Math.abs(image.picture.height - height * factor)).toBeLessThanOrEqual(1);
  expect([image.picture.width % 2, image.picture.height % 2]).toEqual([0, 0]);
  const small = Math.min(width, height) < 512;
  expect(image.warnings).toEqual(
    small ? [`The image is ${width}×${height} pixels; 512×512 or more are recommended.`] : [],
  );
});

test("keeps every sample of a picture that needs no scaling", async () => {
  expect(await picture(readImage("face-png"))).toEqual(pngToFrame(readImage("face-png")));
});

test("takes the bytes of a file as it takes their base64, and refuses them in other words", async () => {
  const bytes = Buffer.from(readImage("face-png"));
  expect(await decodeReferenceImage(bytes, limits)).toEqual(await decode(bytes));
  expect(await decodeReferenceImage(Buffer.from(readImage("text")), limits)).toEqual({
    ok: false,
    error: "The file looks like text; JPEG, PNG and WebP are taken. Convert it to one of them.",
  });
});

/** Clockwise from the upper left: red, green, blue, yellow. */
test.each(["board-png", "board-jpeg", "board-webp", "board-exif-6"])(
  "shows %s the right way up",
  async (name) => {
    const { width, height, u, v } = await picture(readImage(name));
    const corner = (column: number, row: number) => {
      const at =
        Math.floor(((height / 2) * row) / 10) * (width / 2) + Math.floor(((width / 2) * column) / 10);
      return `${u[at]! < 128 ? "-" : "+"}${v[at]! < 128 ? "-" : "+"}`;
    };
    expect([corner(0.3, 0.3), corner(9.7, 0.3), corner(9.7, 9.7), corner(0.3, 9.7)]).toEqual([
      "-+",
      "--",
      "+-",
      "-+",
    ]);
  },
);

test("shows the first picture of an animated WebP", async () => {
  const difference = distance(await picture(readImage("animated")), pngToFrame(readImage("face-png")));
  expect(difference).toBeLessThan(3);
});

test.each<[string, (picture: Sharp) => Sharp]>([
  ["grey", (picture) => picture.toColourspace("b-w").png()],
  ["16 bits a channel", (picture) => picture.toColourspace("rgb16").png()],
  ["a palette", (picture) => picture.png({ palette: true })],
  ["CMYK", (picture) => picture.toColourspace("cmyk").jpeg()],
  ["progressive", (picture) => picture.jpeg({ progressive: true })],
])("takes a picture with %s samples", async (_, encode) => {
  const bytes = await encode(sharp({ create: { ...size(600, 600), background: "#808080" } })).toBuffer();
  const { y, u, v } = await picture(bytes);
  for (const [plane, grey] of [[y, 126] as const, [u, 128] as const, [v, 128] as const]) {
    expect(Math.abs(plane[1000]! - grey)).toBeLessThanOrEqual(12);
  }
});

test("lays what is transparent over grey", async () => {
  const clear = sharp({ create: { width: 600, height: 600, channels: 4, background: "#ff000000" } });
  const { y, u, v } = await picture(await clear.png().toBuffer());
  expect([y[0], u[0], v[0]]).toEqual([126, 128, 128]);
});

test.each([
  [1, 1, 2, 2],
  [3, 601, 2, 512],
  [8192, 2, 512, 2],
  [1001, 999, 512, 510],
])(
  "makes both sides of %i×%i even and at most 512 long",
  async (width, height, expectedWidth, expectedHeight) => {
    const bytes = await sharp({ create: { ...size(width, height), background: "#fff" } })
      .png()
      .toBuffer();
    expect(await picture(bytes)).toMatchObject({ width: expectedWidth, height: expectedHeight });
  },
);

test.each([
  ["cut-off-jpeg", "The image starts as image/jpeg, but its 11043 bytes cannot be decoded ("],
  ["cut-off-png", "The image starts as image/png, but its 6431 bytes cannot be decoded ("],
  ["cut-off-webp", "The image starts as image/webp, but its 4501 bytes cannot be decoded ("],
  [
    "text",
    'The image "VGhpcyBpcyBhIHRleHQgZmlsZSB0aGF0IHNvbWVi…" looks like text; JPEG, PNG and WebP are taken.',
  ],
  ["gif", "looks like a GIF; JPEG, PNG and WebP are taken. Convert it to one of them."],
  ["bomb", "The image claims 60000×60000 pixels; at most 8192 a side and 40 megapixels in all are taken."],
  ["empty", "The image is an empty text; it takes the base64 of a JPEG, PNG or WebP file."],
])("refuses %s", async (name, sentence) => {
  expect(await decode(readImage(name))).toEqual({ ok: false, error: expect.stringContaining(sentence) });
});

test("every broken fixture is refused", async () => {
  for (const { name } of images.filter(({ broken }) => broken !== undefined)) {
    expect(await decode(readImage(name)), name).toMatchObject({ ok: false });
  }
});

test.each([
  ["a file's name", "face.png", 'The image "face.png" is not base64: character 5 is "."'],
  ["a sentence", "a red hat", 'The image "a red hat" is not base64: character 2 is " "'],
  ["an emoji", "😀", 'is not base64: character 1 is "😀"'],
  ["a URL", "https://example.com/a.png", 'The image "https://example.com/a.png" is a URL; it takes base64'],
  [
    "a data URL",
    "data:image/png;base64,iVBORw0K",
    'starts with "data:image/png;base64,"; it takes the base64 alone',
  ],
  ["the URL-safe alphabet", "_9j_4AAQ", "It looks like the URL-safe alphabet: replace - by + and _ by /."],
  ["a cut-off end", "iVBORw0KG", "has 9 characters, which is not a multiple of four"],
  ["padding in the middle", "iVBO==Rw", 'character 5 is "="'],
  [
    "a word that happens to be base64",
    "avatar12",
    '"avatar12" looks like no known type of file (6 bytes, the first',
  ],
])("refuses %s that arrives as base64", async (_, text, sentence) => {
  expect(await decodeText(text)).toEqual({ ok: false, error: expect.stringContaining(sentence) });
});

test.each([
  ["a GIF", "GIF89a\x01\0"],
  ["a BMP", "BM\x01\x02\x03\x04\0\0\0\0"],
  ["a TIFF", "II*\0"],
  ["a JPEG XL", "\xff\x0a\0"],
  ["an AVIF", "\0\0\0\x20ftypavif"],
  ["a HEIC", "\0\0\0\x18ftypheic"],
  ["an MP4 video", "\0\0\0\x20ftypisom"],
  ["a WebM video", "\x1a\x45\xdf\xa3"],
  ["a PDF", "%PDF-1.7"],
  ["a ZIP archive", "PK\x03\x04"],
  ["an SVG", '<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="1">'],
  ["an HTML page", "\n<!DOCTYPE html><html>"],
  ["JSON", '{"error":"not found"}'],
  ["text", "404 page not found\n"],
  ["no known type of file (3 bytes, the first are 01 02 03)", "\x01\x02\x03"],
])("says that a file looks like %s", async (likeness, start) => {
  expect(await decode(Buffer.from(start, "latin1"))).toEqual({
    ok: false,
    error: expect.stringContaining(`looks like ${likeness}; JPEG, PNG and WebP are taken`),
  });
});

test("takes base64 in lines, and says that others may not", async () => {
  const lines = Buffer.from(readImage("face-png")).toString("base64").replaceAll(/.{76}/g, "$&\r\n");
  expect(await decodeText(`${lines}\n`)).toMatchObject({
    ok: true,
    warnings: ["The image's base64 contains line breaks, which some decoders refuse; send it as one line."],
  });
});

test("the limits of size are the last sizes taken", async () => {
  const face = Buffer.from(readImage("face-small")).toString("base64");
  const exact = { ...limits, imageBase64LengthMax: face.length, imageSideMax: 96, imagePixelsMax: 96 * 96 };
  const refusal = async (narrowed: Partial<ReferenceImageLimits>) => {
    const image = await decodeReferenceImage(face, { ...exact, ...narrowed });
    return image.ok ? null : image.error;
  };
  expect(await refusal({})).toBeNull();
  expect(await refusal({ imageBase64LengthMax: face.length - 1 })).toMatch(
    `has ${face.length} characters of base64; at most ${face.length - 1} are taken`,
  );
  expect(await refusal({ imageSideMax: 95 })).toMatch("claims 96×96 pixels; at most 95 a side");
  expect(await refusal({ imagePixelsMax: 9215 })).toMatch("0.009215 megapixels");
});

test("many at once are all answered", async () => {
  const large = await sharp({ create: { ...size(6000, 6000), background: "#456" } })
    .png()
    .toBuffer();
  const all = await Promise.all([large, ...good.map(({ name }) => readImage(name)), large].map(decode));
  expect(all.every(({ ok }) => ok)).toBe(true);
});

async function picture(bytes: Uint8Array): Promise<Frame> {
  const image = await decode(bytes);
  if (!image.ok) throw new Error(image.error);
  return image.picture;
}

function size(width: number, height: number) {
  return { width, height, channels: 3 as const };
}

/** Mean difference of luma. */
function distance(a: Frame, b: Frame): number {
  return a.y.reduce((sum, sample, at) => sum + Math.abs(sample - b.y[at]!), 0) / a.y.length;
}
