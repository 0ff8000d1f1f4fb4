/** The reference image: picked, pasted, dropped or a sample; what waits to be sent and what is in force. What is done with it, others say. */
import { build, button } from "./_build.ts";
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import type { SentImage } from "./deeds.ts";
import type { Offer } from "./offer.ts";
import { sentenceOf } from "./sentence-of.ts";
import { takeDropped, takePicked } from "./take-files.ts";
import { startBytes, whyNoImage } from "./why-no-image.ts";

export type Picked = SentImage & { readonly bytes: Blob };
type Place = "staged" | "in-force";

const held: Record<Place, Picked | null> = { staged: null, "in-force": null };

type ImageListeners = {
  isConnected(): boolean;
  /** An image that may be sent, as far as a browser can tell. */
  picked(image: Picked): void;
};

let listeners: ImageListeners = { isConnected: () => false, picked() {} };

export function startImages(listening: ImageListeners): void {
  listeners = listening;
  takePicked(element<HTMLInputElement>("file"), (file) => take(file, file.name));
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return;
    const isForText = isTextField(event.target) && event.clipboardData!.types.includes("text/plain");
    if (isForText) return;
    event.preventDefault();
    take(file, "pasted image");
  });
  takeDropped(element("images"), (file) => take(file, file.name));
  // A file that misses its place would take the page's.
  for (const kind of ["dragover", "drop"] as const) {
    addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  }
}

export function offerSamples(samples: Offer["samples"]): void {
  element("samples").append(
    ...samples.map(({ name, about }) =>
      button(build("img", { src: `/_lucy/samples/${name}`, alt: about }), () => takeSample(name), {
        title: about,
        "data-name": name,
        "aria-pressed": "false",
      }),
    ),
  );
}

/** What is `staged` goes with the next prompt. */
export function imageAt(place: Place): Picked | null {
  return held[place];
}

export function putImage(place: Place, image: Picked | null): void {
  held[place] = image;
  const thumb = element(place);
  const shown = thumb.querySelector("img");
  if (shown) URL.revokeObjectURL(shown.src);
  thumb.replaceChildren(
    image
      ? build("img", {
          src: URL.createObjectURL(image.bytes),
          alt: image.name,
          title: `${image.name}, ${kilobytes(image.byteLength)}`,
        })
      : "none",
  );
  thumb.classList.toggle("empty-thumb", !image);
  const shownName = (held.staged ?? held["in-force"])?.name;
  for (const button of element("samples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.name === shownName));
  }
}

export function forgetImages(): void {
  putImage("staged", null);
  putImage("in-force", null);
  sayOfImage("");
}

export function sayOfImage(text: string, isBad = false): void {
  element("chosen").textContent = text;
  element("chosen").classList.toggle("bad", isBad);
}

export function kilobytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1000))} kB`;
}

async function take(bytes: Blob, name: string, path?: string): Promise<void> {
  if (!listeners.isConnected()) return sayOfImage("Connect first: an image goes into a session.", true);
  const image = { name, byteLength: bytes.size, bytes, ...(path !== undefined && { path }) };
  const start = new Uint8Array(await bytes.slice(0, startBytes).arrayBuffer());
  const why = whyNoImage({ ...image, type: bytes.type }, start);
  if (why === null) return listeners.picked(image);
  note(why, "bad");
  sayOfImage(why, true);
}

async function takeSample(name: string): Promise<void> {
  const path = `/_lucy/samples/${name}`;
  try {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`The server has no sample image ${name}.`);
    await take(await response.blob(), name, path);
  } catch (error) {
    note(sentenceOf(error), "bad");
  }
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
