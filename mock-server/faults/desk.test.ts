import { describe, expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { createJournal } from "../journal.ts";
import { declareFaults, FaultError } from "./declare.ts";
import { createFaultDesk, type FaultDesk, type KeyFaults, noKeyFaults } from "./desk.ts";
import type { ControlItem, Declaration } from "./fault.ts";
import { faults } from "./index.ts";
import { writeMockKey } from "./mock-key.ts";
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
    hasSession: () => true,
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

test("those of the file are listed and healed as well, and are back once keys are forgotten", () => {
  const { desk } = openDesk([{ name: "drop", only: "a" }, "drop"]);
  desk.add("drop");
  expect(desk.list.map(({ id }) => id)).toEqual(["file-1", "file-2", "f1"]);
  const plan = desk.open("s1", noKeyFaults);
  expect(send(plan, "a")).toBe(0);
  desk.healAll();
  expect(desk.list.map(({ fired, healed }) => [fired, healed])).toEqual([
    [1, true],
    [0, true],
    [0, true],
  ]);
  expect([send(plan, "a"), send(desk.open("s2", noKeyFaults), "a")]).toEqual([1, 1]);
  desk.forgetKeys();
  expect(desk.list.map(({ healed }) => healed)).toEqual([false, false, true]);
  expect([send(plan, "a"), send(desk.open("s3", noKeyFaults), "a")]).toEqual([1, 0]);
});

test("what was added for sessions that have ended takes no place", () => {
  const { desk } = openDesk();
  for (let n = 0; n < 600; n++) {
    const plan = desk.open(`s${n}`, noKeyFaults);
    const viewer = desk.open(`s${n}`, noKeyFaults, { watches: `s${n}` });
    const [added] = desk.add("drop", { session: `s${n}` });
    viewer.end();
    expect(added!.healed).toBe(false);
    plan.end();
    expect(added!.healed).toBe(true);
  }
  expect(desk.list.length).toBeLessThanOrEqual(512);
});

test("an added fault counts over all connections, those that are over and requests too", () => {
  const { desk } = openDesk();
  const [added] = desk.add({ name: "drop", when: { times: 2 } });
  for (const id of ["s1", "s2", "s3"]) {
    const plan = desk.open(id, noKeyFaults);
    for (let n = 0; n < 3; n++) send(plan, "a");
    if (id !== "s3") plan.end();
  }
  send(desk.forRequests(noKeyFaults), "a");
  expect(added!.fired).toBe(7);
});

describe("who watches is counted as no connection, and meets what the session meets", () => {
  const second: Declaration = { name: "drop", when: { connections: [2, 2] } };

  test.each<[name: string, of: (desk: FaultDesk) => KeyFaults]>([
    ["by its key", (desk) => desk.read(writeMockKey(second), null)],
    [
      "since it was declared",
      (desk) => {
        desk.add(second);
        return noKeyFaults;
      },
    ],
  ])("%s", (_name, keyOf) => {
    const { desk } = openDesk();
    const of = keyOf(desk);
    const meets = (id: string, watches?: string) => send(desk.open(id, of, { watches }), "a") === 0;
    expect([meets("p1"), meets("v1", "p1"), meets("p2"), meets("v2", "p2"), meets("v3", "p1")]).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });

  test("a viewer that has a key of its own is counted by that", () => {
    const { desk } = openDesk();
    const own = desk.read(writeMockKey(second), null);
    desk.open("p1", noKeyFaults);
    const counts = ["v1", "v2", "v3"].map((id) => send(desk.open(id, own, { watches: "p1" }), "a"));
    expect(counts).toEqual([1, 0, 1]);
  });

  test("each with dice of its own", () => {
    const { desk } = openDesk();
    const of = desk.read(writeMockKey({ name: "drop", when: { chance: 0.5 } }), null);
    const thrown = (plan: Plan) => Array.from({ length: 64 }, () => send(plan, "a")).join("");
    const all = [
      desk.open("p", of),
      desk.open("v1", of, { watches: "p" }),
      desk.open("v2", of, { watches: "p" }),
    ];
    expect(new Set(all.map(thrown)).size).toBe(3);
  });
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
