/** What every scenario owes: a place, a reason, a mutant that it notices, a set that it is in. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { unpaired } from "../mutants/run-mutants.ts";
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

test("none names an SDK in what it does or asserts, sleeps, or is longer than a screen", () => {
  for (const file of readdirSync(import.meta.dirname).filter((name) => /^[a-z]+[.]ts$/.test(name))) {
    const text = readFileSync(`${import.meta.dirname}/${file}`, "utf8");
    expect(text, file).not.toMatch(/\bsetTimeout\b|\bsleep\b|\bexpect\(/);
    const longest = text.split(/^ {2}defineScenario\(/m).slice(1);
    for (const one of longest)
      expect(one.split("\n").length, `${file}: ${one.slice(0, 80)}`).toBeLessThan(75);
  }
});
