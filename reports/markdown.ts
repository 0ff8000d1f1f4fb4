/**
 * A result as Markdown, for a comment under a pull request or the summary of a GitHub job. Texts that clients and servers made are shown as
 * text: they start no table, link, picture or tag, and call nobody.
 */
import { courseRows } from "./course-rows.ts";
import { figureMarkdown } from "./figure-table.ts";
import { loadAmounts } from "./load-amounts.ts";
import type { LoadRecord } from "./load-record.ts";
import type { Finding, Picture, RunResult, Verdict } from "./result.ts";
import { counted, cut, cutApart, escapeControls, shownDuration } from "./shown-text.ts";
import {
  areasOf,
  doubtsOf,
  endOf,
  type Standing,
  standingOf,
  standings,
  standingWords,
  tallyOf,
  unsupportedWhys,
  verdictsOf,
} from "./tally.ts";

export type MarkdownOptions = {
  /** Where pictures of findings are, for those that are somewhere: relative to where the Markdown will be. */
  readonly pictures?: ReadonlyMap<Picture, string>;
  /** The page of the job that made it. */
  readonly job?: string | null;
};

/** GitHub takes 65,536 characters for a comment. */
const lengthMax = 60_000;
/** Of one text: what is longer is in `result.json`. */
const textMax = 2000;
const windowMax = 40;

const marks: Readonly<Record<Standing, string>> = {
  passed: "✅",
  failed: "❌",
  known: "⚠️",
  unsupported: "➖",
  inconclusive: "❔",
};

/** One comment of all of them. Ends with a line end. */
export function resultsMarkdown(
  results: readonly RunResult[],
  { pictures = new Map(), job = null }: MarkdownOptions = {},
): string {
  const head = [marker(results), ...(results.length > 1 ? [clientTable(results)] : [])].join("\n\n");
  const made = job === null ? [] : [`Made by [this job](<${job}>); what it kept is among its artifacts.`];
  const left = lengthMax - head.length - made.join().length;
  const each = results.map((result) => resultBlocks(result, pictures, Math.floor(left / results.length)));
  return `${[head, ...each, ...made].join("\n\n")}\n`;
}

/** Nobody sees it: by it a bot finds the comment that it wrote about the same clients before, and writes it anew. */
function marker(results: readonly RunResult[]): string {
  const names = results.map(({ kind, subject }) => `${kind} ${subject}`).join(", ");
  // What would end it is in no client's name.
  return `<!-- lucy-testkit: ${cut(names.replace(/[^\w@.+/, -]|(?<!\w)@/g, "").replace(/-{2,}/g, "-"), 400)} -->`;
}

function clientTable(results: readonly RunResult[]): string {
  const used = standings.filter((one) => results.some(({ verdicts }) => tallyOf(verdicts)[one] > 0));
  return [
    `| | ${["verdict", ...used.map((one) => standingWords[one])].join(" | ")} |`,
    `| --- | --- |${used.map(() => " ---: |").join("")}`,
    ...results.map((result) => {
      const tally = tallyOf(result.verdicts);
      const { mark, word } = headOf(result);
      const cells = used.map((one) => (tally[one] > 0 ? tally[one] : ""));
      return `| ${[prose(cut(result.subject, 80)), `${mark} ${word}`, ...cells].join(" | ")} |`;
    }),
  ].join("\n");
}

function headOf(result: RunResult) {
  const { word, sentence } = endOf(result);
  const mark = word === "passed" ? marks.passed : word === "inconclusive" ? marks.inconclusive : marks.failed;
  return { mark, word, sentence };
}

function resultBlocks(result: RunResult, pictures: ReadonlyMap<Picture, string>, lengthMax: number): string {
  const { kind, subject, target, stale, harness, figures, verdicts, load } = result;
  const isLoad = kind === "load";
  const { mark, word, sentence } = headOf(result);
  const failed = verdictsOf(result, "failed");
  const known = verdictsOf(result, "known");
  const blocks = [
    `## ${mark} ${prose(subject)} against ${prose(target)}: ${word}`,
    `${sentence}`,
    ...(isLoad && verdicts.length > 0 ? [thresholdTable(verdicts)] : []),
    ...(isLoad && figures.length > 0 ? [figureMarkdown(figures.map(safeFigure))] : []),
    ...bulleted("Not to be believed", isLoad ? doubtsOf(result).map(prose) : []),
    ...(load ? loadBlocks(result, load) : []),
    ...bulleted("Trouble of the harness", harness.map(prose)),
    ...bulleted("Entries of the baseline that nothing needs", stale.map(prose)),
    // Of many nobody wants to scroll past the first.
    ...titled(
      "Failed",
      (isLoad ? [] : failed).map((verdict) => failure(verdict, failed.length <= 3, pictures)),
    ),
    ...bulleted("Inconclusive", isLoad ? [] : verdictsOf(result, "inconclusive").map(inconclusive)),
    ...titled(
      "Known to fail",
      known.map((verdict) => failure(verdict, false, pictures)),
    ),
    ...(verdicts.length > 0 && !isLoad ? ["### Areas", areaTable(verdicts)] : []),
    ...bulleted(
      "Unsupported",
      unsupportedWhys(result).map(([why, count]) => `${count} × ${prose(why)}`),
    ),
    ...(figures.length > 0 && !isLoad ? ["### Figures", figureMarkdown(figures.map(safeFigure))] : []),
  ];
  return withinLength(blocks, closing(result), lengthMax);
}

function thresholdTable(verdicts: readonly Verdict[]): string {
  return [
    "| | asked | measured |",
    "| --- | --- | --- |",
    ...verdicts.map(
      (verdict) => `| ${marks[standingOf(verdict)]} | ${prose(verdict.owes)} | ${prose(verdict.does)} |`,
    ),
  ].join("\n");
}

/** What was counted, and what it does not contain. */
function loadBlocks(result: RunResult, load: LoadRecord): string[] {
  return [
    ...bulleted(
      "Troubles of sessions",
      Object.entries(load.troubles).map(([sentence, count]) => `${count} × ${prose(sentence)}`),
    ),
    loadAmounts(result)
      .map(({ name, words }) => `- **${prose(name)}** ${prose(words)}`)
      .join("\n"),
    ...titled("Over time", courseTable(load)),
    ...bulleted("What these numbers do not contain", load.blindSpots.map(prose)),
  ];
}

/** A row a span; what went on for one span only is told by the figures. */
function courseTable({ course }: LoadRecord): string[] {
  if (course.length < 2) return [];
  const rows = courseRows(course);
  const [head, ...spans] = rows[0]!.map((_, index) => `| ${rows.map((row) => row[index]).join(" | ")} |`);
  return [[head, `|${rows.map(() => " ---: |").join("")}`, ...spans].join("\n")];
}

/** Blocks that fit, and in place of the others how many there were. */
function withinLength(blocks: readonly string[], last: string, lengthMax: number): string {
  // What is said of those that do not fit.
  let left = lengthMax - last.length - 100;
  const kept = blocks.filter((block) => {
    if (block.length + 2 > left) return false;
    left -= block.length + 2;
    return true;
  });
  const lost = blocks.length - kept.length;
  const note =
    lost > 0 ? [`${counted(lost, "part")} of this report did not fit; \`result.json\` has all.`] : [];
  return [...kept, ...note, last].join("\n\n");
}

function closing({ startedAt, durationMs, seed, environment }: RunResult): string {
  const about = Object.entries(environment).map(([name, value]) => `${name} ${value}`);
  const all = [startedAt, shownDuration(durationMs), `seed ${seed}`, ...about];
  return `<sub>${prose(cut(all.join(" · "), 600))}</sub>`;
}

function titled(title: string, blocks: readonly string[]): string[] {
  return blocks.length > 0 ? [`### ${title}`, ...blocks] : [];
}

/** One block, as items belong together: as many as are read. */
function bulleted(title: string, items: readonly string[]): string[] {
  const itemsMax = 50;
  const rest = items.length - itemsMax;
  const lines = [...items.slice(0, itemsMax), ...(rest > 0 ? [`… and ${rest} more`] : [])];
  return titled(title, items.length > 0 ? [lines.map((line) => `- ${line}`).join("\n")] : []);
}

function areaTable(verdicts: readonly Verdict[]): string {
  const used = standings.filter((one) => one === "passed" || tallyOf(verdicts)[one] > 0);
  const row = (name: string, of: readonly Verdict[]) => {
    const tally = tallyOf(of);
    return `| ${[name, ...used.map((one) => (tally[one] > 0 ? String(tally[one]) : ""))].join(" | ")} |`;
  };
  return [
    `| area | ${used.map((one) => `${marks[one]} ${standingWords[one]}`).join(" | ")} |`,
    `| --- |${used.map(() => " ---: |").join("")}`,
    ...[...areasOf(verdicts)].map(([name, of]) => row(prose(name), of)),
    row("**all**", verdicts),
  ].join("\n");
}

function failure(verdict: Verdict, isOpen: boolean, pictures: ReadonlyMap<Picture, string>): string {
  const { id, does, owes, source, findings, known, replay } = verdict;
  const [first] = findings;
  return [
    `<details${isOpen ? " open" : ""}><summary>${marks[standingOf(verdict)]} <code>${html(id)}</code> ${html(first?.rule ?? owes)}</summary>`,
    ...(known
      ? [`**Known**: ${prose(known.reason)}${known.link === "" ? "" : ` (${linkOf(known.link)})`}`]
      : []),
    `**Does**: ${prose(does)}<br>**Owes**: ${prose(owes)}<br>**Says who**: ${source.kind}, ${linkOf(source.where)}`,
    ...findings.flatMap((finding) => findingBlocks(finding, pictures)),
    "See it again:",
    fenced([escapeControls(replay)], "sh"),
    "</details>",
  ].join("\n\n");
}

function findingBlocks(
  { rule, expected, got, window = [], pictures = [] }: Finding,
  paths: ReadonlyMap<Picture, string>,
): string[] {
  const [wanted, had] = cutApart(escapeControls(expected), escapeControls(got), textMax);
  const isCut = window.length > windowMax;
  const around = [
    ...window.slice(0, windowMax).map((line) => cut(escapeControls(line), 400)),
    ...(isCut ? [`… and ${counted(window.length - windowMax, "line")} more`] : []),
  ];
  return [
    prose(rule),
    fenced([`expected  ${cut(wanted, textMax)}`, `got       ${cut(had, textMax)}`]),
    ...(around.length > 0 ? [fenced(around)] : []),
    ...pictures.map((picture) => {
      const path = paths.get(picture);
      return path ? `![${prose(picture.caption)}](<${path}>)` : `Picture: ${prose(picture.caption)}`;
    }),
  ];
}

function inconclusive({ id, why, replay }: Verdict): string {
  return `${code(id)}: ${prose(why ?? "No reason is given.")} See it again: ${code(replay)}`;
}

const safeFigure = (figure: RunResult["figures"][number]) => ({
  ...figure,
  // The table escapes what would end a cell.
  name: prose(figure.name).replaceAll("\\|", "|"),
  unit: prose(figure.unit).replaceAll("\\|", "|"),
  ...(figure.of !== undefined && { of: prose(figure.of).replaceAll("\\|", "|") }),
});

/** A link where it is one, else the text. */
function linkOf(text: string): string {
  return /^https?:\/\/[^\s<>()\\]+$/.test(text) ? `[${prose(text)}](<${escapeControls(text)}>)` : prose(text);
}

/** What would call people or name issues reads the same and does not: GitHub looks for both after it has made HTML of Markdown. */
function uncalled(text: string): string {
  return text.replace(/(?<!&)#(?=\d)|(?<!\w)@(?=\w)/g, "$&&#8203;");
}

/** For a paragraph, an item or a cell. */
export function prose(text: string): string {
  const escaped = cut(escapeControls(text).trim(), textMax)
    .replaceAll("&", "&amp;")
    .replace(/[\\`*_{}[\]<>()#+!|~$]/g, "\\$&")
    // Addresses become links by themselves.
    .replace(/:\/\/|(?<=\bwww)\./gi, "\\$&")
    // What would begin a list or a heading.
    .replace(/^[-=]/, "\\$&")
    .replace(/^(\d+)\./, "$1\\.");
  return uncalled(escaped);
}

/** For a tag, where Markdown is not looked for. */
function html(text: string): string {
  const escaped = cut(escapeControls(text), 200);
  return uncalled(escaped.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`));
}

function code(text: string): string {
  const shown = cut(escapeControls(text), textMax) || " ";
  const ticks = "`".repeat(longestRun(shown) + 1);
  const space = /^`|`$/.test(shown) ? " " : "";
  return `${ticks}${space}${shown}${space}${ticks}`;
}

function fenced(lines: readonly string[], language = "text"): string {
  const ticks = "`".repeat(Math.max(3, longestRun(lines.join("\n")) + 1));
  return [`${ticks}${language}`, ...lines, ticks].join("\n");
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
