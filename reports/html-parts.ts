/** What both halves of the HTML report are made of: tables that scroll by themselves, lists, marks. Knows verdicts, not whose they are. */
import { shareBar } from "./charts.ts";
import { type Content, html, type Markup } from "./markup.ts";
import type { RunResult, Verdict } from "./result.ts";
import { type Standing, standingMarks, standings, standingWords, tallyOf } from "./tally.ts";

/** Several results are told apart by whom they judge, and by when, where that is the same. */
export type Column = { readonly name: string; readonly result: RunResult };

/** Whoever has no mouse can scroll it, too. */
export function scrolled(name: string, table: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}">${table}</div>`;
}

/** A table whose first column says what each row is; the other cells are numbers, unless they are told to be text. */
export function plainTable(
  name: string,
  head: readonly string[],
  rows: readonly (readonly Content[])[],
  { isText = false }: { readonly isText?: boolean } = {},
): Markup {
  const how = isText ? null : html` class="n"`;
  return scrolled(
    name,
    html`<table><thead><tr>${head.map((word, column) => html`<th scope="col"${column === 0 ? null : how}>${word}</th>`)}</tr></thead><tbody>${rows.map(
      ([first, ...cells]) =>
        html`<tr><th scope="row">${first!}</th>${cells.map((cell) => html`<td${how}>${cell}</td>`)}</tr>\n`,
    )}</tbody></table>`,
  );
}

export function bulletList(items: readonly Content[]): Markup {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

/** A box that stands out, or nothing. */
export function note(look: Standing, title: string, items: readonly Content[]): Content {
  if (items.length === 0) return null;
  return html`<section class="note ${look}"><h2>${title}</h2>${bulletList(items)}</section>\n`;
}

export function section(id: string, title: string, aside: string, inside: Content): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}${aside === "" ? null : html`<small>${aside}</small>`}</h2>${inside}</section>\n`;
}

/** Folded away. */
export function folded(
  title: Content,
  inside: Content,
  more: { readonly isOpen?: boolean; readonly look?: string } = {},
): Markup {
  const { isOpen = false, look = "" } = more;
  return html`<details${look === "" ? null : html` class="${look}"`}${isOpen ? html` open` : null}><summary>${title}</summary>${inside}</details>\n`;
}

export function pill(standing: Standing): Markup {
  return html`<span class="pill ${standing}">${standingMarks[standing]} ${standingWords[standing]}</span>`;
}

export function tallyBar(verdicts: readonly Verdict[]): Markup {
  const tally = tallyOf(verdicts);
  return shareBar(standings.map((one) => ({ look: one, words: standingWords[one], count: tally[one] })));
}

/** A link where it is one, else the text. */
export function linked(text: string): Content {
  if (!/^https?:\/\/[^\s<>()\\"'`]+$/.test(text)) return text;
  return html`<a href="${text}" rel="noreferrer">${text}</a>`;
}
