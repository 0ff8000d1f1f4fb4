import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { traitsOf, versions } from "../../fixtures/browser/versions.ts";
import { faults } from "../faults/index.ts";
import { parseScenarioText } from "../faults/scenario-file.ts";
import { flow } from "./_sdk-code.ts";
import { driverCode, newestStretch, scenarioCode, sdkCode } from "./as-code.ts";
import type { Deed } from "./deeds.ts";

const about = {
  url: "http://127.0.0.1:8787",
  realtimeUrl: "ws://127.0.0.1:8787",
  needsToken: false,
  mockKeys: new Set(["mock:missing-ack", "mock:no-pong", "mock:my-scenario"]),
};

const connect = {
  kind: "connect",
  version: "0.1.20",
  model: "lucy-2.1",
  apiKey: "dct_local",
  codec: null,
  source: "synthetic",
  camera: { width: 1088, height: 624, fps: 30 },
} as const satisfies Deed;
const lostAck = { name: "missing-ack", when: { at: "ack-queued:2" } };
const slow = { name: "late-ack", with: { delayMs: 500 } };
const fault = (declaration: unknown, id: string, session: string | null = null): Deed => ({
  kind: "fault",
  declaration,
  session,
  id,
});
const sample = { name: "face-png", byteLength: 8000, path: "/_lucy/samples/face-png" };
const own = { name: "my cat.png", byteLength: 90 };

/** Every kind of deed at least once. */
const everything = (version: string): Deed[] => {
  const { model, codecs, has } = traitsOf(version);
  return [
    fault(lostAck, "f1"),
    { ...connect, version, model, codec: codecs.at(-1)! },
    { kind: "setPrompt", prompt: 'a "knight"\u2028in the rain', enhance: true },
    { kind: "setImage", image: sample },
    ...(has.set ? [{ kind: "set", prompt: "a cat", image: own, enhance: false } as const] : []),
    fault([slow, "no-pong"], "f2", "88a7b77570aa5902"),
    { kind: "heal", id: "f1" },
    { kind: "setImage", image: own, prompt: null },
    { kind: "setImage", image: null },
    { kind: "advance", ms: 20 },
    { kind: "end-session", session: "88a7b77570aa5902" },
    { kind: "disconnect" },
    { kind: "heal", id: null },
    { kind: "reset" },
  ];
};

describe("a scenario file", () => {
  const read = (text: string) => parseScenarioText(text, "done.yaml", { faults, mode: "transcode" });
  const declarations = (deeds: Deed[]) => {
    const file = read(scenarioCode(deeds, about).text);
    return {
      all: file.faults.map(({ declaration }) => declaration),
      one: file.scenarios.get("one-session")?.faults.map(({ declaration }) => declaration),
    };
  };

  test.each<[string, Deed[], unknown[], unknown[] | undefined]>([
    ["one for all", [fault(lostAck, "f1")], [lostAck], undefined],
    [
      "a list, and names alone",
      [fault([lostAck, "no-pong"], "f1")],
      [lostAck, { name: "no-pong" }],
      undefined,
    ],
    ["one for a session", [fault("no-pong", "f1", "88a7")], [], [{ name: "no-pong" }]],
    ["both", [fault(lostAck, "f1"), fault(slow, "f2", "88a7")], [lostAck], [slow]],
    [
      "none that is healed",
      [fault(lostAck, "f1"), fault(slow, "f2"), { kind: "heal", id: "f1" }],
      [slow],
      undefined,
    ],
    [
      "none from before a reset",
      [fault(lostAck, "f1"), { kind: "reset" }, fault(slow, "f1")],
      [slow],
      undefined,
    ],
    [
      "what was declared in an earlier connection",
      [connect, fault(lostAck, "f1"), { kind: "disconnect" }, connect],
      [lostAck],
      undefined,
    ],
  ])("has %s, as the server reads it", (_what, deeds, all, one) => {
    expect(declarations(deeds)).toEqual({ all, one });
  });

  it.each<[string, Deed[], RegExp]>([
    ["there was no fault", [connect], /^No fault that was declared here is in force/],
    ["all are healed", [fault(lostAck, "f1"), { kind: "heal", id: null }], /^No fault/],
    ["the key brings it", [{ ...connect, apiKey: "mock:no-pong" }], /^The key mock:no-pong brings/],
  ])("is a sentence where %s", (_why, deeds, sentence) => {
    const { text, notes } = scenarioCode(deeds, about);
    expect(text).toBe("");
    expect(notes.join(" ")).toMatch(sentence);
  });

  test("takes any value that JSON has, in YAML and in JavaScript", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const json = JSON.parse(JSON.stringify(value));
        // A key of this name sets a prototype in JavaScript, and no fault has it.
        fc.pre(!JSON.stringify(json).includes("__proto__"));
        expect(parse(`a: ${flow(json, "yaml")}`, { schema: "core" }).a).toEqual(json);
        expect(new Function(`return ${flow(json, "js")}`)()).toEqual(json);
      }),
      { seed: 8, numRuns: 300 },
    );
  });
});

describe("a key", () => {
  const deedsWith = (apiKey: string): Deed[] => [
    { ...connect, apiKey },
    { kind: "setPrompt", prompt: "a knight" },
  ];
  const json = (value: unknown) => `mock:${Buffer.from(JSON.stringify(value)).toString("base64url")}`;

  it.each([
    "dct_live_0123456789",
    "mock:dct_realSecret123",
    "mock:dct-real-secret",
    "mock:",
    json("dct_realSecret123"),
    json({ name: "missing-ack" }).slice(0, -1),
    json([{ name: "missing-ack" }, { secret: "dct_realSecret123" }]),
    json({ faults: [] }),
    json(null),
    json({ name: "missing-ack" }).replace(":", ":."),
  ])("that may be somebody's is nowhere: %s", (key) => {
    const deeds = deedsWith(key);
    for (const { text, notes } of [
      sdkCode(deeds, about),
      scenarioCode(deeds, about),
      driverCode(deeds, about),
    ]) {
      expect(text + notes.join()).not.toContain(key === "mock:" ? '"mock:' : key);
    }
    expect(sdkCode(deeds, about).text).toContain('apiKey: "your-key"');
    expect(sdkCode(deeds, about).notes.join()).toContain("put yours in place of your-key");
    expect(driverCode(deeds, about).text).toContain('"apiKey":"your-key"');
  });

  it("is nowhere before the server has told which it knows", () => {
    const { mockKeys: _, ...before } = about;
    expect(sdkCode(deedsWith("mock:missing-ack"), before).text).toContain('apiKey: "your-key"');
  });

  it.each([
    "dct_local",
    "mock:missing-ack",
    "mock:my-scenario",
    json("no-pong"),
    json({ name: "missing-ack", with: { note: "réservé ÿÿÿ>>>???" } }),
    json(["no-pong", { name: "missing-ack" }]),
    json({ faults: ["no-pong"] }),
  ])("that says nothing of anybody is written down: %s", (apiKey) => {
    const deeds = deedsWith(apiKey);
    expect(sdkCode(deeds, about).text).toContain(`apiKey: "${apiKey}"`);
    expect(driverCode(deeds, about).text).toContain(`"apiKey":"${apiKey}"`);
  });
});

test("what is written begins with the newest connect and what was in force by then", () => {
  const first: Deed = { kind: "setPrompt", prompt: "old" };
  const second: Deed = { kind: "setPrompt", prompt: "new" };
  const healed: Deed[] = [fault(slow, "f2"), { kind: "heal", id: "f2" }];
  expect(
    newestStretch([connect, first, fault(lostAck, "f1"), ...healed, { kind: "disconnect" }, connect, second]),
  ).toEqual([fault(lostAck, "f1"), connect, second]);
});

test("what was aimed at one session is not carried over to the next one, nor past the end of its own", () => {
  const aimed = fault(slow, "f2", "88a7b77570aa5902");
  expect(newestStretch([connect, fault(lostAck, "f1"), aimed, { kind: "disconnect" }, connect])).toEqual([
    fault(lostAck, "f1"),
    connect,
  ]);
  const deeds: Deed[] = [connect, aimed, { kind: "end-session", session: "88a7b77570aa5902" }];
  expect(scenarioCode(deeds, about).text).toBe("");
  expect(scenarioCode([connect, aimed, { kind: "end-session", session: "another" }], about).text).toContain(
    "late-ack",
  );
});

test("before anything was done, a sentence says so", () => {
  for (const { text, notes } of [sdkCode([], about), driverCode([], about)]) {
    expect(text).toBe("");
    expect(notes).toEqual([expect.stringContaining("Nothing has been done yet")]);
  }
});

describe("SDK code", () => {
  test("is TypeScript that the SDK of that version takes", () => {
    const folder = new URL("../../.cache/as-code/", import.meta.url);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { version } of versions) {
      for (const source of ["synthetic", "camera", "file"] as const) {
        const deeds = everything(version).map((deed) =>
          deed.kind === "connect" ? { ...deed, source } : deed,
        );
        const { text } = sdkCode(deeds, { ...about, needsToken: source === "file" });
        writeFileSync(
          new URL(`${version}-${source}.ts`, folder),
          text.replace('"@decartai/sdk"', `"decart-sdk-${version}"`),
        );
      }
    }
    writeFileSync(
      new URL("tsconfig.json", folder),
      JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"], exclude: [] }),
    );
    const tsc = new URL("../../node_modules/.bin/tsc", import.meta.url).pathname;
    const { status, stdout } = spawnSync(tsc, ["-p", "."], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  }, 120_000);

  test("heals by the id that the answer gave, and names an image once", () => {
    const { text } = sdkCode(everything("0.1.20"), about);
    expect(text).toContain('const [fault1] = await control("POST", "faults", { name: "missing-ack"');
    expect(text).toContain(`await control("DELETE", \`faults/\${fault1.id}\`);`);
    expect(text.match(/await fetch\("my cat\.png"\)/g)).toHaveLength(1);
    expect(text).toContain("await realtime.setImage(image2, { prompt: null });");
  });
});
