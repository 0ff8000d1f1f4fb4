/** Buttons that copy a text, and say whether they could. */

const saidMs = 2000;

/** `text`: what is copied, where that is more than `shown` has. */
export function copyOnClick(
  button: HTMLButtonElement,
  shown: HTMLElement,
  text: () => Promise<string> | string = () => shown.textContent,
): void {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    let whole = shown.textContent;
    try {
      whole = await text();
      await navigator.clipboard.writeText(whole);
      button.textContent = "Copied";
    } catch {
      // No clipboard over plain http: show all of it, select it, and the keyboard does the rest.
      shown.textContent = whole;
      getSelection()?.selectAllChildren(shown);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => {
      button.textContent = name;
    }, saidMs);
  });
}
