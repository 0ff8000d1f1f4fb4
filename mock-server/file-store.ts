/**
 * Uploaded files, in memory, until they expire or are deleted. One store for all keys: whoever may connect is one account here. Knows
 * nothing of HTTP, and decodes nothing: whether a file is a good picture shows when a session sets it.
 */
import { FILE_REF_PREFIX, type FileReference } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Dice } from "./dice.ts";
import { imageMimeOf, notAnImage } from "./pictures/image-type.ts";

export type Upload = {
  /** At most `FILE_BYTES_MAX`: whoever reads them stops there. */
  readonly bytes: Buffer;
  readonly filename: string | null;
  /** What the client says it is. */
  readonly claimedMime: string;
  readonly lifetimeSeconds: number | "persistent";
  /** Of the page that sends it; `null` where that is no page. */
  readonly origin: string | null;
};

export type StoredFile = { readonly reference: FileReference } & Pick<Upload, "bytes" | "origin">;

/** A refusal says whether the file is at fault or has no room. */
export type Added =
  | {
      readonly ok: true;
      readonly reference: FileReference;
      /** A sentence when the client says it is what it is not. */
      readonly warning: string | null;
    }
  | { readonly ok: false; readonly why: "unfit" | "full"; readonly error: string };

export type FileStore = {
  add(upload: Upload): Added;
  /** Undefined once it has expired. */
  find(id: string): StoredFile | undefined;
  /** What was deleted; undefined when there was nothing. */
  delete(id: string): StoredFile | undefined;
  /** Forgets all; returns how many there were. */
  clear(): number;
};

/** Files, and bytes of all together, held at once. */
export type FileLimits = { readonly files: number; readonly bytes: number };

/** Assumed: no source names a limit. */
const usual: FileLimits = { files: 1000, bytes: 256 * 1024 ** 2 };
/** The longest name that common file systems have. */
const filenameLengthMax = 255;
/** Types that claim nothing: what FormData says of a Blob without a type, and what a part without a header counts as. */
const claimless = ["application/octet-stream", "text/plain"];

/** What is said where {@link FileStore.find} finds nothing. */
export function noSuchFile(id: string): string {
  return `There is no file ${id.slice(0, 80)}: it was not uploaded here, was deleted, or has expired. Upload it with POST /v1/files.`;
}

/** Never drops a file to make room: a client counts on it until it expires. Sets no timer; what has expired goes when it is met. */
export function createFileStore(clock: Clock, dice: Dice, max = usual): FileStore {
  const files = new Map<string, StoredFile & { readonly expiresAtMs: number }>();
  let byteCount = 0;

  function remove(id: string): StoredFile | undefined {
    const file = files.get(id);
    if (!file) return undefined;
    files.delete(id);
    byteCount -= file.bytes.length;
    return file;
  }

  function find(id: string): StoredFile | undefined {
    const file = files.get(id);
    if (!file || clock.date().getTime() < file.expiresAtMs) return file;
    remove(id);
    return undefined;
  }

  return {
    add({ bytes, filename, claimedMime, lifetimeSeconds, origin }) {
      const { length } = bytes;
      if (length === 0) {
        return { ok: false, why: "unfit", error: "The file has no bytes. Send a JPEG, PNG or WebP file." };
      }
      if (filename && filename.length > filenameLengthMax) {
        const error = `The file's name has ${filename.length} characters; at most ${filenameLengthMax} are taken. Shorten it.`;
        return { ok: false, why: "unfit", error };
      }
      const mime = imageMimeOf(bytes);
      if (!mime) return { ok: false, why: "unfit", error: notAnImage("The file", bytes) };

      for (const id of files.keys()) find(id);
      if (files.size >= max.files || byteCount + length > max.bytes) {
        const error =
          `There is no room for ${length} bytes more: ${files.size} files with ${byteCount} bytes are held, and ` +
          `${max.files} files or ${max.bytes} bytes is the most. Delete some, or upload with a shorter ttl_seconds.`;
        return { ok: false, why: "full", error };
      }

      const createdAtMs = clock.date().getTime();
      const expiresAtMs =
        lifetimeSeconds === "persistent" ? Number.POSITIVE_INFINITY : createdAtMs + lifetimeSeconds * 1000;
      const reference: FileReference = {
        id: `${FILE_REF_PREFIX}${dice.hex(32)}`,
        filename,
        mime_type: mime,
        size_bytes: length,
        created_at: new Date(createdAtMs).toISOString(),
        expires_at: lifetimeSeconds === "persistent" ? null : new Date(expiresAtMs).toISOString(),
      };
      files.set(reference.id, { reference, bytes, origin, expiresAtMs });
      byteCount += length;
      const isTrue = claimedMime === mime || claimless.includes(claimedMime);
      const warning = `The file was sent as ${claimedMime.slice(0, 80)}, but its bytes are ${mime}; it is kept as what it is.`;
      return { ok: true, reference, warning: isTrue ? null : warning };
    },
    find,
    delete: (id) => find(id) && remove(id),
    clear() {
      const ids = [...files.keys()].filter((id) => find(id));
      for (const id of ids) remove(id);
      return ids.length;
    },
  };
}
