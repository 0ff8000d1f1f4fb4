/** The half of the HTML report that is about load: figures, how it went over time, how they are distributed, two runs compared, and how far to believe it. */
import { distributionChart, intervalBar, type Moment, type Series, timeChart, told } from "./charts.ts";
import { courseRows } from "./course-rows.ts";
import { figureCells } from "./figure-table.ts";
import { type Bucket, bucketsOf, countIn, mergedBuckets, percentileIn } from "./hdr-histogram.ts";
import type { Section } from "./html-conformance.ts";
import { bulletList, type Column, folded, note, pill, plainTable, section } from "./html-parts.ts";
import { loadAmounts } from "./load-amounts.ts";
import type { LoadRecord } from "./load-record.ts";
import { type Content, html, type Markup } from "./markup.ts";
import type { RunResult } from "./result.ts";
import { standingOf } from "./tally.ts";

export type Interval = { readonly low: number; readonly high: number };

/** One statistic of two runs, or of several of each. */
export type ComparisonRow = {
  readonly metric: string;
  readonly statistic: string;
  readonly unit: string;
  readonly a: number | null;
  readonly b: number | null;
  readonly verdict: "better" | "worse" | "no difference" | "too few samples";
  /** 95 % intervals of b − a, in `unit`, and of b ÷ a. */
  readonly difference: Interval | null;
  readonly ratio: Interval | null;
  readonly sentence: string;
};

export type ComparedRuns = {
  readonly comparisons: readonly ComparisonRow[];
  /** What is not the same around them, a sentence each. */
  readonly surroundings: readonly string[];
  /** Why nobody can tell whether the second is worse, a sentence each. */
  readonly why: readonly string[];
};

export function loadSections(columns: readonly Column[]): Section[] {
  return columns.map(({ name, result }, index) => {
    const id = `load-${index + 1}`;
    const title = columns.length > 1 ? name : "What was measured";
    return { id, title, markup: section(id, title, columns.length > 1 ? "" : name, measured(result)) };
  });
}

function measured(result: RunResult): Content {
  const { load } = result;
  return [
    tiles(result),
    thresholds(result),
    ...(load ? overTime(load) : []),
    ...(load ? distributions(load) : []),
    figures(result),
    amounts(result),
    ...(load ? [troubles(load), ...honesty(load)] : []),
  ];
}

/** What is asked first. */
function tiles({ figures, load }: RunResult): Content {
  const figure = (name: string, of: string, words: string): [Content, string][] => {
    const found = figures.find((one) => one.name === name && one.of === of);
    return found ? [[html`${told(found.values[0]!)} <small>${found.unit}</small>`, words]] : [];
  };
  const count = (name: string) => load?.measurement.counts[name] ?? 0;
  const shown: [Content, string][] = [
    ...figure("glass-to-glass", "p50", "glass to glass, median"),
    ...figure("glass-to-glass", "p99", "glass to glass, p99"),
    ...figure("fps, as slow as", "p50", "pictures a second, median"),
    ...figure("time-to-first-frame", "p50", "to the first picture, median"),
    ...figure("set-to-visible", "p50", "from set to visible, median"),
    ...(load
      ? ([
          [
            html`${count("sessions-connected")} <small>of ${count("sessions-due")}</small>`,
            "sessions connected",
          ],
        ] as [Content, string][])
      : []),
    ...(count("frames-decided") > 0
      ? ([
          [
            html`${told((100 * count("frames-lost")) / count("frames-decided"))} <small>%</small>`,
            "of pictures lost",
          ],
        ] as [Content, string][])
      : []),
  ];
  if (shown.length === 0) return null;
  return html`<div class="tiles">${shown.map(([value, words]) => html`<div class="tile"><b>${value}</b><span>${words}</span></div>`)}</div>\n`;
}

function thresholds({ verdicts }: RunResult): Content {
  if (verdicts.length === 0) return null;
  const rows = verdicts.map((verdict) => [verdict.owes, verdict.does, pill(standingOf(verdict))]);
  return html`<h3>Thresholds</h3>${plainTable("Thresholds", ["asked", "measured", "verdict"], rows, { isText: true })}`;
}

/** Of a run of hours, nobody sees each second. */
const momentsMax = 240;

type Span = Moment & {
  readonly sessions: number;
  readonly lost: number;
  readonly glass: readonly Bucket[];
  readonly fps: readonly Bucket[];
};

function spansOf({ measurement }: LoadRecord): Span[] {
  const { seconds } = measurement;
  if (seconds.length === 0) return [];
  // Of a soak there are more seconds than a call takes arguments.
  const first = seconds.reduce((least, { second }) => Math.min(least, second), Number.POSITIVE_INFINITY);
  const last = seconds.reduce((most, { second }) => Math.max(most, second), first);
  const width = Math.ceil((last - first + 1) / momentsMax);
  const groups = Map.groupBy(seconds, ({ second }) => Math.floor((second - first) / width));
  return Array.from({ length: Math.ceil((last - first + 1) / width) }, (_, index) => {
    const of = groups.get(index) ?? [];
    const merged = (name: "glassToGlass" | "fps") =>
      mergedBuckets(of.map((one) => bucketsOf(one[name]) ?? []));
    return {
      fromSecond: first + index * width,
      untilSecond: first + (index + 1) * width,
      sessions: Math.max(0, ...of.map(({ sessions }) => sessions)),
      lost: of.reduce((sum, { framesLost }) => sum + framesLost, 0),
      glass: merged("glassToGlass"),
      fps: merged("fps"),
    };
  });
}

function overTime(load: LoadRecord): Content[] {
  const spans = spansOf(load);
  if (spans.length < 2) return [];
  const seconds = spans[0]!.untilSecond - spans[0]!.fromSecond;
  const each = seconds === 1 ? "second by second" : `${seconds} seconds at a time`;
  const tail = tailOf(spans);
  const p50 = spans.map(({ glass }) => percentileMs(glass, 50));
  const slow = spans.map(({ glass }) => percentileMs(glass, tail));
  const fps = spans.map(({ fps }) => percentileMs(fps, 50));
  const sessions = spans.map((one) => one.sessions);
  const lost = spans.map((one) => one.lost);
  const chartOf = (title: string, unit: string, series: readonly Series[], heightPx?: number) =>
    series.every(({ values }) => values.every((value) => value === null))
      ? null
      : timeChart({
          title,
          unit,
          moments: spans,
          series,
          summary: summaryOf(series, unit, spans),
          ...(heightPx && { heightPx }),
        });
  const table = courseRows(load.course);
  return [
    html`<h3>Over time<small>${each}</small></h3><div class="charts">${chartOf(
      "Glass to glass",
      "ms",
      [
        { name: "p50", look: "middle", values: p50 },
        { name: `p${tail}`, look: "tail", values: slow },
      ],
      150,
    )}${chartOf("Pictures a second", "fps", [{ name: "median of sessions", look: "middle", values: fps }], 150)}${chartOf("Sessions open", "", [{ name: "sessions", look: "steps", values: sessions }], 70)}${
      lost.some((count) => count > 0)
        ? chartOf("Pictures lost", "", [{ name: "lost", look: "bars", values: lost }], 70)
        : null
    }</div>`,
    load.course.length > 1
      ? folded(
          "The same as a table",
          plainTable(
            "Over time",
            table.map((row) => row[0]!),
            table[0]!.slice(1).map((_, index) => table.map((row) => row[index + 1]!)),
          ),
        )
      : null,
  ];
}

/** The highest percentile that most spans have samples enough for: beyond it lies one at least. */
function tailOf(spans: readonly Span[]): 99 | 90 | 100 {
  const counts = spans
    .map(({ glass }) => countIn(glass))
    .filter((count) => count > 0)
    .sort((a, b) => a - b);
  const usual = counts[Math.floor(counts.length / 2)] ?? 0;
  return usual >= 100 ? 99 : usual >= 10 ? 90 : 100;
}

/** In thousandths, whatever of. */
function percentileMs(buckets: readonly Bucket[], percent: number): number | null {
  const value = percentileIn(buckets, percent);
  return value === null ? null : value / 1000;
}

/** What the chart shows, in a sentence. */
function summaryOf(series: readonly Series[], unit: string, moments: readonly Moment[]): string {
  const parts = series.flatMap(({ name, values }) => {
    const known = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
    if (known.length === 0) return [];
    const least = Math.min(...known.map(({ value }) => value));
    const most = known.reduce((best, one) => (one.value > best.value ? one : best));
    return [
      `${name} from ${told(least)} to ${`${told(most.value)} ${unit}`.trim()}, most at second ${moments[most.index]!.fromSecond}`,
    ];
  });
  return `${parts.join("; ")}.`;
}

const histograms: readonly (readonly [name: string, title: string, noun: string, unit: string])[] = [
  ["glass-to-glass", "Glass to glass", "pictures", "ms"],
  ["signature-delay", "Delay by signature", "windows", "ms"],
  ["frame-gap", "Between two pictures", "gaps", "ms"],
  ["set-to-visible", "From set to visible", "sets", "ms"],
  ["set-to-ack", "From set to ack", "sets", "ms"],
  ["connect", "To connect", "sessions", "ms"],
  ["time-to-first-frame", "To the first picture", "sessions", "ms"],
  ["reconnect", "To reconnect", "times", "ms"],
];
/** Of fewer there is no shape to see; the table has them. */
const samplesMin = 10;

function distributions({ measurement }: LoadRecord): Content[] {
  const unread: string[] = [];
  const charts = histograms.flatMap(([name, title, noun, unit]) => {
    const buckets = bucketsOf(measurement.histograms[name] ?? "");
    if (buckets === null) unread.push(name);
    const count = countIn(buckets ?? []);
    if (buckets === null || count < samplesMin) return [];
    const percents = [50, 90, 99].filter((percent) => percent === 50 || count * (100 - percent) >= 100);
    const percentiles = percents.map((percent) => ({
      name: `p${percent}`,
      value: percentileMs(buckets, percent)!,
    }));
    return [distributionChart({ title: `${title}, ${count} ${noun}`, unit, noun, buckets, percentiles })];
  });
  return [
    charts.length > 0
      ? html`<h3>How times are distributed<small>on a log axis</small></h3><div class="charts">${charts}</div>`
      : null,
    unread.length > 0
      ? html`<p class="dim">What is kept of ${unread.join(", ")} is no histogram that can be read.</p>`
      : null,
  ];
}

function figures({ figures }: RunResult): Content {
  return figures.length === 0 ? null : html`<h3>Figures</h3>${figureMarkup(figures)}`;
}

/** At least one. Columns that are empty are left out. */
export function figureMarkup(figures: RunResult["figures"]): Markup {
  const cells = figureCells(figures);
  const used = cells[0]!.map((_, column) => cells.some((row, index) => index > 0 && row[column] !== ""));
  const [head, ...rows] = cells.map((row) => row.filter((_, column) => used[column]));
  return plainTable("Figures", head!, rows);
}

function amounts(result: RunResult): Content {
  const all = loadAmounts(result);
  if (all.length === 0) return null;
  return html`<h3>Counted</h3><dl class="facts card">${all.map(({ name, words }) => html`<dt>${name}</dt><dd>${words}</dd>`)}</dl>`;
}

function troubles({ troubles }: LoadRecord): Content {
  return note(
    "failed",
    "Troubles of sessions",
    Object.entries(troubles).map(([sentence, count]) => `${count} × ${sentence}`),
  );
}

/** Whether the instrument reads what is known, whether the generator kept up, what the numbers do not contain, and what was asked. */
function honesty({ selfTests, shards, blindSpots, plan }: LoadRecord): Content[] {
  const injected = [
    ...new Set(selfTests.flatMap(({ readings }) => readings.map(({ injectedMs }) => injectedMs))),
  ].sort((a, b) => a - b);
  const ms = (value: number | null) => (value === null ? "nothing" : value.toFixed(1));
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
  return [
    selfTests.length === 0
      ? null
      : html`<h3>Self-test<small>what a known delay reads as, ms</small></h3>${plainTable(
          "Self-test",
          ["instrument", ...injected.map((one) => `${one} ms`), "off by", "at most", "verdict"],
          selfTests.map(({ generator, dialect, carrier, readings, errorMs, boundMs, faults }) => [
            `${generator}, ${dialect}, told by ${carrier}`,
            ...injected.map((one) => {
              const reading = readings.find(({ injectedMs }) => injectedMs === one);
              return reading ? ms(reading.readMs) : "";
            }),
            ms(errorMs),
            ms(boundMs),
            faults.length === 0 ? pill("passed") : html`${pill("failed")} ${faults.join(" ")}`,
          ]),
        )}`,
    shards.length === 0
      ? null
      : html`<h3>The generator<small>did it keep up?</small></h3>${plainTable(
          "The generator",
          [
            "process",
            "event loop stood still",
            "had work",
            "late at most",
            "cores used",
            "machine busy",
            "memory",
          ],
          shards.map((shard, index) => [
            String(index + 1),
            percent(shard.eventLoopStalled),
            percent(shard.eventLoopBusy),
            `${ms(shard.eventLoopLagMaxMs)} ms`,
            shard.cpuCores.toFixed(2),
            percent(shard.machineBusy),
            `${Math.round(shard.rssMegabytes)} MB`,
          ]),
        )}`,
    blindSpots.length === 0
      ? null
      : folded(
          "What these numbers do not contain",
          html`<div class="inside">${bulletList(blindSpots)}</div>`,
        ),
    folded(
      "The plan as it was read",
      html`<pre>${JSON.stringify(plan, null, 2)
        .split("\n")
        .map((line) => html`${line}\n`)}</pre>`,
    ),
  ];
}

const looks = {
  better: "better",
  worse: "worse",
  "no difference": "same",
  "too few samples": "unsure",
} as const;
const compareMarks = { better: "✓", worse: "✗", "no difference": "=", "too few samples": "?" } as const;

/** The first two of the columns. */
export function comparisonSection(
  { comparisons, surroundings, why }: ComparedRuns,
  [first, second]: readonly Column[],
): Section {
  const reach = Math.min(
    10,
    Math.max(
      1.25,
      ...comparisons.flatMap(({ ratio }) =>
        ratio ? [ratio.high, 1 / ratio.low].filter(Number.isFinite) : [],
      ),
    ),
  );
  const farthest = told(Number(reach.toFixed(1)));
  const value = (number: number | null) => (number === null ? "nothing" : told(Number(number.toFixed(1))));
  const signed = (number: number) =>
    `${number > 0 ? "+" : number < 0 ? "−" : ""}${told(Math.abs(Number(number.toFixed(1))))}`;
  const rows = comparisons.map(({ metric, statistic, unit, a, b, verdict, difference, ratio }) => [
    `${metric} ${statistic}${unit === "" ? "" : `, ${unit}`}`,
    html`<span class="m ${looks[verdict]}">${compareMarks[verdict]} ${verdict}</span>`,
    value(a),
    value(b),
    difference ? `${signed(difference.low)} … ${signed(difference.high)}` : "–",
    ratio ? `${ratio.low.toFixed(2)} … ${ratio.high.toFixed(2)} ×` : "–",
    ratio && ratio.low > 0 ? intervalBar(ratio.low, ratio.high, reach, looks[verdict]) : null,
  ]);
  const count = (wanted: string) => comparisons.filter(({ verdict }) => verdict === wanted).length;
  const markup = section(
    "comparison",
    "Comparison",
    `${first!.name} → ${second!.name}, 95 % intervals`,
    html`${note("inconclusive", "Nobody can tell whether the second is worse", why)}
<p class="lead">${count("better")} better, ${count("worse")} worse, ${count("no difference")} without a difference, ${count("too few samples")} of too few samples. How much runs differ from each other, one run each does not say.</p>
${plainTable("Comparison", ["figure", "the second is", "first", "second", "difference", "ratio", `÷ ${farthest} … same … × ${farthest}`], rows)}
${surroundings.length > 0 ? html`<div class="card">${bulletList(surroundings)}</div>` : null}
${folded("In words", html`<div class="inside">${bulletList(comparisons.map(({ sentence }) => sentence))}</div>`)}`,
  );
  return { id: "comparison", title: "Comparison", markup };
}
