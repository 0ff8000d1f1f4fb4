/** Results written by hand, for tests. */
import { type RunResult, resultSchema, type Verdict } from "./result.ts";

/** The smallest PNG there is: one pixel. */
export const onePixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";

/** One that passed, but for what is said. */
export function verdictOf(id: string, more: Partial<Verdict> = {}): Verdict {
  const area = id.slice(0, id.indexOf("/"));
  return {
    id,
    area,
    does: "Connects, and sets a prompt.",
    owes: "The prompt shows.",
    source: { kind: "documented", where: "https://docs.example/lucy-2#set" },
    sets: ["product-page"],
    outcome: "passed",
    findings: [],
    why: null,
    known: null,
    durationMs: 1234,
    waitedMs: 1000,
    replay: `lucy-testkit conformance --client sdk@0.1.20 --only ${id} --seed 7`,
    ...more,
  };
}

export function failedOf(id: string, more: Partial<Verdict> = {}): Verdict {
  const finding = { rule: "The prompt shows.", expected: '"a red fox"', got: "null" };
  return verdictOf(id, { outcome: "failed", findings: [finding], ...more });
}

export function resultOf(verdicts: readonly Verdict[], more: Partial<RunResult> = {}): RunResult {
  return {
    schema: resultSchema,
    kind: "conformance",
    subject: "sdk@0.1.20",
    target: "mock",
    startedAt: "2026-01-31T12:00:00.000Z",
    durationMs: 161_234,
    seed: 7,
    environment: { node: "24.21.0", chromium: "140.0", cores: "2" },
    verdicts,
    stale: [],
    harness: [],
    figures: [],
    ...more,
  };
}

const areas =
  "connect auth state atomicity acks reconnect restore lifecycle ticks queue subscribe files media hostile goodbye";

/** As many scenarios in as many areas as there are; all passed. */
export const allPassed = resultOf(
  areas
    .split(" ")
    .flatMap((area, index) =>
      Array.from({ length: 2 + (index % 5) }, (_, number) => verdictOf(`${area}/does-thing-${number + 1}`)),
    ),
);

const known = {
  reason: "An SDK before 0.1.21 sends no image after it has connected again (B-4).",
  link: "https://github.com/example/sdk/issues/4",
};

const fewFailed = new Map<string, Verdict>(
  [
    failedOf("restore/does-thing-1", {
      findings: [
        {
          rule: "After a reconnect the picture shows the image again.",
          expected: '{"prompt":"a red fox in the snow","enhance":true,"imageHash":4711,"revision":3}',
          got: '{"prompt":"a red fox in the snow","enhance":true,"imageHash":0,"revision":3}',
        },
      ],
    }),
    failedOf("reconnect/does-thing-2", { known }),
    verdictOf("media/does-thing-1", { outcome: "unsupported", why: "The client does not declare codec." }),
    verdictOf("media/does-thing-2", { outcome: "unsupported", why: "The client does not declare codec." }),
  ].map((verdict) => [verdict.id, verdict]),
);

/** As on a usual day. */
export const usual = resultOf(allPassed.verdicts.map((verdict) => fewFailed.get(verdict.id) ?? verdict));

/** Every outcome, and all that stands beside verdicts. */
export const everyOutcome = resultOf(
  [
    verdictOf("connect/reaches-generating"),
    verdictOf("connect/says-why-not", { outcome: "unsupported", why: "The client does not declare errors." }),
    failedOf("state/sets-image", {
      findings: [
        {
          rule: "No picture mixes an old prompt with a new image.",
          expected: "revision 4 as one",
          got: "prompt of revision 3, image of revision 4",
          window: ["  12 set { prompt, image }", "  14 set_image_ack", "  15 picture 81: revision 3"],
          pictures: [
            { caption: "Picture 81, the last before", png: onePixel },
            { caption: "Picture 82, mixed", png: onePixel },
          ],
        },
        { rule: "The call resolves.", expected: "it resolves", got: "it has not ended" },
      ],
    }),
    failedOf("state/sets-prompt", {
      known: { reason: "Resolves on the wrong ack (B-1).", link: "protocol.md#b-1" },
    }),
    failedOf("restore/keeps-image", { known }),
    verdictOf("restore/keeps-prompt", {
      outcome: "inconclusive",
      why: "The harness was 2345 ms behind, and cannot tell late from never. Run it again with fewer jobs.",
    }),
  ],
  {
    stale: ["restore/keeps-order is a known failure of the baseline, and passed. Take it out."],
    harness: ["auth/expired: the driver of sdk@0.1.20 broke: it answered call 3 twice."],
    figures: [{ name: "set to visible", unit: "ms", values: [80, 95, 120], aim: { atMost: 100 } }],
  },
);

/** A run of load with a threshold that held, one that did not, and reasons for doubt where `doubts` says so. */
export function loadOf(doubts: readonly string[] = []): RunResult {
  const threshold = (owes: string, does: string, outcome: Verdict["outcome"]): Verdict =>
    verdictOf(`threshold/${owes.replaceAll(/[^a-z0-9]+/g, "-")}`, {
      owes,
      does,
      outcome: doubts.length > 0 ? "inconclusive" : outcome,
      why: doubts[0] ?? null,
      source: { kind: "assumed", where: "the plan" },
      sets: [],
      findings: outcome === "failed" ? [{ rule: "The threshold holds.", expected: owes, got: does }] : [],
      replay: "lucy-testkit load --plan steady",
    });
  const row = (name: string, unit: string, sampleCount: number, values: readonly number[]) =>
    ["p50", "p90", "p99", "p99.9", "max"].map((of, index) => ({
      name,
      of,
      unit,
      sampleCount,
      values: [values[index]!],
    }));
  return resultOf(
    [
      threshold("p99 < 200ms", "212.5 ms of 17820", "failed"),
      threshold("fps ≥ 28", "30 fps of 590", "passed"),
      threshold("sessions-failed == 0", "0 of 10", "passed"),
    ],
    {
      kind: "load",
      subject: "load steady",
      target: "127.0.0.1:8787",
      figures: [
        ...row("glass-to-glass", "ms", 17_820, [12.3, 33.1, 212.5, 240.1, 251.2]),
        ...row("fps, as slow as", "fps", 1200, [30, 30, 29, 28, 27]),
        { name: "connect", of: "p50", unit: "ms", sampleCount: 10, values: [61.2] },
        { name: "connect", of: "max", unit: "ms", sampleCount: 10, values: [91.7] },
      ],
      load: {
        plan: { name: "steady" },
        generator: "node",
        dialects: ["direct", "livekit"],
        blindSpots: ["No display: a picture counts as shown when its last packet has come."],
        selfTests: [],
        shards: [],
        serverMs: 7.4,
        transport: {
          roundTripMs: 0.3,
          jitterMs: 1.2,
          packetsReceived: 71_320,
          packetsLost: 4,
          keyRequests: 12,
          picturesUnseen: null,
        },
        doubts: [...doubts],
        troubles: { "Concurrent session limit reached.": 2 },
        course: Array.from({ length: 10 }, (_, index) => ({
          fromSecond: index * 17,
          untilSecond: Math.min((index + 1) * 17, 162),
          sessions: Math.min(index + 1, 10),
          fps: index === 9 ? null : 30 - index / 10,
          glassP50Ms: index === 9 ? null : 10.2 + index,
          glassP99Ms: index === 0 || index === 9 ? null : 30 * index,
          framesDecided: 1799,
          framesLost: index === 8 ? 160 : 0,
        })),
        measurement: {
          histograms: {},
          counts: {
            "sessions-due": 12,
            "sessions-connected": 10,
            "sessions-failed": 2,
            "frames-due": 18_000,
            "frames-sent": 18_000,
            "frames-received": 17_830,
            "frames-by-strip": 17_820,
            "frames-unknown": 10,
            "frames-decided": 17_990,
            "frames-lost": 160,
            freezes: 3,
            "sets-called": 40,
            "sets-acked": 40,
            "sets-visible": 39,
          },
          seconds: [],
        },
      },
    },
  );
}

export const loaded = loadOf();
export const doubted = loadOf([
  "The generator did not send 2.1 % of the pictures whose turn came (at most 0.5 %). Take more shards, fewer sessions, or a machine of its own.",
]);

/** Steers a terminal, ends tags and cells, calls people, hides what follows, and is wide. */
const evil =
  "\u001b[2J\u001b]0;title\u0007 </system-out>]]><script>alert(1)</script> | `` ```\n# [x](javascript:1) ![y](z) " +
  "@octocat fixes #1 &amp; \u202egnp.exe \ud800 \ufffe 👩‍🚀 漢字 قط e\u0301";

/** Texts as nobody means well. */
export const hostile = resultOf(
  [
    failedOf(`state/${evil}`, {
      area: `st|ate${evil}`,
      does: evil,
      owes: evil,
      source: { kind: "assumed", where: evil },
      sets: [evil],
      findings: [
        {
          rule: evil,
          expected: evil.repeat(20),
          got: `${evil.repeat(20)}!`,
          window: [evil, "z̷̧̨̛̛̛͎͎̗̖̗̖̗̖̗̖̗̀́̀́̀́̀́", "````", "漢".repeat(500)],
          pictures: [{ caption: evil, png: onePixel }],
        },
      ],
      replay: `lucy-testkit conformance --only '${evil}'`,
    }),
    failedOf("state/known", { known: { reason: evil, link: `javascript:alert(1)${evil}` } }),
    verdictOf("state/unclear", { outcome: "inconclusive", why: evil }),
    verdictOf("state/../../etc", { outcome: "unsupported", why: evil }),
  ],
  {
    subject: `sdk@file:../${evil}`,
    target: evil,
    environment: { [evil]: evil },
    stale: [evil, "1. no list", "- no item"],
    harness: [evil],
    figures: [{ name: evil, of: evil, unit: evil, values: [1] }],
  },
);
