/**
 * HTML in which every text is text: what a template is given is escaped, but for what a template has made. So a prompt, an id or an error of a
 * client becomes no markup, whatever is in it.
 */
import { escapeControls } from "./shown-text.ts";

/** A symbol: no JSON has one, so nothing that was read from a file passes for markup. */
const made = Symbol("made here");
export type Markup = { readonly [made]: string };
/** `null`: nothing is shown. */
export type Content = Markup | string | number | null | readonly Content[];

/** A tag for templates. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return { [made]: String.raw({ raw: parts }, ...contents.map(written)) };
}

/** A text that is known to be markup: styles that are ours. */
export function trusted(text: string): Markup {
  return { [made]: text };
}

export function textOf(markup: Markup): string {
  return markup[made];
}

function written(content: Content): string {
  if (content === null) return "";
  if (typeof content === "number") return String(content);
  if (typeof content === "string") return escaped(content);
  return made in content ? content[made] : content.map(written).join("");
}

/** For an element as for a quoted attribute. */
function escaped(text: string): string {
  return escapeControls(text).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
