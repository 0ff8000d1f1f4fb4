/** What every scenario owes: a place, a reason, a mutant that it notices, a set that it is in. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { capabilityNames, contractVersion, type Dialect, dialects, type Hello } from "../client.ts";
import { unpaired } from "../mutants/run-mutants.ts";
import { type Call, type Line, type Recording, readRecording } from "../recording.ts";
import { requirementSets } from "../requirement-sets.ts";
import { areas } from "../scenario.ts";
import { scenarios } from "./index.ts";

const ids = scenarios.map(({ id }) => id as string);

test("each has an id of its own, in the area of its file, in the order of areas", () => {
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/);
  const inOrder = ids.map((id) => areas.indexOf(id.slice(0, id.indexOf("/")) as never));
  expect(inOrder).not.toContain(-1);
  expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
  expect(new Set(inOrder).size).toBe(areas.length);
});

test("each says in sentences what it does, what is owed and who says so", () => {
  for (const { id, does, owes, source } of scenarios) {
    expect(does, id).toMatch(/^(?:[A-Z"`]|[a-zA-Z]+\().*[.]$/s);
    expect(owes, id).toMatch(/^(?:[A-Z"`]|[a-zA-Z]+\().*[.]$/s);
    expect(source.where.length, id).toBeGreaterThan(5);
    if (source.kind === "documented") expect(source.where, id).toMatch(/https:\/\//);
    if (source.kind === "observed") expect(source.where, id).toMatch(/\d+\.\d+\.\d+|Python|Android/);
  }
});

test("each notices a mutant, and each mutant is noticed", () => {
  expect(unpaired()).toEqual([]);
});

test("each is in a requirement set, and no set has one that is not there", () => {
  const inSets = Object.values(requirementSets).flat();
  expect(ids.filter((id) => !inSets.includes(id))).toEqual([]);
  expect(inSets.filter((id) => !ids.includes(id))).toEqual([]);
});

const helloOf = (dialect: Dialect): Hello => ({
  event: "hello",
  contract: contractVersion,
  client: "nobody",
  dialect,
  capabilities: [...capabilityNames],
});

const connecting: Call = { actor: "client", verb: "connect", args: {}, step: 1, atMs: 1, ended: null };
const lineOf = (about: Partial<Line>): Line => ({
  seq: 1,
  atMs: 2,
  session: "s1",
  direction: "inside",
  kind: "open",
  fields: {},
  measured: false,
  step: 2,
  ...about,
});
const journal = [
  lineOf({ direction: "to-server" }),
  lineOf({ kind: "fault-fired", fields: { fault: "key-1" } }),
  lineOf({ direction: "to-server", kind: "prompt", fields: { prompt: "a red cape" } }),
  lineOf({ kind: "state", fields: { revision: 1, prompt: "a red cape", promptHash: 1, imageHash: 0 } }),
];

test.each<[name: string, about: Partial<Recording>]>([
  ["at once", {}],
  ["while it connects", { calls: [connecting] }],
  ["while it connects, the server having heard of it", { calls: [connecting], journal }],
  ["before it was called, the server having heard of it", { journal }],
])("no judge throws where the drive got stuck %s", (_name, about) => {
  for (const { id, judge } of scenarios) {
    for (const dialect of dialects) {
      const recording: Recording = {
        calls: [],
        events: [],
        journal: [],
        marks: [],
        hellos: { client: helloOf(dialect), viewer: helloOf(dialect) },
        stuck: "client's connect to end, within 8000 ms",
        ...about,
      };
      expect(() => judge(readRecording(recording)), `${id}, ${dialect}`).not.toThrow();
    }
  }
});

// Who adds to a set says so here. Who takes from one that was released breaks what "conforms to" meant.
test.each<[string, number, string]>([
  ["direct-0.0", 117, "3d14e6f11ab4"],
  ["livekit-0.1", 124, "2257da6150e2"],
  ["product-page", 19, "56d675473ac0"],
])("the set %s is frozen", (name, count, hash) => {
  const frozen = requirementSets[name]!;
  const text = frozen.toSorted().join("\n");
  expect([frozen.length, createHash("sha256").update(text).digest("hex").slice(0, 12)]).toEqual([
    count,
    hash,
  ]);
});

test("none names an SDK in what it does or asserts, sleeps, or is longer than a screen", () => {
  for (const file of readdirSync(import.meta.dirname).filter((name) => /^[a-z]+[.]ts$/.test(name))) {
    const text = readFileSync(`${import.meta.dirname}/${file}`, "utf8");
    expect(text, file).not.toMatch(/\bsetTimeout\b|\bsleep\b|\bexpect\(/);
    const longest = text.split(/^ {2}defineScenario\(/m).slice(1);
    for (const one of longest)
      expect(one.split("\n").length, `${file}: ${one.slice(0, 80)}`).toBeLessThan(75);
  }
});
