import { createHash } from "node:crypto";
import { encodeIntoCompressedBase64, Float64Histogram } from "hdr-histogram-js";
import { describe, expect, test } from "vitest";
import {
  allPassed,
  doubted,
  everyOutcome,
  failedOf,
  hostile,
  loaded,
  onePixel,
  resultOf,
  usual,
  verdictOf,
} from "./_results.ts";
import { timeChart } from "./charts.ts";
import { resultsHtml } from "./html.ts";
import type { ComparedRuns } from "./html-load.ts";
import { colours, style } from "./html-style.ts";
import type { LoadRecord } from "./load-record.ts";
import { textOf } from "./markup.ts";
import type { RunResult } from "./result.ts";

/** As a reader takes it: without tags, in order, and what entities stand for. */
function words(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, " ");
}

const idsOf = (page: string) => [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!);
const titlesOf = (page: string) => [...page.matchAll(/<h2 id="[^"]*">([^<]*)/g)].map(([, title]) => title!);

function encoded(values: readonly number[]): string {
  const hdr = new Float64Histogram(1, 3_600_000_000, 3);
  for (const value of values) hdr.recordValue(value);
  return encodeIntoCompressedBase64(hdr);
}

/** Ten seconds of 120 pictures each: 20 ms, and one of 200 ms in the seventh; none in the fourth. */
function measuredOf(more: Partial<LoadRecord> = {}): RunResult {
  const picturesOf = (second: number) => [
    ...Array(119).fill(20_000),
    second === 6 ? 200_000 : 20_000,
    ...(second === 6 ? [200_000] : []),
  ];
  const seconds = Array.from({ length: 10 }, (_, second) => ({
    second,
    sessions: 4,
    framesReceived: 120,
    framesDecided: 120,
    framesLost: second === 2 ? 5 : 0,
    glassToGlass: second === 3 ? "" : encoded(picturesOf(second)),
    fps: encoded([30_000, 30_000, 29_000]),
  }));
  const load = loaded.load!;
  return {
    ...loaded,
    load: {
      ...load,
      selfTests: [
        {
          generator: "node",
          dialect: "direct",
          carrier: "strip",
          readings: [
            { injectedMs: 0, readMs: 1.3, medianMs: 4.3, sampleCount: 45 },
            { injectedMs: 250, readMs: 250.2, medianMs: 252.8, sampleCount: 45 },
          ],
          errorMs: 1.1,
          boundMs: 5,
          faults: [],
        },
      ],
      shards: [
        {
          eventLoopStalled: 0.012,
          eventLoopBusy: 0.34,
          eventLoopLagMaxMs: 41.2,
          cpuCores: 0.5,
          machineBusy: 0.61,
          rssMegabytes: 363.5,
        },
      ],
      measurement: {
        ...load.measurement,
        histograms: { "glass-to-glass": encoded(seconds.flatMap(({ second }) => picturesOf(second))) },
        seconds,
      },
      ...more,
    },
  };
}

describe("what is told, and where", () => {
  test.each<[string, readonly RunResult[], readonly string[]]>([
    ["all passed", [allPassed], ["Areas", "Requirement sets", "Scenarios", "Environment"]],
    [
      "every outcome",
      [everyOutcome],
      [
        "Failed",
        "Inconclusive",
        "Areas",
        "Requirement sets",
        "Known to fail",
        "Scenarios",
        "Unsupported",
        "Figures",
        "Environment",
      ],
    ],
    ["load", [loaded], ["What was measured", "Environment"]],
    [
      "two of load",
      [loaded, { ...loaded, subject: "load spike" }],
      ["load steady", "load spike", "Environment"],
    ],
  ])("of %s", (_what, results, titles) => {
    expect(titlesOf(resultsHtml(results))).toEqual(titles);
  });

  test.each<[string, RunResult, string, string]>([
    ["all passed", allPassed, "passed", "✓ Passed"],
    ["every outcome", everyOutcome, "failed", "✗ Broken"],
    ["a failure", usual, "failed", "✗ Failed"],
    ["doubts", doubted, "inconclusive", "? Inconclusive"],
  ])("of %s the verdict is the first word", (_what, result, look, heading) => {
    const page = resultsHtml([result]);
    expect(words(page).trim()).toMatch(new RegExp(`^lucy-testkit report ${heading.replace("?", "\\?")} `));
    expect(page).toContain(`<div class="banner ${look}">`);
    expect(page).toMatch(new RegExp(`<title>${heading.replace("?", "\\?")}: `));
  });

  test("doubts stand before every number", () => {
    const page = words(resultsHtml([doubted]));
    expect(page.indexOf("The generator did not send 2.1 %")).toBeLessThan(page.indexOf("12.3 ms"));
  });

  test("a failure has its rule, who demands it, both values, the window, the pictures and the replay line", () => {
    const page = resultsHtml([everyOutcome]);
    expect(words(page)).toContain(
      "state/sets-image No picture mixes an old prompt with a new image. Does Connects, and sets a prompt. Owes The prompt shows. " +
        "Says who documented https://docs.example/lucy-2#set No picture mixes an old prompt with a new image. " +
        "expected revision 4 as one got prompt of revision 3, image of revision 4 12 set { prompt, image } 14 set_image_ack 15 picture 81: revision 3 " +
        "Picture 81, the last before",
    );
    expect(page).toContain(
      `<img src="data:image/png;base64,${onePixel}" alt="Picture 81, the last before" width="1" height="1">`,
    );
    expect(words(page)).toContain(
      "See it again lucy-testkit conformance --client sdk@0.1.20 --only state/sets-image --seed 7",
    );
  });

  test("known failures are folded, new ones are open, and of many only the first", () => {
    const many = resultOf([
      ...Array.from({ length: 5 }, (_, number) => failedOf(`state/new-${number}`)),
      failedOf("state/known", { known: { reason: "It is so.", link: "" } }),
    ]);
    const page = resultsHtml([many]);
    expect([...page.matchAll(/<details class="failure failed"( open)?>/g)].map(([, open]) => open)).toEqual([
      " open",
      " open",
      " open",
      undefined,
      undefined,
    ]);
    expect(page).toContain('<details class="failure known">');
  });

  test("a picture that two findings show is there once", () => {
    const pictures = [{ caption: "torn", png: onePixel }];
    const finding = { rule: "r", expected: "e", got: "g", pictures };
    const page = resultsHtml([resultOf([failedOf("state/a", { findings: [finding, finding] })])]);
    expect(page.match(/<img/g)).toHaveLength(1);
    expect(page).toContain("Its pictures are those above.");
  });

  test.each([
    ["no base64", '"><script>alert(1)</script>'],
    ["no PNG", Buffer.from("<svg onload=alert(1)>".padEnd(40)).toString("base64")],
  ])("a picture that is %s is none", (_what, png) => {
    const findings = [{ rule: "r", expected: "e", got: "g", pictures: [{ caption: "c", png }] }];
    const page = resultsHtml([resultOf([failedOf("state/a", { findings })])]);
    expect(page).not.toContain("<img");
    expect(page).toContain("is no PNG that can be shown");
  });

  test("where two values differ is marked, at the edges of words", () => {
    const findings = [
      {
        rule: "r",
        expected: '{"prompt":"a red fox","imageHash":4711}',
        got: '{"prompt":"a red fox","imageHash":4712}',
      },
    ];
    const page = resultsHtml([resultOf([failedOf("state/a", { findings })])]);
    expect([...page.matchAll(/<mark>([^<]*)<\/mark>/g)].map(([, text]) => text)).toEqual(["4711", "4712"]);
  });
});

describe("several results", () => {
  const other = resultOf(
    [verdictOf("state/sets-image"), verdictOf("state/only-here"), verdictOf("connect/reaches-generating")],
    { subject: "sdk@0.0.46" },
  );
  const page = resultsHtml([other, everyOutcome]);

  test("are columns of areas, sets and scenarios, in their order", () => {
    expect(page.match(/<th scope="col">sdk@0\.0\.46<\/th><th scope="col">sdk@0\.1\.20<\/th>/g)).toHaveLength(
      4,
    );
    expect(words(page)).toContain("state 2/2 0/2 · 1 failed · 1 known");
    // Asked of one of them only.
    expect(words(page)).toContain("restore not run 0/1 · 1 known · 1 inconclusive");
  });

  test("end as the worst of them does", () => {
    expect(words(page)).toContain("✗ Broken 1 of 2 sdk@0.0.46 · sdk@0.1.20");
  });

  test("of one subject are told apart by when they were", () => {
    const again = resultsHtml([other, { ...other, startedAt: "2026-02-01T12:00:00.000Z" }]);
    expect(words(again)).toContain("sdk@0.0.46, 2026-01-31 12:00:00 · sdk@0.0.46, 2026-02-01 12:00:00");
  });

  test("lead from each mark to its proof", () => {
    const ids = idsOf(page);
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBe(ids.length);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  });
});

describe("of a run of load", () => {
  const page = resultsHtml([measuredOf()]);
  const labels = [...page.matchAll(/<svg role="img" aria-label="([^"]*)"/g)].map(([, label]) => label);

  test("each chart says in words what it shows", () => {
    expect(labels).toEqual([
      "Glass to glass: p50 from 20 to 20 ms, most at second 0; p99 from 20 to 200 ms, most at second 6.",
      "Pictures a second: median of sessions from 30 to 30 fps, most at second 0.",
      "Sessions open: sessions from 4 to 4, most at second 0.",
      "Pictures lost: lost from 0 to 5, most at second 2.",
      "Glass to glass, 1201 pictures: 1201 pictures, from 20 to 200 ms: p50 20 ms, p90 20 ms, p99 20 ms.",
    ]);
  });

  test("a second says its numbers, also that there are none", () => {
    expect(page).toContain("<title>second 6: p50 20 ms, p99 200 ms</title>");
    expect(page).toContain("<title>second 3: p50 unknown, p99 unknown</title>");
  });

  test("an axis is marked with what its lines are at", () => {
    const moments = [{ fromSecond: 0, untilSecond: 1 }];
    const series = [{ name: "p50", look: "middle" as const, values: [0.7] }];
    const chart = textOf(timeChart({ title: "t", unit: "ms", moments, series, summary: "s" }));
    expect([...chart.matchAll(/<text x="0"[^>]*>([^<]*)</g)].map(([, words]) => words)).toEqual([
      ...["0.25", "0.5", "0.75 ms"],
    ]);
  });

  test("a line breaks off where nothing is known", () => {
    const [line] = /<path class="line middle" d="[^"]*"/.exec(page)!;
    expect(line!.match(/M/g)).toHaveLength(2);
  });

  test("the self-test's readings, the generator's honesty and the thresholds are there", () => {
    expect(words(page)).toContain("node, direct, told by strip 1.3 250.2 1.1 5.0 ✓ passed");
    expect(words(page)).toContain("1 1.2 % 34.0 % 41.2 ms 0.50 61.0 % 364 MB");
    expect(words(page)).toContain("p99 < 200ms 212.5 ms of 17820 ✗ failed");
  });

  test("of few samples a second the tail is a p90", () => {
    const few = measuredOf();
    const seconds = few.load!.measurement.seconds.map((second) => ({
      ...second,
      glassToGlass: encoded(Array(30).fill(20_000)),
    }));
    const page = resultsHtml([
      { ...few, load: { ...few.load!, measurement: { ...few.load!.measurement, seconds } } },
    ]);
    expect(page).toContain('<span class="key tail">p90</span>');
  });

  test("of hours no second is lost, and the charts stay small", () => {
    const long = measuredOf();
    const [one] = long.load!.measurement.seconds;
    const seconds = Array.from({ length: 3600 }, (_, second) => ({ ...one!, second, framesLost: 1 }));
    const page = resultsHtml([
      { ...long, load: { ...long.load!, measurement: { ...long.load!.measurement, seconds } } },
    ]);
    expect(page).toContain("<title>seconds 0 to 15: lost 15</title>");
    expect(page.length).toBeLessThan(150_000);
  });

  test("of days, too", () => {
    const long = measuredOf();
    const [one] = long.load!.measurement.seconds;
    const [glassToGlass, fps] = ["", ""];
    const seconds = Array.from({ length: 200_000 }, (_, second) => ({ ...one!, second, glassToGlass, fps }));
    const measurement = { ...long.load!.measurement, seconds };
    expect(resultsHtml([{ ...long, load: { ...long.load!, measurement } }])).toContain(
      "<title>seconds 0 to 834:",
    );
  });

  test("a histogram that cannot be read is a sentence", () => {
    const spoilt = measuredOf();
    const histograms = { "glass-to-glass": "<script>" };
    const page = resultsHtml([
      { ...spoilt, load: { ...spoilt.load!, measurement: { ...spoilt.load!.measurement, histograms } } },
    ]);
    expect(words(page)).toContain("What is kept of glass-to-glass is no histogram that can be read.");
  });

  test("two that were compared are told with their intervals, and why nobody can tell", () => {
    const row = { metric: "glass-to-glass", unit: "ms", a: 20, b: 31.25, sentence: "It is so." };
    const compared: ComparedRuns = {
      comparisons: [
        {
          ...row,
          statistic: "p50",
          verdict: "worse",
          difference: { low: 9, high: 13.5 },
          ratio: { low: 1.45, high: 1.7 },
        },
        { ...row, statistic: "p99", verdict: "too few samples", difference: null, ratio: null },
      ],
      surroundings: ["Not the same node: 22 and 24."],
      why: ["Of the first: it fell behind."],
    };
    const spike = { ...measuredOf(), subject: "load spike" };
    const { load: _load, ...http } = { ...measuredOf(), subject: "load http" };
    const page = resultsHtml([http, measuredOf(), spike], { compared });
    expect(words(page)).toContain(`${measuredOf().subject} → load spike, 95 % intervals`);
    expect(words(page)).toContain("glass-to-glass p50, ms ✗ worse 20 31.3 +9 … +13.5 1.45 … 1.70 ×");
    expect(words(page)).toContain("glass-to-glass p99, ms ? too few samples 20 31.3 – –");
    expect(words(page)).toContain(
      "Nobody can tell whether the second is worse Of the first: it fell behind.",
    );
  });
});

describe("hostile texts are texts", () => {
  const page = resultsHtml([
    hostile,
    {
      ...doubted,
      environment: hostile.environment,
      load: { ...doubted.load!, plan: { name: hostile.target }, troubles: { [hostile.target]: 1 } },
    },
  ]);
  const outsideStyle = page.replace(/<style>[\s\S]*?<\/style>/, "");

  test("no tag is there but ours", () => {
    const tags = new Set([...outsideStyle.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map(([, name]) => name!));
    expect([...tags].sort().join(" ")).toBe(
      "a b body br code dd details div dl dt figcaption figure footer h1 h2 h3 h4 head header html img li link main mark meta nav ol p pre rect section small span summary svg table tbody td tfoot th thead title tr ul",
    );
    expect(outsideStyle).not.toMatch(/<(?![a-z/!])/i);
  });

  test("no attribute is there but ours, and no address but addresses", () => {
    const attributes = new Set(
      [...outsideStyle.matchAll(/<[a-z][^>]*>/gi)].flatMap(([tag]) =>
        [...tag.matchAll(/ ([a-z-]+)(?==")/gi)].map(([, name]) => name!),
      ),
    );
    expect([...attributes].filter((name) => /^on|^style$|^srcset$/.test(name))).toEqual([]);
    for (const [, href] of page.matchAll(/ href="([^"]*)"/g))
      expect(href).toMatch(/^(#[\w-]+|https?:\/\/|data:,$)/);
  });

  test.each([
    ["https://docs.example/lucy-2#set", true],
    ["javascript://docs.example/%0aalert(1)", false],
    ["data://text/html,x", false],
    ["https://docs.example/ and more", false],
  ])("%s leads somewhere: %s", (where, isLink) => {
    const page = resultsHtml([resultOf([failedOf("state/a", { source: { kind: "assumed", where } })])]);
    expect(page.includes(`href="${where}"`)).toBe(isLink);
  });

  test("nothing steers whoever reads", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069]/);
  });
});

describe("one file", () => {
  test.each([
    ["conformance", [everyOutcome]],
    ["load", [measuredOf()]],
  ])("of %s asks for nothing else, and forbids it", (_what, results) => {
    const page = resultsHtml(results);
    const hash = createHash("sha256")
      .update(/<style>([\s\S]*?)<\/style>/.exec(page)![1]!)
      .digest("base64");
    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;">`,
    );
    expect(page).not.toMatch(
      /<script|<link (?!rel="icon" href="data:,")| src="(?!data:image\/png;base64,)|@import|url\(/,
    );
  });

  test("has no head of a column that says nothing, and no heading that skips a level", () => {
    const page = resultsHtml([everyOutcome, measuredOf(), { ...measuredOf(), subject: "load spike" }]);
    expect(page).not.toMatch(/<th[^>]*><\/th>/);
    const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level, at) => at > 0 && level > levels[at - 1]! + 1)).toEqual([]);
  });

  test("of 124 scenarios stays small", () => {
    const verdicts = Array.from({ length: 124 }, (_, number) =>
      verdictOf(`state/does-thing-${number}`, {
        does: "At the first attempt the server says what is wrong and closes; at the others it only answers 503.",
        owes: "Its app learns what the server said: in an event, or from how connect() rejects.",
      }),
    );
    const results = ["0.0.41", "0.0.46", "0.1.14", "0.1.20"].map((version) =>
      resultOf(verdicts, { subject: `sdk@${version}` }),
    );
    expect(resultsHtml(results).length).toBeLessThan(150_000);
    expect(resultsHtml(results.slice(0, 1)).length).toBeLessThan(90_000);
  });

  test("pictures are left out rather than a file that no browser opens", () => {
    const png = onePixel.replace("=", "") + "A".repeat(5 * 1024 ** 2);
    const findings = ["1", "2"].map((name) => ({
      rule: name,
      expected: "e",
      got: "g",
      pictures: [{ caption: name, png: png + name.repeat(4) }],
    }));
    const page = resultsHtml([resultOf([failedOf("state/a", { findings })])]);
    expect(page.match(/<img/g)).toHaveLength(1);
    expect(page).toContain("The picture is in result.json");
  });

  test("without a result there is none", () => {
    expect(() => resultsHtml([])).toThrow("There are no results to show. Give one at least.");
  });
});

describe("colours", () => {
  const luminance = (colour: string) => {
    const [r, g, b] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (one: string, other: string) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light! + 0.05) / (dark! + 0.05);
  };
  const mixed = (share: number, one: string, other: string) =>
    `#${[1, 3, 5]
      .map(
        (at) =>
          share * Number.parseInt(one.slice(at, at + 2), 16) +
          (1 - share) * Number.parseInt(other.slice(at, at + 2), 16),
      )
      .map((part) => Math.round(part).toString(16).padStart(2, "0"))
      .join("")}`;
  const texts = ["ink", "dim", "passed", "failed", "known", "unsupported", "inconclusive", "link"] as const;
  const tones = ["passed", "failed", "known", "inconclusive"] as const;

  test.each([
    ["light", 0],
    ["dark", 1],
  ] as const)("of text are readable when it is %s: 4.5 to 1 on all grounds, WCAG 1.4.3", (_scheme, index) => {
    const tints = tones.map((tone) => mixed(0.09, colours[tone][index], colours.surface[index]));
    const weak = texts.flatMap((text) =>
      [colours.ground[index], colours.surface[index], ...tints]
        .map((ground) => ({ text, ground, ratio: contrast(colours[text][index], ground) }))
        .filter(({ ratio }) => ratio < 4.5),
    );
    expect(weak).toEqual([]);
  });

  test.each([
    ["light", 0],
    ["dark", 1],
  ] as const)("of lines are seen when it is %s: 3 to 1, WCAG 1.4.11", (_scheme, index) => {
    for (const line of ["middle", "tail"] as const) {
      expect(contrast(colours[line][index], colours.surface[index])).toBeGreaterThan(3);
    }
  });

  test("stand once in the style, and only there", () => {
    expect(style.match(/#[0-9a-f]{6}/g)).toHaveLength(2 * Object.keys(colours).length);
  });
});
