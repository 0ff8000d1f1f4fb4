import fc from "fast-check";
import { expect, test } from "vitest";
import { QUERY } from "../../protocol/index.ts";
import { sampleFaults } from "./_sample-faults.ts";
import { declareFaults, FaultError } from "./declare.ts";
import type { Declaration, Declared } from "./fault.ts";
import {
  type MockKeyAbout,
  mockKeyPrefix,
  mockOf,
  readMockKey,
  readMockQuery,
  writeMockKey,
} from "./mock-key.ts";
import { parseScenarioText } from "./scenario-file.ts";

/** Halves of surrogate pairs among them. fast-check's own "binary" takes seconds to set up. */
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const { scenarios } = parseScenarioText(
  "scenarios: { lost-answer: [late-ack, reset], x7: [] }",
  "test.yaml",
  { faults: sampleFaults, mode: "transcode" },
);
const about: MockKeyAbout = { faults: sampleFaults, mode: "transcode", scenarios };

const encoded = (text: string | Buffer) => `mock:${Buffer.from(text).toString("base64url")}`;
const meant = (key: string) => readMockKey(key, about)?.map(({ id, fault }) => [id, fault.name]);

test.each([
  "",
  "dct_local",
  "ek_mock:reset",
  "mocker",
  "mocks",
  "moc-dct",
  "rock:reset",
  "mack-4-u",
  "resets",
])("%j is no mock key", (key) => {
  expect(readMockKey(key, about)).toBeNull();
});

test.each<[key: string, names: string[]]>([
  ["mock:lost-answer", ["late-ack", "reset"]],
  ["mock:packet-loss", ["packet-loss"]],
  ["mock:black", ["black"]],
  ["mock:x7", []],
  [encoded('{"name":"late-ack"}'), ["late-ack"]],
  [encoded('["late-ack",{"name":"reset"}]'), ["late-ack", "reset"]],
  [encoded('{"faults":["late-ack"]}'), ["late-ack"]],
  [encoded('"black"'), ["black"]],
  [encoded("[]"), []],
])("%s means %j", (key, names) => {
  expect(meant(key)).toEqual(names.map((name, index) => [`key-${index + 1}`, name]));
});

test.each(["lost-answer", "mock:lost-answer"])("in the query, %s means what it does in a key", (value) => {
  expect(readMockQuery(value, about)).toEqual(readMockKey("mock:lost-answer", about));
});

test.each(["mocks", "moc", "mok", "Mock", "MOCK", "mcok"])(
  "?%s= is refused, as it brings nothing",
  (name) => {
    const query = new URLSearchParams({ model: "lucy_2_rt", [name]: "reset" });
    expect(() => mockOf(query)).toThrow(FaultError);
    expect(() => mockOf(query)).toThrow(
      `The query has "${name}", which brings no faults. Did you mean "mock", in small letters?`,
    );
  },
);

test("what else a query may have is nobody's business", () => {
  const names = ["mode", "mocker", "lock", "m", ...Object.values(QUERY)];
  const query = new URLSearchParams(names.map((name) => [name, "reset"]));
  expect(mockOf(query)).toBeNull();
  query.set("mock", "reset");
  expect(mockOf(query)).toBe("reset");
});

test.each<[key: string, sentence: string]>([
  [
    "mock:",
    'The key "mock:" says nothing. It takes "mock:" and a scenario\'s name, a fault\'s name, or what writeMockKey() makes',
  ],
  [
    "mock:lost-anwser",
    'The key "mock:lost-anwser" names no scenario and no fault. Did you mean "lost-answer"? There are the scenarios lost-answer, x7, and the faults packet-loss, black, late-ack, reset.',
  ],
  ["mock:paket-loss", 'Did you mean "packet-loss"?'],
  ["mock:Packet-Loss", 'Did you mean "packet-loss"?'],
  ["mock:los", 'Did you mean "lost-answer" or "packet-loss"?'],
  ["mock:packet loss", 'Did you mean "packet-loss"?'],
  // What is nearly a mock key would be an ordinary one, and its fault never fire.
  ...[
    ...["Mock:reset", " mock:reset", "\tMOCK:reset", "'mock:reset", "mock-reset", "mock_reset", "mock reset"],
    ...["mock%3Areset", "moc:reset", "mocks:reset", "mcok:reset", "Mok:reset", "moc-reset", "mocks_reset"],
    ...["reset", " Reset", "RESET"],
  ].map((key): [string, string] => [key, 'Did you mean "mock:reset"?']),
  [
    "late_ack",
    'The key "late_ack" is the name of a fault, and does not bring it. Did you mean "mock:late-ack"? A key',
  ],
  ["lost-answer", 'The key "lost-answer" is the name of a scenario'],
  ["moc:nothing-we-know", 'The key "moc:nothing-we-k…" is nearly one'],
  [
    "MOCK:",
    'The key "MOCK:" is nearly one that brings faults, and brings none. Such a key begins with "mock:", in',
  ],
  ["mock", 'The key "mock" is nearly one'],
  ["mock-dct.9f8e7d6c5b4a3", 'The key "mock-dct.9f8e7d6c…" is nearly one'],
  [
    'mock:{"name":"reset"}',
    'The key "mock:{\\"name\\":\\"res…" is JSON as it is: in a key it stands in base64url.',
  ],
  ["mock:[]", "is JSON as it is"],
  [
    "mock:reset,black",
    'The key "mock:reset,black" is a list: several faults take a scenario\'s name, or a list',
  ],
  ["mock:reset, black", "is a list"],
  ["mock:mock:reset", 'The key "mock:mock:reset" has "mock:" twice: once will do.'],
  ["mock:Mock:reset", 'has "mock:" twice'],
  ["mock:sk-live-9f8e7d6c5b4a", 'The key "mock:sk-live-9f8e…" names no scenario'],
  ["mock:sk.live.9f8e7d6c5b4a", 'The key "mock:sk.live.9f8e…" names no scenario'],
  ["mock:SKlive9f8e7d6c5b4a", 'The key "mock:SKlive9f8e7d…" names no scenario'],
  ["mock:sk+live+9f8e7d6c5b4a", 'The key "mock:sk+live+9f8e…" has a "+"'],
  ["mock:__proto__", "names no scenario"],
  ["mock:constructor", "names no scenario"],
  [
    "mock:eyJ+",
    'has a "+" that does not survive in a URL: base64url has - and _ in place of + and /, and no = at its end.',
  ],
  ["mock:IngiCg==", 'has a "=" that does not survive'],
  [encoded('{"name":'), 'is base64url of a text that is not JSON: "{\\"name\\":".'],
  [encoded('{"name":"x'.padEnd(900, "x")), "is base64url of a text that is not JSON"],
  ["mock:_____w", "names no scenario"],
  [encoded('{"name":"rest"}'), 'The fault: there is no fault "rest". Did you mean "reset"?'],
  [encoded('{"faults":["reset","rest"]}'), "Fault 2: there is no fault"],
  [encoded('{"faults":["reset"],"name":"reset"}'), 'Fault reset has no "faults".'],
  [
    encoded('{"name":"late-ack","with":{"__proto__":{"byMs":1}}}'),
    'Fault late-ack has no setting "__proto__".',
  ],
  [encoded('{"__proto__":{"name":"reset"}}'), 'The fault has no "name".'],
  [encoded(Buffer.from('["reset","\xff"]', "latin1")), "names no scenario"],
  [encoded("[".repeat(1500)), "not JSON"],
  [encoded(`${"[".repeat(700)}${"]".repeat(700)}`), "nests deeper than 16 levels"],
  [
    encoded('{"name":"late-ack","with":{"byMs":1e999}}'),
    '"with.byMs" is Infinity. It takes a whole number from 0 to 60000.',
  ],
  [encoded(JSON.stringify("x".repeat(1600))), 'has 2136 characters after "mock:", and may have 2048.'],
])("%s is refused", (key, sentence) => {
  let message = "";
  try {
    readMockKey(key, about);
  } catch (error) {
    expect(error).toBeInstanceOf(FaultError);
    ({ message } = error as FaultError);
  }
  expect(message).toContain(sentence);
  expect(message.length).toBeLessThan(500);
  // Of a long key, no more than an excerpt.
  if (key.length > 90) expect(message).not.toContain(key.slice(0, 90));
});

test("a name alone makes a key that a person can read", () => {
  expect(writeMockKey("lost-answer")).toBe("mock:lost-answer");
  expect(writeMockKey({ name: "reset" })).toBe("mock:eyJuYW1lIjoicmVzZXQifQ");
});

test("where there are no scenarios, a sentence says so", () => {
  expect(() => readMockKey("mock:nope", { ...about, scenarios: new Map() })).toThrow(
    'The key "mock:nope" names no scenario and no fault. There are no scenarios, and the faults packet-loss,',
  );
});

test.each<[what: string, given: unknown, sentence: string]>([
  ["nothing", undefined, '"the declaration" is missing.'],
  ["a pattern", { name: "reset", only: /x/ }, '"only" is of the kind RegExp.'],
  ["a big integer", { name: "reset", with: { first: 1n } }, '"with.first" is of the kind BigInt.'],
  ["no number", { name: "reset", with: { first: Number.NaN } }, "is NaN or infinite."],
])("no key is made of %s", (_what, given, sentence) => {
  const write = () => writeMockKey(given as Declaration);
  expect(write).toThrow(FaultError);
  expect(write).toThrow(sentence);
});

test("a key holds 2048 characters and no more", () => {
  const declare = (length: number) => ({ name: "late-ack", with: { fields: { a: "x".repeat(length) } } });
  const overhead = JSON.stringify(declare(0)).length;
  const key = writeMockKey(declare(1536 - overhead));
  expect(key).toHaveLength(mockKeyPrefix.length + 2048);
  expect(readMockKey(key, about)).toHaveLength(1);
  const write = () => writeMockKey(declare(1537 - overhead));
  expect(write).toThrow(FaultError);
  expect(write).toThrow(
    'These faults make a key of 2050 characters. It may have 2048 after "mock:": put them into a scenario file',
  );
});

test("whatever is declared comes through a key, and a URL that nobody escaped", () => {
  const amount = fc.oneof(
    fc.record({ packets: fc.integer({ min: 1, max: 1e9 }) }),
    fc.record({ ms: fc.integer({ min: 1, max: 86_400_000 }) }),
  );
  const optional = { requiredKeys: [] as [] };
  const when = fc.record(
    {
      at: fc.constantFrom("connected", "tick:3", "first-frame-of-revision:2"),
      after: amount,
      for: amount,
      times: fc.integer({ min: 1, max: 1e6 }),
      chance: fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }),
      connections: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant<[number, number]>([2, 5])),
    },
    optional,
  );
  const kind = fc.constantFrom("video", "audio");
  const declaration = fc.record(
    {
      name: fc.constant("packet-loss"),
      channel: fc.constant("media" as const),
      direction: fc.constantFrom("to-server" as const, "both" as const),
      only: fc.oneof(kind, fc.array(kind, { minLength: 1, maxLength: 3 })),
      when,
      with: fc.record(
        {
          ratio: fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }),
          burst: fc.integer({ min: 1, max: 100 }),
          note: fc.oneof(fc.string({ maxLength: 20, unit: anyUnit }), fc.constant(null)),
        },
        optional,
      ),
    },
    { requiredKeys: ["name"] },
  );
  const own = ({ id: _id, fault: _fault, place, ...rest }: Declared) => ({ ...rest, on: place.channel });
  fc.assert(
    fc.property(fc.array(declaration, { maxLength: 2 }), (declarations) => {
      const key = writeMockKey(declarations as Declaration[]);
      expect(new URL(`ws://127.0.0.1/v1/stream?api_key=${key}&model=x`).searchParams.get("api_key")).toBe(
        key,
      );
      expect(readMockKey(key, about)!.map(own)).toEqual(declareFaults(declarations, about).map(own));
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("any text after the prefix, and any JSON, is taken or refused with a sentence", () => {
  const text = fc.oneof(
    fc.string({ unit: anyUnit }),
    fc.base64String(),
    fc.json({ maxDepth: 3 }).map((json) => encoded(json).slice(mockKeyPrefix.length)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        if (!Array.isArray(readMockQuery(text, about))) throw new Error("That is no list.");
      } catch (error) {
        if (!(error instanceof FaultError) || error.message.length > 1000) throw error;
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});
