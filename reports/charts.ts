/**
 * Charts as SVG for a page that runs no script: lines over time, a distribution on a log axis, an interval, a bar of shares. Text keeps its size
 * at every width, since only the drawing inside is stretched; what a mouse points at says its numbers. Knows numbers and names, no results.
 */
import type { Bucket } from "./hdr-histogram.ts";
import { countIn } from "./hdr-histogram.ts";
import { type Content, html, type Markup } from "./markup.ts";

/** How a series is drawn. */
export type Look = "middle" | "tail" | "steps" | "bars";

export type Series = {
  readonly name: string;
  readonly look: Look;
  /** One a moment; `null`: nobody knows. */
  readonly values: readonly (number | null)[];
};

export type Moment = { readonly fromSecond: number; readonly untilSecond: number };

/** Widths are stretched to what there is; heights are pixels. */
const width = 1000;
const roomAbove = 14;
const roomBelow = 22;

type Scale = { readonly at: (value: number) => number; readonly ticks: readonly number[] };

/** From 0 to a round number, with three or four steps. */
function linear(valueMax: number): Scale {
  const rough = (valueMax || 1) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999)! * power;
  const top = Math.ceil(valueMax / step - 1e-9) * step || step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { at: (value) => value / top, ticks };
}

/** Between round numbers: 1, 2, 5, 10. */
function logarithmic(valueMin: number, valueMax: number): Scale {
  const round = [1, 2, 5];
  const powers = Array.from({ length: 14 }, (_, index) => 10 ** (index - 4));
  const all = powers.flatMap((power) => round.map((one) => Number((one * power).toPrecision(1))));
  const from = all.findLast((tick) => tick <= valueMin * 1.0001) ?? all[0]!;
  const until = all.find((tick) => tick >= valueMax && tick > from) ?? all.at(-1)!;
  const span = Math.log(until / from);
  const inside = all.filter((tick) => tick >= from && tick <= until);
  // Of many, the powers of ten and the ends are enough.
  const ticks = inside.length > 7 ? inside.filter((tick) => /^[0.]*10*$/.test(String(tick))) : inside;
  return {
    at: (value) => Math.min(1, Math.max(0, Math.log(Math.max(value, from) / from) / span)),
    ticks,
  };
}

/** A number as a chart's words tell it: three figures that mean something. */
export function told(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value);
  return Number(value.toPrecision(3)).toString();
}

export type TimeChart = {
  readonly title: string;
  /** Behind each number; `""` for counts. */
  readonly unit: string;
  readonly moments: readonly Moment[];
  readonly series: readonly Series[];
  /** What it shows, for whoever does not see it. */
  readonly summary: string;
  readonly heightPx?: number;
};

/** A span at least, with a value at least. */
export function timeChart({ title, unit, moments, series, summary, heightPx = 120 }: TimeChart): Markup {
  const from = moments[0]!.fromSecond;
  const until = moments.at(-1)!.untilSecond;
  const x = (second: number) => share((second - from) / (until - from), width);
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const { at, ticks } = linear(Math.max(0, ...known));
  const y = (value: number) => share(1 - at(value), heightPx);
  const place = { x, y, heightPx, moments };
  const unitWords = unit === "" ? "" : ` ${unit}`;
  const words = (index: number) =>
    series
      .map(
        ({ name, values }) =>
          `${name} ${values[index] == null ? "unknown" : told(values[index]) + unitWords}`,
      )
      .join(", ");
  return chart(
    { title, summary, heightPx, key: series.length > 1 ? series : [] },
    html`${gridOf(ticks, y, unit)}${secondsOf(from, until, heightPx)}${drawing(
      heightPx,
      html`${series.map((one) => drawn(one, place))}<g class="hits">${moments.map(
        ({ fromSecond, untilSecond }, index) =>
          html`<rect x="${x(fromSecond)}" width="${share((untilSecond - fromSecond) / (until - from), width)}" height="${heightPx}"><title>${spanWords(fromSecond, untilSecond)}: ${words(index)}</title></rect>`,
      )}</g>`,
    )}`,
  );
}

function spanWords(fromSecond: number, untilSecond: number): string {
  return untilSecond - fromSecond === 1 ? `second ${fromSecond}` : `seconds ${fromSecond} to ${untilSecond}`;
}

type Place = {
  readonly x: (second: number) => number;
  readonly y: (value: number) => number;
  readonly heightPx: number;
  readonly moments: readonly Moment[];
};

function drawn({ look, values }: Series, { x, y, heightPx, moments }: Place): Content {
  const known = moments.flatMap((moment, index) => {
    const value = values[index] ?? null;
    return value === null ? [] : [{ ...moment, index, value }];
  });
  if (look === "bars") {
    const bars = known
      .filter(({ value }) => value > 0)
      .map(
        ({ fromSecond, untilSecond, value }) =>
          `M${x(fromSecond)} ${heightPx}V${y(value)}H${x(untilSecond)}V${heightPx}z`,
      );
    return html`<path class="bars" d="${bars.join("")}"/>`;
  }
  if (look === "steps") {
    const steps = known.map(
      ({ fromSecond, untilSecond, value }) => `L${x(fromSecond)} ${y(value)}H${x(untilSecond)}`,
    );
    if (steps.length === 0) return null;
    const start = x(known[0]!.fromSecond);
    const end = x(known.at(-1)!.untilSecond);
    return html`<path class="area" d="M${start} ${heightPx}${steps.join("")}L${end} ${heightPx}z"/><path class="line steps" d="${steps.join("").replace("L", "M")}"/>`;
  }
  const middle = ({ fromSecond, untilSecond }: Moment) => x((fromSecond + untilSecond) / 2);
  const line = known.map((one, place) => {
    const isAlone = known[place - 1]?.index !== one.index - 1;
    // One by itself is a dash, as a point would be nothing.
    const dash = isAlone && known[place + 1]?.index !== one.index + 1 ? "h4" : "";
    return `${isAlone ? "M" : "L"}${middle(one)} ${y(one.value)}${dash}`;
  });
  return html`<path class="line ${look}" d="${line.join("")}"/>`;
}

export type Distribution = {
  readonly title: string;
  readonly unit: string;
  /** Of what there are so many: `pictures`. */
  readonly noun: string;
  /** In thousandths of the unit. */
  readonly buckets: readonly Bucket[];
  readonly percentiles: readonly { readonly name: string; readonly value: number }[];
  readonly heightPx?: number;
};

const binsMax = 72;
/** What happens once is seen, too. */
const barPxMin = 1.5;

/** Needs a bucket. */
export function distributionChart({
  title,
  unit,
  noun,
  buckets,
  percentiles,
  heightPx = 96,
}: Distribution): Markup {
  const middle = ({ low, high }: Bucket) => (low + high) / 2000;
  const lowest = Math.max(0.1, middle(buckets[0]!));
  const highest = Math.max(lowest * 1.05, middle(buckets.at(-1)!));
  const { at, ticks } = logarithmic(lowest, highest);
  const bins = new Map<number, { count: number; low: number; high: number }>();
  for (const bucket of buckets) {
    const place = Math.min(binsMax - 1, Math.floor(at(middle(bucket)) * binsMax));
    const bin = bins.get(place);
    const { low, high, count } = bucket;
    bins.set(place, bin ? { low: bin.low, high, count: bin.count + count } : { low, high, count });
  }
  const most = Math.max(...[...bins.values()].map(({ count }) => count));
  const tall = heightPx - 3 * markPx - 4;
  const x = (place: number) => share(place / binsMax, width);
  const bars = [...bins].map(([place, { count }]) => {
    const top = share(1 - Math.max(barPxMin, (count / most) * tall) / heightPx, heightPx);
    return `M${x(place)} ${heightPx}V${top}H${x(place + 1)}V${heightPx}z`;
  });
  const total = countIn(buckets);
  const summary = `${total} ${noun}, from ${told(lowest)} to ${told(highest)} ${unit}: ${percentiles.map(({ name, value }) => `${name} ${told(value)} ${unit}`).join(", ")}.`;
  return chart(
    { title, summary, heightPx, key: [] },
    html`${ticks.map((tick, index) => html`<line class="grid" x1="${percent(at(tick))}" x2="${percent(at(tick))}" y1="${roomAbove + 3 * markPx}" y2="${roomAbove + heightPx}"/>${labelBelow(at(tick), index === 0 ? `${told(tick)} ${unit}` : told(tick), heightPx)}`)}${drawing(
      heightPx,
      html`<path class="bars" d="${bars.join("")}"/><g class="hits">${[...bins].map(
        ([place, { low, high, count }]) =>
          html`<rect x="${x(place)}" width="${share(1 / binsMax, width)}" height="${heightPx}"><title>${told(low / 1000)} to ${told(high / 1000)} ${unit}: ${count} of ${total}</title></rect>`,
      )}</g>`,
    )}${percentiles.slice(0, 3).map(({ name, value }, row) => markAt(at(value), `${name} ${told(value)} ${unit}`, row, heightPx))}`,
  );
}

/** Of a line of text above the bars. */
const markPx = 14;

function markAt(at: number, words: string, row: number, heightPx: number): Markup {
  const isRight = at > 0.6;
  return html`<line class="mark" x1="${percent(at)}" x2="${percent(at)}" y1="${roomAbove + row * markPx - 10}" y2="${roomAbove + heightPx}"/><text class="said" x="${percent(at)}" dx="${isRight ? -4 : 4}" y="${roomAbove + row * markPx}" text-anchor="${isRight ? "end" : "start"}">${words}</text>`;
}

/** An interval of ratios on a log axis around 1, in a cell of a table; `reach`: the ratio at its right end, the left one is its inverse. */
export function intervalBar(low: number, high: number, reach: number, look: string): Markup {
  const at = (ratio: number) => Math.min(1, Math.max(0, 0.5 + Math.log(ratio) / Math.log(reach) / 2));
  const [left, right] = [at(low), at(high)];
  return html`<svg class="interval" width="100%" height="20" aria-hidden="true"><line class="grid" x1="50%" x2="50%" y1="0" y2="20"/><rect class="${look}" x="${percent(left)}" y="7" width="${percent(Math.max(0.02, right - left))}" height="6" rx="3"/></svg>`;
}

export type Share = { readonly look: string; readonly words: string; readonly count: number };

/** Parts of a whole, side by side. */
export function shareBar(shares: readonly Share[]): Markup {
  const total = shares.reduce((sum, { count }) => sum + count, 0) || 1;
  let start = 0;
  const parts = shares
    .filter(({ count }) => count > 0)
    .map(({ look, words, count }) => {
      const x = start;
      start += count / total;
      return html`<rect class="${look}" x="${percent(x)}" width="${percent(count / total)}" height="100%"><title>${count} ${words}</title></rect>`;
    });
  return html`<svg class="shares" width="100%" height="8" aria-hidden="true">${parts}</svg>`;
}

type Frame = {
  readonly title: string;
  readonly summary: string;
  readonly heightPx: number;
  readonly key: readonly Pick<Series, "name" | "look">[];
};

function chart({ title, summary, heightPx, key }: Frame, inside: Markup): Markup {
  return html`<figure class="chart"><figcaption><b>${title}</b>${key.map(({ name, look }) => html` <span class="key ${look}">${name}</span>`)}</figcaption><svg role="img" aria-label="${title}: ${summary}" width="100%" height="${roomAbove + heightPx + roomBelow}">${inside}</svg></figure>\n`;
}

/** What is stretched. */
function drawing(heightPx: number, inside: Markup): Markup {
  return html`<svg y="${roomAbove}" width="100%" height="${heightPx}" viewBox="0 0 ${width} ${heightPx}" preserveAspectRatio="none">${inside}</svg>`;
}

/** Lines across, each with its number on it: no margin is lost to them. */
function gridOf(ticks: readonly number[], y: (value: number) => number, unit: string): Content {
  return ticks.map((tick, index) => {
    const at = roomAbove + y(tick);
    const words = index === ticks.length - 1 ? `${told(tick)} ${unit}` : told(tick);
    return html`<line class="grid" x2="100%" y1="${at}" y2="${at}"/>${tick === 0 ? null : html`<text x="0" y="${at - 3}">${words.trim()}</text>`}`;
  });
}

function secondsOf(from: number, until: number, heightPx: number): Content {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
  const step = steps.find((one) => (until - from) / one <= 6) ?? 14_400;
  const first = Math.ceil(from / step) * step;
  const ticks = Array.from(
    { length: Math.floor((until - first) / step) + 1 },
    (_, index) => first + index * step,
  );
  return ticks.map((second) => labelBelow((second - from) / (until - from), `${second} s`, heightPx));
}

function labelBelow(at: number, words: string, heightPx: number): Markup {
  const anchor = at < 0.03 ? "start" : at > 0.97 ? "end" : "middle";
  return html`<text x="${percent(at)}" y="${roomAbove + heightPx + 15}" text-anchor="${anchor}">${words}</text>`;
}

/** A place in a length, of no more digits than an eye sees. */
const share = (at: number, length: number) => Number((at * length).toFixed(1));
const percent = (at: number) => `${Number((at * 100).toFixed(2))}%`;
