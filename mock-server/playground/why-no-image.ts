/** What a browser can tell of a file before it is sent: that it is no image of the three types, or too large. The rest the server says. */
import { FILE_BYTES_MAX } from "../../protocol/limits.ts";

const imageTypes = ["image/jpeg", "image/png", "image/webp"];
/** How many bytes of a file it takes. */
export const startBytes = 12;

/** A sentence, or null for what may be sent. `start`: the file's first bytes; a name or a type may say anything. */
export function whyNoImage(
  { name, type, byteLength }: { name: string; type: string; byteLength: number },
  start: Uint8Array,
): string | null {
  if (byteLength === 0) return `${name} is empty. Choose a JPEG, PNG or WebP file.`;
  if (!isImage(String.fromCharCode(...start.subarray(0, startBytes)))) {
    // A browser goes by the name, and would contradict the bytes.
    const instead = type === "" || imageTypes.includes(type) ? "" : `, but ${type}`;
    return `${name} is no JPEG, PNG or WebP${instead}. Choose one of those, or convert it.`;
  }
  if (byteLength > FILE_BYTES_MAX) {
    return `${name} has ${megabytes(byteLength)} MB; an image may have ${megabytes(FILE_BYTES_MAX)}. Make it smaller.`;
  }
  return null;
}

/** As the server tells them apart, in pictures/image-type.ts, which knows Node's bytes only. */
function isImage(start: string): boolean {
  return (
    start.startsWith("\xff\xd8\xff") ||
    start.startsWith("\x89PNG\r\n\x1a\n") ||
    (start.startsWith("RIFF") && start.endsWith("WEBP"))
  );
}

/** Rounded away from the limit, so that no file of 7.9 MB is refused for more than 7.9. */
function megabytes(bytes: number): string {
  return (bytes > FILE_BYTES_MAX ? Math.ceil(bytes / 1e5) / 10 : Math.floor(bytes / 1e5) / 10).toFixed(1);
}
