/**
 * Results as one HTML file that needs nothing else: no script, no network, no second file. The verdict comes first, then what proves it. Several
 * results stand side by side. Texts of clients and servers are shown as text, and a policy in the file forbids whatever would not be.
 */
import { createHash } from "node:crypto";
import { conformanceSections, type Section } from "./html-conformance.ts";
import { type ComparedRuns, comparisonSection, figureMarkup, loadSections } from "./html-load.ts";
import { type Column, note, plainTable, section, tallyBar } from "./html-parts.ts";
import { style } from "./html-style.ts";
import { type Content, html, type Markup, textOf, trusted } from "./markup.ts";
import { exitCodeOf, exitCodes, type RunResult } from "./result.ts";
import { counted, escapeControls, shownDuration } from "./shown-text.ts";
import { doubtsOf, endOf, type Standing, standingMarks, standings, standingWords, tallyOf } from "./tally.ts";

export type HtmlOptions = {
  /** The first two runs of load, compared. */
  readonly compared?: ComparedRuns | null;
};

/** Ends with a line end. @throws RangeError without results */
export function resultsHtml(results: readonly RunResult[], { compared = null }: HtmlOptions = {}): string {
  if (results.length === 0) throw new RangeError("There are no results to show. Give one at least.");
  const columns = namedColumns(results);
  const loads = columns.filter(({ result }) => result.kind === "load");
  const sections = [
    ...conformanceSections(columns.filter(({ result }) => result.kind === "conformance")),
    // A run of load http has no record, and is compared with nothing.
    ...(compared
      ? [
          comparisonSection(
            compared,
            loads.filter(({ result }) => result.load),
          ),
        ]
      : []),
    ...loadSections(loads),
    ...figureSections(columns.filter(({ result }) => result.kind === "conformance")),
    environmentSection(columns),
  ];
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const { title, banner } = bannerOf(columns);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
<header class="top">
<p class="brand">lucy-testkit report</p>
${banner}
<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
</header>
<main>
${notesOf(columns)}${sections.map(({ markup }) => markup)}
</main>
<footer>One file, without a script and without a network. The whole result is in result.json, beside it in the run's folder; lucy-testkit report shows that in other forms, too.</footer>
</body>
</html>
`;
  return textOf(page);
}

/** By whom they judge, and what against where that differs; when, where they are the same. */
function namedColumns(results: readonly RunResult[]): Column[] {
  const isOneTarget = new Set(results.map(({ target }) => target)).size === 1;
  const tries: ((result: RunResult) => string)[] = [
    ({ subject }) => subject,
    ({ subject, target, kind }) =>
      isOneTarget || kind === "load" ? subject : `${subject} against ${target}`,
    ({ subject, startedAt }) => `${subject}, ${startedAt.slice(0, 19).replace("T", " ")}`,
  ];
  const names =
    tries.map((nameOf) => results.map(nameOf)).find((names) => new Set(names).size === names.length) ??
    results.map(({ subject }, index) => `${index + 1}: ${subject}`);
  return results.map((result, index) => ({ name: names[index]!, result }));
}

/** As in the exit code: a harness that broke is told before a client that failed. */
const worstFirst: readonly number[] = [
  exitCodes.harness,
  exitCodes.failed,
  exitCodes.inconclusive,
  exitCodes.passed,
];

const lookOf = (result: RunResult): Standing => {
  const code = exitCodeOf(result);
  return code === exitCodes.passed ? "passed" : code === exitCodes.inconclusive ? "inconclusive" : "failed";
};

function bannerOf(columns: readonly Column[]): { title: string; banner: Markup } {
  const worst = columns.toSorted(
    (one, other) => worstFirst.indexOf(exitCodeOf(one.result)) - worstFirst.indexOf(exitCodeOf(other.result)),
  )[0]!.result;
  const look = lookOf(worst);
  const { word, sentence } = endOf(worst);
  const heading = word[0]!.toUpperCase() + word.slice(1);
  const [only] = columns;
  const isOne = columns.length === 1;
  const who = isOne
    ? `${only!.result.subject} against ${only!.result.target}`
    : columns.map(({ name }) => name).join(" · ");
  const ended = columns.filter(({ result }) => exitCodeOf(result) === exitCodeOf(worst)).length;
  return {
    title: escapeControls(`${standingMarks[look]} ${heading}: ${who} · lucy-testkit`),
    banner: html`<div class="banner ${look}"><h1><span aria-hidden="true">${standingMarks[look]}</span> ${heading}${isOne ? null : html` <small class="dim">${ended} of ${columns.length}</small>`}</h1>
<p class="who">${who}</p>
${isOne ? html`<p class="why">${sentence}</p>` : null}${isOne ? countsOf(only!.result) : null}${isOne ? html`<p class="about">${aboutOf(only!.result)}</p>` : null}</div>${isOne ? null : resultCards(columns)}`,
  };
}

function aboutOf({ startedAt, durationMs, seed, verdicts, kind }: RunResult): string {
  const what = counted(verdicts.length, kind === "load" ? "threshold" : "scenario");
  return `${what} · ${startedAt.slice(0, 19).replace("T", " ")} UTC · ${shownDuration(durationMs)} · seed ${seed}`;
}

function countsOf({ verdicts }: RunResult): Content {
  if (verdicts.length === 0) return null;
  const tally = tallyOf(verdicts);
  const used = standings.filter((one) => tally[one] > 0 || one === "passed");
  return html`${tallyBar(verdicts)}<ul class="counts">${used.map((one) => html`<li><span class="m ${one}">${standingMarks[one]}</span> <b>${tally[one]}</b> ${standingWords[one]}</li>`)}</ul>`;
}

/** Several results, a card each. */
function resultCards(columns: readonly Column[]): Markup {
  return html`<ul class="results" aria-label="Results">${columns.map(({ name, result }) => {
    const look = lookOf(result);
    return html`<li class="card ${look}"><b class="name"><span class="m ${look}">${standingMarks[look]}</span> ${name}</b><p>${endOf(result).sentence}</p>${countsOf(result)}<p class="about">${aboutOf(result)}</p></li>\n`;
  })}</ul>`;
}

/** What a reader has to know before any number. */
function notesOf(columns: readonly Column[]): Content {
  const sentences = (of: (result: RunResult) => readonly string[]) =>
    columns.flatMap(({ name, result }) =>
      of(result).map((one) => (columns.length > 1 ? `${name}: ${one}` : one)),
    );
  return [
    note(
      "failed",
      "Trouble of the harness",
      sentences(({ harness }) => harness),
    ),
    note(
      "inconclusive",
      "Not to be believed",
      sentences((result) => (result.kind === "load" ? doubtsOf(result) : [])),
    ),
    note(
      "known",
      "Entries of the baseline that nothing needs",
      sentences(({ stale }) => stale),
    ),
  ];
}

function figureSections(columns: readonly Column[]): Section[] {
  const measured = columns.filter(({ result }) => result.figures.length > 0);
  if (measured.length === 0) return [];
  const inside = measured.map(({ name, result }) => [
    columns.length > 1 ? html`<h3>${name}</h3>` : null,
    figureMarkup(result.figures),
  ]);
  return [{ id: "figures", title: "Figures", markup: section("figures", "Figures", "", inside) }];
}

function environmentSection(columns: readonly Column[]): Section {
  const names = [...new Set(columns.flatMap(({ result }) => Object.keys(result.environment)))];
  const row = (name: string, of: (result: RunResult) => string): readonly Content[] => [
    name,
    ...columns.map(({ result }) => of(result)),
  ];
  const rows = [
    row("started", ({ startedAt }) => startedAt),
    row("took", ({ durationMs }) => shownDuration(durationMs)),
    row("seed", ({ seed }) => String(seed)),
    row("target", ({ target }) => target),
    ...names.map((name) => row(name, ({ environment }) => environment[name] ?? "")),
  ];
  const table =
    columns.length === 1
      ? html`<dl class="facts card">${rows.map(([name, value]) => html`<dt>${name!}</dt><dd>${value!}</dd>`)}</dl>`
      : plainTable("Environment", ["what", ...columns.map(({ name }) => name)], rows, { isText: true });
  return {
    id: "environment",
    title: "Environment",
    markup: section("environment", "Environment", "", table),
  };
}
