/** From what a form holds to a declaration: what was left as it is stays out, so that the code made of it is short. */
import type { Declaration } from "../../faults/fault.ts";

/** Texts as they stand in the form; empty: not said. */
export type Envelope = {
  readonly channel: string;
  readonly direction: string;
  /** Kinds, with commas between them. */
  readonly only: string;
  readonly at: string;
  /** Which time the moment comes. */
  readonly atNumber: string;
  readonly after: string;
  readonly afterUnit: string;
  readonly for: string;
  readonly forUnit: string;
  readonly times: string;
  readonly chance: string;
  readonly firstConnection: string;
  readonly lastConnection: string;
};

export const plainEnvelope: Envelope = {
  channel: "",
  direction: "",
  only: "",
  at: "",
  atNumber: "",
  after: "",
  afterUnit: "",
  for: "",
  forUnit: "",
  times: "",
  chance: "",
  firstConnection: "",
  lastConnection: "",
};

export function declarationOf(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  envelope: Envelope,
): Declaration {
  const { channel, direction, only, at, atNumber, firstConnection, lastConnection } = envelope;
  const kinds = only
    .split(",")
    .map((kind) => kind.trim())
    .filter(Boolean);
  const when = defined({
    at: at === "" ? undefined : atNumber === "" ? at : `${at}:${atNumber}`,
    after: amount(envelope.after, envelope.afterUnit),
    for: amount(envelope.for, envelope.forUnit),
    times: number(envelope.times),
    chance: number(envelope.chance),
    connections: connections(number(firstConnection), number(lastConnection)),
  });
  return {
    name,
    ...defined({
      channel: channel || undefined,
      direction: direction || undefined,
      only: kinds.length > 1 ? kinds : kinds[0],
      when: Object.keys(when).length > 0 ? when : undefined,
      with: Object.keys(settings).length > 0 ? settings : undefined,
    }),
  } as Declaration;
}

function number(text: string): number | undefined {
  return text.trim() === "" ? undefined : Number(text);
}

function amount(text: string, unit: string): Record<string, number> | undefined {
  const count = number(text);
  return count === undefined ? undefined : { [unit]: count };
}

/** The last alone is how many; the first alone is that one. */
function connections(first: number | undefined, last: number | undefined): number | number[] | undefined {
  if (first === undefined) return last;
  return [first, last ?? first];
}

function defined<Fields extends Record<string, unknown>>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<Fields>;
}

/** `drop on livekit, every 3, at tick:2`: what a declaration says beside the name, for a list. */
export function inShort(declaration: unknown): string {
  if (typeof declaration !== "object" || declaration === null) return "";
  const { name: _, with: settings, when, ...rest } = declaration as Record<string, unknown>;
  return [rest, settings, when]
    .flatMap((part) => Object.entries((part ?? {}) as Record<string, unknown>))
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(", ");
}

/** `{ packets: 3 }` as `3 packets`. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([unit, count]) => `${count} ${unit}`)
      .join(", ");
  }
  return String(value);
}

/** Which field of the form a refusal is about, as the server names it: `with.ratio`; `null` where it names none. */
export function refusedField(sentence: string): string | null {
  return /"((?:with|when)(?:\.\w+)+|channel|direction|only)" is /.exec(sentence)?.[1] ?? null;
}
