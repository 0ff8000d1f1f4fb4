/** What a file is, by its first bytes: one of the three types of image that are taken, or in words what else. Decodes nothing. */

export type ImageMime = "image/jpeg" | "image/png" | "image/webp";

/** Why `subject`, such as "The file", is refused. For bytes that {@link imageMimeOf} takes for no image. */
export function notAnImage(subject: string, bytes: Buffer): string {
  return `${subject} looks like ${likeness(bytes)}; JPEG, PNG and WebP are taken. Convert it to one of them.`;
}

/** By its first bytes; a name or a header may say anything. */
export function imageMimeOf(bytes: Buffer): ImageMime | null {
  const start = bytes.toString("latin1", 0, 12);
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "image/webp";
  return null;
}

/** File types that people do send, by what stands at a place near their start; the first that fits. */
const SIGNATURES: readonly (readonly [offset: number, signature: string, likeness: string])[] = [
  [0, "GIF8", "a GIF"],
  [0, "BM", "a BMP"],
  [0, "II*\0", "a TIFF"],
  [0, "MM\0*", "a TIFF"],
  [0, "\xff\x0a", "a JPEG XL"],
  [4, "JXL ", "a JPEG XL"],
  [4, "ftypavi", "an AVIF"],
  [4, "ftyphe", "a HEIC"],
  [4, "ftypmif1", "a HEIC"],
  [4, "ftyp", "an MP4 video"],
  [0, "\x1a\x45\xdf\xa3", "a WebM video"],
  [0, "%PDF", "a PDF"],
  [0, "PK\x03\x04", "a ZIP archive"],
];

/** The same for text, which may start with spaces and comments. */
const TEXT_LIKENESSES: readonly (readonly [RegExp, string])[] = [
  [/^\s*<(svg|(\?xml|!--|!doctype svg)[\s\S]*<svg)/i, "an SVG"],
  [/^\s*<(!doctype html|html)/i, "an HTML page"],
  [/^\s*[[{]\s*["\d[{]/, "JSON"],
  [/^[\s\x20-\x7e]+$/, "text"],
];

function likeness(bytes: Buffer): string {
  const start = bytes.toString("latin1", 0, 512);
  for (const [offset, signature, name] of SIGNATURES) {
    if (start.startsWith(signature, offset)) return name;
  }
  for (const [pattern, name] of TEXT_LIKENESSES) {
    if (pattern.test(start)) return name;
  }
  const first = bytes
    .subarray(0, 8)
    .toString("hex")
    .replaceAll(/..(?!$)/g, "$& ");
  return `no known type of file (${bytes.length} bytes, the first are ${first})`;
}
