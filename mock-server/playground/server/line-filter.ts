/** Which lines of the journal a person wants to see, and a line in few words. */
import type { Direction, JournalLine } from "../../journal.ts";

export type LineFilter = {
  /** An id; `none`: lines of no session; empty: all. */
  readonly session: string;
  readonly direction: Direction | "";
  /** Kinds that are not wanted: one that nobody has seen yet is. */
  readonly hiddenKinds: ReadonlySet<string>;
  /** Anywhere in kind, session or fields, in capitals or not. */
  readonly text: string;
};

/** The function that tells, for many lines. */
export function wantedLines({
  session,
  direction,
  hiddenKinds,
  text,
}: LineFilter): (line: JournalLine) => boolean {
  const sought = text.trim().toLowerCase();
  return (line) =>
    (session === "" || line.session === (session === "none" ? null : session)) &&
    (direction === "" || line.direction === direction) &&
    !hiddenKinds.has(line.kind) &&
    (sought === "" || textOf(line).includes(sought));
}

function textOf({ kind, session, fields }: JournalLine): string {
  return `${kind} ${session ?? "server"} ${JSON.stringify(fields)}`.toLowerCase();
}

const shortMax = 180;
const valueMax = 80;

/** `prompt "a hat", enhance true`: as much as fits in a line. */
export function fieldsInShort(fields: JournalLine["fields"]): string {
  let short = "";
  for (const [name, value] of Object.entries(fields)) {
    const text = JSON.stringify(value) ?? "";
    short += `${short && ", "}${name} ${text.length > valueMax ? `${text.slice(0, valueMax)}…` : text}`;
    if (short.length > shortMax) return `${short.slice(0, shortMax)}…`;
  }
  return short;
}

/** Since the server started: `62.345`, or from an hour on `1:01:02.345`. */
export function timeInShort(atMs: number): string {
  const seconds = atMs / 1000;
  if (seconds < 3600) return seconds.toFixed(3);
  const minutes = Math.floor(seconds / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${(seconds % 60).toFixed(3).padStart(6, "0")}`;
}
