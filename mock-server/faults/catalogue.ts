/**
 * What there is to declare, as plain data and in words: for HTTP, docs/, the playground, and for errors that say what is allowed.
 * Knows no declaration.
 */
import { z } from "zod";
import {
  type Amount,
  type Channel,
  channels,
  type Direction,
  type Fault,
  type Place,
  type Unit,
  units,
} from "./fault.ts";
import { moments, numbered, readMoment } from "./moments.ts";

export type Setting = {
  readonly name: string;
  /** In words: `a number from 0 to 1`. */
  readonly takes: string;
  /** `undefined`: it may be left out, and is nothing then. */
  readonly default: unknown;
  readonly about: string;
};

export type CatalogueEntry = {
  readonly name: string;
  readonly about: string;
  /** The first is the one that a declaration without a channel means. */
  readonly places: readonly {
    readonly channel: Channel;
    /** The first is the default; empty where directions mean nothing. */
    readonly directions: readonly Direction[];
    /** `null`: all but those that must be named. */
    readonly kinds: readonly string[] | null;
    readonly also: readonly string[];
    /** The moment that it wakes at; `null`: it is awake from the beginning. */
    readonly at: string | null;
    readonly units: readonly Unit[];
  }[];
  readonly settings: readonly Setting[];
  readonly needs: "transcode" | "pictures" | null;
  readonly for: Amount | null;
  readonly times: number | null;
};

const unitsOfChannel: Record<Channel, readonly Unit[]> = {
  http: ["messages", "ms"],
  control: ["messages", "bytes", "ms"],
  livekit: ["messages", "bytes", "ms"],
  ice: ["packets", "bytes", "ms"],
  media: ["packets", "frames", "bytes", "ms"],
  state: ["messages", "ms"],
};

/** What can be counted on a channel, of these kinds where not all are meant. A request counts as a message; sound has no frames. */
export function unitsOf(channel: Channel, kinds?: readonly string[]): readonly Unit[] {
  const counted = unitsOfChannel[channel];
  return isSoundOnly(kinds) ? counted.filter((unit) => unit !== "frames") : counted;
}

export function isSoundOnly(kinds: readonly string[] | undefined): boolean {
  return kinds?.every((kind) => kind === "sound" || kind === "audio") ?? false;
}

export function catalogueOf(faults: readonly Fault[]): CatalogueEntry[] {
  return faults.map((fault) => ({
    name: fault.name,
    about: fault.about,
    places: fault.places.map((place) => ({
      channel: place.channel,
      directions: place.directions ?? [],
      kinds: place.kinds ?? null,
      also: place.also ?? [],
      at: place.at ?? null,
      units: unitsOf(place.channel, place.kinds),
    })),
    settings: settingsOf(fault),
    needs: fault.needs ?? null,
    for: fault.for ?? null,
    times: fault.times ?? null,
  }));
}

type Schema = z.core.JSONSchema.BaseSchema;

/** The fault's own settings, in the order of its file. */
export function settingsOf({ settings }: Fault): Setting[] {
  // What JSON Schema has no words for, a refinement, say, tells in its own message.
  const { properties = {} } = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const schema = property as Schema;
    return {
      name,
      takes: takenBy(schema),
      default: schema.default,
      about: schema.description ?? "",
    };
  });
}

function takenBy(schema: Schema): string {
  if (schema.enum) return orList(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return orList(alternatives.map((one) => takenBy(one as Schema)));
  if (Array.isArray(schema.type)) {
    return orList((schema.type as string[]).map((type) => takenBy({ ...schema, type } as Schema)));
  }
  switch (schema.type) {
    case "integer":
      return `a whole number${numberRange(schema)}`;
    case "number":
      return `a number${numberRange(schema)}`;
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "string":
      return `a text${lengthRange(schema.minLength, schema.maxLength, "characters")}`;
    case "array":
      if (schema.prefixItems) {
        return `[${schema.prefixItems.map((item) => takenBy(item as Schema)).join(", ")}]`;
      }
      return `a list${lengthRange(schema.minItems, schema.maxItems, "items")}, each ${takenBy((schema.items ?? {}) as Schema)}`;
    case "object":
      return "an object";
    default:
      return "anything that JSON has";
  }
}

function numberRange(schema: Schema): string {
  // Zod bounds every whole number by what a double holds exactly; nobody chose that.
  const chosen = (bound: number | undefined) =>
    bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;
  const min = chosen(schema.minimum);
  const max = chosen(schema.maximum);
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  const above = schema.exclusiveMinimum;
  const below = schema.exclusiveMaximum;
  const bounds = [
    above !== undefined && `above ${above}`,
    min !== undefined && `not below ${min}`,
    below !== undefined && `below ${below}`,
    max !== undefined && (above !== undefined ? `up to ${max}` : `not above ${max}`),
  ].filter((bound) => bound !== false);
  return bounds.length === 0 ? "" : ` ${bounds.join(", ")}`;
}

function lengthRange(min: number | undefined, max: number | undefined, what: string): string {
  if (min !== undefined && max !== undefined) return ` of ${min} to ${max} ${what}`;
  if (max !== undefined) return ` of up to ${max} ${what}`;
  if (min === 1) return " that is not empty";
  return min === undefined ? "" : ` of ${min} ${what} or more`;
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/**
 * What is wrong with the faults themselves, a sentence each: for the test of the list, since a fault that lies about itself does so in the
 * docs/ too.
 */
export function defectsOf(faults: readonly Fault[]): string[] {
  const names = new Set<string>();
  return faults.flatMap((fault) => {
    const { name, about, places } = fault;
    const found: string[] = [];
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) found.push("its name is not kebab-case.");
    if (names.has(name)) found.push("there is another of this name.");
    names.add(name);
    if (!isSentence(about)) found.push(`"${about}" is no sentence.`);
    if (places.length === 0) found.push("it has no place.");
    if (new Set(places.map(({ channel }) => channel)).size < places.length) {
      found.push("it has two places on one channel.");
    }
    for (const { channel, at, directions, kinds } of places) {
      if (at !== undefined && channel === "http") found.push("requests come to no moment.");
      if (at !== undefined && !readMoment(at)) found.push(`"${at}" is no moment.`);
      if (directions?.length === 0) found.push(`its directions on ${channel} are an empty list.`);
      for (const unit of units.filter((unit) => fault.for?.[unit] !== undefined)) {
        if (!unitsOf(channel, kinds).includes(unit)) found.push(`nobody counts ${unit} on ${channel}.`);
      }
    }
    for (const setting of settingsOf(fault)) {
      if (!isSentence(setting.about)) found.push(`its setting "${setting.name}" is not described.`);
    }
    const { error } = fault.settings.safeParse({});
    if (error) found.push(`its setting "${error.issues[0]!.path.join(".")}" has no default, or a bad one.`);
    return found.map((sentence) => `${name}: ${sentence}`);
  });
}

function isSentence(text: string): boolean {
  return /^[A-Z`"0-9][^\n|]*\.$/.test(text);
}

/** For docs/faults.md: a table a channel, in the order of the channels. */
export function catalogueMarkdown(faults: readonly Fault[]): string {
  return channels
    .flatMap((channel) => {
      const rows = faults.flatMap((fault) => {
        const place = fault.places.find((place) => place.channel === channel);
        return place ? [[`\`${fault.name}\``, fault.about, inWords(fault, place), listed(fault)]] : [];
      });
      return rows.length === 0
        ? []
        : [`**${channel}**\n\n${table(["fault", "", "where and when", "settings"], rows)}`];
    })
    .join("\n\n");
}

/** For docs/moments.md: a table of the places in a session's life. */
export function momentsMarkdown(): string {
  return table(
    ["moment", ""],
    Object.entries(moments).map(([name, about]) => [
      (numbered as readonly string[]).includes(name) ? `\`${name}:n\`` : `\`${name}\``,
      about,
    ]),
  );
}

function inWords({ needs, for: amount, times, places }: Fault, place: Place): string {
  const { directions = [], kinds, at, channel } = place;
  const parts = [
    place === places[0] ? "" : `with \`channel: "${channel}"\``,
    kinds ? kinds.map((kind) => `\`${kind}\``).join(", ") : "",
    directions.join(" or "),
    at === undefined ? "" : `at \`${at}\``,
    amount ? `for ${Object.entries(amount).map(([unit, count]) => `${count} ${unit}`)}` : "",
    times === undefined ? "" : times === 1 ? "once" : `${times} times`,
    needs === "transcode" ? "`--mode transcode` only" : needs === "pictures" ? "not with `--mode none`" : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function listed(fault: Fault): string {
  return settingsOf(fault)
    .map(({ name, takes, default: value, about }) => {
      const usually = value === undefined ? "" : `, \`${JSON.stringify(value)}\` unless given`;
      return `\`${name}\`: ${takes}${usually}. ${about}`.trim();
    })
    .join("<br>");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
