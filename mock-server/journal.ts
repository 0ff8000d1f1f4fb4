/**
 * What really happened, in order: an append-only list of lines that nothing ever changes. Whoever reports, judges or shows
 * anything reads it here. Keys, tokens and pictures never get in: they are replaced on the way.
 */
import { createHash } from "node:crypto";
import type { Clock } from "./clock.ts";

/** `to-server`: a client said it. `to-client`: we said it. `inside`: it happened in here. */
export type Direction = "to-server" | "to-client" | "inside";

export type JournalLine = {
  /** Counts the lines of this server, from 1. */
  readonly seq: number;
  /** Milliseconds since the server started. */
  readonly atMs: number;
  /** Session id; `null` for what belongs to no session. */
  readonly session: string | null;
  readonly direction: Direction;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Caused by the network or the machine, not by messages, scenario and clock: stays out of the session's hash. */
  readonly measured: boolean;
};

export type JournalEntry = {
  session?: string | null;
  direction?: Direction;
  kind: string;
  fields?: Record<string, unknown>;
  measured?: boolean;
};

export type Journal = {
  add(entry: JournalEntry): void;
  /** The lines still held, oldest first. */
  readonly lines: readonly JournalLine[];
  /** Lines that had to go because there were too many. */
  readonly forgottenCount: number;
  /** Calls `read` with each new line; call the result to stop. */
  follow(read: (line: JournalLine) => void): () => void;
};

const linesMax = 100_000;

export function createJournal(clock: Clock, linesHeldMax = linesMax): Journal {
  let lines: JournalLine[] = [];
  const readers = new Set<(line: JournalLine) => void>();
  let seq = 0;
  let forgottenCount = 0;

  return {
    add({ session = null, direction = "inside", kind, fields = {}, measured = false }) {
      const line = Object.freeze({
        seq: ++seq,
        atMs: Math.round(clock.now() * 1000) / 1000,
        session,
        direction,
        kind,
        fields: redact(fields) as Record<string, unknown>,
        measured,
      });
      lines.push(line);
      if (lines.length > linesHeldMax * 1.1) {
        forgottenCount += lines.length - linesHeldMax;
        lines = lines.slice(-linesHeldMax);
      }
      for (const read of readers) read(line);
    },
    get lines() {
      return lines;
    },
    get forgottenCount() {
      return forgottenCount;
    },
    follow(read) {
      readers.add(read);
      return () => readers.delete(read);
    },
  };
}

/** Names of fields whose value is a secret, compared without case and punctuation. */
const secretNames = new Set([
  "apikey",
  "xapikey",
  "token",
  "accesstoken",
  "authorization",
  "credential",
  "password",
  "secret",
]);
/** Names of fields that carry a picture or other bulk: kept as hash and size. */
const bulkNames = new Set(["imagedata", "sampleframedata"]);
const textLengthMax = 8192;

/** A copy of `value` that is safe to keep and to show, and small. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return shorten(redactText(value));
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return summary(value);
  if (depth > 8) return "…";
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 100)
      .map(([name, item]) => {
        const plain = name.toLowerCase().replace(/[^a-z]/g, "");
        if (secretNames.has(plain) && item != null) return [name, item === "" ? "" : "[redacted]"];
        if (bulkNames.has(plain) && typeof item === "string") return [name, summary(Buffer.from(item))];
        return [shorten(name), redact(item, depth + 1)];
      }),
  );
}

/** Keys have a known look wherever they stand, in an error text or a URL too. */
function redactText(text: string): string {
  return text
    .replace(/\b(dct|ek)_[\w-]+/g, "$1_[redacted]")
    .replace(/([?&](?:api_key|access_token|token)=)[^&\s]*/gi, "$1[redacted]");
}

function shorten(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}… (${text.length} characters)`;
}

function summary(bytes: Uint8Array): { sha256: string; length: number } {
  return { sha256: createHash("sha256").update(bytes).digest("hex").slice(0, 16), length: bytes.length };
}
