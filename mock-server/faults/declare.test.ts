import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleFaults } from "./_sample-faults.ts";
import { type DeclareAbout, declareFaults, FaultError } from "./declare.ts";
import type { Declaration } from "./fault.ts";
import { faults } from "./index.ts";

const about: DeclareAbout = { faults: sampleFaults, mode: "transcode" };
const declare = (given: unknown, more: Partial<DeclareAbout> = {}) =>
  declareFaults(given, { ...about, ...more });

function sentenceOf(given: unknown, more: Partial<DeclareAbout> = {}): string {
  try {
    declare(given, more);
  } catch (error) {
    expect(error).toBeInstanceOf(FaultError);
    return (error as FaultError).message;
  }
  throw new Error(`${JSON.stringify(given)} was taken.`);
}

test("a name alone is the fault with everything left out filled in", () => {
  const [declared, ...more] = declare("packet-loss");
  expect(more).toEqual([]);
  expect(declared).toEqual({
    id: "f1",
    declaration: { name: "packet-loss" },
    fault: sampleFaults[0],
    place: sampleFaults[0]!.places[0],
    direction: "to-client",
    only: null,
    at: null,
    after: null,
    for: { packets: 1000 },
    times: null,
    chance: null,
    connections: null,
    settings: { ratio: 0.1, burst: 1, pattern: "even", seen: [], note: null },
  });
});

test("the fault's and the place's own moment, duration and times hold until a declaration says otherwise", () => {
  expect(declare("late-ack")[0]).toMatchObject({ at: "ack-queued", times: 1, for: null });
  expect(declare({ name: "late-ack", when: { at: "tick:3", times: 2, for: { ms: 5 } } })[0]).toMatchObject({
    at: "tick:3",
    times: 2,
    for: { ms: 5 },
  });
});

test("a full declaration is taken as it is", () => {
  const declaration: Declaration = {
    name: "packet-loss",
    channel: "ice",
    direction: "both",
    only: ["srtp"],
    when: {
      at: "connected",
      after: { bytes: 9 },
      for: { ms: 1 },
      times: 4,
      chance: 0.5,
      connections: [2, 3],
    },
    with: { ratio: 1, pattern: "random" },
  };
  expect(declare(declaration)[0]).toMatchObject({
    declaration,
    place: { channel: "ice" },
    direction: "both",
    only: ["srtp"],
    at: "connected",
    after: { bytes: 9 },
    for: { ms: 1 },
    times: 4,
    chance: 0.5,
    connections: [2, 3],
    settings: { ratio: 1, burst: 1, pattern: "random" },
  });
});

test.each<[string, unknown, object]>([
  ["one kind is a list of one", { name: "reset", only: "upgrade" }, { only: ["upgrade"] }],
  [
    "so many connections are the first so many",
    { name: "reset", when: { connections: 3 } },
    { connections: [1, 3] },
  ],
  [
    "undefined is left out",
    { name: "reset", channel: undefined, when: undefined },
    { declaration: { name: "reset" } },
  ],
  ["a zero has no sign", { name: "late-ack", with: { byMs: -0 } }, { settings: { byMs: 0 } }],
  ["bytes may be very many", { name: "reset", when: { after: { bytes: 1e12 } } }, { after: { bytes: 1e12 } }],
  ["a place without directions spoils both", { name: "reset" }, { direction: "both" }],
])("%s", (_what, given, expected) => {
  expect(declare(given)[0]).toMatchObject(expected);
});

test("a list is numbered, by whoever counts", () => {
  expect(declare(["black", { name: "reset" }]).map(({ id }) => id)).toEqual(["f1", "f2"]);
  let count = 7;
  const nextId = () => `x${++count}`;
  expect(() => declare(["black", "blakc"], { nextId })).toThrow(FaultError);
  expect(declare(["black", "reset"], { nextId }).map(({ id }) => id)).toEqual(["x8", "x9"]);
  expect(declare([])).toEqual([]);
});

const loss = (more: object) => ({ name: "packet-loss", ...more });
const names = "packet-loss, black, late-ack, reset";

const refused: [given: unknown, sentence: string][] = [
  [3, 'The fault is 3. It takes a fault\'s name, or an object such as { "name": "packet-loss" }.'],
  [null, "The fault is null."],
  [["black", [1]], "Fault 2 is [1]."],
  [
    "paket-loss",
    `The fault: there is no fault "paket-loss". Did you mean "packet-loss"? There are ${names}.`,
  ],
  [["black", { name: "nope" }], `Fault 2: there is no fault "nope". There are ${names}.`],
  [{ name: 3 }, `The fault: there is no fault 3. There are ${names}.`],
  ["__proto__", 'there is no fault "__proto__".'],
  [{ name: "constructor" }, 'there is no fault "constructor".'],
  [{}, `The fault has no "name". There are ${names}.`],
  [{ nmae: "black" }, 'The fault has no "name", but "nmae".'],
  ["x".repeat(500), `there is no fault "${"x".repeat(59)}…. There are`],
  [
    loss({ wiht: {} }),
    'Fault packet-loss has no "wiht". Did you mean "with"? It has name, channel, direction, only, when, with; settings belong under "with": ratio, burst, pattern, seen, note.',
  ],
  [
    loss({ rato: 1 }),
    'has no "rato". Did you mean "ratio"? It has name, channel, direction, only, when, with; settings',
  ],
  [
    { name: "black", ms: 5 },
    'Fault black has no "ms". It has name, channel, direction, only, when, with; settings belong under "with", and it has none.',
  ],
  ["los", 'there is no fault "los". Did you mean "packet-loss"? There are'],
  ["LATE", 'there is no fault "LATE". Did you mean "late-ack"? There are'],
  ["ac", 'there is no fault "ac". There are'],
  [
    loss({ ratio: 1 }),
    'Fault packet-loss: "ratio" belongs under "with": { "name": "packet-loss", "with": { "ratio": … } }.',
  ],
  [loss({ after: { ms: 1 } }), '"after" belongs under "when"'],
  [JSON.parse('{"name":"black","__proto__":{"with":{}}}'), 'Fault black has no "__proto__".'],

  [
    loss({ channel: "control" }),
    'Fault packet-loss: "channel" is "control". packet-loss works on media, ice.',
  ],
  [
    loss({ channel: "meda" }),
    '"channel" is "meda". There is no such channel. Did you mean "media"? packet-loss works on media, ice.',
  ],
  [loss({ channel: null }), '"channel" is null. There is no such channel.'],
  [
    { name: "black", direction: "both" },
    'Fault black: "direction" is "both". On media, black takes to-client.',
  ],
  [
    loss({ direction: "to-cleint" }),
    'Did you mean "to-client"? On media, packet-loss takes to-client, to-server or both.',
  ],
  [
    { name: "reset", direction: 1 },
    '"direction" is 1. On control, reset takes to-client, to-server or both.',
  ],
  ...[[], "", [1], "x".repeat(65), Array.from({ length: 21 }, () => "video"), null, { a: 1 }].map(
    (only): [unknown, string] => [loss({ only }), "or a list of 1 to 20, each of 1 to 64 characters."],
  ),

  [loss({ with: 3 }), '"with" is 3. It takes an object of packet-loss\'s settings. It has ratio, burst,'],
  [
    [loss({ with: { rato: 0.3 } })],
    'Fault 1 (packet-loss) has no setting "rato". Did you mean "ratio"? It has ratio, burst, pattern, seen, note.',
  ],
  [{ name: "black", with: { colour: 1 } }, 'Fault black has no setting "colour". It has none.'],
  [loss({ with: { chance: 1 } }), 'has no setting "chance". That belongs under "when".'],
  [loss({ with: { only: "video" } }), 'That belongs beside "with".'],
  [
    { name: "black", only: ["picture", "video"] },
    'Fault black: "only" is ["picture","video"]. Here it spoils picture and nothing else.',
  ],
  [
    { name: "black", only: "pictrue" },
    'Fault black: "only" is "pictrue". Did you mean "picture"? Here it spoils picture and nothing else.',
  ],
  [
    { name: "reset", only: "prompt_akc" },
    'Fault reset: "only" is "prompt_akc". Did you mean "prompt_ack"? On control there are offer, answer,',
  ],
  [{ name: "reset", only: ["prompt", "Close"] }, 'Did you mean "close"?'],
  [
    { name: "reset", channel: "http", only: "tokns" },
    'Did you mean "tokens"? On http there are tokens, files, watch-stream.',
  ],
  [
    { name: "reset", channel: "http", only: "prompt_ack" },
    'Fault reset: "only" is "prompt_ack". On http there are tokens, files, watch-stream.',
  ],
  [
    "mock:reset",
    'The fault: there is no fault "mock:reset". "mock:" belongs into a key only; here a fault has its name alone.',
  ],
  [loss({ when: null }), 'Fault packet-loss: "when" is null. It takes an object of at, after,'],
  [JSON.parse('{"name":"black","with":{"__proto__":1}}'), 'has no setting "__proto__". It has none.'],
  [loss({ with: { ratio: 2 } }), 'Fault packet-loss: "with.ratio" is 2. It takes a number above 0, up to 1.'],
  [loss({ with: { ratio: Number.NaN } }), '"with.ratio" is NaN.'],
  [loss({ with: { ratio: "0.1" } }), '"with.ratio" is "0.1".'],
  [loss({ with: { burst: 1e300 } }), '"with.burst" is 1e+300. It takes a whole number from 1 to 100.'],
  [loss({ with: { pattern: "evne" } }), '"with.pattern" is "evne". It takes "even" or "random".'],
  [
    loss({ with: { seen: ["a", 3] } }),
    '"with.seen" is ["a",3]. It takes a list of up to 3 items, each a text of up to 8 characters.',
  ],
  [loss({ with: { seen: ["a", "a"] } }), '"with.seen" is ["a","a"]. Each stream is named once.'],
  [loss({ with: { note: 3 } }), "It takes a text of up to 20 characters or null."],
  [
    { name: "reset", with: { first: 9 } },
    'Fault reset: "with" is {"first":9}. The first comes before the last.',
  ],
  [
    { name: "late-ack", with: { fields: { a: [Number.NaN] } } },
    '"with.fields" is {"a":[null]}. It takes numbers that JSON has',
  ],

  [loss({ when: [] }), '"when" is []. It takes an object of at, after, for, times, chance, connections.'],
  [
    loss({ when: { chanse: 1 } }),
    'Fault packet-loss: "when" has no "chanse". Did you mean "chance"? It has at, after,',
  ],
  [
    loss({ when: { at: "first-fram" } }),
    '"when.at" is "first-fram". Did you mean "first-frame"? The moments are upgrade, open,',
  ],
  [loss({ when: { at: "tik:3" } }), 'Did you mean "tick"?'],
  [
    loss({ when: { at: "tick:0" } }),
    '"when.at" is "tick:0". What follows the colon is a whole number from 1: "tick:3".',
  ],
  [loss({ when: { at: "constructor" } }), '"when.at" is "constructor". The moments are'],
  [loss({ when: { at: 3 } }), '"when.at" is 3. The moments are'],
  [
    loss({ when: { after: 3 } }),
    '"when.after" is 3. It takes how much of what, such as { "packets": 3 }; on media, packets, frames, bytes or ms are counted.',
  ],
  [loss({ when: { after: {} } }), "It takes one unit"],
  [
    loss({ when: { for: { ms: 1, packets: 1 } } }),
    '"when.for" is {"ms":1,"packets":1}. It takes one unit, such as { "packets": 3 }',
  ],
  [loss({ when: { for: { messages: 1 } } }), "On media, packets, frames, bytes or ms are counted."],
  [loss({ channel: "ice", when: { for: { frames: 1 } } }), "On ice, packets, bytes or ms are counted."],
  [{ name: "reset", when: { for: { packets: 1 } } }, "On control, messages, bytes or ms are counted."],
  [{ name: "reset", channel: "http", when: { for: { bytes: 1 } } }, "On http, messages or ms are counted."],
  [loss({ when: { after: { packet: 1 } } }), 'Did you mean "packets"? On media,'],
  ...[0, -1, 1.5, 1e9 + 1, Number.NaN, Number.POSITIVE_INFINITY, "3", null].map(
    (packets): [unknown, string] => [
      loss({ when: { after: { packets } } }),
      `"when.after.packets" is ${typeof packets === "string" ? '"3"' : packets}. It takes a whole number from 1 to 1000000000.`,
    ],
  ),
  [{ name: "reset", when: { after: { bytes: 1e12 + 1 } } }, "from 1 to 1000000000000."],
  [loss({ when: { after: { ms: 86_400_001 } } }), "from 1 to 86400000."],
  ...[0, 1e6 + 1, 1.5, "1"].map((times): [unknown, string] => [
    loss({ when: { times } }),
    "It takes a whole number from 1 to 1000000.",
  ]),
  ...[0, -0, 1.01, Number.NaN, "1"].map((chance): [unknown, string] => [
    loss({ when: { chance } }),
    "It takes a number above 0, up to 1: 0.1 is one item in ten.",
  ]),
  [
    { name: "reset", channel: "http", when: { connections: 2 } },
    'Fault reset: "when.connections" is 2. On http there are requests, and no connections: "times" says how many.',
  ],
  [
    { name: "reset", channel: "http", when: { at: "connected" } },
    'Fault reset: "when.at" is "connected". On http there are requests, and no moments: "after" says how many pass first.',
  ],
  [
    loss({ only: "audio", when: { for: { frames: 1 } } }),
    '"when.for" is {"frames":1}. Of sound, packets, bytes or ms are counted.',
  ],
  [loss({ only: ["audio"], when: { after: { frames: 1 } } }), "Of sound, packets, bytes or ms are counted."],
  [loss({ when: { at: { password: "hush" } } }), '"when.at" is {"password":"[redacted]"}.'],
  [loss({ with: { note: ["dct_hush"] } }), '"with.note" is ["dct_[redacted]"].'],
  ...[0, [2, 1], [1], [1, 2, 3], [0, 1], 1.5, "1", null, {}].map((connections): [unknown, string] => [
    loss({ when: { connections } }),
    "It takes how many, counted from the first, or [first, last]",
  ]),
];

describe("refuses", () => {
  test.each(refused)("%j", (given, sentence) => {
    expect(sentenceOf(given)).toContain(sentence);
    // A whole one, on one line.
    expect(sentenceOf(given)).toMatch(/^[A-Z"][^\n]{20,600}\.$/);
  });
});

test.each(["a_message_of_tomorrow", "session_id", "ice-candidate", "malformed"])(
  "a message of the type %s may be named where there may be others",
  (only) => {
    expect(declare({ name: "reset", only })[0]).toMatchObject({ only: [only] });
  },
);

test.each<[Declaration["direction"], boolean]>([
  [undefined, false],
  ["to-client", false],
  ["to-server", true],
  ["both", true],
])("without pictures, what spoils media %s is taken: %s", (direction, isTaken) => {
  const given = { name: "delay", channel: "media", direction };
  const without = { faults, mode: "none" } as const;
  if (isTaken) expect(declare(given, without)).toHaveLength(1);
  else {
    expect(sentenceOf(given, without)).toBe(
      "Fault delay would spoil media on its way to the client, and this server, with --mode none, sends none: start it with --mode transcode or --mode relay.",
    );
  }
  expect(declare(given, { faults, mode: "relay" })).toHaveLength(1);
});

test.each<[string, DeclareAbout["mode"], string | null]>([
  ["black", "transcode", null],
  [
    "black",
    "relay",
    "Fault black changes pictures, and this server runs with --mode relay: start it with --mode transcode.",
  ],
  ["black", "none", "and this server runs with --mode none"],
  ["packet-loss", "relay", null],
  [
    "packet-loss",
    "none",
    "Fault packet-loss needs pictures, and this server runs with --mode none: start it with --mode transcode or --mode relay.",
  ],
  ["late-ack", "none", null],
])("%s where the mode is %s", (name, mode, sentence) => {
  if (sentence === null) expect(declare(name, { mode })).toHaveLength(1);
  else expect(sentenceOf(name, { mode })).toContain(sentence);
});

describe("stops at bounds", () => {
  const loop: Record<string, unknown> = { name: "late-ack" };
  loop.with = { fields: loop };
  const bomb = Array.from({ length: 12 }).reduce<unknown>((inside) => [inside, inside, inside], 1);
  const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`);
  const fields = (inside: unknown) => ({ name: "late-ack", with: { fields: { a: inside } } });

  test.each<[string, unknown, string]>([
    [
      "65 faults",
      Array.from({ length: 65 }, () => "black"),
      "65 faults are declared at once. It may be 64 at most.",
    ],
    ["a loop", loop, "nests deeper than 16 levels, or holds itself"],
    ["a YAML bomb", fields(bomb), "More than 5000 values are declared."],
    ["deep nesting", fields(deep), "nests deeper than 16 levels"],
    [
      "a list with a billion holes",
      fields(new Array(1e9)),
      "is a list of 1000000000. It may have 5000 at most.",
    ],
    [
      "a long text",
      fields("x".repeat(65_537)),
      '"with.fields.a" is a text of 65537 characters. It may have 65536.',
    ],
    [
      "a function",
      fields(() => 1),
      '"with.fields.a" is of the kind Function. A fault is declared in what JSON has',
    ],
    ["a date", fields(new Date(0)), "is of the kind Date."],
    ["bytes", fields(Buffer.from("abc")), "is of the kind Uint8Array."],
    ["a big integer", fields(1n), "is of the kind BigInt."],
    ["nothing in a list", fields([undefined]), '"with.fields.a.0" is missing.'],
    ["undefined", undefined, '"the declaration" is missing.'],
  ])("%s", (_what, given, sentence) => {
    expect(sentenceOf(given)).toContain(sentence);
  });

  test("64 faults are no more than there may be", () => {
    expect(declare(Array.from({ length: 64 }, () => "black"))).toHaveLength(64);
  });
});

test.each<[given: unknown, path: (string | number)[]]>([
  ["nope", []],
  [["black", "nope"], [1]],
  [
    ["black", { name: "nope" }],
    [1, "name"],
  ],
  [{ nmae: "black" }, ["nmae"]],
  [loss({ with: { rato: 1 } }), ["with", "rato"]],
  [[loss({ with: { seen: [1] } })], [0, "with", "seen"]],
  [loss({ when: { after: { ms: 0 } } }), ["when", "after", "ms"]],
  [loss({ wiht: 1 }), ["wiht"]],
  [{ name: "reset", with: { first: 9 } }, ["with"]],
])("%j is wrong at %j, and the error has that line", (given, path) => {
  const lineOf = (asked: readonly (string | number)[]) => {
    expect(asked).toEqual(path);
    return 7;
  };
  expect(() => declare(given, { lineOf })).toThrow(expect.objectContaining({ line: 7 }));
});

test("anything at all is taken or refused with a sentence", () => {
  const keys = [
    "name",
    "channel",
    "direction",
    "only",
    "when",
    "with",
    "at",
    "after",
    "for",
    "ms",
    "__proto__",
  ];
  const anything = fc.anything({ maxDepth: 2, maxKeys: 3, withBigInt: true, withNullPrototype: true });
  const key = fc.constantFrom(...keys);
  const value = fc.oneof(
    anything,
    fc.constantFrom("packet-loss", "media", "tick:3"),
    fc.dictionary(key, anything),
  );
  const declaration = fc.tuple(fc.dictionary(key, value), fc.constantFrom("packet-loss", "reset", undefined));
  const declarationLike = declaration.map(([fields, name]) => (name ? { ...fields, name } : fields));
  fc.assert(
    fc.property(fc.oneof(anything, declarationLike, fc.array(declarationLike, { maxLength: 3 })), (given) => {
      try {
        if (!Array.isArray(declare(given))) throw new Error("That is no list.");
      } catch (error) {
        if (!(error instanceof FaultError) || error.message.length > 1000) throw error;
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});
