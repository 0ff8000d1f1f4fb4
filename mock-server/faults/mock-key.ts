/**
 * Faults inside an API key or the query of its URL: `mock:flaky`, or `mock:` and base64url JSON. A client brings what it shall meet along, and
 * shares nothing with others on the same server. Knows no connection.
 */
import { type DeclareAbout, declareFaults, didYouMean, FaultError, listOf, shown } from "./declare.ts";
import type { Declaration, Declared } from "./fault.ts";
import type { Scenario } from "./scenario-file.ts";

export const mockKeyPrefix = "mock:";

/** Query parameter of the control socket that says what a key would, with or without its prefix. */
export const mockQuery = "mock";

/** What follows the prefix. Servers and proxies hold a whole request line to 8 kB or less. */
const charsMax = 2048;

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export type MockKeyAbout = Pick<DeclareAbout, "faults" | "mode"> & {
  readonly scenarios: ReadonlyMap<string, Scenario>;
};

/**
 * What a key asks for: `key-1`, `key-2`, …; `null` for a key that is no mock key. A scenario's name, a fault's name (the fault as it is
 * without settings; a scenario of that name wins), or base64url JSON: a declaration, a list, or `{ faults: [] }`.
 * @throws FaultError
 */
export function readMockKey(key: string, about: MockKeyAbout): Declared[] | null {
  if (!key.startsWith(mockKeyPrefix)) return null;
  const text = key.slice(mockKeyPrefix.length);
  let count = 0;
  const nextId = () => `key-${++count}`;
  const scenario = about.scenarios.get(text);
  if (scenario) return scenario.faults.map((declared) => ({ ...declared, id: nextId() }));
  const given = about.faults.some(({ name }) => name === text) ? text : jsonOf(text, about);
  return declareFaults(given, { ...about, nextId });
}

/** As {@link readMockKey}, for the value of {@link mockQuery}. */
export function readMockQuery(value: string, about: MockKeyAbout): Declared[] {
  return readMockKey(value.startsWith(mockKeyPrefix) ? value : mockKeyPrefix + value, about)!;
}

/**
 * The key that declares these faults: for the client's `apiKey`. A text becomes the key of that name, a fault's or a scenario's. Whether
 * there are such faults, the server says.
 * @throws FaultError where it would be longer than 2048 characters
 */
export function writeMockKey(declarations: string | Declaration | readonly (string | Declaration)[]): string {
  const text =
    typeof declarations === "string" && kebab.test(declarations)
      ? declarations
      : Buffer.from(JSON.stringify(declarations)).toString("base64url");
  if (text.length > charsMax) {
    throw new FaultError(
      `These faults make a key of ${text.length} characters. It may have ${charsMax} after "${mockKeyPrefix}": put them into a scenario file, and the scenario's name into the key.`,
    );
  }
  return mockKeyPrefix + text;
}

function jsonOf(text: string, { faults, scenarios }: MockKeyAbout): unknown {
  const refuse = (why: string): never => {
    throw new FaultError(
      `The key ${shown(mockKeyPrefix + text)} ${why} It takes "${mockKeyPrefix}" and a scenario's name, a fault's name, or what writeMockKey() makes of declarations.`,
    );
  };
  if (text.length > charsMax) {
    refuse(`has ${text.length} characters after "${mockKeyPrefix}", and may have ${charsMax}.`);
  }
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
    const names = [...scenarios.keys(), ...faults.map(({ name }) => name)];
    // The guess first: a close reason has room for little more.
    return `names no scenario and no fault.${didYouMean(name, names)} There are the scenarios ${listOf([...scenarios.keys()].slice(0, 40))}, and the faults ${listOf(faults.map(({ name }) => name))}.`;
  }
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
