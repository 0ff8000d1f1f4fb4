/**
 * Faults inside an API key or the query of its URL: `mock:flaky`, or `mock:` and base64url JSON. A client brings what it shall meet along, and
 * shares nothing with others on the same server. Knows no connection.
 */
import { nearest, QUERY } from "../../protocol/index.ts";
import {
  type DeclareAbout,
  declareFaults,
  didYouMean,
  FaultError,
  listOf,
  plainJson,
  shown,
} from "./declare.ts";
import type { Declaration, Declared } from "./fault.ts";
import type { Scenario } from "./scenario-file.ts";

export const mockKeyPrefix = "mock:";

/** Query parameter of the control socket that says what a key would, with or without its prefix. */
export const mockQuery = "mock";

/** What follows the prefix. Servers and proxies hold a whole request line to 8 kB or less. */
const charsMax = 2048;

const mockWord = "mock";

/** A key in parts: what is before its first word, that word, what is between it and the rest, the rest. */
const keyParts = /^([^a-z0-9]*)([a-z0-9]*)((?:%3a|[^a-z0-9])*)(.*)$/is;

/** Of what may be a real key behind the prefix, no more is shown. */
const unknownCharsMax = 12;

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export type MockKeyAbout = Pick<DeclareAbout, "faults" | "mode"> & {
  readonly scenarios: ReadonlyMap<string, Scenario>;
};

/**
 * What a key asks for: `key-1`, `key-2`, …; `null` for a key that is no mock key. A scenario's name, a fault's name (the fault as it is
 * without settings), or base64url JSON: a declaration, a list, or `{ faults: [] }`.
 * @throws FaultError
 */
export function readMockKey(key: string, about: MockKeyAbout): Declared[] | null {
  if (!key.startsWith(mockKeyPrefix)) {
    refuseNearly(key, about);
    return null;
  }
  const text = key.slice(mockKeyPrefix.length);
  let count = 0;
  const nextId = () => `key-${++count}`;
  const scenario = about.scenarios.get(text);
  if (scenario) return scenario.faults.map((declared) => ({ ...declared, id: nextId() }));
  const given = about.faults.some(({ name }) => name === text) ? text : jsonOf(text, about);
  return declareFaults(given, { ...about, nextId });
}

/**
 * What the query says under {@link mockQuery}; `null` where it has no such parameter.
 * @throws FaultError where it has one that is nearly called so
 */
export function mockOf(query: URLSearchParams): string | null {
  const known: readonly string[] = [mockQuery, ...Object.values(QUERY)];
  const nearly = [...query.keys()].find((name) => !known.includes(name) && isNearlyMock(name));
  if (nearly !== undefined) {
    throw new FaultError(
      `The query has ${shown(nearly)}, which brings no faults. Did you mean "${mockQuery}", in small letters? A parameter of the app's own takes a name that is less like it.`,
    );
  }
  return query.get(mockQuery);
}

/** As {@link readMockKey}, for the value of {@link mockQuery}. */
export function readMockQuery(value: string, about: MockKeyAbout): Declared[] {
  return readMockKey(value.startsWith(mockKeyPrefix) ? value : mockKeyPrefix + value, about)!;
}

/**
 * The key that declares these faults: for the client's `apiKey`. A text becomes the key of that name, a fault's or a scenario's. Whether
 * there are such faults, the server says.
 * @throws FaultError where it would be longer than 2048 characters, and for what JSON has not
 */
export function writeMockKey(declarations: string | Declaration | readonly (string | Declaration)[]): string {
  const plain = plainJson(declarations);
  const text =
    typeof plain === "string" && kebab.test(plain)
      ? plain
      : Buffer.from(JSON.stringify(plain)).toString("base64url");
  if (text.length > charsMax) {
    throw new FaultError(
      `These faults make a key of ${text.length} characters. It may have ${charsMax} after "${mockKeyPrefix}": put them into a scenario file, and the scenario's name into the key.`,
    );
  }
  return mockKeyPrefix + text;
}

/** Names that a key can have behind its prefix. */
function namesIn({ faults, scenarios }: MockKeyAbout): string[] {
  return [...scenarios.keys(), ...faults.map(({ name }) => name)];
}

/** Whole where it is nearly a name; else the beginning, as it may be a secret. */
function excerpt(text: string, names: readonly string[], before = mockKeyPrefix): string {
  const isName = names.includes(text) || didYouMean(text, names) !== "";
  const cut = isName || text.length <= unknownCharsMax ? text : `${text.slice(0, unknownCharsMax)}…`;
  return shown(before + cut);
}

/** One slip away, such as `moc` and `Mocks`. Rocks, socks and locks are none. */
function isNearlyMock(word: string): boolean {
  return /^m/i.test(word) && nearest(word, [mockWord]) !== null;
}

/**
 * Refuses what was meant for a mock key and is none: taken for an ordinary one, it would leave a test green for want of its fault.
 * @throws FaultError
 */
function refuseNearly(key: string, about: MockKeyAbout): void {
  const names = namesIn(about);
  const alone = key.trim().toLowerCase().replaceAll("_", "-");
  if (names.includes(alone)) {
    const what = about.scenarios.has(alone) ? "scenario" : "fault";
    throw new FaultError(
      `The key ${shown(key)} is the name of a ${what}, and does not bring it. Did you mean "${mockKeyPrefix}${alone}"? A key without faults is any other word, such as dct_local.`,
    );
  }
  const [, before = "", word = "", between = "", name = ""] = keyParts.exec(key) ?? [];
  const isNearly =
    word.toLowerCase() === mockWord ||
    (isNearlyMock(word) &&
      (/^(:|%3a)/i.test(between) ||
        (between !== "" && (names.includes(name) || didYouMean(name, names) !== ""))));
  if (!isNearly) return;
  const meant = names.includes(name) ? ` Did you mean "${mockKeyPrefix}${name}"?` : "";
  throw new FaultError(
    `The key ${excerpt(name, names, `${before}${word}${between}`)} is nearly one that brings faults, and brings none.${meant} Such a key begins with "${mockKeyPrefix}", in small letters and with nothing before it; one without faults begins with another word.`,
  );
}

function jsonOf(text: string, about: MockKeyAbout): unknown {
  const { faults, scenarios } = about;
  const names = namesIn(about);
  const refuse = (why: string): never => {
    throw new FaultError(
      `The key ${excerpt(text, names)} ${why} It takes "${mockKeyPrefix}" and a scenario's name, a fault's name, or what writeMockKey() makes of declarations.`,
    );
  };
  if (text.length > charsMax) {
    refuse(`has ${text.length} characters after "${mockKeyPrefix}", and may have ${charsMax}.`);
  }
  const hint = hintFor(text);
  if (hint !== null) refuse(hint);
  // base64url of a JSON text has a capital within its first four characters: no name in kebab-case is one.
  if (text === "" || kebab.test(text)) refuse(unknownName(text));
  const { index } = /[^A-Za-z0-9_-]/.exec(text) ?? {};
  if (index !== undefined) {
    refuse(
      /[+/=]/.test(text[index]!)
        ? `has a "${text[index]}" that does not survive in a URL: base64url has - and _ in place of + and /, and no = at its end.`
        : unknownName(text),
    );
  }
  const json = utf8Of(Buffer.from(text, "base64url"));
  let given: unknown;
  try {
    given = JSON.parse(json ?? "");
  } catch {
    const looksLikeJson = /^[[{"]/.test(json ?? "");
    refuse(looksLikeJson ? `is base64url of a text that is not JSON: ${shown(json)}.` : unknownName(text));
  }
  return isFaultsObject(given) ? given.faults : given;

  function unknownName(name: string): string {
    if (name === "") return "says nothing.";
    const others =
      scenarios.size === 0
        ? "There are no scenarios, and the"
        : `There are the scenarios ${listOf([...scenarios.keys()].slice(0, 40))}, and the`;
    // The guess first: a close reason has room for little more.
    return `names no scenario and no fault.${didYouMean(name, names)} ${others} faults ${listOf(faults.map(({ name }) => name))}.`;
  }
}

/** For what people write who have not met writeMockKey(). */
function hintFor(text: string): string | null {
  if (/^\s*mock\s*:/i.test(text)) return `has "${mockKeyPrefix}" twice: once will do.`;
  if (/^\s*[[{"]/.test(text)) return "is JSON as it is: in a key it stands in base64url.";
  if (/^[a-z0-9-]+(,[a-z0-9-]+)+$/i.test(text.replaceAll(" ", ""))) {
    return "is a list: several faults take a scenario's name, or a list of them for writeMockKey().";
  }
  return null;
}

function isFaultsObject(given: unknown): given is { faults: unknown } {
  return (
    typeof given === "object" &&
    given !== null &&
    Object.hasOwn(given, "faults") &&
    Object.keys(given).length === 1
  );
}

function utf8Of(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
