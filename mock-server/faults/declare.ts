/**
 * Reads what somebody declares, and refuses what nobody meant: each error names the fault, the key, the value and what is allowed. One
 * shape for calls in process, HTTP, scenario files and keys; where it was written it only knows through `lineOf`.
 */
import { nearest } from "../../protocol/index.ts";
import { isSecretName, redact } from "../journal.ts";
import type { MediaMode } from "../media/pipeline.ts";
import { isSoundOnly, settingsOf, unitsOf } from "./catalogue.ts";
import {
  type Amount,
  channels,
  type Declaration,
  type Declared,
  type Direction,
  type Fault,
  type Place,
  type Unit,
  units,
} from "./fault.ts";
import { isOpenEnded, kindsOf } from "./kinds.ts";
import { type Moment, noMoment, readMoment } from "./moments.ts";
import { neverFires } from "./never-fires.ts";

/** Where something stands in what was given: `[1, "when", "chance"]`. */
export type Path = readonly (string | number)[];

/** A whole sentence for whoever declared it. `line`: where it was written, in a file. */
export class FaultError extends Error {
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.name = "FaultError";
    this.line = line;
  }
}

export type DeclareAbout = {
  readonly faults: readonly Fault[];
  readonly mode: MediaMode;
  /** Ids of what is declared; `f1`, `f2`, … without it. Not called where something is refused. */
  readonly nextId?: () => string;
  readonly lineOf?: (path: Path) => number | undefined;
  /** Of the one session that it is for: what can no longer fire there is refused. */
  readonly reached?: ReadonlyMap<Moment, number>;
};

const faultsMax = 64;
const kindsMax = 20;
const kindCharsMax = 64;
const timesMax = 1e6;
/** A day of milliseconds; more of anything else than a long run has. */
const amountMax: Record<Unit, number> = {
  messages: 1e9,
  packets: 1e9,
  frames: 1e9,
  bytes: 1e12,
  ms: 86_400_000,
};
/** All that one call may give: many times what 64 faults need, and read in a moment. */
const valuesMax = 5000;
const depthMax = 16;
const textCharsMax = 65_536;

/** Where there is what a fault needs. */
export const modesWith: Record<"transcode" | "pictures", readonly MediaMode[]> = {
  transcode: ["transcode"],
  pictures: ["transcode", "relay"],
};

export const declarationKeys = ["name", "channel", "direction", "only", "when", "with"] as const;
export const whenKeys = ["at", "after", "for", "times", "chance", "connections"] as const;
const directionNames = ["to-client", "to-server", "both"] as const;

/**
 * One declaration, a list of up to 64, or a fault's name alone: checked, with what was left out filled in.
 * @throws FaultError
 */
export function declareFaults(given: unknown, about: DeclareAbout): Declared[] {
  const refuse: Refuse = (path, sentence) => {
    throw new FaultError(sentence, about.lineOf?.(path));
  };
  if (Array.isArray(given) && given.length > faultsMax) {
    refuse([], `${given.length} faults are declared at once. It may be ${faultsMax} at most.`);
  }
  const plain = plainCopy(given, refuse);
  const isList = Array.isArray(plain);
  const checked = (isList ? plain : [plain]).map((one, index) =>
    readDeclaration(one, about, {
      refuse: (path, sentence) => refuse(isList ? [index, ...path] : path, sentence),
      number: isList ? index + 1 : null,
    }),
  );
  for (const [index, one] of about.reached ? checked.entries() : []) {
    const why = neverFires(one, about.reached!);
    if (why !== null) refuse(isList ? [index] : [], why);
  }
  let count = 0;
  const nextId = about.nextId ?? (() => `f${++count}`);
  return checked.map((one) => ({ id: nextId(), ...one }));
}

type Refuse = (path: Path, sentence: string) => never;
type Fields = Readonly<Record<string, unknown>>;

function readDeclaration(
  given: unknown,
  { faults, mode }: DeclareAbout,
  { refuse, number }: { refuse: Refuse; number: number | null },
): Omit<Declared, "id"> {
  const nameless = number === null ? "The fault" : `Fault ${number}`;
  const example = `a fault's name, or an object such as { "name": "${faults[0]?.name ?? "drop"}" }`;
  const fields = typeof given === "string" ? { name: given } : given;
  if (!isFields(fields)) {
    return refuse([], `${nameless} is ${shown(fields)}. It takes ${example}.`);
  }
  const { name } = fields;
  const names = faults.map((fault) => fault.name);
  if (name === undefined) {
    const meant = typoOf("name", Object.keys(fields));
    return refuse(
      meant === null ? [] : [meant],
      `${nameless} has no "name"${meant === null ? "" : `, but ${shown(meant)}`}. There are ${listOf(names)}.`,
    );
  }
  const fault = faults.find((fault) => fault.name === name);
  if (!fault) {
    return refuse(
      typeof given === "string" ? [] : ["name"],
      `${nameless}: there is no fault ${shown(name)}.${isKeyLike(name) ? ' "mock:" belongs into a key only; here a fault has its name alone.' : didYouMean(name, names)} There are ${listOf(names)}.`,
    );
  }

  const who = number === null ? `Fault ${fault.name}` : `Fault ${number} (${fault.name})`;
  const wrong = (path: Path, takes: string): never => {
    const names = path.filter((part) => typeof part === "string");
    const value = names.some(isSecretName) ? "[redacted]" : shown(at(fields, path));
    return refuse(path, `${who}: "${names.join(".")}" is ${value}. ${takes}`);
  };
  const own = Object.keys(fault.settings.shape);

  for (const key of Object.keys(fields)) {
    if (isOneOf(key, declarationKeys)) continue;
    const place = own.includes(key) ? "with" : isOneOf(key, whenKeys) ? "when" : null;
    refuse(
      [key],
      place === null
        ? `${who} has no ${shown(key)}.${didYouMean(key, [...declarationKeys, ...own])} It has ${listOf(declarationKeys)}; settings belong under "with"${own.length === 0 ? ", and it has none" : `: ${listOf(own)}`}.`
        : `${who}: "${key}" belongs under "${place}": { "name": "${fault.name}", "${place}": { "${key}": … } }.`,
    );
  }

  const place = readPlace(fields.channel, fault, wrong);
  const direction = readDirection(fields.direction, fault, place, wrong);
  const only = readOnly(fields.only, place, wrong);
  const settings = readSettings(fields.with, fault, who, refuse, wrong);

  const { when = {} } = fields;
  if (!isFields(when)) return wrong(["when"], `It takes an object of ${listOf(whenKeys)}.`);
  for (const key of Object.keys(when)) {
    if (isOneOf(key, whenKeys)) continue;
    refuse(
      ["when", key],
      `${who}: "when" has no ${shown(key)}.${didYouMean(key, whenKeys)} It has ${listOf(whenKeys)}.`,
    );
  }

  if (fault.needs && !modesWith[fault.needs].includes(mode)) {
    const flags = modesWith[fault.needs].map((mode) => `--mode ${mode}`);
    refuse(
      typeof given === "string" ? [] : ["name"],
      `${who} ${fault.needs === "transcode" ? "changes pictures" : "needs pictures"}, and this server runs with --mode ${mode}: start it with ${orList(flags)}.`,
    );
  }
  if (place.channel === "media" && direction === "to-client" && !modesWith.pictures.includes(mode)) {
    refuse(
      typeof given === "string" ? [] : ["name"],
      `${who} would spoil media on its way to the client, and this server, with --mode ${mode}, sends none: start it with ${orList(modesWith.pictures.map((mode) => `--mode ${mode}`))}.`,
    );
  }

  return {
    declaration: fields as Declaration,
    fault,
    place,
    direction,
    only,
    at: readAt(when.at, place, wrong) ?? place.at ?? null,
    after: readAmount("after", when.after, place, only, wrong),
    for: readAmount("for", when.for, place, only, wrong) ?? fault.for ?? null,
    times: readTimes(when.times, wrong) ?? fault.times ?? null,
    chance: readChance(when.chance, wrong),
    connections: readConnections(when.connections, place, wrong),
    settings,
  };
}

type Wrong = (path: Path, takes: string) => never;

function readPlace(given: unknown, { places, name }: Fault, wrong: Wrong): Place {
  if (given === undefined) return places[0]!;
  const has = places.map(({ channel }) => channel);
  const place = places.find(({ channel }) => channel === given);
  if (place) return place;
  const takes = `${name} works on ${listOf(has)}.`;
  return wrong(
    ["channel"],
    isOneOf(given, channels)
      ? takes
      : `${`There is no such channel.${didYouMean(given, channels)}`.trim()} ${takes}`,
  );
}

function readDirection(given: unknown, { name }: Fault, place: Place, wrong: Wrong): Direction | "both" {
  const { channel, directions } = place;
  if (given === undefined) return directions?.[0] ?? "both";
  const has: readonly (Direction | "both")[] =
    directions === undefined ? directionNames : directions.length > 1 ? [...directions, "both"] : directions;
  if (isOneOf(given, has)) return given;
  const hint = isOneOf(given, directionNames) ? "" : didYouMean(given, has).trim();
  return wrong(["direction"], `${hint} On ${channel}, ${name} takes ${orList(has)}.`.trim());
}

function readOnly(given: unknown, place: Place, wrong: Wrong): readonly string[] | null {
  if (given === undefined) return null;
  const kinds = Array.isArray(given) ? given : [given];
  const isGood = (kind: unknown) =>
    typeof kind === "string" && kind.length > 0 && kind.length <= kindCharsMax;
  if (kinds.length === 0 || kinds.length > kindsMax || !kinds.every(isGood)) {
    wrong(
      ["only"],
      `It takes a kind of item, such as "video" or a message's type, or a list of 1 to ${kindsMax}, each of 1 to ${kindCharsMax} characters.`,
    );
  }
  const { kinds: own, also = [] } = place;
  const known = own ? [...own, ...also] : kindsOf(place.channel);
  const mayBeOther = !own && isOpenEnded(place.channel);
  const isMisspelt = (kind: string) =>
    !isOneOf(kind, known) && (!mayBeOther || nearest(kind, known) !== null);
  const other = kinds.find(isMisspelt);
  if (other !== undefined) {
    const has = own
      ? `Here it spoils ${listOf(known)} and nothing else.`
      : `On ${place.channel} there are ${listOf(known)}.`;
    wrong(["only"], `${didYouMean(other, known)} ${has}`.trim());
  }
  return kinds;
}

function readSettings(given: unknown, fault: Fault, who: string, refuse: Refuse, wrong: Wrong): Fields {
  const own = Object.keys(fault.settings.shape);
  const has = own.length === 0 ? "It has none" : `It has ${listOf(own)}`;
  if (given !== undefined && !isFields(given)) {
    return wrong(["with"], `It takes an object of ${fault.name}'s settings. ${has}.`);
  }
  for (const key of Object.keys(given ?? {})) {
    if (own.includes(key)) continue;
    if (isOneOf(key, whenKeys) || isOneOf(key, declarationKeys)) {
      const belongs = isOneOf(key, whenKeys) ? 'under "when"' : 'beside "with"';
      refuse(["with", key], `${who} has no setting ${shown(key)}. That belongs ${belongs}.`);
    }
    refuse(["with", key], `${who} has no setting ${shown(key)}.${didYouMean(key, own)} ${has}.`);
  }
  const read = fault.settings.safeParse(given ?? {});
  if (read.success) {
    const unsound = Object.keys(given ?? {}).find((key) => !isJson(given![key]));
    if (unsound !== undefined) wrong(["with", unsound], "It takes numbers that JSON has, inside it too.");
    return read.data;
  }
  const { path, code, message } = read.error.issues[0]!;
  const name = String(path[0] ?? "");
  const setting = settingsOf(fault).find((setting) => setting.name === name);
  return wrong(
    setting ? ["with", name] : ["with"],
    !setting || code === "custom" ? message : `It takes ${setting.takes}.`,
  );
}

function readAt(given: unknown, place: Place, wrong: Wrong): string | null {
  if (given === undefined) return null;
  if (place.channel === "http")
    wrong(["when", "at"], onlyRequests("moments", '"after" says how many pass first'));
  if (typeof given === "string" && readMoment(given)) return given;
  return wrong(["when", "at"], noMoment(given));
}

function readAmount(
  key: "after" | "for",
  given: unknown,
  { channel, isSilent, kinds }: Place,
  only: readonly string[] | null,
  wrong: Wrong,
): Amount | null {
  if (given === undefined) return null;
  const counted: readonly Unit[] = key === "for" && isSilent ? ["ms"] : unitsOf(channel, only ?? kinds);
  const example = `{ "${counted[0]}": 3 }`;
  if (!isFields(given)) {
    return wrong(
      ["when", key],
      `It takes how much of what, such as ${example}; on ${channel}, ${orList(counted)} are counted.`,
    );
  }
  const [unit, ...more] = Object.keys(given);
  if (unit === undefined || more.length > 0) {
    return wrong(["when", key], `It takes one unit, such as ${example}: ${orList(counted)}.`);
  }
  if (!isOneOf(unit, counted)) {
    const hint = isOneOf(unit, units) ? "" : didYouMean(unit, counted);
    const where = isSilent
      ? "Where nothing passes"
      : isSoundOnly(only ?? kinds)
        ? "Of sound"
        : `On ${channel}`;
    return wrong(["when", key], `${hint} ${where}, ${orList(counted)} are counted.`.trim());
  }
  if (!isWhole(given[unit], amountMax[unit])) {
    wrong(["when", key, unit], `It takes a whole number from 1 to ${amountMax[unit]}.`);
  }
  return given as Amount;
}

function readTimes(given: unknown, wrong: Wrong): number | null {
  if (given === undefined) return null;
  if (isWhole(given, timesMax)) return given;
  return wrong(["when", "times"], `It takes a whole number from 1 to ${timesMax}.`);
}

function readChance(given: unknown, wrong: Wrong): number | null {
  if (given === undefined) return null;
  if (typeof given === "number" && given > 0 && given <= 1) return given;
  return wrong(["when", "chance"], "It takes a number above 0, up to 1: 0.1 is one item in ten.");
}

function onlyRequests(none: string, instead: string): string {
  return `On http there are requests, and no ${none}: ${instead}.`;
}

function readConnections(given: unknown, { channel }: Place, wrong: Wrong): readonly [number, number] | null {
  if (given === undefined) return null;
  if (channel === "http")
    wrong(["when", "connections"], onlyRequests("connections", '"times" says how many'));
  const [from, to, ...more] = Array.isArray(given) ? given : [1, given];
  if (isWhole(from, timesMax) && isWhole(to, timesMax) && from <= to && more.length === 0) return [from, to];
  return wrong(
    ["when", "connections"],
    `It takes how many, counted from the first, or [first, last], whole numbers from 1 to ${timesMax}.`,
  );
}

/**
 * What was given, as JSON would have it: what is `undefined` is left out. Stops at bounds, so that a loop, a YAML bomb or a picture's bytes
 * stop here.
 */
function plainCopy(given: unknown, refuse: Refuse): unknown {
  let count = 0;
  function copy(value: unknown, path: Path): unknown {
    const where = () => path.join(".") || "the declaration";
    if (++count > valuesMax)
      refuse(path, `More than ${valuesMax} values are declared. Declare less at once.`);
    if (path.length > depthMax) {
      refuse(path, `A declaration nests deeper than ${depthMax} levels, or holds itself. Make it flat.`);
    }
    // A zero has no sign in JSON.
    if (typeof value === "number") return value === 0 ? 0 : value;
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") {
      if (value.length <= textCharsMax) return value;
      refuse(
        path,
        `"${shortOf(where())}" is a text of ${value.length} characters. It may have ${textCharsMax}.`,
      );
    }
    if (Array.isArray(value)) {
      if (value.length > valuesMax) {
        refuse(path, `"${shortOf(where())}" is a list of ${value.length}. It may have ${valuesMax} at most.`);
      }
      return Array.from(value, (item, index) => copy(item, [...path, index]));
    }
    if (Object.prototype.toString.call(value) === "[object Object]") {
      return Object.fromEntries(
        Object.entries(value as object)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => [key, copy(item, [...path, key])]),
      );
    }
    return refuse(
      path,
      `"${shortOf(where())}" is ${kindOf(value)}. A fault is declared in what JSON has: texts, numbers, true, false, null, lists and plain objects.`,
    );
  }
  return copy(given, []);
}

/**
 * What was given, as JSON would have it, for whoever writes it down.
 * @throws FaultError for what JSON has not
 */
export function plainJson(given: unknown): unknown {
  const refuse: Refuse = (_path, sentence) => {
    throw new FaultError(sentence);
  };
  const plain = plainCopy(given, refuse);
  if (!isJson(plain)) {
    refuse([], "A number in the declaration is NaN or infinite. It takes numbers that JSON has.");
  }
  return plain;
}

/** Whether every number in it is one that JSON has: a fault whose setting takes anything would get NaN otherwise. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isJson);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOneOf<const One extends string>(value: unknown, names: readonly One[]): value is One {
  return (names as readonly unknown[]).includes(value);
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inside, key) => {
    const has = typeof inside === "object" && inside !== null && Object.hasOwn(inside, key);
    return has ? (inside as Record<string | number, unknown>)[key] : undefined;
  }, value);
}

/** A name that is written as it would be in a key. */
function isKeyLike(name: unknown): boolean {
  return typeof name === "string" && /^\s*mock:/i.test(name);
}

function typoOf(name: string, keys: readonly string[]): string | null {
  return keys.find((key) => nearest(key, [name]) !== null) ?? null;
}

/** ` Did you mean "packet-loss"?`, or nothing where nothing is near. */
export function didYouMean(given: unknown, names: readonly string[]): string {
  if (typeof given !== "string") return "";
  const meant = nearest(given, names);
  const meanings = meant === null ? namesWith(given, names) : [meant];
  return meanings.length === 0 ? "" : ` Did you mean ${orList(meanings.map((name) => `"${name}"`))}?`;
}

/** Part of a name stands for it, as long as there are few: `los`. */
function namesWith(part: string, names: readonly string[]): readonly string[] {
  if (part.length < partCharsMin) return [];
  const found = names.filter((name) => name.toLowerCase().includes(part.toLowerCase()));
  return found.length <= foundMax ? found : [];
}

const partCharsMin = 3;
const foundMax = 3;

const shownCharsMax = 60;

/** A value for a sentence, {@link shownCharsMax} characters of it at most, and none of a secret. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "number") return String(value);
  return shortOf(JSON.stringify(redact(value)));
}

function shortOf(text: string): string {
  return text.length <= shownCharsMax ? text : `${text.slice(0, shownCharsMax)}…`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  const [, kind] = /^\[object (\w{1,40})\]$/.exec(Object.prototype.toString.call(value)) ?? [];
  return `of the kind ${kind ?? typeof value}`;
}

export function listOf(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
