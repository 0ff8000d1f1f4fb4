import { expect, it } from "vitest";
import { images, readImage } from "../../fixtures/images.ts";
import { FILE_BYTES_MAX } from "../../protocol/index.ts";
import { imageMimeOf } from "../pictures/image-type.ts";
import { startBytes, whyNoImage } from "./why-no-image.ts";

const about = { name: "a.png", type: "image/png", byteLength: 100 };
const png = Uint8Array.from(readImage("face-png")).subarray(0, startBytes);
const text = new TextEncoder().encode("Dear diary, today");

it.each([
  ["a PNG", about, png, null],
  [
    "a text",
    { ...about, type: "text/plain" },
    text,
    "a.png is no JPEG, PNG or WebP, but text/plain. Choose one of those, or convert it.",
  ],
  [
    "a text that is named as a PNG",
    about,
    text,
    "a.png is no JPEG, PNG or WebP. Choose one of those, or convert it.",
  ],
  [
    "what the browser has no type for",
    { ...about, type: "" },
    text,
    "a.png is no JPEG, PNG or WebP. Choose one of those, or convert it.",
  ],
  [
    "nothing",
    { ...about, byteLength: 0 },
    new Uint8Array(),
    "a.png is empty. Choose a JPEG, PNG or WebP file.",
  ],
  ["the largest", { ...about, byteLength: FILE_BYTES_MAX }, png, null],
  [
    "a byte more",
    { ...about, byteLength: FILE_BYTES_MAX + 1 },
    png,
    "a.png has 7.9 MB; an image may have 7.8. Make it smaller.",
  ],
])("says of %s what it is", (_what, file, start, sentence) => {
  expect(whyNoImage(file, start)).toBe(sentence);
});

it.each(images.map(({ name }) => name))("takes %s for an image exactly where the server does", (name) => {
  const bytes = Buffer.from(readImage(name));
  const why = whyNoImage({ ...about, byteLength: Math.max(1, bytes.length) }, bytes);
  expect(why === null).toBe(imageMimeOf(bytes) !== null);
});
