// Turns a frame of the control socket into a message, or into one sentence a person can act on. Knows no session state:
// whether a message is welcome now is the session's question.
import type { z } from "zod";
import { firstJsonError } from "./_first-json-error.ts";
import { CLIENT_MESSAGES, type ClientMessage, SERVER_MESSAGES, type ServerMessage } from "./messages.ts";
import { nearest } from "./nearest.ts";

/** What is wrong with a frame, from the outside in. */
export type ParseFailureKind = "not-json" | "not-an-object" | "no-type" | "unknown-type" | "wrong-fields";

/**
 * A frame that is no message. `type` is the frame's own `type` when it had a string there, else null. `error` is one
 * sentence for a person; it quotes at most 40 characters of the frame, and nothing of a field whose name ends in `_data`.
 * `raw` is the JSON object when there was one.
 */
export interface ParseFailure {
  ok: false;
  kind: ParseFailureKind;
  type: string | null;
  error: string;
  raw?: Readonly<Record<string, unknown>>;
}

export type ParseResult<Message> = { ok: true; message: Message } | ParseFailure;

/** Reads a frame a client sent: its text, or the value of it if already parsed. Never throws. */
export function parseClientMessage(frame: unknown): ParseResult<ClientMessage> {
  return parseMessage<ClientMessage>(frame, CLIENT);
}

/** Reads a frame a server sent: its text, or the value of it if already parsed. Never throws. */
export function parseServerMessage(frame: unknown): ParseResult<ServerMessage> {
  return parseMessage<ServerMessage>(frame, SERVER);
}

interface Side {
  sends: string;
  messages: Readonly<Record<string, z.ZodType>>;
  otherSends: string;
  otherMessages: Readonly<Record<string, z.ZodType>>;
}

const CLIENT: Side = {
  sends: "a client",
  messages: CLIENT_MESSAGES,
  otherSends: "the server",
  otherMessages: SERVER_MESSAGES,
};

const SERVER: Side = {
  sends: "a server",
  messages: SERVER_MESSAGES,
  otherSends: "the client",
  otherMessages: CLIENT_MESSAGES,
};

function parseMessage<Message>(frame: unknown, side: Side): ParseResult<Message> {
  let value = frame;
  if (typeof frame === "string") {
    try {
      value = JSON.parse(frame);
    } catch {
      return { ok: false, kind: "not-json", type: null, error: notJsonSentence(frame) };
    }
  }
  if (!isPlainObject(value)) {
    const error = `The frame is ${wordsFor(value)}; send one JSON object with a string "type" in each text frame.`;
    return { ok: false, kind: "not-an-object", type: null, error };
  }
  const { type } = value;
  if (typeof type !== "string") {
    const found =
      type === undefined ? 'The message has no "type"' : `The message's "type" is ${wordsFor(type)}`;
    return {
      ok: false,
      kind: "no-type",
      type: null,
      error: `${found}; it must be one of ${listOf(side.messages)}.`,
      raw: value,
    };
  }
  if (!Object.hasOwn(side.messages, type)) {
    return { ok: false, kind: "unknown-type", type, error: unknownTypeSentence(type, side), raw: value };
  }
  const parsed = side.messages[type]!.safeParse(value);
  if (parsed.success) return { ok: true, message: parsed.data as Message };
  return {
    ok: false,
    kind: "wrong-fields",
    type,
    error: wrongFieldsSentence(type, parsed.error, value),
    raw: value,
  };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof ArrayBuffer)
  );
}

const EXCERPT_CHARS_MAX = 40;

function notJsonSentence(source: string): string {
  if (source.trim() === "") return 'The frame is empty; send one JSON object with a string "type".';
  const wrong = firstJsonError(source);
  // Not reached while our reading of JSON and the engine's agree.
  if (wrong === null) return "The frame is not JSON.";
  const { at, expected } = wrong;
  const length = `of ${source.length}`;
  if (at >= source.length) {
    return `The frame is not JSON: it ends after character ${source.length} where ${expected} was expected.`;
  }
  const start = Math.max(0, at - EXCERPT_CHARS_MAX / 2);
  const excerptEnd = start + EXCERPT_CHARS_MAX;
  // An image's base64 stays out of logs and errors, and broken JSON does not tell where the image ends.
  const near = /_data/.test(source.slice(0, excerptEnd))
    ? ""
    : `, near ${quoted(source.slice(start, excerptEnd))}`;
  return `The frame is not JSON: ${expected} was expected at character ${at + 1} ${length}${near}.`;
}

function unknownTypeSentence(type: string, side: Side): string {
  if (Object.hasOwn(side.otherMessages, type)) {
    return `"${type}" is a message that ${side.otherSends} sends; ${side.sends} sends one of ${listOf(side.messages)}.`;
  }
  const meant = nearest(type, Object.keys(side.messages));
  const hint = meant === null ? "" : ` Did you mean "${meant}"?`;
  return `There is no message of type ${quoted(type)}; ${side.sends} sends one of ${listOf(side.messages)}.${hint}`;
}

function wrongFieldsSentence(type: string, error: z.ZodError, value: Record<string, unknown>): string {
  const [first, ...more] = error.issues;
  // Zod gives a failed parse at least one issue.
  const { path, message } = first!;
  const field = path.map(String).join(".");
  const others = [...new Set(more.map((issue) => issue.path.map(String).join(".")))].filter(
    (name) => name !== field,
  );
  const also = others.length === 0 ? "" : ` Also wrong: ${others.join(", ")}.`;
  return `In "${type}", the field "${field}" is ${wordsForField(value, path)}; it ${message}.${also}`;
}

function wordsForField(value: Record<string, unknown>, path: readonly PropertyKey[]): string {
  let found: unknown = value;
  for (const key of path) found = (found as Record<PropertyKey, unknown> | undefined)?.[key];
  return path.some((key) => String(key).endsWith("_data")) ? kindOf(found) : wordsFor(found);
}

/** A value in words, at most {@link EXCERPT_CHARS_MAX} characters of it. */
function wordsFor(value: unknown): string {
  if (typeof value === "string") return `the string ${quoted(value)}`;
  if (typeof value === "number" || typeof value === "boolean") return `${kindOf(value)} (${value})`;
  return kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return `a string of ${value.length} characters`;
  if (typeof value === "number") return "a number";
  if (typeof value === "boolean") return "a boolean";
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `a binary frame of ${value.byteLength} bytes`;
  }
  return "an object";
}

/** The first characters in quotes, escaped so that a line stays a line. */
function quoted(text: string): string {
  return text.length <= EXCERPT_CHARS_MAX
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, EXCERPT_CHARS_MAX))}…`;
}

function listOf(messages: Readonly<Record<string, unknown>>): string {
  return Object.keys(messages).join(", ");
}
