// POST /v1/files and what it answers: an image that is uploaded once and named by its id afterwards (JS 0.1.1 and later).
import { z } from "zod";
import { type ValidationDetail, validationDetail } from "./client-tokens.ts";
import { FILE_LIFETIME_SECONDS } from "./limits.ts";
import { FILE_REF_PREFIX } from "./shared-messages.ts";

/** The name of the part that holds the file. Documented. */
export const FILE_FIELD = "file";

const lifetime = z.unknown().transform((value, context) => {
  if (value === "persistent") return value;
  const { min, max } = FILE_LIFETIME_SECONDS;
  const seconds = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (seconds >= min && seconds <= max) return seconds;
  const found = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : "there more than once";
  const message = `ttl_seconds is ${found}; it takes a whole number of seconds from ${min} to ${max}, or "persistent".`;
  context.issues.push({ code: "custom", input: value, message });
  return z.NEVER;
});

/**
 * The text parts of the upload's multipart body: `ttl_seconds`, as text, 60–2592000 or `persistent`, default 24 hours. Documented.
 * Others are let through.
 */
export const fileUploadFields = z.looseObject({
  ttl_seconds: lifetime.default(FILE_LIFETIME_SECONDS.default),
});

/** A checked upload, or the list for a 422 answer. */
export type FileUploadResult =
  | { ok: true; lifetimeSeconds: number | "persistent" }
  | { ok: false; detail: ValidationDetail[] };

/** Reads the text parts of an upload: each a string, a list of them where a name comes more than once. Never throws. */
export function parseFileUpload(fields: unknown): FileUploadResult {
  const parsed = fileUploadFields.safeParse(fields ?? {});
  return parsed.success
    ? { ok: true, lifetimeSeconds: parsed.data.ttl_seconds }
    : { ok: false, detail: validationDetail(parsed.error) };
}

/**
 * What an upload and a look-up answer. `size_bytes` is the file's; times are ISO 8601, `expires_at` null for a file that is
 * persistent. Documented.
 */
export const fileReference = z.looseObject({
  id: z.string().startsWith(FILE_REF_PREFIX),
  filename: z.string().nullable(),
  mime_type: z.string(),
  size_bytes: z.int().nonnegative(),
  created_at: z.iso.datetime({ offset: true }),
  expires_at: z.iso.datetime({ offset: true }).nullable(),
});

export type FileReference = z.infer<typeof fileReference>;
