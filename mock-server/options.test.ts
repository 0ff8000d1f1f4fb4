import { describe, expect, test } from "vitest";
import {
  defaultOptions,
  type MockServerOptions,
  type OptionName,
  optionTable,
  readOptions,
  sessionsMax,
} from "./options.ts";

type Row = {
  name: OptionName;
  good: unknown[];
  bad: [value: unknown, sentence: string][];
  /** What it is no good without. */
  along?: Partial<MockServerOptions>;
};

const credentials = { livekitKey: "devkey", livekitSecret: "secret" };

const rows: Row[] = [
  {
    name: "host",
    good: ["127.0.0.1", "0.0.0.0", "::", "localhost"],
    bad: [
      ["", "It takes an address or name of this machine"],
      ["two words", "It takes an address or name of this machine"],
      [null, 'Option "host" takes no null'],
    ],
  },
  {
    name: "port",
    good: [0, 1, 65_535],
    bad: [
      [-1, 'Option "port" is -1. It takes a whole number from 0 to 65535.'],
      [65_536, "from 0 to 65535"],
      [1.5, "whole number"],
      [Number.NaN, 'Option "port" is NaN.'],
      ["", 'Option "port" is "".'],
      ["eighty", 'Option "port" is "eighty".'],
      [true, 'Option "port" takes no true'],
      [null, 'Option "port" takes no null'],
    ],
  },
  {
    name: "tls",
    good: [true, false],
    bad: [
      ["yes", 'Option "tls" is "yes". It takes true or false.'],
      [1, "It takes true or false."],
      [null, 'Option "tls" takes no null'],
    ],
  },
  {
    name: "seed",
    good: [0, 1, 2 ** 32 - 1],
    bad: [
      [-1, "from 0 to 4294967295"],
      [2 ** 32, "from 0 to 4294967295"],
    ],
  },
  { name: "clock", good: ["real", "manual"], bad: [["fast", "It takes real or manual."]] },
  {
    name: "scenario",
    good: [null, "faults.yaml"],
    bad: [
      ["", "It takes the path of a YAML file."],
      ["x".repeat(4097), "It takes the path of a YAML file."],
    ],
  },
  {
    name: "mode",
    good: ["transcode", "relay", "none"],
    bad: [["fast", 'Option "mode" is "fast". It takes transcode, relay or none.']],
  },
  {
    name: "latencyMs",
    good: [0, 285, 10_000],
    bad: [
      [-1, "from 0 to 10000"],
      [10_001, "from 0 to 10000"],
    ],
  },
  {
    name: "strips",
    good: [true, false],
    bad: [["false", 'Option "strips" is "false". It takes true or false.']],
  },
  {
    name: "frameLines",
    good: [true, false],
    bad: [["yes", 'Option "frameLines" is "yes". It takes true or false.']],
  },
  { name: "size", good: ["input", "model"], bad: [["big", "It takes input or model."]] },
  { name: "ackWhen", good: ["accepted", "applied"], bad: [["later", "It takes accepted or applied."]] },
  { name: "promptOnlySet", good: ["keep", "clear"], bad: [["maybe", "It takes keep or clear."]] },
  {
    name: "sessionsMax",
    good: [null, 0, 10_000],
    bad: [
      [-1, "from 0 to 10000"],
      [10_001, "from 0 to 10000"],
      [true, 'Option "sessionsMax" takes no true'],
    ],
  },
  { name: "keys", good: ["any", "minted", "off"], bad: [["none", "It takes any, minted or off."]] },
  { name: "unknownModels", good: ["refuse", "accept"], bad: [["ask", "It takes refuse or accept."]] },
  { name: "imageOnTextModel", good: ["refuse", "accept"], bad: [["ask", "It takes refuse or accept."]] },
  {
    name: "udpPorts",
    good: [null, "1-65535", "50000-50100"],
    bad: [
      ["50000", "two ports from 1 to 65535, the first below the last"],
      ["50100-50000", "the first below the last"],
      ["0-10", "two ports"],
      ["1-65536", "two ports"],
      ["a-b", "two ports"],
    ],
  },
  {
    name: "queue",
    good: [0, 3, 1000],
    bad: [
      [-1, "from 0 to 1000"],
      [1001, "from 0 to 1000"],
      [0.5, "whole number"],
      [null, 'Option "queue" takes no null'],
    ],
  },
  {
    name: "queueStepMs",
    good: [1, 17_000, 600_000],
    bad: [
      [0, "from 1 to 600000"],
      [600_001, "from 1 to 600000"],
      ["", 'Option "queueStepMs" is "".'],
    ],
  },
  {
    name: "livekitUrl",
    along: credentials,
    good: [null, "ws://127.0.0.1:7880", "wss://livekit.example"],
    bad: [
      ["", 'Option "livekitUrl" is "". It takes the address of a LiveKit server'],
      ["127.0.0.1:7880", "ws://127.0.0.1:7880 or wss://…"],
      ["http://127.0.0.1:7880", "ws://127.0.0.1:7880 or wss://…"],
      [true, 'Option "livekitUrl" takes no true'],
    ],
  },
  {
    name: "livekitKey",
    good: [null, "devkey", "x".repeat(256)],
    bad: [
      ["", "1 to 256 characters without spaces"],
      ["two words", "1 to 256 characters without spaces"],
      ["x".repeat(257), "1 to 256 characters without spaces"],
    ],
  },
  {
    name: "livekitSecret",
    good: [null, "secret", "x".repeat(256)],
    bad: [
      ["", "1 to 256 characters without spaces"],
      ["two words", "1 to 256 characters without spaces"],
      ["x".repeat(257), "1 to 256 characters without spaces"],
    ],
  },
];

test.each<Partial<MockServerOptions>>([{}, { livekitKey: "devkey" }, { livekitSecret: "secret" }])(
  "a deployment's address with %o is not enough to join there",
  (given) => {
    const read = () => readOptions({ ...given, livekitUrl: "ws://127.0.0.1:7880" });
    expect(read).toThrow(RangeError);
    expect(read).toThrow("Add --livekit-key and --livekit-secret");
  },
);

test.each(["ws://127.0.0.1:7880/", "ws://127.0.0.1:7880//"])("%s is an address without its slash", (text) => {
  expect(readOptions({ ...credentials, livekitUrl: text }).livekitUrl).toBe("ws://127.0.0.1:7880");
});

test("the rows here are the options there are", () => {
  expect(rows.map(({ name }) => name)).toEqual(optionTable.map(({ name }) => name));
});

describe.each(rows)("$name", ({ name, good, bad, along = {} }) => {
  test.each(good.map((value) => [value]))("takes %o", (value) => {
    expect(readOptions({ ...along, [name]: value })[name]).toBe(value);
  });

  test.each(bad)("refuses %o", (value, sentence) => {
    const read = () => readOptions({ [name]: value } as Partial<MockServerOptions>);
    expect(read).toThrow(RangeError);
    expect(read).toThrow(sentence);
    expect(read).toThrow(name);
  });

  test("is its default when it is not given, or undefined", () => {
    const { default: value, about } = optionTable.find((row) => row.name === name)!;
    expect(readOptions({})[name]).toBe(value);
    expect(readOptions({ [name]: undefined } as never)[name]).toBe(value);
    expect(about).toMatch(/^[A-Z`][^\n]*\.$/);
  });
});

test("an option that is none is refused, with those there are", () => {
  const read = () => readOptions({ ports: 1 } as never);
  expect(read).toThrow('startMockServer() has no option "ports". It has host, port,');
});

test.each<Partial<MockServerOptions>>([{}, { livekitKey: "a-key" }, { livekitSecret: "a-secret" }])(
  "a LiveKit deployment with only %o is refused",
  (given) => {
    const read = () => readOptions({ livekitUrl: "ws://127.0.0.1:7880", ...given });
    expect(read).toThrow(RangeError);
    expect(read).toThrow("Add --livekit-key and --livekit-secret");
  },
);

test("defaults are made anew for each caller", () => {
  const first = defaultOptions();
  first.port = 1;
  expect(defaultOptions().port).toBe(8787);
});

test.each<[Partial<MockServerOptions>, number]>([
  [{}, 4],
  [{ mode: "relay" }, 16],
  [{ mode: "none" }, 1000],
  [{ mode: "none", sessionsMax: 3 }, 3],
  [{ sessionsMax: 0 }, 0],
])("%o holds %i sessions", (given, count) => {
  expect(sessionsMax(readOptions(given))).toBe(count);
});
