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
  /** Caused by the network or the machine, not by messages, scenario and clock: differs from run to run. */
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
  /** Lines that had to go because there were too many, or they were too long together. */
  readonly forgottenCount: number;
  /** Calls `read` with each new line; call the result to stop. */
  follow(read: (line: JournalLine) => void): () => void;
};

/** Each about as many bytes, at most twice. */
const charsMax = 64 * 1024 * 1024;
const linesMax = 100_000;
/** What a line costs besides its fields. */
const lineCost = 128;

/**
 * Holds so much at least, once there was as much, and a tenth more at most: the oldest go together. `seed`: told with each defect, so that the
 * run can be had again.
 */
export function createJournal(
  clock: Clock,
  limits: { linesMax?: number; charsMax?: number; seed?: number } = {},
): Journal {
  const max = { lines: limits.linesMax ?? linesMax, chars: limits.charsMax ?? charsMax };
  let lengths: number[] = [];
  let charCount = 0;
  let lines: JournalLine[] = [];
  const readers = new Set<(line: JournalLine) => void>();
  let seq = 0;
  let forgottenCount = 0;

  function forgetOldest(): void {
    if (lines.length <= max.lines * 1.1 && charCount <= max.chars * 1.1) return;
    let count = 0;
    while (lines.length - count > max.lines || charCount > max.chars) charCount -= lengths[count++]!;
    forgottenCount += count;
    lines = lines.slice(count);
    lengths = lengths.slice(count);
  }

  return {
    add({ session = null, direction = "inside", kind, fields = {}, measured = false }) {
      const budget = { left: lineLengthMax };
      const told = kind === "defect" && limits.seed !== undefined ? { seed: limits.seed, ...fields } : fields;
      const line = Object.freeze({
        seq: ++seq,
        atMs: Math.round(clock.now() * 1000) / 1000,
        session,
        direction,
        kind,
        fields: redact(told, budget) as Record<string, unknown>,
        measured,
      });
      lines.push(line);
      const length = lineCost + lineLengthMax - budget.left;
      lengths.push(length);
      charCount += length;
      forgetOldest();
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
  "livekitsecret",
  "refreshtoken",
]);
/** Names of fields that carry a picture or other bulk: kept as hash and size. */
const bulkNames = new Set(["imagedata", "sampleframedata"]);
/** A prompt of the longest is whole. */
const textLengthMax = 10_240;
/** An offer with twenty sections: whoever compares what was agreed on needs all of them. */
const sdpLengthMax = 24 * 1024;
/** Characters of one line, whatever a client sends. An answer with its SDP takes some 6000. */
const lineLengthMax = 32 * 1024;
/** What a value costs besides its text: many empty ones take memory too. */
const valueCost = 16;

/** What is left of a line's length while it is copied. */
type Budget = { left: number };

/** A copy of `value` that is safe to keep and to show, and small: some 32,000 characters, counted from the front. */
export function redact(value: unknown, budget: Budget = { left: lineLengthMax }): unknown {
  return copyValue(value, budget, 0);
}

function copyValue(value: unknown, budget: Budget, depth: number): unknown {
  budget.left -= valueCost;
  if (typeof value === "string") return copyText(value, budget);
  if (typeof value === "bigint") return copyText(String(value), budget);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return summary(value);
  if (depth > 8 || budget.left <= 0) return "…";
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value.slice(0, 100)) {
      if (budget.left <= 0) {
        items.push("…");
        break;
      }
      items.push(copyValue(item, budget, depth + 1));
    }
    return items;
  }
  const entries: [string, unknown][] = [];
  for (const [name, item] of Object.entries(value).slice(0, 100)) {
    if (budget.left <= 0) {
      entries.push(["…", "…"]);
      break;
    }
    const kept = copyText(name, budget);
    const hides = whatHides(kept);
    if (hides === "secret" && item != null) entries.push([kept, item === "" ? "" : "[redacted]"]);
    else if (hides === "bulk" && typeof item === "string") entries.push([kept, summary(Buffer.from(item))]);
    else entries.push([kept, copyValue(item, budget, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/** Names that were looked at before: a server's own are few, and a client's are not kept once there are many. */
const namesSeen = new Map<string, "secret" | "bulk" | null>();
const namesSeenMax = 1000;

/** Whether a field of this name is hidden, whatever it says. */
export function isSecretName(name: string): boolean {
  return whatHides(name) === "secret";
}

function whatHides(name: string): "secret" | "bulk" | null {
  const seen = namesSeen.get(name);
  if (seen !== undefined) return seen;
  const plain = name.toLowerCase().replace(/[^a-z]/g, "");
  const hides = secretNames.has(plain) ? "secret" : bulkNames.has(plain) ? "bulk" : null;
  if (namesSeen.size < namesSeenMax && name.length <= 40) namesSeen.set(name, hides);
  return hides;
}

/** Cut first, which no secret survives: its prefix stands before it. */
function copyText(text: string, budget: Budget): string {
  const lengthMax = Math.max(0, Math.min(text.startsWith("v=0") ? sdpLengthMax : textLengthMax, budget.left));
  const isCut = text.length > lengthMax;
  const kept = redactText(isCut ? text.slice(0, lengthMax) : text);
  budget.left -= kept.length;
  // A slice keeps the whole text alive; a copy does not.
  return isCut ? `${Buffer.from(kept).toString()}… (${text.length} characters)` : kept;
}

/** Keys and access tokens (JWTs) have a known look wherever they stand, in an error text or a URL too. */
export function redactText(text: string): string {
  // Nearly no text has any, and to look for a word is ten times as fast as to replace a pattern.
  let safe = text;
  if (safe.includes("dct_") || safe.includes("ek_"))
    safe = safe.replace(/\b(dct|ek)_[\w-]+/g, "$1_[redacted]");
  // All of a word in one go, and then a look at it: linear in whatever a client sends. One without a dot is no JWT.
  if (safe.includes("eyJ"))
    safe = safe.replace(/eyJ[\w.-]*[\w-]/g, (word) => (word.includes(".") ? "eyJ[redacted]" : word));
  if (safe.includes("?") || safe.includes("&"))
    safe = safe.replace(/([?&](?:api_key|access_token|token)=)[^&\s]*/gi, "$1[redacted]");
  return safe;
}

function summary(bytes: Uint8Array): { sha256: string; length: number } {
  return { sha256: createHash("sha256").update(bytes).digest("hex").slice(0, 16), length: bytes.length };
}
