/** Which source is chosen, its preview on the left, and the one that is sent. Who connects, it does not know. */
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import type { SdkModel } from "./load-sdk.ts";
import { openFile } from "./open-file.ts";
import { openCamera, openSynthetic, type Source, type SourceKind } from "./open-source.ts";
import { sentenceOf } from "./sentence-of.ts";
import { takeDropped, takePicked } from "./take-files.ts";

const video = element<HTMLVideoElement>("source");
/** Whoever asked for less motion sees some once it is sent, and not before. */
const wantsStillness = matchMedia("(prefers-reduced-motion: reduce)");

let source: Source | null = null;
let file: File | null = null;
/** Each preview takes a number; one that has been overtaken while its file opened is closed again. */
let previews = 0;

/** What is previewed or sent. */
export function openedSource(): Source | null {
  return source;
}

/** `isIdle`: whether the source may change; `changed`: another is wanted. */
export function startSources({ isIdle, changed }: { isIdle(): boolean; changed(): void }): void {
  for (const input of document.getElementsByName("source")) input.addEventListener("change", changed);
  takePicked(element<HTMLInputElement>("video-file"), take);
  takeDropped(element("source-view"), (dropped) => {
    if (isIdle()) take(dropped);
    else note("Disconnect first: the source stays what it is as long as it is sent.", "bad");
  });

  function take(picked: File): void {
    file = picked;
    radio("file").checked = true;
    changed();
  }
}

/** Shows what would be sent. A real camera stays off until somebody connects. */
export async function previewSource(model: SdkModel): Promise<void> {
  closeSource();
  const preview = previews;
  const kind = chosenKind();
  element("video-choice").hidden = kind !== "file";
  if (kind === "camera") return showNothing("The camera starts with Connect and stops with it.");
  if (kind === "file" && !file) return showNothing("Choose a video, or drop one here.");
  if (wantsStillness.matches) return showNothing("It starts with Connect, as less motion is wanted here.");
  if (document.hidden) return showNothing("");
  try {
    const opened = kind === "file" ? await openFile(file!, model) : openSynthetic(model);
    if (preview === previews) show(opened);
    else opened.stop();
  } catch (error) {
    if (preview !== previews) return;
    file = null;
    note(sentenceOf(error), "bad");
    showNothing(sentenceOf(error));
  }
}

/** @throws Error with a sentence where no video was chosen, or it cannot be played */
export async function openSource(model: SdkModel): Promise<Source> {
  if (source) return source;
  previews++;
  const kind = chosenKind();
  if (kind === "synthetic") return show(openSynthetic(model));
  if (kind === "file") {
    if (!file) throw new Error("There is no video yet. Choose one, drop one, or take another source.");
    return show(await openFile(file, model));
  }
  try {
    return show(await openCamera(model));
  } catch (error) {
    note(`${sentenceOf(error)} Going on with the synthetic camera.`, "bad");
    radio("synthetic").checked = true;
    return show(openSynthetic(model));
  }
}

/** Gives camera or file back. */
export function closeSource(): void {
  previews++;
  source?.stop();
  source = null;
  video.srcObject = null;
}

function show(opened: Source): Source {
  source = opened;
  video.srcObject = opened.stream;
  element("source-about").textContent = opened.about;
  element("source-empty").textContent = "";
  return opened;
}

function showNothing(why: string): void {
  element("source-about").textContent = "";
  element("source-empty").textContent = why;
}

function chosenKind(): SourceKind {
  return document.querySelector<HTMLInputElement>("[name=source]:checked")!.value as SourceKind;
}

function radio(kind: SourceKind): HTMLInputElement {
  return document.querySelector<HTMLInputElement>(`[name=source][value=${kind}]`)!;
}
