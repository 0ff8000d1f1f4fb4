/**
 * The steps of a random walk, as plain data that prints and shrinks: what a client may say, good and bad, what may go wrong on the way, and
 * how time passes. Does nothing, and knows no server.
 */
import fc from "fast-check";
import { z } from "zod";
import { invalidMessages, messageText, validMessages } from "../fixtures/signal-messages.ts";
import { unitsOf } from "./faults/catalogue.ts";
import { modesWith } from "./faults/declare.ts";
import type { Declaration, Fault, Place, When } from "./faults/fault.ts";
import { faults } from "./faults/index.ts";
import { momentNames } from "./faults/moments.ts";
import type { MediaMode } from "./media/pipeline.ts";

/** `who` counts the sockets that the walk has opened, modulo how many there are. */
export type Step =
  | {
      readonly does: "open";
      /** In its key; a name alone may be one that does not exist. */
      readonly faults: readonly Declaration[] | string | null;
      /** Watches this session instead of having one. */
      readonly watches: number | null;
      readonly dialect: "direct" | "livekit";
      /** How far it goes at once: every door that is left to chance is one more walk that ends before it. */
      readonly goes: "in" | "first-message" | "room" | "connected";
    }
  | { readonly does: "say"; readonly who: number; readonly text: string }
  | { readonly does: "say-bytes"; readonly who: number; readonly hex: string }
  | { readonly does: "say-huge"; readonly who: number; readonly megabytes: number }
  /** Opens the socket of its room, if it was told of one. */
  | {
      readonly does: "enter";
      readonly who: number;
      readonly path: "/rtc/v1" | "/rtc";
      /** As somebody who was there before. */
      readonly resumes: boolean;
    }
  | { readonly does: "signal"; readonly who: number; readonly request: SignalName }
  | { readonly does: "signal-bytes"; readonly who: number; readonly hex: string }
  /** As if media flowed. */
  | { readonly does: "connect" | "disconnect"; readonly who: number }
  /** Pictures and sounds as they would have come, without a connection that they come on. */
  | { readonly does: "film"; readonly who: number; readonly pictures: number; readonly sounds: number }
  | {
      readonly does: "declare";
      readonly faults: Declaration;
      readonly over: "process" | "http";
      /** For this one's session only. */
      readonly who: number | null;
    }
  | { readonly does: "heal"; readonly which: number }
  | { readonly does: "heal-all" }
  | { readonly does: "advance"; readonly ms: number }
  | { readonly does: "request"; readonly path: RequestName; readonly faults: readonly Declaration[] }
  | { readonly does: "end"; readonly who: number }
  | { readonly does: "close"; readonly who: number; readonly code: number }
  | { readonly does: "drop" | "stop-reading" | "read-on"; readonly who: number };

export const signalNames = ["addTrack", "mute", "pingReq", "leave", "offer", "trickle", "syncState"] as const;
export type SignalName = (typeof signalNames)[number];

export const requestNames = ["tokens", "files", "watch-stream", "sessions", "reset"] as const;
export type RequestName = (typeof requestNames)[number];

/** Any code unit, halves of pairs too. */
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const anyText = fc.string({ maxLength: 20, unit: anyUnit });
const who = fc.nat({ max: 3 });
const hex = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("hex"));

/** The largest have a step of their own: each walk would be full of them. */
const bad = invalidMessages.filter(({ kind }) => kind !== "limit").map(messageText);
const good = validMessages.map(messageText);
const prompt = (text: string) => JSON.stringify({ type: "prompt", prompt: text, enhance_prompt: true });
const said = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...good) },
  { weight: 4, arbitrary: fc.constantFrom(prompt("P"), prompt("Q"), '{"type":"livekit_join"}') },
  { weight: 3, arbitrary: fc.constantFrom(...bad) },
  { weight: 1, arbitrary: anyText },
  { weight: 1, arbitrary: anyText.map(prompt) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("prompt", "set_image", "offer", "livekit_join", "ice-candidate"),
        fc.jsonValue({ maxDepth: 2 }),
      )
      .map(([type, value]) =>
        JSON.stringify({ type, prompt: value, image_data: value, sdp: value, candidate: value }),
      ),
  },
);

/** Milliseconds: around the times that the server itself has, and none at all. */
const spanMs = fc.constantFrom(0, 1, 50, 99, 100, 250, 1000, 3000, 16_000, 31_000);

/** Seldom more than is taken: that takes 50 ms. */
const sizesMb = [...Array(19).fill(0.1), 17] as number[];

/** Kinds of items on several channels. */
const kinds = fc.constantFrom(
  "prompt",
  "set_image",
  "prompt_ack",
  "set_image_ack",
  "generation_started",
  "generation_tick",
  "livekit_room_info",
  "error",
  "close",
  "upgrade",
  "join",
  "update",
  "pongResp",
  "resume",
  "tokens",
);

const moment = fc
  .tuple(fc.constantFrom(...momentNames), fc.option(fc.integer({ min: 1, max: 3 })))
  .map(([name, n]) => (n === null ? name : `${name}:${n}`));

/** A value that this JSON Schema allows, numbers kept small: what takes a minute or a megabyte takes both from every walk. */
function settingOf(schema: z.core.JSONSchema.BaseSchema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return fc.oneof(...several.map((one) => settingOf(one as never)));
  const min = (schema.minimum as number | undefined) ?? -20_000;
  const max = Math.min((schema.maximum as number | undefined) ?? 20_000, Math.max(min, 20_000));
  switch (schema.type) {
    case "integer":
      return fc.oneof(fc.integer({ min, max }), fc.integer({ min, max: Math.min(max, Math.max(min, 5)) }));
    case "number":
      return fc.double({ min, max, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "string":
      return fc.string({ maxLength: 8, unit: anyUnit });
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

/** Seldom there: of many conditions, one would nearly always be unmet. */
function seldom<Value>(arbitrary: fc.Arbitrary<Value>, weight = 5): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

/** Without what is `undefined`, which would be printed as something else. */
function given<Fields extends object>(fields: fc.Arbitrary<Fields>): fc.Arbitrary<Fields> {
  return fields.map(
    (fields) =>
      Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields,
  );
}

function settingsOf({ settings }: Fault): fc.Arbitrary<Record<string, unknown>> {
  const { properties = {} } = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" });
  const values = Object.entries(properties).map(([name, schema]) => [name, settingOf(schema as never)]);
  return fc.record(Object.fromEntries(values), { requiredKeys: [] });
}

function whenOf({ name }: Fault, { channel }: Place): fc.Arbitrary<When> {
  const units = unitsOf(channel);
  const amount = fc
    .tuple(fc.constantFrom(...units), fc.integer({ min: 1, max: 4 }), spanMs)
    .map(([unit, count, ms]) => ({ [unit]: unit === "ms" ? ms + 1 : count }));
  const connections = fc.oneof(
    fc.integer({ min: 1, max: 3 }),
    fc.constant([2, 3] as readonly [number, number]),
  );
  return given(
    fc.record({
      at: seldom(moment, 3),
      after: seldom(amount),
      // A deaf server hears of no message more, and of no end of its client: only time heals that.
      for: name === "half-open" ? fc.constant(undefined) : seldom(amount),
      times: seldom(fc.integer({ min: 1, max: 3 })),
      chance: seldom(fc.constantFrom(0.1, 0.5, 1)),
      // Requests are none.
      connections: channel === "http" ? fc.constant(undefined) : seldom(connections, 20),
    }),
  );
}

/** Of any of these faults, anywhere, at any time. A few are refused: two of its parts may not go together. */
function declarationOf(taken: readonly Fault[]): fc.Arbitrary<Declaration> {
  const at = taken.flatMap((fault) => fault.places.map((place) => ({ fault, place })));
  return fc.constantFrom(...at).chain(({ fault, place }) => {
    const { directions = ["to-client", "to-server"] } = place;
    const kind = place.kinds ? fc.constantFrom(...place.kinds, ...(place.also ?? [])) : kinds;
    return given(
      fc.record({
        name: fc.constant(fault.name),
        channel: fc.constant(place.channel),
        direction: seldom(
          fc.constantFrom(...(directions.length > 1 ? [...directions, "both" as const] : directions)),
          2,
        ),
        only: seldom(fc.oneof(kind, fc.uniqueArray(kind, { minLength: 1, maxLength: 3 }))),
        when: seldom(whenOf(fault, place), 1),
        // Of settings at random, some do not go together.
        with: fc.oneof(fc.constant({}), settingsOf(fault)),
      }),
    );
  });
}

const film = fc.record({
  does: fc.constant("film" as const),
  who,
  pictures: fc.integer({ min: 0, max: 12 }),
  sounds: fc.integer({ min: 0, max: 12 }),
});

/** Walks on a server that does this with pictures. Begins with a socket: without one there is nobody to do most of it. */
export function walksIn(mode: MediaMode): fc.Arbitrary<readonly Step[]> {
  const taken = faults.filter(({ needs }) => needs === undefined || modesWith[needs].includes(mode));
  const ofPictures = taken.filter(
    ({ needs, places }) => needs !== undefined || places.some(({ channel }) => channel === "media"),
  );
  // Elsewhere the others are met often enough.
  const declaration =
    mode === "none" ? declarationOf(taken) : fc.oneof(declarationOf(taken), declarationOf(ofPictures));
  const some = fc.array(declaration, { minLength: 1, maxLength: 3 });

  const open = fc.record({
    does: fc.constant("open" as const),
    faults: fc.oneof(
      { weight: 6, arbitrary: some },
      { weight: 3, arbitrary: fc.constant(null) },
      fc.constantFrom("drop", "no-such"),
    ),
    watches: fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, who),
    dialect: fc.constantFrom("livekit" as const, "direct" as const),
    goes: fc.constantFrom("connected" as const, "room" as const, "first-message" as const, "in" as const),
  });

  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: open },
    { weight: 20, arbitrary: fc.record({ does: fc.constant("say" as const), who, text: said }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("say-bytes" as const), who, hex }) },
    {
      weight: 1,
      arbitrary: fc.record({
        does: fc.constant("say-huge" as const),
        who,
        megabytes: fc.constantFrom(...sizesMb),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant("enter" as const),
        who,
        path: fc.constantFrom("/rtc/v1" as const, "/rtc" as const),
        resumes: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        does: fc.constant("signal" as const),
        who,
        request: fc.constantFrom(...signalNames),
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("signal-bytes" as const), who, hex }) },
    { weight: 5, arbitrary: fc.record({ does: fc.constant("connect" as const), who }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("disconnect" as const), who }) },
    ...(mode === "none" ? [] : [{ weight: 8, arbitrary: film }]),
    {
      weight: 6,
      arbitrary: fc.record({
        does: fc.constant("declare" as const),
        faults: declaration,
        over: fc.constantFrom("process" as const, "process" as const, "http" as const),
        who: fc.option(who),
      }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("heal" as const), which: fc.nat({ max: 5 }) }) },
    { weight: 1, arbitrary: fc.constant({ does: "heal-all" as const }) },
    { weight: 10, arbitrary: fc.record({ does: fc.constant("advance" as const), ms: spanMs }) },
    {
      weight: 3,
      arbitrary: fc.record({
        does: fc.constant("request" as const),
        path: fc.constantFrom(...requestNames),
        faults: fc.array(declaration, { maxLength: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("end" as const), who }) },
    {
      weight: 1,
      arbitrary: fc.record({
        does: fc.constant("close" as const),
        who,
        code: fc.constantFrom(1000, 1001, 3000, 4999),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        does: fc.constantFrom("drop" as const, "stop-reading" as const, "read-on" as const),
        who,
      }),
    },
  );

  return fc
    .tuple(open, fc.array(step, { minLength: 1, maxLength: 20, size: "max" }))
    .map(([first, others]) => [first, ...others]);
}
