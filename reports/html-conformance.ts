/** The half of the HTML report that is about clients: failures with their proof, then verdicts by area, set and scenario, a client a column. */
import { bulletList, type Column, folded, linked, pill, scrolled, section, tallyBar } from "./html-parts.ts";
import { type Content, html, type Markup } from "./markup.ts";
import type { Finding, Picture, Verdict } from "./result.ts";
import { counted, cut, cutApart } from "./shown-text.ts";
import {
  areasOf,
  type Standing,
  standingMarks,
  standingOf,
  standingWords,
  tallyOf,
  unsupportedWhys,
  verdictsOf,
} from "./tally.ts";

/** Of one report. What is beyond is in `result.json`, and the report says so. */
const picturesBytesMax = 8 * 1024 ** 2;
/** Of one scenario. */
const findingsMax = 12;
const windowMax = 80;
const textMax = 4000;
/** As many are open: of more, nobody wants to scroll past the first. */
const openMax = 3;

export type Section = { readonly id: string; readonly title: string; readonly markup: Markup };

export function conformanceSections(columns: readonly Column[]): Section[] {
  if (columns.length === 0) return [];
  const proof = proofs();
  const isOfSeveral = columns.length > 1;
  const told = (standing: Standing) =>
    columns.flatMap((column, place) =>
      verdictsOf(column.result, standing).map((verdict) => ({ verdict, column, place })),
    );
  const failed = told("failed");
  const known = columns
    .map((column, place) => ({ column, place, verdicts: verdictsOf(column.result, "known") }))
    .filter(({ verdicts }) => verdicts.length > 0);
  const inconclusive = told("inconclusive");
  const verdicts = columns.flatMap(({ result }) => result.verdicts);
  const whys = columns.flatMap(({ result, name }) =>
    unsupportedWhys(result).map(([why, count]) => ({ why, count, name })),
  );
  const nameOf = ({ name }: Column) => (isOfSeveral ? html` <span class="tag">${name}</span>` : null);
  const all: (Section | null)[] = [
    failed.length === 0
      ? null
      : titled(
          "failed",
          "Failed",
          counted(failed.length, "failure that no baseline knows", "failures that no baseline knows"),
          failed.map((one, index) => proof(one, { isOpen: index < openMax, isNamed: isOfSeveral })),
        ),
    inconclusive.length === 0
      ? null
      : titled(
          "inconclusive",
          "Inconclusive",
          "nobody can tell",
          html`<ul class="plain card">${inconclusive.map(
            ({ verdict, column, place }) =>
              html`<li id="${anchorOf({ verdict, column, place })}"><code>${verdict.id}</code>${nameOf(column)}<br>${verdict.why ?? "No reason is given."}<br><code class="dim">${verdict.replay}</code></li>`,
          )}</ul>`,
        ),
    verdicts.length === 0 ? null : titled("areas", "Areas", "passed of judged", areaTable(columns)),
    verdicts.every(({ sets }) => sets.length === 0)
      ? null
      : titled("sets", "Requirement sets", "of the scenarios that were run", setTable(columns)),
    known.length === 0
      ? null
      : titled(
          "known",
          "Known to fail",
          "the baseline gives a reason",
          known.map(({ column, place, verdicts }) =>
            folded(
              html`${pill("known")} ${counted(verdicts.length, "scenario")}${nameOf(column)}`,
              html`<div class="inside">${verdicts.map((verdict) => proof({ verdict, column, place }, { isOpen: false, isNamed: false }))}</div>`,
            ),
          ),
        ),
    verdicts.length === 0
      ? null
      : titled(
          "scenarios",
          "Scenarios",
          "",
          folded(
            counted(new Set(verdicts.map(({ id }) => id)).size, "scenario") +
              ", who demands what, and what came of it",
            matrix(columns),
          ),
        ),
    whys.length === 0
      ? null
      : titled(
          "unsupported",
          "Unsupported",
          "what clients say that they cannot do",
          html`<div class="card">${bulletList(whys.map(({ why, count, name }) => `${isOfSeveral ? `${name}: ` : ""}${count} × ${why}`))}</div>`,
        ),
  ];
  return all.filter((one) => one !== null);
}

function titled(id: string, title: string, aside: string, inside: Content): Section {
  return { id, title, markup: section(id, title, aside, inside) };
}

type Told = { readonly verdict: Verdict; readonly column: Column; readonly place: number };

/** Ids are someone's text; places are ours. */
function anchorOf({ verdict, column, place }: Told): string {
  return `told-${place + 1}-${column.result.verdicts.indexOf(verdict) + 1}`;
}

/** Writes out what proves a failure; of all of them, so many bytes of pictures. */
function proofs(): (told: Told, how: { readonly isOpen: boolean; readonly isNamed: boolean }) => Markup {
  let bytesLeft = picturesBytesMax;
  const framed = ({ caption, png }: Picture): Content => {
    const size = sizeOf(png);
    const isLeftOut = size === null || png.length > bytesLeft;
    if (!isLeftOut) bytesLeft -= png.length;
    const why =
      size === null ? "is no PNG that can be shown" : "is in result.json: this file is large enough";
    return html`<figure>${isLeftOut ? html`<p class="dim">The picture ${why}.</p>` : html`<img src="data:image/png;base64,${png}" alt="${caption}" width="${size.width}" height="${size.height}">`}<figcaption>${cut(caption, 300)}</figcaption></figure>`;
  };
  return ({ verdict, column, place }, { isOpen, isNamed }) => {
    const { id, does, owes, source, findings, known, replay } = verdict;
    const seen = new Set<string>();
    const more = findings.length - findingsMax;
    const title = html`<h3><span class="m ${standingOf(verdict)}">${standingMarks[standingOf(verdict)]}</span> <code>${id}</code> ${isNamed ? html`<span class="tag">${column.name}</span> ` : null}<small>${cut(known?.reason ?? findings[0]?.rule ?? owes, 200)}</small></h3>`;
    const facts: readonly (readonly [string, Content])[] = [
      ...(known
        ? ([
            ["Known", html`${known.reason} ${known.link === "" ? null : html`(${linked(known.link)})`}`],
          ] as const)
        : []),
      ["Does", does],
      ["Owes", owes],
      ["Says who", html`<span class="tag">${source.kind}</span> ${linked(source.where)}`],
    ];
    const inside = html`<div class="inside" id="${anchorOf({ verdict, column, place })}"><dl class="facts">${facts.map(([name, what]) => html`<dt>${name}</dt><dd>${what}</dd>`)}</dl>
${findings.slice(0, findingsMax).map((finding) => {
  const pictures = (finding.pictures ?? []).filter(({ png }) => !seen.has(png));
  for (const { png } of pictures) seen.add(png);
  return findingMarkup(finding, pictures.map(framed));
})}${more > 0 ? html`<p>And ${counted(more, "finding")} more, in result.json.</p>` : null}
<h4>See it again</h4><pre><code>${replay}</code></pre></div>`;
    return folded(title, inside, { isOpen, look: `failure ${standingOf(verdict)}` });
  };
}

/** `pictures`: those that no finding before has shown. */
function findingMarkup(
  { rule, expected, got, window = [], pictures: given = [] }: Finding,
  pictures: readonly Content[],
): Markup {
  const [wanted, had] = cutApart(expected, got, textMax).map((text) => cut(text, textMax)) as [
    string,
    string,
  ];
  const [before, after] = alike(wanted, had);
  const marked = (text: string) =>
    html`<code>${text.slice(0, before)}<mark>${text.slice(before, text.length - after)}</mark>${text.slice(text.length - after)}</code>`;
  const rest = window.length - windowMax;
  return html`<h4>${rule}</h4><div class="versus"><div tabindex="0" role="group" aria-label="expected"><b>expected</b>${marked(wanted)}</div><div tabindex="0" role="group" aria-label="got"><b>got</b>${marked(had)}</div></div>${
    window.length === 0
      ? null
      : html`<ol class="window" tabindex="0" aria-label="What happened around it, oldest first">${window.slice(0, windowMax).map((line) => html`<li>${cut(line, 600)}</li>`)}${rest > 0 ? html`<li>… and ${counted(rest, "line")} more</li>` : null}</ol>`
  }${
    pictures.length > 0
      ? html`<div class="pictures">${pictures}</div>`
      : given.length > 0
        ? html`<p class="dim">Its pictures are those above.</p>`
        : null
  }\n`;
}

/** How many characters two texts share at their start and at their end, at words' edges; of two that share little, all is different. */
function alike(one: string, other: string): [start: number, end: number] {
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && one[start] === other[start]) start += 1;
  while (start > 0 && /[\w\ud800-\udfff]/.test(one[start - 1]!)) start -= 1;
  let end = 0;
  while (end < most - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  while (end > 0 && /[\w\ud800-\udfff]/.test(one.at(-end)!)) end -= 1;
  return start + end < most / 4 ? [0, 0] : [start, end];
}

/** `null`: no PNG in base64. The size is the one that its header tells. */
function sizeOf(png: string): { width: number; height: number } | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(png)) return null;
  const head = Buffer.from(png.slice(0, 32), "base64");
  if (head.length < 24 || head.readBigUInt64BE(0) !== 0x89504e470d0a1a0an) return null;
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}

function headOf(columns: readonly Column[], first: string): Markup {
  return html`<thead><tr><th scope="col">${first}</th>${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>`;
}

function areaTable(columns: readonly Column[]): Markup {
  const areas = [...new Set(columns.flatMap(({ result }) => [...areasOf(result.verdicts).keys()]))];
  return tallyTable("Verdicts by area", "area", areas, columns, ({ area }, name) => area === name, true);
}

function setTable(columns: readonly Column[]): Markup {
  const sets = [...new Set(columns.flatMap(({ result }) => result.verdicts.flatMap(({ sets }) => sets)))];
  return tallyTable(
    "Verdicts by requirement set",
    "set",
    sets,
    columns,
    ({ sets }, name) => sets.includes(name),
    false,
  );
}

function tallyTable(
  name: string,
  first: string,
  rows: readonly string[],
  columns: readonly Column[],
  isIn: (verdict: Verdict, row: string) => boolean,
  hasSum: boolean,
): Markup {
  return scrolled(
    name,
    html`<table>${headOf(columns, first)}<tbody>${rows.map(
      (row) =>
        html`<tr><th scope="row">${row}</th>${columns.map(({ result }) => tallyCell(result.verdicts.filter((verdict) => isIn(verdict, row))))}</tr>\n`,
    )}</tbody>${hasSum ? html`<tfoot><tr><th scope="row">all</th>${columns.map(({ result }) => tallyCell(result.verdicts))}</tr></tfoot>` : null}</table>`,
  );
}

/** `22/25 · 3 known`, and a bar of it. */
function tallyCell(verdicts: readonly Verdict[]): Markup {
  if (verdicts.length === 0) return html`<td class="dim">not run</td>`;
  const tally = tallyOf(verdicts);
  const others = (["failed", "known", "inconclusive", "unsupported"] as const).filter(
    (one) => tally[one] > 0,
  );
  return html`<td>${tally.judged > 0 ? `${tally.passed}/${tally.judged}` : null}${others.map((one, index) => html`${tally.judged > 0 || index > 0 ? " · " : null}<span class="m ${one}">${tally[one]} ${one}</span>`)}${tallyBar(verdicts)}</td>`;
}

/** A row a scenario, a mark a client; what failed leads to its proof. */
function matrix(columns: readonly Column[]): Markup {
  const byId = columns.map(({ result }) => new Map(result.verdicts.map((verdict) => [verdict.id, verdict])));
  const first = new Map(
    columns
      .flatMap(({ result }) => result.verdicts.map((verdict) => [verdict.id, verdict] as const))
      .toReversed(),
  );
  const areas = areasOf([...first.values()].toReversed());
  const span = columns.length + 2;
  return scrolled(
    "All scenarios",
    html`<table class="matrix">${html`<thead><tr><th scope="col">scenario</th><th scope="col">what is owed</th>${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>`}${[
      ...areas,
    ].map(
      ([area, verdicts]) =>
        html`<tbody><tr class="area"><th colspan="${span}" scope="rowgroup">${area}</th></tr>${verdicts.map(
          ({ id, does, owes, source }) =>
            html`<tr><th scope="row"><code>${id}</code></th><td class="owes" title="${does}">${owes} <span class="tag" title="${source.where}">${source.kind}</span></td>${columns.map((column, place) => matrixCell(byId[place]!.get(id), column, place))}</tr>\n`,
        )}</tbody>`,
    )}</table>`,
  );
}

function matrixCell(verdict: Verdict | undefined, column: Column, place: number): Markup {
  if (!verdict) return html`<td></td>`;
  const standing = standingOf(verdict);
  const mark = html`<span class="m ${standing}" role="img" aria-label="${standingWords[standing]}">${standingMarks[standing]}</span>`;
  const isTold = standing === "failed" || standing === "known" || standing === "inconclusive";
  return html`<td${verdict.why === null ? null : html` title="${cut(verdict.why, 200)}"`}>${isTold ? html`<a href="#${anchorOf({ verdict, column, place })}">${mark}</a>` : mark}</td>`;
}
