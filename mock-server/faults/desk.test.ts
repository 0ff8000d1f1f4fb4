import { expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { createJournal } from "../journal.ts";
import { declareFaults, FaultError } from "./declare.ts";
import { createFaultDesk, noKeyFaults } from "./desk.ts";
import type { ControlItem } from "./fault.ts";
import { faults } from "./index.ts";
import type { Plan } from "./plan.ts";

function openDesk(fromFile: unknown = []) {
  const clock = manualClock();
  const journal = createJournal(clock);
  const firedNames: string[] = [];
  const desk = createFaultDesk({
    faults,
    mode: "none",
    clock,
    dice: createDice(1),
    journal,
    hasSession: (id) => id === "s1",
    fired: (name) => firedNames.push(name),
    scenarioFile: { faults: declareFaults(fromFile, { faults, mode: "none" }), scenarios: new Map() },
  });
  return { desk, journal, firedNames };
}

/** How many come out of it. */
function send(plan: Plan, type: string): number {
  let count = 0;
  const item: ControlItem = { direction: "to-client", kind: type, message: { type } };
  plan.pass("control", item, () => count++);
  return count;
}

test("a fault of the file and one that was added are two: healed and counted apart", () => {
  const { desk, firedNames } = openDesk([{ name: "drop", only: "a" }]);
  const plan = desk.open("s1", noKeyFaults);
  const [added] = desk.add({ name: "drop", only: "b" });
  expect(["a", "b", "c"].map((type) => send(plan, type))).toEqual([0, 0, 1]);
  expect(added!.fired).toBe(1);
  added!.heal();
  expect(["a", "b", "c"].map((type) => send(plan, type))).toEqual([0, 1, 1]);
  expect([added!.fired, firedNames]).toEqual([1, ["drop", "drop", "drop"]]);
  plan.end();
  expect(added!.fired).toBe(1);
});

test.each<[name: string, scenario: string, given: unknown, sentence: string]>([
  ["no scenario's name", "Lossy", { faults: ["drop"] }, '"Lossy" names a scenario.'],
  ["a misspelt key", "lossy", { faults: ["drop"], abuot: "x" }, 'Did you mean "about"?'],
  ["no faults", "lossy", {}, "Scenario lossy has no faults."],
])("a scenario is refused for %s", (_name, scenario, given, sentence) => {
  const { desk } = openDesk();
  const put = () => desk.putScenario(scenario, given);
  expect(put).toThrow(FaultError);
  expect(put).toThrow(sentence);
});

test("what the query asks for goes before the key, with its prefix or without", () => {
  const { desk } = openDesk();
  desk.putScenario("lossy", ["drop"]);
  const names = (key: string, mock: string | null) =>
    desk.read(key, mock).declared.map(({ fault }) => fault.name);
  expect(names("mock:lossy", null)).toEqual(["drop"]);
  expect(names("mock:lossy", "duplicate")).toEqual(["duplicate"]);
  expect(names("dct_local", "mock:lossy")).toEqual(["drop"]);
  expect(names("dct_local", null)).toEqual([]);
});
