import { expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { createJournal } from "../journal.ts";
import { declareFaults, FaultError } from "./declare.ts";
import { createFaultDesk, noKeyFaults } from "./desk.ts";
import type { Declaration } from "./fault.ts";
import { faults } from "./index.ts";
import type { Moment } from "./moments.ts";
import { neverFires } from "./never-fires.ts";

const reached: ReadonlyMap<Moment, number> = new Map<Moment, number>([
  ["upgrade", 1],
  ["open", 1],
  ["first-message", 1],
  ["joined", 1],
  ["connected", 1],
  ["ack-queued", 2],
  ["tick", 4],
  ["first-frame-of-revision", 3],
  ["state-applied", 3],
]);

const says = (given: Declaration) =>
  neverFires(declareFaults(given, { faults, mode: "transcode" })[0]!, reached);
const at = (moment: string): Declaration => ({ name: "drop", when: { at: moment } });

test.each<[given: Declaration, why: string]>([
  [
    { name: "http-status" },
    "Fault http-status would never fire in this session: HTTP requests belong to a key,",
  ],
  [{ name: "delay", channel: "http" }, "HTTP requests belong to a key"],
  [{ name: "drop", when: { connections: 1 } }, '"when.connections" counts connections to come'],
  [{ name: "refuse-upgrade" }, "its control socket is open."],
  [{ name: "delay", direction: "to-server", only: "upgrade" }, "its control socket is open."],
  ...[
    "upgrade",
    "open",
    "first-message",
    "joined",
    "open:2",
    "connected:1",
    "ack-queued:2",
    "tick:4",
    "state-applied:2",
  ].map((moment): [Declaration, string] => [at(moment), `${moment} is past, and does not come again.`]),
])("%j is refused", (given, why) => {
  expect(says(given)).toContain(why);
});

test.each<[given: Declaration]>([
  [{ name: "drop" }],
  // Its own moment is past, so that it wakes at once.
  [{ name: "close" }],
  [{ name: "close", channel: "livekit" }],
  // A client comes to the room again.
  [{ name: "refuse-upgrade", channel: "livekit" }],
  [{ name: "delay", direction: "to-server", only: ["upgrade", "prompt"] }],
  // The next time it comes.
  ...["connected", "connected:2", "ack-queued", "ack-queued:3", "tick", "tick:5", "state-applied:4"].map(
    (moment): [Declaration] => [at(moment)],
  ),
  // A new connection shows it first once more.
  [at("first-frame-of-revision:3")],
])("%j is taken", (given) => {
  expect(says(given)).toBeNull();
});

test("the desk asks for one session, and not for all", () => {
  const clock = manualClock();
  const journal = createJournal(clock);
  const desk = createFaultDesk({
    faults,
    mode: "none",
    clock,
    dice: createDice(1),
    journal,
    hasSession: () => true,
    scenarioFile: { faults: [], scenarios: new Map() },
  });
  const plan = desk.open("s1", noKeyFaults);
  const later = desk.open("s2", noKeyFaults);
  plan.reach("joined");
  expect(() => desk.add(["drop", at("joined")], { session: "s1" })).toThrow(FaultError);
  expect(() => desk.add(["drop", at("joined")], { session: "s1" })).toThrow("joined is past");
  expect(() => desk.add("http-status", { session: "s1" })).toThrow("belong to a key");
  expect([desk.list, journal.lines]).toEqual([[], []]);
  // Nobody is told a number of what was refused.
  expect(desk.add(at("joined"), { session: "s2" })[0]!.id).toBe("f1");
  expect(desk.add([at("joined"), "http-status"])).toHaveLength(2);
  plan.end();
  later.end();
});
