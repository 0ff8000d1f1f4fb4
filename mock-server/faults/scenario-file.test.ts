import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { sampleFaults } from "./_sample-faults.ts";
import { type DeclareAbout, FaultError } from "./declare.ts";
import { declareScenario, parseScenarioText, readScenarioFile, type ScenarioFile } from "./scenario-file.ts";

/** Halves of surrogate pairs among them. fast-check's own "binary" takes seconds to set up. */
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const about: DeclareAbout = { faults: sampleFaults, mode: "transcode" };
const parse = (text: string) => parseScenarioText(text, "flaky.yaml", about);

function shape({ faults, scenarios }: ScenarioFile) {
  return {
    faults: faults.map(({ id, fault }) => [id, fault.name]),
    scenarios: [...scenarios].map(([name, scenario]) => [
      name,
      scenario.about,
      scenario.faults.map(({ id }) => id),
    ]),
  };
}

const whole = `# What a train's WLAN does.
faults:
  - name: packet-loss
    direction: both
    with:
      ratio: 0.02
  - reset
scenarios:
  tunnel:
    about: Nothing comes through, for a while.
    faults:
      - name: packet-loss
        when: { at: "tick:3", for: { ms: 4000 } }
        with: { ratio: 1 }
  late-and-lost:
    - late-ack
    - &lost { name: packet-loss }
    - *lost
`;

test("a file has faults for all and scenarios by name", () => {
  const file = parse(whole);
  expect(shape(file)).toEqual({
    faults: [
      ["f1", "packet-loss"],
      ["f2", "reset"],
    ],
    scenarios: [
      ["tunnel", "Nothing comes through, for a while.", ["tunnel-1"]],
      ["late-and-lost", null, ["late-and-lost-1", "late-and-lost-2", "late-and-lost-3"]],
    ],
  });
  expect(file.faults[0]).toMatchObject({ direction: "both", settings: { ratio: 0.02, burst: 1 } });
  expect(file.scenarios.get("tunnel")!.faults[0]).toMatchObject({ at: "tick:3", for: { ms: 4000 } });
});

test.each<[string, string]>([
  ["a list alone", "- reset\n- name: black\n"],
  ["JSON", '{"faults": ["reset", {"name": "black"}]}'],
  ["with a mark of its byte order, and Windows' lines", "\ufefffaults:\r\n  - reset\r\n  - black\r\n"],
])("%s is a file as well", (_what, text) => {
  expect(shape(parse(text)).faults.map(([, name]) => name)).toEqual(["reset", "black"]);
});

const refused: [text: string, message: string][] = [
  ["", "flaky.yaml:1: the file says nothing. It takes faults: and scenarios:, or a list of faults."],
  ["# Only this.\n", "flaky.yaml:1: the file says nothing."],
  ["3", "flaky.yaml:1: the file is 3."],
  ["faults:\n", 'flaky.yaml:1: "faults" is empty. List faults under it, or leave it out.'],
  [
    "faults: []\nscenarois: {}\n",
    'flaky.yaml:2: A scenario file has no "scenarois". Did you mean "scenarios"? It has faults, scenarios.',
  ],
  [
    "scenarios:\n  x: [reset]\n  black: [reset]\n",
    'flaky.yaml:3: "black" names a scenario, and there is a fault of this name, which no key could ask for any more. Call it otherwise: "my-black".',
  ],
  ["__proto__: {}\n", 'flaky.yaml:1: A scenario file has no "__proto__".'],
  ["<<: { faults: [] }\n", 'flaky.yaml:1: A scenario file has no "<<".'],

  // As declared.
  [
    whole.replace("ratio: 0.02", "rato: 0.02"),
    'flaky.yaml:6: Fault 1 (packet-loss) has no setting "rato". Did you mean "ratio"?',
  ],
  [
    whole.replace("- reset", "- rest"),
    'flaky.yaml:7: Fault 2: there is no fault "rest". Did you mean "reset"?',
  ],
  [
    whole.replace("tick:3", "tik:3"),
    'flaky.yaml:13: Fault 1 (packet-loss): "when.at" is "tik:3". Did you mean "tick"?',
  ],
  [
    whole.replace("{ name: packet-loss }", "{ name: loss }"),
    'flaky.yaml:17: Fault 2: there is no fault "loss".',
  ],
  [whole.replace("ratio: 1", "ratio: .nan"), 'flaky.yaml:14: Fault 1 (packet-loss): "with.ratio" is NaN.'],
  [
    "faults:\n  - name: late-ack\n    with:\n      byMs:\n        1.5\n",
    'flaky.yaml:4: Fault 1 (late-ack): "with.byMs" is 1.5.',
  ],
  [
    '{\n "faults": [\n  "reset",\n  {"name": "rest"}\n ]\n}',
    'flaky.yaml:4: Fault 2: there is no fault "rest".',
  ],

  // Scenarios.
  ["scenarios: 3", 'flaky.yaml:1: "scenarios" is 3. It takes names'],
  ["scenarios:\n  - reset\n", 'flaky.yaml:1: "scenarios" is ["reset"].'],
  [
    "scenarios:\n  Tunnel: []\n",
    'flaky.yaml:2: "Tunnel" names a scenario. A name has lower-case letters and digits',
  ],
  [`scenarios:\n  ${"x".repeat(65)}: []\n`, "64 at most"],
  ["scenarios:\n  __proto__: [reset]\n", 'flaky.yaml:2: "__proto__" names a scenario.'],
  [
    "scenarios:\n  a: []\n  b:\n",
    'flaky.yaml:3: Scenario b has no faults. Put a list of them under its "faults".',
  ],
  [
    "scenarios:\n  b:\n    fautls: []\n",
    'flaky.yaml:3: Scenario b has no "fautls". Did you mean "faults"? It has about, faults.',
  ],
  ["scenarios:\n  b:\n    about: x\n", "flaky.yaml:2: Scenario b has no faults."],
  [
    "scenarios:\n  b:\n    faults: []\n    about: 3\n",
    'flaky.yaml:4: Scenario b: "about" is 3. It takes a text of up to 500 characters.',
  ],
  [
    `scenarios:\n${Array.from({ length: 201 }, (_, n) => `  s${n}: []\n`).join("")}`,
    "flaky.yaml:1: The file has 201 scenarios. It may have 200.",
  ],
  [
    `scenarios:\n  b: { faults: [], about: ${"x".repeat(501)} }\n`,
    "It takes a text of up to 500 characters.",
  ],

  // YAML.
  [
    "faults:\n  - name: a: b\n",
    'flaky.yaml:2:11: "- name: a: b" is not YAML: it has ": " twice, or is indented otherwise than what it belongs to. Put the value in quotes,',
  ],
  ["faults:\n  - {\n", "flaky.yaml:3:1: what ends here is not YAML: a quote, a bracket, a comma or"],
  [
    "faults:\n\t- reset\n",
    'flaky.yaml:2:1: "- reset" is not YAML: it begins with a tab. Indent with spaces.',
  ],
  [
    "faults:\n  - reset\n - drop\n",
    'flaky.yaml:3:1: "- drop" is not YAML: it has ": " twice, or is indented otherwise',
  ],
  ['faults:\n  - "reset\n', "flaky.yaml:3:1: what ends here is not YAML: a quote, a bracket, a comma or"],
  [
    "faults: [reset\n",
    "is not YAML: a quote, a bracket, a comma or a colon is missing. Close what was opened.",
  ],
  [
    "faults:\n  - @reset\n",
    'flaky.yaml:2:5: "- @reset" is not YAML: no text begins with this character. Put',
  ],
  ['faults:\n  - "\\q"\n', "there is no such escape. Write two backslashes"],
  [
    "faults: }\n",
    'flaky.yaml:1:9: "faults: }" is not YAML: a quote, a colon, a bracket or a space is missing',
  ],
  [
    "---\nfaults: []\n---\nfaults: []\n",
    'flaky.yaml:3:1: "---" is not YAML: a second document begins here. Put everything into one',
  ],
  ["faults: !!binary aGk=\n", 'flaky.yaml:1:9: "faults: !!binary aGk=" is not YAML: tags mean nothing here.'],
  ["%YAML 3.0\n---\nfaults: []\n", "flaky.yaml:1:"],
  // Whatever version it says it is.
  ["%YAML 1.1\n---\n<<: { faults: [] }\n", 'flaky.yaml:3: A scenario file has no "<<".'],
  ["? [a]\n: b\n", 'flaky.yaml:1:3: "? [a]" is not YAML: a key is a text here. Write a name.'],
  ["faults: []\nfaults: [reset]\n", 'flaky.yaml:2:1: "faults" is here twice. Leave one of them out.'],
  ["faults: []\nscenarios:\n  a: []\n  a: []\n", 'flaky.yaml:4:3: "a" is here twice.'],
  ["faults:\n  - *lost\n", "flaky.yaml:2:5: there is no anchor &lost before this alias."],
];

test.each(refused)("%j is refused", (text, message) => {
  const read = () => parse(text);
  expect(read).toThrow(FaultError);
  expect(read).toThrow(message);
  expect(read).toThrow(/^flaky\.yaml:\d+:(\d+:)? [^\n]+\.$/);
  const line = Number(/:(\d+):/.exec(message)?.[1] ?? Number.NaN);
  if (line) expect(read).toThrow(expect.objectContaining({ line }));
});

describe("stops at bounds", () => {
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${[..."bcdefgh"]
    .map((name, index) => `${name}: &${name} [${`*${"abcdefg"[index]},`.repeat(9)}]\n`)
    .join("")}`;

  test.each<[string, string, string]>([
    ["a YAML bomb", bomb, "aliases make it far longer than it is. Write some out."],
    [
      "more than 200 aliases",
      `faults: [&a reset, ${"*a, ".repeat(201)}]`,
      "flaky.yaml:1:820: the file has more than 200 aliases, such as *a.",
    ],
    [
      "what holds itself",
      "faults: &a [*a]",
      "flaky.yaml:1: A declaration nests deeper than 16 levels, or holds itself.",
    ],
    [
      "what holds itself deeper",
      "faults: [&a { name: late-ack, with: { fields: *a } }]",
      "nests deeper than 16 levels",
    ],
    ["nested lists", `faults: ${"[".repeat(2000)}`, "the file nests too deep. Make it flat."],
    [
      "nested maps that end",
      `faults: ${"{a: ".repeat(200)}${"}".repeat(200)}`,
      "nests deeper than 16 levels",
    ],
    [
      "65 faults",
      `faults: [${"reset,".repeat(65)}]`,
      "flaky.yaml:1: 65 faults are declared at once. It may be 64 at most.",
    ],
    [
      "a long file",
      `# ${"x".repeat(262_143)}`,
      "flaky.yaml: the file has 262145 bytes. It may have 262144: split it.",
    ],
  ])("%s", (_what, text, message) => {
    const read = () => parse(text);
    expect(read).toThrow(FaultError);
    expect(read).toThrow(message);
  });
});

test("any text at all is taken or refused with file and line", () => {
  const words = [
    "faults",
    "scenarios",
    ":",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "&a",
    "*a",
    "reset",
    "name",
    "|",
    "!",
    "%",
    "?",
    "__proto__",
    "#",
  ];
  const text = fc.oneof(
    fc.string({ unit: anyUnit }),
    fc.json({ maxDepth: 3 }),
    fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof FaultError) || !/^flaky\.yaml:[1-9]/.test(error.message)) throw error;
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("a scenario from elsewhere is one of the same shape", () => {
  expect(declareScenario("a", { about: "Once.", faults: ["reset"] }, about)).toMatchObject({
    name: "a",
    about: "Once.",
    faults: [{ id: "a-1", fault: { name: "reset" } }],
  });
  expect(() => declareScenario("A", [], about)).toThrow('"A" names a scenario.');
  expect(() => declareScenario("black", ["reset"], about)).toThrow("there is a fault of this name");
  expect(() => declareScenario("a", ["rest"], about)).toThrow(/^Fault 1: there is no fault "rest"/);
});

describe("a file that is read", () => {
  const folder = mkdtempSync(join(tmpdir(), "scenario-file-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "flaky.yaml");

  test("is what its text is", () => {
    writeFileSync(path, whole);
    expect(shape(readScenarioFile(path, about))).toEqual(shape(parse(whole)));
  });

  test.each<[string, string | Buffer | null, string]>([
    ["that says something else", "faults: [rest]", ':1: Fault 1: there is no fault "rest".'],
    ["that is not UTF-8", Buffer.from([0x66, 0xff]), ": the file is not UTF-8. Save it as a text in UTF-8."],
    ["that is too long", "#".repeat(262_145), ": the file has 262145 bytes. It may have 262144: split it."],
    ["that is not there", null, ": there is no such file. Name a YAML or JSON file of faults and scenarios"],
  ])("%s is refused under its name", (_what, contents, message) => {
    rmSync(path, { force: true });
    if (contents !== null) writeFileSync(path, contents);
    const read = () => readScenarioFile(path, about);
    expect(read).toThrow(FaultError);
    expect(read).toThrow(`${path}${message}`);
  });

  test("that is far too long is not read", () => {
    writeFileSync(path, "");
    // More than a Buffer of a file may have; on disk it takes nothing.
    truncateSync(path, 5e9);
    expect(() => readScenarioFile(path, about)).toThrow(`${path}: the file has 5000000000 bytes.`);
    rmSync(path);
  });

  test("that is a folder is refused under its name", () => {
    const read = () => readScenarioFile(folder, about);
    expect(read).toThrow(`${folder}: that is a folder. Name a YAML or JSON file in it.`);
  });

  test("that is below a file is refused under its name", () => {
    writeFileSync(path, whole);
    const below = join(path, "below");
    expect(() => readScenarioFile(below, about)).toThrow(`${below}: the file cannot be read (ENOTDIR).`);
  });
});
