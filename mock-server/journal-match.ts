/**
 * Finding lines of the journal: whether one is as described, waiting for one that is still to come, and the filters of whoever reads
 * the journal over HTTP. Knows lines, and nothing of what they mean.
 */
import { nearest } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Direction, Journal, JournalLine } from "./journal.ts";

/** What a line has to be; what is left out may be anything. */
export type LinePattern = {
  readonly kind?: string | RegExp;
  readonly session?: string | null | RegExp;
  readonly direction?: Direction;
  /** At least these fields: objects within may have more, lists may not. A RegExp is tried on a text. */
  readonly fields?: Readonly<Record<string, unknown>>;
};

/** A description, or a function that tells. */
export type LineWanted = LinePattern | ((line: JournalLine) => boolean);

export type MatchOptions = {
  /** 5000 unless said otherwise. */
  readonly withinMs?: number;
  /** Resolves with the line of this number, counted from 1. */
  readonly count?: number;
};

export type Matcher = {
  /** A line that was or will be; those that are there already count. @throws Error that tells what happened instead */
  match(wanted: LineWanted, options?: MatchOptions): Promise<JournalLine>;
  /** Rejects everybody who waits, and whoever comes later and finds nothing. */
  close(): void;
};

const directions: readonly Direction[] = ["to-server", "to-client", "inside"];
const patternKeys = ["kind", "session", "direction", "fields"];
const optionKeys = ["withinMs", "count"];
const withinMsDefault = 5000;
/** The longest that a timer waits: some 24 days. */
const withinMsMax = 2 ** 31 - 1;
/** Lines that the journal holds at most, and a tenth more. */
const countMax = 110_000;
/** More at once is a loop that does not await. */
const waitingMax = 1000;
/** As many as a person reads before turning to the journal itself. */
const toldMax = 12;

/** @throws Error for a pattern that has other keys than these, or no such values */
export function matches(line: JournalLine, wanted: LineWanted): boolean {
  checkPattern(wanted);
  return isMatch(line, wanted);
}

function isMatch(line: JournalLine, wanted: LineWanted): boolean {
  if (typeof wanted === "function") return wanted(line);
  const { kind, session, direction, fields } = wanted;
  return (
    (kind === undefined || agrees(line.kind, kind)) &&
    (session === undefined || agrees(line.session, session)) &&
    (direction === undefined || line.direction === direction) &&
    (fields === undefined || agrees(line.fields, fields))
  );
}

function agrees(value: unknown, wanted: unknown): boolean {
  // Not test(): it would remember where it was.
  if (wanted instanceof RegExp) return typeof value === "string" && value.search(wanted) >= 0;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((item, index) => agrees(value[index], item))
    );
  }
  if (wanted === null || typeof wanted !== "object") return Object.is(value, wanted);
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.entries(wanted).every(
    ([name, item]) =>
      (item === undefined || Object.hasOwn(value, name)) &&
      agrees((value as Record<string, unknown>)[name], item),
  );
}

function checkPattern(wanted: LineWanted): void {
  if (typeof wanted === "function") return;
  if (wanted === null || typeof wanted !== "object" || Array.isArray(wanted) || wanted instanceof RegExp) {
    throw new TypeError(
      `A line is described by { ${patternKeys.join(", ")} } or told by a function, not by ${show(wanted)}. Write { kind: "prompt_ack" }, say.`,
    );
  }
  for (const key of Object.keys(wanted)) {
    if (patternKeys.includes(key)) continue;
    throw new TypeError(
      `A line is described by ${patternKeys.join(", ")}; ${show(key)} is none of them. What a message carries goes into fields: { fields: { ${key}: … } }.`,
    );
  }
  const { kind, session, direction, fields } = wanted;
  const isText = (value: unknown) =>
    value === undefined || typeof value === "string" || value instanceof RegExp;
  const wrong = !isText(kind)
    ? `kind is ${show(kind)}; it takes a text or a RegExp`
    : session !== null && !isText(session)
      ? `session is ${show(session)}; it takes an id, a RegExp, or null for lines of no session`
      : direction !== undefined && !directions.includes(direction)
        ? `direction is ${show(direction)}; it takes ${directions.join(", ")}`
        : fields !== undefined && (fields === null || typeof fields !== "object" || Array.isArray(fields))
          ? `fields is ${show(fields)}; it takes an object`
          : null;
  if (wrong) throw new TypeError(`A line cannot be found: ${wrong}.`);
}

function checkOptions(options: MatchOptions): { withinMs: number; count: number } {
  for (const key of Object.keys(options)) {
    if (optionKeys.includes(key)) continue;
    throw new TypeError(`match() takes ${optionKeys.join(" and ")} beside the pattern, not ${show(key)}.`);
  }
  const { withinMs = withinMsDefault, count = 1 } = options;
  if (!(withinMs >= 0 && withinMs <= withinMsMax)) {
    throw new RangeError(`withinMs is ${show(withinMs)}; it takes 0 to ${withinMsMax} ms.`);
  }
  if (!(Number.isInteger(count) && count >= 1 && count <= countMax)) {
    throw new RangeError(`count is ${show(count)}; it takes a whole number from 1 to ${countMax}.`);
  }
  return { withinMs, count };
}

/**
 * `machine`: time as the machine has it, so that who waits is told, though the server's own clock stands still. `state`: said of the
 * server with every failure: seed and clock, with which the run can be had again.
 */
export function createMatcher(journal: Journal, machine: Clock, state: () => string): Matcher {
  const waiting = new Set<() => void>();
  let closed = false;
  // A turn later: who waits for this very line gets it.
  const stopped = journal.follow(({ kind }) => kind === "server-stopped" && queueMicrotask(close));

  async function match(wanted: LineWanted, options: MatchOptions = {}): Promise<JournalLine> {
    checkPattern(wanted);
    const { withinMs, count } = checkOptions(options);
    let found = 0;
    for (const line of journal.lines) if (isMatch(line, wanted) && ++found === count) return line;
    if (closed) throw failure("before the server closed");
    if (waiting.size >= waitingMax) {
      throw new Error(`${waitingMax} wait for lines already, as many as may. Await some before the next.`);
    }
    return new Promise((resolve, reject) => {
      const timer = machine.after(withinMs, () => end(() => reject(failure(`within ${withinMs} ms`))));
      const stop = journal.follow((line) => {
        try {
          if (isMatch(line, wanted) && ++found === count) end(() => resolve(line));
        } catch (error) {
          // Whoever adds a line is not to blame for a function that cannot read it.
          end(() => reject(error));
        }
      });
      const giveUp = () => end(() => reject(failure("before the server closed")));
      waiting.add(giveUp);

      function end(settle: () => void): void {
        timer.cancel();
        stop();
        waiting.delete(giveUp);
        settle();
      }
    });

    function failure(until: string): Error {
      const times = count === 1 ? "" : `, ${count} times`;
      const came = found === 0 ? "none" : found;
      return new Error(
        `Waited for ${wordsFor(wanted)}${times}: ${came} came ${until}.${meantKind(journal, wanted)} ${whatHappened(journal, wanted)}\n${state()}`,
      );
    }
  }

  function close(): void {
    closed = true;
    stopped();
    for (const giveUp of [...waiting]) giveUp();
  }

  return { match, close };
}

/** Where no line is of the kind that was waited for, and some are of one that is nearly called so. */
function meantKind({ lines }: Journal, wanted: LineWanted): string {
  const kind = typeof wanted === "function" ? undefined : wanted.kind;
  if (typeof kind !== "string") return "";
  const kinds = new Set(lines.map((line) => line.kind));
  const meant = kinds.has(kind) ? null : nearest(kind, [...kinds]);
  return meant === null ? "" : ` Did you mean ${shown(meant)}?`;
}

/** The last lines: of the session that was waited for, or of all. */
export function whatHappened({ lines }: Journal, wanted: LineWanted): string {
  const session = typeof wanted === "function" ? undefined : wanted.session;
  const all = session === undefined ? lines : lines.filter((line) => agrees(line.session, session));
  const whose =
    session === undefined ? "" : session === null ? " of no session" : ` of session ${shown(session)}`;
  if (all.length === 0) return `There is no line${whose}.`;
  const last = all.slice(-toldMax);
  const which =
    all.length > toldMax ? `The last ${toldMax} of ${all.length} lines` : `All ${all.length} lines`;
  return `${which}${whose}:\n${last.map(tellLine).join("\n")}`;
}

/** A line as one line of text, for people; a long one is cut. */
export function tellLine({ atMs, session, direction, kind, fields }: JournalLine): string {
  const arrow = { "to-server": "→", "to-client": "←", inside: "·" }[direction];
  const seconds = (atMs / 1000).toFixed(3).padStart(9);
  const said = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
  return `${seconds}  ${withoutControls((session ?? "server").slice(0, 8)).padEnd(8)}  ${arrow} ${cut(`${kind}${said}`, 160)}`;
}

function wordsFor(wanted: LineWanted): string {
  if (typeof wanted === "function")
    return `a line for which ${cut(String(wanted).replace(/\s+/g, " "), 120)} holds`;
  const { kind, session, direction, fields } = wanted;
  return [
    "a line",
    ...(kind === undefined ? [] : [`of kind ${shown(kind)}`]),
    ...(direction === undefined ? [] : [direction]),
    ...(session === undefined ? [] : [session === null ? "of no session" : `of session ${shown(session)}`]),
    ...(fields === undefined ? [] : [`with ${show(fields)}`]),
  ].join(" ");
}

const shown = (value: string | RegExp) => cut(String(value), 80);

/** Any value, briefly. */
function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, item) =>
    item instanceof RegExp || typeof item === "bigint" ? String(item) : item,
  );
  return cut(
    text === undefined || value instanceof RegExp || Number.isNaN(value) ? String(value) : text,
    160,
  );
}

function cut(text: string, lengthMax: number): string {
  const plain = withoutControls(text);
  return plain.length > lengthMax ? `${plain.slice(0, lengthMax)}…` : plain;
}

/** In one line, without what a terminal would obey. */
function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, " ");
}

export type LineFilter = {
  /** An id; `null` for lines of no session. */
  readonly session?: string | null;
  /** One or several; a `*` stands for any text: `fault-*`. */
  readonly kind?: readonly string[];
  readonly direction?: Direction;
  readonly measured?: boolean;
  /** Lines after this number. */
  readonly afterSeq?: number;
  /** The newest so many. */
  readonly limit?: number;
};

/** Those lines that pass, oldest first. */
export function filterLines(lines: readonly JournalLine[], filter: LineFilter): JournalLine[] {
  const passed = lines.filter(createFilter(filter));
  return filter.limit === undefined ? passed : passed.slice(Math.max(0, passed.length - filter.limit));
}

/** For lines that come one by one: everything but `limit`. */
export function createFilter(filter: LineFilter): (line: JournalLine) => boolean {
  const { session, kind, direction, measured, afterSeq } = filter;
  const kinds = kind && new RegExp(`^(?:${kind.map(wildcard).join("|")})$`, "s");
  return (line) =>
    (session === undefined || line.session === session) &&
    (kinds === undefined || kinds.test(line.kind)) &&
    (direction === undefined || line.direction === direction) &&
    (measured === undefined || line.measured === measured) &&
    (afterSeq === undefined || line.seq > afterSeq);
}

/** `*` takes as little as it can, and there is one only: no text makes it slow. */
function wildcard(kind: string): string {
  return kind
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}

const kindsMax = 20;
const kindPattern = /^[\w-]{1,64}$|^(?=[\w*-]{1,64}$)[\w-]*\*[\w-]*$/;
const filterKeys = ["session", "kind", "direction", "measured", "after", "limit"];
const limitMax = 100_000;

/**
 * A query: `session=…&kind=prompt_ack,fault-*&direction=to-client&measured=false&after=120&limit=50`. `session=none` is for lines of no
 * session; `kind` may also come several times.
 */
export function parseFilter(
  query: URLSearchParams,
): { ok: true; filter: LineFilter } | { ok: false; error: string } {
  const refuse = (error: string) => ({ ok: false, error }) as const;
  for (const key of new Set(query.keys())) {
    if (!filterKeys.includes(key)) {
      return refuse(`The journal is filtered by ${filterKeys.join(", ")}; ${show(key)} is none of them.`);
    }
    if (key !== "kind" && query.getAll(key).length > 1) return refuse(`${key} comes twice. Give it once.`);
  }
  const session = query.get("session");
  if (session !== null && !/^[\w-]{1,64}$/.test(session)) {
    return refuse(
      `session is ${show(session)}; it takes an id of a session, as GET /_lucy/sessions has them, or none.`,
    );
  }
  const kind = query.getAll("kind").flatMap((text) => text.split(","));
  if (kind.length > kindsMax)
    return refuse(`${kind.length} kinds are asked for; at most ${kindsMax} are taken.`);
  const strange = kind.find((one) => !kindPattern.test(one));
  if (strange !== undefined) {
    return refuse(
      `kind has ${show(strange)}; it takes kinds of lines, separated by commas, with one * each at most: prompt_ack,fault-*.`,
    );
  }
  const direction = query.get("direction");
  if (direction !== null && !directions.includes(direction as Direction)) {
    return refuse(`direction is ${show(direction)}; it takes ${directions.join(", ")}.`);
  }
  const measured = query.get("measured");
  if (measured !== null && measured !== "true" && measured !== "false") {
    return refuse(
      `measured is ${show(measured)}; it takes true, for what the network and the machine did, or false, for the rest.`,
    );
  }
  const after = query.get("after");
  if (after !== null && !isCount(after, 0, Number.MAX_SAFE_INTEGER)) {
    return refuse(`after is ${show(after)}; it takes the seq of a line, 0 or more.`);
  }
  const limit = query.get("limit");
  if (limit !== null && !isCount(limit, 1, limitMax)) {
    return refuse(`limit is ${show(limit)}; it takes a whole number of lines from 1 to ${limitMax}.`);
  }
  return {
    ok: true,
    filter: {
      ...(session !== null && { session: session === "none" ? null : session }),
      ...(kind.length > 0 && { kind }),
      ...(direction !== null && { direction: direction as Direction }),
      ...(measured !== null && { measured: measured === "true" }),
      ...(after !== null && { afterSeq: Number(after) }),
      ...(limit !== null && { limit: Number(limit) }),
    },
  };
}

function isCount(text: string, min: number, max: number): boolean {
  return /^\d{1,16}$/.test(text) && Number(text) >= min && Number(text) <= max;
}

/** A line of JSONL, its end included. */
export function toJsonLine(line: JournalLine): string {
  return `${JSON.stringify(line)}\n`;
}
