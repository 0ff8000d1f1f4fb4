/**
 * A result for a terminal: a verdict that fits one screen when all is well or little failed, and is longer only for more failures. What does
 * not fit is in the Markdown report.
 */

import { courseRows } from "./course-rows.ts";
import { figureText } from "./figure-table.ts";
import { loadAmounts } from "./load-amounts.ts";
import type { Finding, Picture, RunResult, Verdict } from "./result.ts";
import { counted, cut, cutApart, escapeControls, shownDuration, widthOf, wrap } from "./shown-text.ts";
import {
  areasOf,
  doubtsOf,
  endOf,
  standingMarks as marks,
  type Standing,
  standingOf,
  standings,
  standingWords,
  tallyOf,
  unsupportedWhys,
  verdictsOf,
} from "./tally.ts";

export type TextOptions = {
  /** ANSI colours. */
  readonly colour: boolean;
  /** Where pictures of findings are, for those that are somewhere. */
  readonly pictures?: ReadonlyMap<Picture, string>;
};

/** A terminal as it opens; most are larger. */
const rowsMax = 24;
const columns = 100;

type Ink = (text: string, colour: Colour) => string;
type Colour = Standing | "bold" | "dim";
/** SGR parameters. */
const inks: Readonly<Record<Colour, string>> = {
  passed: "32",
  failed: "1;31",
  known: "33",
  unsupported: "2",
  inconclusive: "35",
  bold: "1",
  dim: "2",
};

/** Ends without a line end. */
export function resultText(result: RunResult, { colour, pictures }: TextOptions): string {
  const ink: Ink = colour ? (text, how) => `\u001b[${inks[how]}m${text}\u001b[0m` : (text) => text;
  const plain: Ink = (text) => text;
  const lines = (ink: Ink, isBrief: boolean) => sections(result, ink, isBrief, pictures).join("\n\n");
  // What is known is told in full where there is room.
  const isBrief = rowsOf(lines(plain, false)) > rowsMax;
  return lines(ink, isBrief);
}

/** Lines wider than the terminal take several of its rows. */
function rowsOf(text: string): number {
  return text.split("\n").reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
}

/** Each some lines; none is empty. */
function sections(
  result: RunResult,
  ink: Ink,
  isBrief: boolean,
  pictures: TextOptions["pictures"] = new Map(),
): string[] {
  const { stale, harness } = result;
  const told = (one: Standing) => verdictsOf(result, one);
  const isLoad = result.kind === "load";
  const blocks = [
    [titleOf(result, ink)],
    isLoad ? figureLines(result) : areaLines(result, ink),
    isLoad ? courseLines(result, ink) : [],
    isLoad ? amountLines(result, ink) : [],
    isLoad ? thresholdLines(result, ink) : [],
    isLoad ? [] : told("failed").flatMap((verdict) => failureLines(verdict, ink, pictures)),
    told("known").flatMap((verdict) =>
      isBrief ? [briefly(verdict, ink, knownWords(verdict))] : failureLines(verdict, ink, pictures),
    ),
    isLoad
      ? doubtLines(result, ink)
      : told("inconclusive").flatMap((verdict) => inconclusiveLines(verdict, ink)),
    stale.flatMap((sentence) => sentenceLines("stale", sentence, ink)),
    harness.flatMap((sentence) => sentenceLines("harness", sentence, ink)),
    isLoad ? [] : figureLines(result),
    [...unsupportedLines(result, ink), countLine(result, ink), closingLine(result, ink)],
  ];
  return blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
}

function titleOf(
  { kind, subject, target, verdicts, durationMs, seed, startedAt }: RunResult,
  ink: Ink,
): string {
  const about = [
    counted(verdicts.length, kind === "load" ? "threshold" : "scenario"),
    shownDuration(durationMs),
    `seed ${seed}`,
    startedAt.slice(0, 16).replace("T", " "),
  ].join(" · ");
  const who = cut(escapeControls(`${subject} against ${target}`), columns - 3 - widthOf(about));
  return `${ink(who, "bold")} · ${escapeControls(about)}`;
}

/** What was asked of a run of load, and what came of it: a line each. */
function thresholdLines({ verdicts }: RunResult, ink: Ink): string[] {
  const width = Math.max(0, ...verdicts.map(({ owes }) => widthOf(owes)));
  return verdicts.map((verdict) => {
    const standing = standingOf(verdict);
    const owes = escapeControls(verdict.owes);
    const got = cut(escapeControls(verdict.does), columns - 6 - width);
    return `  ${ink(marks[standing], standing)} ${owes}${" ".repeat(width - widthOf(owes) + 2)}${ink(got, standing === "failed" ? "failed" : "dim")}`;
  });
}

/** How it went over time: a column a span. What went on for one span only is told by the figures. */
function courseLines({ load }: RunResult, ink: Ink): string[] {
  const rows = courseRows(load?.course ?? []);
  const [, ...spans] = rows[0] ?? [];
  if (spans.length < 2) return [];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))));
  return rows.map((row, index) => {
    const [name, ...cells] = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return index === 0
      ? ink(`  ${[name, ...cells].join("  ")}`, "dim")
      : `  ${ink(name!, "dim")}  ${cells.join("  ")}`;
  });
}

/** How much there was: a line each of sessions, pictures and sets. */
function amountLines(result: RunResult, ink: Ink): string[] {
  return loadAmounts(result).flatMap(({ name, words }) => {
    const [first, ...more] = wrap(words, columns - 12, 3);
    return [`  ${ink(name.padEnd(9), "dim")} ${first}`, ...more.map((line) => " ".repeat(12) + line)];
  });
}

/** Why the numbers of a run of load are not to be believed, and what went wrong in its sessions. */
function doubtLines(result: RunResult, ink: Ink): string[] {
  const troubles = Object.entries(result.load?.troubles ?? {});
  return [
    ...doubtsOf(result).flatMap((sentence) => labelledDoubt(sentence, ink)),
    ...troubles
      .slice(0, troublesMax)
      .flatMap(([sentence, count]) => beside(`${marks.failed} ${count} ×`, sentence, ink, "failed", 2)),
    ...(troubles.length > troublesMax
      ? [`  … and ${counted(troubles.length - troublesMax, "other trouble")}`]
      : []),
  ];
}

const troublesMax = 4;

function labelledDoubt(sentence: string, ink: Ink): string[] {
  return beside(`${marks.inconclusive} doubt`, sentence, ink, "inconclusive", 3);
}

type Cell = { readonly width: number; readonly text: string };

/** A row of marks an area; where there are many areas, two abreast. */
function areaLines({ verdicts }: RunResult, ink: Ink): string[] {
  const areas = [...areasOf(verdicts)].map(([name, of]) => ({ name: cut(escapeControls(name), 16), of }));
  const nameWidth = Math.max(0, ...areas.map(({ name }) => widthOf(name)));
  const abreast = areas.length > 8 ? 2 : 1;
  const cellWidth = Math.floor((columns - 2 * abreast) / abreast);
  const marksWidth = Math.min(
    cellWidth - nameWidth - 4 - 7,
    Math.max(0, ...areas.map(({ of }) => of.length)),
  );
  const cells = areas.map(({ name, of }): Cell => {
    const row = markRow(of, marksWidth, ink);
    const { passed, judged } = tallyOf(of);
    const share = judged > 0 ? `${passed}/${judged}` : "–";
    return {
      width: nameWidth + 2 + Math.max(row.width, marksWidth) + 2 + share.length,
      text:
        name +
        " ".repeat(nameWidth - widthOf(name) + 2) +
        row.text +
        " ".repeat(Math.max(0, marksWidth - row.width) + 2) +
        ink(share, judged === passed ? "dim" : "bold"),
    };
  });
  const rowCount = Math.ceil(cells.length / abreast);
  return cells.slice(0, rowCount).map((left, row) => {
    const right = cells[row + rowCount];
    return `  ${left.text}${right ? `${" ".repeat(Math.max(2, cellWidth - left.width + 2))}${right.text}` : ""}`;
  });
}

/** A mark for each in its order, or `✓24 ✗2` where there is no room for that. */
function markRow(verdicts: readonly Verdict[], widthMax: number, ink: Ink): Cell {
  if (verdicts.length <= widthMax) {
    const text = verdicts.map((verdict) => ink(marks[standingOf(verdict)], standingOf(verdict))).join("");
    return { width: verdicts.length, text };
  }
  const tally = tallyOf(verdicts);
  const parts = standings
    .filter((one) => tally[one] > 0)
    .map((one) => ({ one, text: marks[one] + tally[one] }));
  return {
    width: parts.map(({ text }) => text).join(" ").length,
    text: parts.map(({ one, text }) => ink(text, one)).join(" "),
  };
}

const labelWidth = 14;
/** Findings of one scenario, and what happened around one: the first mean most. */
const findingsMax = 3;
const windowMax = 8;

function failureLines(verdict: Verdict, ink: Ink, pictures: ReadonlyMap<Picture, string>): string[] {
  const { findings, replay, known } = verdict;
  const more = findings.length - findingsMax;
  return [
    briefly(verdict, ink, known ? "" : "new"),
    ...(known ? labelled("known", knownWords(verdict), ink) : []),
    ...findings.slice(0, findingsMax).flatMap((finding) => findingLines(finding, ink, pictures)),
    ...(more > 0 ? labelled("", `and ${counted(more, "finding")} more`, ink) : []),
    // To be copied: whole, however long it is.
    ink("    replay    ", "dim") + escapeControls(replay),
  ];
}

function findingLines(finding: Finding, ink: Ink, paths: ReadonlyMap<Picture, string>): string[] {
  const { rule, window = [], pictures = [] } = finding;
  const room = (columns - labelWidth) * 2;
  const [expected, got] = cutApart(escapeControls(finding.expected), escapeControls(finding.got), room);
  const rest = window.length > windowMax ? window.length - windowMax + 1 : 0;
  const around = [
    ...window.slice(0, window.length - rest),
    ...(rest > 0 ? [`… and ${counted(rest, "line")} more`] : []),
  ];
  const shown = pictures.slice(0, windowMax).map((picture) => {
    const path = paths.get(picture);
    return path ? `${path}: ${picture.caption}` : picture.caption;
  });
  return [
    ...labelled("rule", rule, ink),
    ...labelled("expected", expected, ink),
    ...labelled("got", got, ink),
    ...around.flatMap((line, index) => labelled(index === 0 ? "around" : "", line, ink, 1)),
    ...shown.flatMap((line, index) => labelled(index === 0 ? "pictures" : "", line, ink, 1)),
  ];
}

/** A text beside its label. */
function labelled(name: string, text: string, ink: Ink, linesMax = 2): string[] {
  return beside(`    ${name}`, text, ink, "dim", linesMax);
}

/** A sentence that stands for itself. */
function sentenceLines(about: string, sentence: string, ink: Ink): string[] {
  return beside(`${marks.failed} ${about}`, sentence, ink, "failed", 3);
}

function beside(start: string, text: string, ink: Ink, colour: Colour, linesMax: number): string[] {
  const [first, ...more] = wrap(escapeControls(text), columns - labelWidth, linesMax);
  return [
    ink(start.padEnd(labelWidth), colour) + first,
    ...more.map((line) => " ".repeat(labelWidth) + line),
  ];
}

function briefly(verdict: Verdict, ink: Ink, words: string): string {
  const one = standingOf(verdict);
  const id = cut(escapeControls(verdict.id), 60);
  const head = ink(`${marks[one]} ${id}`, one);
  return words === "" ? head : `${head}  ${cut(escapeControls(words), columns - 4 - widthOf(id))}`;
}

function knownWords({ known }: Verdict): string {
  return known ? [known.reason, known.link].filter((words) => words !== "").join(" · ") : "";
}

function inconclusiveLines(verdict: Verdict, ink: Ink): string[] {
  return [briefly(verdict, ink, ""), ...labelled("why", verdict.why ?? "No reason is given.", ink)];
}

function figureLines({ figures }: RunResult): string[] {
  if (figures.length === 0) return [];
  const safe = figures.map((figure) => ({
    ...figure,
    name: cut(escapeControls(figure.name), 40),
    unit: cut(escapeControls(figure.unit), 8),
    ...(figure.of !== undefined && { of: cut(escapeControls(figure.of), 24) }),
  }));
  return figureText(safe).split("\n");
}

const whysMax = 3;

function unsupportedLines(result: RunResult, ink: Ink): string[] {
  const whys = unsupportedWhys(result);
  const shown = whys.slice(0, whysMax).map(([why, count]) => `${count} × ${why}`);
  const rest = whys.slice(whysMax).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) shown.push(`${rest} × other reasons`);
  return shown.map((line) => ink(`${marks.unsupported} ${cut(escapeControls(line), columns - 2)}`, "dim"));
}

/** Counts, which are the legend of the marks, too. */
function countLine(result: RunResult, ink: Ink): string {
  const tally = tallyOf(result.verdicts);
  const counts = standings
    .filter((one) => tally[one] > 0 || one === "passed")
    .map((one) => ink(`${marks[one]} ${tally[one]} ${standingWords[one]}`, one));
  return counts.join("   ");
}

function closingLine(result: RunResult, ink: Ink): string {
  const { word, sentence } = endOf(result);
  return ink(sentence, word === "passed" ? "passed" : word === "inconclusive" ? "inconclusive" : "failed");
}
