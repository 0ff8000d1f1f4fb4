import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { arrivalsOf, sessionsAtOnce } from "./arrivals.ts";
import {
  clipOf,
  dialectOf,
  modelOf,
  parsePlan,
  planNames,
  readPlan,
  readsPictures,
  serverArguments,
} from "./plan.ts";

const least = `about: The least there is.
arrivals:
  - { sessions: 1 }
holdSeconds: 5
`;

describe.each(planNames())("the plan %s", (name) => {
  const plan = readPlan(name);

  test("is named for its file, and owes something", () => {
    expect(plan.name).toBe(name);
    expect(plan.thresholds.length).toBeGreaterThan(0);
    expect(plan.thresholds.map(({ text }) => text)).toContain("sessions-failed == 0");
  });

  test("is plain data", () => {
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test("owes nothing that it can't measure", () => {
    const isSeen = plan.server.mode === "transcode" && plan.script.length > 0 && plan.reads > 0;
    for (const { metric } of plan.thresholds) {
      if (metric === "set-to-visible" || metric === "sets-visible") expect(isSeen).toBe(true);
      if (metric.startsWith("set")) expect(plan.script.length).toBeGreaterThan(0);
      if (metric === "frames-lost" || metric === "glass-to-glass") expect(plan.reads).toBeGreaterThan(0);
    }
  });
});

test("the plans that come with it", () => {
  const told = planNames().map((name) => {
    const plan = readPlan(name);
    const arrivals = [...arrivalsOf(plan)];
    return [name, arrivals.length, sessionsAtOnce(plan), arrivals.at(-1)!.atMs / 1000 + plan.holdSeconds];
  });
  expect(
    told.map(([name, count, most, seconds]) => [name, count, most, Math.round(Number(seconds))]),
  ).toEqual([
    ["ramp", 60, 60, 149],
    ["relayed-30", 30, 30, 40],
    ["set-storm", 2, 2, 20],
    ["smoke", 2, 2, 5],
    ["soak", 33, 3, 3500],
    ["spike", 26, 23, 55],
    ["steady", 13, 5, 145],
    ["transcoded-720p30", 6, 6, 125],
  ]);
});

test("what is left out has a default", () => {
  expect(parsePlan(least, "plans/some-plan.yaml")).toEqual({
    name: "some-plan",
    about: "The least there is.",
    dialect: "both",
    model: null,
    clip: "vp8-180p15",
    generator: "node",
    server: {},
    arrivals: [{ seconds: 0, sessionsPerSecond: { from: 0, to: 0 }, sessions: 1 }],
    spacing: "even",
    holdSeconds: 5,
    script: [],
    reads: 1,
    thresholds: [],
    seed: 1,
  });
});

test("what is given is read", () => {
  const plan = parsePlan(
    `name: my-plan
about: All of it.
dialect: livekit
model: lucy-2.5
clip: h264-720p30
generator: browser
server: { mode: relay, latencyMs: 285, strips: false, scenario: faults.yaml }
arrivals:
  - { seconds: 10, sessionsPerSecond: { from: 0, to: 5 } }
  - { seconds: 10, sessionsPerSecond: 5 }
spacing: poisson
holdSeconds: 60
script:
  - { everySeconds: 2, set: { prompt: "{n}" } }
  - { set: { image: null, prompt: "x" } }
reads: 0.5
thresholds: [fps ≥ 28]
seed: 7
`,
    "plans/whole.yaml",
  );
  expect(plan).toMatchObject({
    name: "my-plan",
    server: { mode: "relay", latencyMs: 285, strips: false },
    arrivals: [
      { seconds: 10, sessionsPerSecond: { from: 0, to: 5 }, sessions: 0 },
      { seconds: 10, sessionsPerSecond: { from: 5, to: 5 }, sessions: 0 },
    ],
    script: [
      { afterSeconds: 2, everySeconds: 2, set: { prompt: "{n}" } },
      { afterSeconds: 0, set: { image: null, prompt: "x" } },
    ],
    thresholds: [{ text: "fps ≥ 28", metric: "fps", statistic: "p50", limit: 28 }],
  });
  // Beside the plan, wherever that is run from.
  expect(plan.server.scenario).toBe(join(process.cwd(), "plans/faults.yaml"));
  expect(serverArguments(plan)).toEqual([
    ...["--seed", "7"],
    ...["--scenario", plan.server.scenario],
    ...["--mode", "relay", "--latency", "285", "--no-strips"],
    ...["--sessions", "100"],
  ]);
  expect(clipOf(plan)).toMatchObject({ codec: "h264", fps: 30 });
  expect(modelOf(plan, "livekit")).toBe("lucy-2.5");
});

/** The least plan with one line instead of another, or one more. */
function changed(line: string, instead?: RegExp): string {
  return instead ? least.replace(instead, line) : `${least}${line}\n`;
}

test.each<[string, string, number, RegExp]>([
  [
    "an unknown key",
    changed("holdSecond: 4"),
    5,
    /A plan has no "holdSecond"\. Did you mean "holdSeconds"\? It has name, about, /,
  ],
  [
    "one within a phase",
    changed("  - { sessions: 1, second: 3 }", / {2}- .*/),
    3,
    /"arrivals\[0\]" has no "second"\. Did you mean "seconds"\? It has seconds, sessionsPerSecond, sessions\./,
  ],
  [
    "one within a set",
    changed("script:\n  - afterSeconds: 1\n    set:\n      promt: x"),
    8,
    /"script\[0\]\.set" has no "promt"\. Did you mean "prompt"\?/,
  ],
  [
    "one of the server",
    changed("server:\n  mode: relay\n  latency: 3"),
    7,
    /"server" has no "latency"\. Did you mean "latencyMs"\? It has scenario, mode/,
  ],
  ["a server option that is the run's", changed("server: { port: 8787 }"), 5, /"server" has no "port"\./],
  [
    "a server value",
    changed("server: { mode: relayed }"),
    5,
    /"server\.mode" is "relayed"\. It takes transcode, relay or none\./,
  ],
  ["a server flag", changed("server: { strips: 3 }"), 5, /"server\.strips" is 3\. It takes true or false\./],
  [
    "a server that is none",
    changed("server: relay"),
    5,
    /"server" is "relay"\. It takes fields\. It has scenario/,
  ],
  [
    "a missing key",
    least.replace(/holdSeconds.*/, ""),
    1,
    /"holdSeconds" is missing\. It takes seconds from 0\.1 to 86400\./,
  ],
  [
    "a number below",
    changed("holdSeconds: -3", /holdSeconds.*/),
    4,
    /"holdSeconds" is -3\. It takes seconds from 0\.1 to 86400/,
  ],
  [
    "a number above",
    changed("reads: 1.5"),
    5,
    /"reads" is 1\.5\. It takes a share of the sessions from 0 to 1/,
  ],
  ["no whole number", changed("seed: 1.5"), 5, /"seed" is 1\.5\. It takes a whole number from 0/],
  [
    "a text for a number",
    changed("holdSeconds: 5s", /holdSeconds.*/),
    4,
    /"holdSeconds" is "5s"\. It takes seconds/,
  ],
  ["a choice", changed("dialect: webrtc"), 5, /"dialect" is "webrtc"\. It takes direct, livekit, both\./],
  ["a clip", changed("clip: vp9-720p30"), 5, /"clip" is "vp9-720p30"\. It takes vp8-720p30, /],
  ["a name", changed("name: My Plan"), 5, /"name" is "My Plan"\. It takes lower-case letters/],
  [
    "an empty text",
    changed('about: ""', /about.*/),
    1,
    /"about" is ""\. It takes a text of 1 to 500 characters/,
  ],
  [
    "a pace without seconds",
    changed("  - sessionsPerSecond: 3", / {2}- .*/),
    3,
    /"arrivals\[0\]" is \{"sessionsPerSecond":3\}\. It takes seconds with its sessionsPerSecond/,
  ],
  [
    "a phase of both",
    changed("  - { sessions: 1, sessionsPerSecond: 3 }", / {2}- .*/),
    3,
    /It takes either sessionsPerSecond, and for how many seconds, or sessions/,
  ],
  ["a phase of neither", changed("  - { seconds: 1 }", / {2}- .*/), 3, /It takes either sessionsPerSecond/],
  [
    "a pace",
    changed("  - { seconds: 1, sessionsPerSecond: { from: 1 } }", / {2}- .*/),
    3,
    /"arrivals\[0\]\.sessionsPerSecond" is \{"from":1\}\. It takes sessions a second, from 0 to 1000, or \{ from: 0, to: 5 \}/,
  ],
  [
    "no phases",
    changed("arrivals: []", /arrivals:\n.*/),
    2,
    /"arrivals" is \[\]\. It takes a list of 1 to 100 phases/,
  ],
  ["nobody", changed("  - { seconds: 9, sessionsPerSecond: 0 }", / {2}- .*/), 2, /Nobody comes in this plan/],
  [
    "too many",
    changed("  - { seconds: 1000, sessionsPerSecond: 11 }", / {2}- .*/),
    2,
    /has 11000 sessions\. It may have 10000/,
  ],
  [
    "too long",
    changed("  - { seconds: 86399, sessionsPerSecond: 0.1 }", / {2}- .*/),
    2,
    /takes 86404 seconds\. It may take 86400/,
  ],
  [
    "a set of nothing",
    changed("script:\n  - set: {}"),
    6,
    /"script\[0\]\.set" is \{\}\. It takes a prompt, an image, or both/,
  ],
  [
    "a broken image",
    changed("script:\n  - set: { image: gif }"),
    6,
    /"script\[0\]\.set\.image" is "gif"\. It takes face-png, /,
  ],
  [
    "a set too often",
    changed("script:\n  - { everySeconds: 0.001, set: { prompt: x } }"),
    6,
    /"script\[0\]\.everySeconds" is 0\.001\. It takes seconds from 0\.05/,
  ],
  [
    "a threshold",
    changed("thresholds:\n  - fps >= 28\n  - p99 < 200"),
    7,
    /Threshold "p99 < 200": its limit is 200, without a unit/,
  ],
  ["nothing at all", "", 1, /The plan is null\. It takes fields\. It has name, about/],
  ["a list", "- 1", 1, /The plan is \[1\]\. It takes fields/],
])("%s is refused with its line", (_, contents, line, sentence) => {
  expect(() => parsePlan(contents, "p.yaml")).toThrow(sentence);
  expect(() => parsePlan(contents, "p.yaml")).toThrow(new RegExp(`^p\\.yaml:${line}: `));
});

test.each<[string, string, RegExp]>([
  ["a tab", "about: x\n\tarrivals: 3", /^p\.yaml:2:\d+: it is not YAML\. /],
  ["an open quote", 'about: "x', /^p\.yaml:1:\d+: it is not YAML\. /],
  ["a key twice", "about: x\nabout: y", /^p\.yaml:2:1: it is not YAML\. /],
  [
    "a thousand laughs",
    `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${new Array(20).fill("*a")}]\nc: [${new Array(20).fill("*b")}]`,
    /^p\.yaml:1: its aliases cannot be followed/,
  ],
])("%s is no plan", (_, contents, sentence) => {
  expect(() => parsePlan(contents, "p.yaml")).toThrow(sentence);
});

describe("from a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "lucy-plan-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("is found by its path, and one that is not there is named", () => {
    const path = join(folder, "mine.yaml");
    writeFileSync(path, least);
    expect(readPlan(path).name).toBe("mine");
    writeFileSync(path, "x".repeat(70_000));
    expect(() => readPlan(path)).toThrow(/it has 70000 bytes, and may have 65536/);
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0xff]));
    expect(() => readPlan(path)).toThrow(/no plan can be read there/);
    expect(() => readPlan("smok")).toThrow(
      /^smok: no plan can be read there \(.*ENOENT.*\)\. Did you mean "smoke"\? Name a YAML file, or one of ramp, /,
    );
  });
});

describe("what each session is", () => {
  const plan = parsePlan(least, "p.yaml");
  const indexes = Array.from({ length: 1200 }, (_, index) => index);

  test("both dialects take turns, in every shard", () => {
    expect([dialectOf(plan, 0), dialectOf(plan, 1)]).toEqual(["direct", "livekit"]);
    for (const count of [1, 2, 3, 4, 5]) {
      for (let shard = 0; shard < count; shard++) {
        const own = indexes.filter((index) => index % count === shard);
        const share = own.filter((index) => dialectOf(plan, index) === "direct").length / own.length;
        expect(share).toBeGreaterThan(0.35);
        expect(share).toBeLessThan(0.65);
      }
    }
    expect(new Set(indexes.map((index) => dialectOf({ ...plan, dialect: "livekit" }, index)))).toEqual(
      new Set(["livekit"]),
    );
  });

  test.each([0, 0.1, 0.5, 1])("a share of %d is looked into, of both dialects", (reads) => {
    const looked = indexes.filter((index) => readsPictures({ ...plan, reads }, index));
    expect(looked.length / indexes.length).toBeCloseTo(reads, 2);
    if (reads === 0) return;
    expect(looked[0]).toBe(0);
    const direct = looked.filter((index) => dialectOf(plan, index) === "direct");
    expect(direct.length / looked.length).toBeGreaterThan(0.4);
    expect(direct.length / looked.length).toBeLessThan(0.6);
  });

  test("each dialect has a model of its own", () => {
    expect(modelOf(plan, "direct")).toBe("lucy_2_rt");
    expect(modelOf(plan, "livekit")).toBe("lucy-2.1");
  });
});
