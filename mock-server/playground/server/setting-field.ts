/** A fault's setting, from its JSON Schema to what a form needs, and back from what a person wrote. Knows no element. */

/** As far as the catalogue uses it. */
export type SettingSchema = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SettingSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
};

export type SettingField = {
  readonly name: string;
  /** `delay`, of delayMs: its unit stands beside it. */
  readonly label: string;
  readonly about: string;
  readonly takes: "number" | "choice" | "yes-or-no" | "text";
  readonly isWhole: boolean;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly lengthMax: number | undefined;
  readonly unit: string;
  readonly choices: readonly (string | number)[];
  /** `undefined`: left out, which means something of its own. */
  readonly default: unknown;
  /** `0 to 600000`; empty where there are no bounds. */
  readonly range: string;
};

/** The units that names end in; the longest first. */
const units: readonly [ending: RegExp, unit: string][] = [
  [/^kilobitsPerSecond$/, "kbit/s"],
  [/Ms(?=Max$|$)/, "ms"],
  [/Seconds$|^seconds$/, "s"],
  [/Packets$/, "packets"],
  [/Frames$|^frames$/, "frames"],
  [/Bytes$|^bytes$/, "bytes"],
  [/^width$|^height$/, "px"],
];

export function settingField(name: string, schema: SettingSchema): SettingField {
  const options = schema.anyOf ?? [];
  const choices = (schema.enum ?? options.flatMap((option) => option.const ?? [])) as (string | number)[];
  // One kind of value, or nothing: an empty field stands for nothing.
  const one = options.find(({ type }) => type === "integer" || type === "number") ?? {};
  const { type, minimum, maximum, exclusiveMinimum, maxLength } =
    choices.length > 0 ? schema : { ...schema, ...one };
  const isNumber = type === "number" || type === "integer";
  const [ending, unit = ""] = (isNumber && units.find(([ending]) => ending.test(name))) || [];
  const min = minimum ?? exclusiveMinimum;
  const isLabelShorter = ending !== undefined && name.replace(ending, "") !== "";
  return {
    name,
    label: inWords(isLabelShorter && unit !== "px" ? name.replace(ending, "") : name),
    about: schema.description ?? "",
    takes: choices.length > 0 ? "choice" : isNumber ? "number" : type === "boolean" ? "yes-or-no" : "text",
    isWhole: type === "integer",
    min,
    max: maximum,
    lengthMax: maxLength,
    unit,
    choices,
    default: schema.default ?? undefined,
    range:
      min === undefined || maximum === undefined
        ? ""
        : exclusiveMinimum === undefined
          ? `${min} to ${maximum}`
          : `above ${min}, up to ${maximum}`,
  };
}

/** `keepOneOf` as `keep one of`. */
function inWords(name: string): string {
  return name.replace(
    /([a-z])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
}

/**
 * What a declaration has of it: `undefined` where it is what it would be anyway. Out of bounds is the server's to refuse, which has the
 * sentence.
 */
export function settingOf(field: SettingField, written: string | boolean): unknown {
  const value =
    typeof written === "boolean"
      ? written
      : field.takes === "text"
        ? written
        : written.trim() === ""
          ? undefined
          : field.takes === "number"
            ? Number(written)
            : field.choices.find((choice) => String(choice) === written);
  // A text that is empty is what it says, unless nothing stands for it.
  if (value === "" && field.default === undefined) return undefined;
  return value === field.default ? undefined : value;
}
