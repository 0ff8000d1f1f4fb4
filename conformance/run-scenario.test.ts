import { expect, test } from "vitest";
import type { Verdict } from "../reports/result.ts";
import { type Script, scriptedClient } from "./_scripted-client.ts";
import { realClock } from "./clock.ts";
import { resolves, same } from "./findings.ts";
import { runScenario } from "./run-scenario.ts";
import { runSuite } from "./run-suite.ts";
import type { Scenario } from "./scenario.ts";

const plain: Scenario = {
  id: "connect/plain",
  does: "Connects.",
  owes: "It is connected.",
  source: { kind: "assumed", where: "this test" },
  needs: [],
  kills: [],
  async drive({ client }) {
    await client.connect();
  },
  judge: ({ call }) => resolves("connect() resolves", call("connect")),
};

const about = { seed: 1, clock: realClock, replay: "again" };
const run = (scenario: Partial<Scenario>, script: Script = {}) =>
  runScenario({ ...plain, ...scenario }, { ...about, client: scriptedClient(script) });

const waits: Partial<Scenario> = {
  async drive({ client }) {
    await client.state("connected", { withinMs: 20 });
  },
  judge: () => [],
};

type Row = [
  name: string,
  scenario: Partial<Scenario>,
  script: Script,
  outcome: Verdict["outcome"],
  more: { why?: RegExp; got?: RegExp; harness?: RegExp },
];

test.each<Row>([
  ["what is owed is given", {}, {}, "passed", {}],
  [
    "what is owed is not given",
    {},
    { answers: { connect: () => ({ ok: false, error: "no place" }) } },
    "failed",
    { got: /^it rejected: no place$/ },
  ],
  ["it waited in vain", waits, {}, "failed", { got: /did not come/ }],
  [
    "it waited in vain, and the judge knows better",
    { ...waits, judge: ({ states }) => same("it says so", states(), ["connected"]) },
    {},
    "failed",
    { got: /^\[\]$/ },
  ],
  [
    "what comes in time is waited for",
    { ...waits, drive: heard },
    { answers: { connect: tells } },
    "passed",
    {},
  ],
  [
    "another dialect",
    { dialects: ["livekit"] },
    {},
    "unsupported",
    { why: /in the livekit dialect only\.$/ },
  ],
  [
    "a capability is not declared",
    { needs: ["set", "frames"] },
    { capabilities: ["set"] },
    "unsupported",
    { why: /does not declare frames\.$/ },
  ],
  [
    "a fault never fires",
    { faults: [{ name: "missing-ack" }] },
    {},
    "inconclusive",
    { why: /^missing-ack never fired\.$/ },
  ],
  [
    "a fault never fires, and something is wrong besides",
    { faults: [{ name: "missing-ack" }] },
    { answers: { connect: () => ({ ok: false }) } },
    "inconclusive",
    { why: /never fired/ },
  ],
  [
    "the driver dies",
    {},
    { diesAt: "connect" },
    "inconclusive",
    { harness: /^connect\/plain: The driver of scripted broke: it died$/ },
  ],
  [
    "the driver cannot be started",
    {},
    { failsToOpen: new Error("no browser") },
    "inconclusive",
    { harness: /no browser/ },
  ],
])("%s", async (_name, scenario, script, outcome, more) => {
  const { verdict, harness } = await run(scenario, script);
  expect(verdict.outcome).toBe(outcome);
  expect(verdict.findings.length > 0).toBe(outcome === "failed" || more.why?.source === "never fired");
  if (more.got) expect(verdict.findings[0]!.got).toMatch(more.got);
  if (more.why) expect(verdict.why).toMatch(more.why);
  if (more.harness) expect(harness).toMatch(more.harness);
  else expect(harness).toBeNull();
});

async function heard({ client }: Parameters<Scenario["drive"]>[0]) {
  const connecting = client.beginConnect();
  await client.state("connected");
  await connecting.done();
}

function tells(_args: never, tell: (event: { event: "state"; state: "connected" }) => void) {
  tell({ event: "state", state: "connected" });
  return {};
}

const breaks = () => {
  throw new Error("a defect");
};

test.each<[string, Partial<Scenario>, RegExp]>([
  ["its judge", { judge: breaks }, /^connect\/plain: The scenario's judge is broken: a defect$/],
  [
    "its drive",
    { drive: async () => breaks() },
    /^connect\/plain: The scenario's drive is broken: a defect$/,
  ],
])("a defect of a scenario is the harness's trouble: %s", async (_name, scenario, harness) => {
  const run = await runScenario({ ...plain, ...scenario }, { ...about, client: scriptedClient() });
  expect([run.verdict.outcome, run.harness]).toEqual(["inconclusive", expect.stringMatching(harness)]);
});

test("a judge that misses what a stuck drive did not come to is none", async () => {
  const { verdict, harness } = await run({ ...waits, judge: breaks });
  expect([verdict.outcome, verdict.findings[0]!.rule, harness]).toEqual([
    "failed",
    "the drive goes through",
    null,
  ]);
});

test("drivers are closed whatever comes", async () => {
  for (const scenario of [{}, waits, { dialects: ["livekit" as const] }, { needs: ["audio" as const] }]) {
    const client = scriptedClient({ capabilities: [] });
    await runScenario({ ...plain, ...scenario }, { ...about, client });
    expect([client.openCount, client.closedCount]).toEqual([1, 1]);
  }
});

/** Fails as often as it is told to, of connects. */
function failing(times: number) {
  let left = times;
  return scriptedClient({ answers: { connect: () => ({ ok: left-- <= 0 }) } });
}

test.each([
  ["what fails again has failed", 2, "failed", null],
  ["what passes alone tells nothing", 1, "inconclusive", /It failed, and passed when it was run again/],
  ["what passes has passed", 0, "passed", null],
] as const)("a verdict that hangs on time: %s", async (_name, times, outcome, why) => {
  const { result } = await runSuite({
    ...about,
    client: failing(times),
    scenarios: [plain],
    jobs: 2,
    baseline: null,
    startedAt: "2026-11-28T10:00:00Z",
    isWhole: true,
  });
  expect(result.verdicts.map((verdict) => verdict.outcome)).toEqual([outcome]);
  if (why) expect(result.verdicts[0]!.why).toMatch(why);
});
