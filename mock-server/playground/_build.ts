/** Makes elements in one expression each. Knows no part of the page. */

type Attributes = Readonly<Record<string, string | number | boolean | null>>;
type Child = Node | string | null;

/** Attributes as HTML has them: `true` is there without a value, `false` and `null` are not there. */
export function build<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(shown: Child, run: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = build("button", { type: "button", ...attributes }, shown);
  made.addEventListener("click", run);
  return made;
}

/** Writes only what is new: a reader, a selection or a screen reader in it stays undisturbed. */
export function say(shown: Element, text: string): void {
  if (shown.textContent !== text) shown.textContent = text;
}

/** A sentence of the server's or ours about what went wrong; empty, it is not there. */
export function complain(shown: HTMLElement, text: string): void {
  say(shown, text);
  shown.hidden = text === "";
}
