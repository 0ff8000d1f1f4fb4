import { expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { createJournal } from "../journal.ts";
import { createFaultDesk, noKeyFaults } from "./desk.ts";
import type { PeerLine } from "./fault.ts";
import { faults } from "./index.ts";

test("a port that cannot be had is the machine's doing: the journal says that it is measured", async () => {
  const clock = manualClock();
  const journal = createJournal(clock);
  const desk = createFaultDesk({
    faults,
    mode: "relay",
    clock,
    dice: createDice(1),
    journal,
    hasSession: () => false,
    scenarioFile: { faults: [], scenarios: new Map() },
  });
  desk.add("path-change");
  const plan = desk.open("s1", noKeyFaults);
  const stays: Promise<void> = Promise.reject(new Error("bind EADDRINUSE 0.0.0.0:50001"));
  plan.attach("ice", { changePath: () => stays } as PeerLine);
  plan.reach("connected");
  await stays.catch(() => {});
  plan.end();
  const told = journal.lines.filter(({ kind }) => kind === "path-stays" || kind === "fault-fired");
  expect(told.map(({ kind, session, measured }) => [kind, session, measured])).toEqual([
    ["fault-fired", "s1", false],
    ["path-stays", "s1", true],
  ]);
});
