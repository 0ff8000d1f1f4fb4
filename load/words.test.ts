/** Lines that a person reads while a run goes on: within their terminal, and with what matters most. */
import { expect, test } from "vitest";
import { readPlan } from "./plan.ts";
import type { Progress } from "./run-shards.ts";
import { aheadText, progressLine } from "./words.ts";

const progress = {
  ...{ sessionsOpen: 10_000, sessionsConnected: 10_000, sessionsFailed: 1234 },
  ...{ framesReceived: 123_456_789, framesDue: 123_456_789, framesAmiss: 12_345_678 },
  glassToGlassP50Ms: 1234.5,
} as Progress;

test.each([
  [
    120,
    "  10000 open · 1234 failed · 123456789 pictures back · p50 1234.5 ms · 12345678 sent late or not · 3600 s left",
  ],
  [100, "  10000 open · 1234 failed · p50 1234.5 ms · 12345678 sent late or not · 3600 s left"],
  [79, "  10000 open · 1234 failed · p50 1234.5 ms · 12345678 sent late or not · 3600 s"],
])("a line of at most %d characters", (columns, line) => {
  expect(progressLine(progress, 3600, columns)).toBe(line);
  expect(line.length).toBeLessThanOrEqual(columns);
});

test("what is ahead: how many, how long, where; what it may cost, and what it opens", () => {
  expect(aheadText(readPlan("relayed-30"), { target: null, isPaid: false, hosts: [] })).toBe(
    "relayed-30: 30 sessions, up to 30 at once, 40 s, against a mock of its own.",
  );
  const paid = { target: "wss://api.example.com", isPaid: true, hosts: ["*.rooms.example.com"] };
  expect(aheadText(readPlan("smoke"), paid).split("\n")).toEqual([
    "smoke: 2 sessions, up to 2 at once, 5 s, against wss://api.example.com.",
    "Some 0.2 credits, reckoned at 0.02 a second of a session.",
    "Its pages may go to *.rooms.example.com as well, and to no other host by name.",
  ]);
});
