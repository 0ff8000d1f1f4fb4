/**
 * Scenario files: faults under names, in YAML or JSON. An error begins with file and line, as a compiler's does. What a fault is, it leaves
 * to `declare.ts`. The one file that knows the YAML package.
 */
import { readFileSync, statSync } from "node:fs";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLParseError,
} from "yaml";
import {
  type DeclareAbout,
  declareFaults,
  didYouMean,
  FaultError,
  listOf,
  type Path,
  shown,
} from "./declare.ts";
import type { Declared } from "./fault.ts";

/** Faults under a name, for keys and control API to ask for. */
export type Scenario = {
  readonly name: string;
  readonly about: string | null;
  readonly faults: readonly Declared[];
};

export type ScenarioFile = {
  /** For every session. */
  readonly faults: Declared[];
  readonly scenarios: Map<string, Scenario>;
};

const bytesMax = 256 * 1024;
const scenariosMax = 200;
const nameCharsMax = 64;
const aboutCharsMax = 500;
const aliasesMax = 200;

const fileKeys = ["faults", "scenarios"] as const;
const scenarioKeys = ["about", "faults"] as const;

/** @throws FaultError that begins with the path, and with the line where it knows one */
export function readScenarioFile(path: string, about: DeclareAbout): ScenarioFile {
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > bytesMax) throw new FaultError(tooLong(path, size));
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new FaultError(
      `${path}: ${
        code === "ENOENT"
          ? "there is no such file. Name a YAML or JSON file of faults and scenarios, from the folder that this runs in."
          : code === "EISDIR"
            ? "that is a folder. Name a YAML or JSON file in it."
            : `the file cannot be read (${code ?? "no reason given"}). See that whoever runs this may read it.`
      }`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FaultError(`${path}: the file is not UTF-8. Save it as a text in UTF-8.`);
  }
  return parseScenarioText(text, path, about);
}

/**
 * Reads `faults:` (for every session) and `scenarios:` (by name, each `about` and `faults`, or faults alone), or a list of faults alone.
 * @throws FaultError that begins with `fileName` and the line
 */
export function parseScenarioText(text: string, fileName: string, about: DeclareAbout): ScenarioFile {
  const byteCount = Buffer.byteLength(text);
  if (byteCount > bytesMax) throw new FaultError(tooLong(fileName, byteCount));

  const { given, lineOf } = readYaml(text, fileName);
  const refuse: Refuse = (path, sentence) => {
    const line = lineOf(path);
    throw new FaultError(`${fileName}:${line}: ${sentence}`, line);
  };
  const declare = (list: unknown, under: Path, more: Partial<DeclareAbout>): Declared[] => {
    try {
      return declareFaults(list, { ...about, ...more, lineOf: (path) => lineOf([...under, ...path]) });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      throw new FaultError(`${fileName}:${error.line}: ${error.message}`, error.line);
    }
  };

  if (Array.isArray(given)) return { faults: declare(given, [], {}), scenarios: new Map() };
  if (!isFields(given)) {
    return refuse(
      [],
      given === null
        ? "the file says nothing. It takes faults: and scenarios:, or a list of faults."
        : `the file is ${shown(given)}. It takes faults: and scenarios:, or a list of faults.`,
    );
  }
  refuseUnknown(given, fileKeys, "A scenario file", [], refuse);

  const { faults = [], scenarios = {} } = given;
  if (faults === null) refuse(["faults"], '"faults" is empty. List faults under it, or leave it out.');
  if (!isFields(scenarios)) {
    return refuse(
      ["scenarios"],
      `"scenarios" is ${shown(scenarios)}. It takes names, and under each of them faults: as under the file's own.`,
    );
  }
  const entries = Object.entries(scenarios);
  if (entries.length > scenariosMax) {
    refuse(["scenarios"], `The file has ${entries.length} scenarios. It may have ${scenariosMax}.`);
  }
  return {
    faults: declare(faults, ["faults"], {}),
    scenarios: new Map(
      entries.map(([name, scenario]) => [
        name,
        readScenario(name, scenario, {
          faultKinds: about.faults,
          refuse: (path, sentence) => refuse(["scenarios", name, ...path], sentence),
          declare: (list, under, nextId) => declare(list, ["scenarios", name, ...under], { nextId }),
        }),
      ]),
    ),
  };
}

/**
 * One scenario from elsewhere than a file: `{ about?, faults }`, or faults alone.
 * @throws FaultError
 */
export function declareScenario(name: string, given: unknown, about: DeclareAbout): Scenario {
  return readScenario(name, given, {
    faultKinds: about.faults,
    refuse: (path, sentence) => {
      throw new FaultError(sentence, about.lineOf?.(path));
    },
    declare: (list, _under, nextId) => declareFaults(list, { ...about, nextId }),
  });
}

type Refuse = (path: Path, sentence: string) => never;

function readScenario(
  name: string,
  given: unknown,
  {
    faultKinds,
    refuse,
    declare,
  }: {
    faultKinds: DeclareAbout["faults"];
    refuse: Refuse;
    declare(list: unknown, under: Path, nextId: () => string): Declared[];
  },
): Scenario {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > nameCharsMax) {
    refuse(
      [],
      `${shown(name)} names a scenario. A name has lower-case letters and digits with hyphens between, ${nameCharsMax} at most: "lost-answer".`,
    );
  }
  if (faultKinds.some((fault) => fault.name === name)) {
    refuse(
      [],
      `${shown(name)} names a scenario, and there is a fault of this name, which no key could ask for any more. Call it otherwise: "my-${name}".`,
    );
  }
  let count = 0;
  const nextId = () => `${name}-${++count}`;
  if (Array.isArray(given) || typeof given === "string") {
    return { name, about: null, faults: declare(given, [], nextId) };
  }
  if (!isFields(given) || given.faults === undefined || given.faults === null) {
    if (isFields(given)) refuseUnknown(given, scenarioKeys, `Scenario ${name}`, [], refuse);
    return refuse([], `Scenario ${name} has no faults. Put a list of them under its "faults".`);
  }
  refuseUnknown(given, scenarioKeys, `Scenario ${name}`, [], refuse);
  const { about = null, faults } = given;
  if (about !== null && (typeof about !== "string" || about.length > aboutCharsMax)) {
    return refuse(
      ["about"],
      `Scenario ${name}: "about" is ${shown(about)}. It takes a text of up to ${aboutCharsMax} characters.`,
    );
  }
  return { name, about, faults: declare(faults, ["faults"], nextId) };
}

function refuseUnknown(
  given: Record<string, unknown>,
  known: readonly string[],
  what: string,
  path: Path,
  refuse: Refuse,
): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    refuse([...path, key], `${what} has no ${shown(key)}.${didYouMean(key, known)} It has ${listOf(known)}.`);
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tooLong(fileName: string, byteCount: number): string {
  return `${fileName}: the file has ${byteCount} bytes. It may have ${bytesMax}: split it.`;
}

const unreadable =
  "a quote, a colon, a bracket or a space is missing or too many, here or in the line before. Put texts with such characters in quotes.";

/** What is wrong and what to do, for people who seldom write YAML; the package's own words are for those who know its grammar. */
const yamlSentences: { readonly [Code in YAMLParseError["code"]]?: string } = {
  TAB_AS_INDENT: "it begins with a tab. Indent with spaces.",
  BAD_INDENT:
    "it is indented otherwise than what it belongs to. Let it begin in the same column as its neighbours.",
  BLOCK_AS_IMPLICIT_KEY:
    'it has ": " twice, or is indented otherwise than what it belongs to. Put the value in quotes, or let it begin in the same column as its neighbours.',
  BLOCK_IN_FLOW: "it stands within brackets or braces. Write it in [ ] or { } as well.",
  BAD_SCALAR_START: "no text begins with this character. Put it in quotes.",
  BAD_DQ_ESCAPE: "there is no such escape. Write two backslashes, or take single quotes.",
  BAD_DIRECTIVE: "there is no such directive. Leave the line with the % out.",
  MISSING_CHAR: "a quote, a bracket, a comma or a colon is missing. Close what was opened.",
  MULTIPLE_DOCS: "a second document begins here. Put everything into one, without this line.",
  NON_STRING_KEY: "a key is a text here. Write a name.",
  TAG_RESOLVE_FAILED: "tags mean nothing here. Leave out what begins with !.",
};

/** Plain values, and the line that each of them stands on. */
function readYaml(text: string, fileName: string): { given: unknown; lineOf(path: Path): number } {
  const lineCounter = new LineCounter();
  const refuse = (offset: number, sentence: string): never => {
    const { line, col } = lineCounter.linePos(offset);
    throw new FaultError(`${fileName}:${line}:${col}: ${sentence}`, line);
  };
  const lineAt = (offset: number): string => {
    const line = text.split("\n")[lineCounter.linePos(offset).line - 1]?.trim();
    return line ? shown(line) : "what ends here";
  };
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    logLevel: "error",
    // Named, or a %YAML directive chooses another.
    schema: "core",
    resolveKnownTags: false,
    stringKeys: true,
    // Its own search compares every key with every other: 30,000 keys took it ten seconds.
    uniqueKeys: false,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    // Whatever the parser makes of the end: what is wrong there is that something is still open.
    const isOpen = text.slice(problem.pos[0]).trim() === "";
    refuse(
      problem.pos[0],
      problem.code === "RESOURCE_EXHAUSTION"
        ? "the file nests too deep. Make it flat."
        : `${lineAt(problem.pos[0])} is not YAML: ${yamlSentences[isOpen ? "MISSING_CHAR" : problem.code] ?? unreadable}`,
    );
  }

  let aliasCount = 0;
  visit(document, {
    Alias(_key, alias) {
      const offset = alias.range?.[0] ?? 0;
      if (++aliasCount > aliasesMax) {
        refuse(
          offset,
          `the file has more than ${aliasesMax} aliases, such as *${alias.source.slice(0, 40)}. Write some out.`,
        );
      }
      if (!alias.resolve(document)) {
        refuse(offset, `there is no anchor &${alias.source.slice(0, 40)} before this alias.`);
      }
    },
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          refuse(key.range?.[0] ?? 0, `${shown(key.value)} is here twice. Leave one of them out.`);
        }
        seen.add(key.value);
      }
    },
  });

  let given: unknown;
  try {
    given = document.toJS({ maxAliasCount: aliasesMax });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    refuse(0, "the file's aliases make it far longer than it is. Write some out.");
  }
  return {
    given,
    lineOf: (path) => lineCounter.linePos(offsetOf(path, document)).line,
  };
}

/** Where a value is written: its key, or itself in a list; what is not written, where it is missing. */
function offsetOf(path: Path, document: Document): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (!pair) break;
      offset = (isScalar(pair.key) && pair.key.range?.[0]) || offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
