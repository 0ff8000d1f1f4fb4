/** Files that a person hands to a part of the page: picked in its input, or dropped on it. */

export function takePicked(input: HTMLInputElement, take: (file: File) => void): void {
  input.addEventListener("change", () => {
    const [picked] = input.files ?? [];
    if (picked) take(picked);
    // Without this, the same file could not be picked twice in a row.
    input.value = "";
  });
}

/** What is dropped and is no file is passed over. */
export function takeDropped(area: HTMLElement, take: (file: File) => void): void {
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped) take(dropped);
  });
}
