/** The element of the page with this id; the page's HTML has every one that is asked for. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element "${id}".`);
  return found as T;
}
