/** What a look does to a picture: which transforms, in which order. */
import type { Frame } from "../../fixtures/frame.ts";
import { blend } from "./blend.ts";
import { blur } from "./blur.ts";
import { caption } from "./caption.ts";
import { edges } from "./edges.ts";
import { flip } from "./flip.ts";
import { grayscale } from "./grayscale.ts";
import { invert } from "./invert.ts";
import type { Look } from "./look.ts";
import { mirror } from "./mirror.ts";
import { passthrough } from "./passthrough.ts";
import { pixelate } from "./pixelate.ts";
import { posterize } from "./posterize.ts";
import { repaint } from "./repaint.ts";
import { sepia } from "./sepia.ts";
import { tint } from "./tint.ts";
import type { Transform } from "./transform.ts";

/** The transforms that a prompt asks for by name. */
export const named: readonly Transform[] = [
  passthrough,
  tint,
  mirror,
  flip,
  invert,
  grayscale,
  sepia,
  blur,
  pixelate,
  edges,
  posterize,
  repaint,
];

/** All transforms: the named ones, then those that a look brings by itself. */
export const transforms: readonly Transform[] = [...named, blend, caption];

/**
 * The transforms that turn a picture into what `look` says, first to last. A mirrored camera comes first. A prompt then gets every
 * transform it names as a whole word, in its own order, each once; one that names none gets `tint`. The reference image and
 * the caption lie on top. Empty for a look that leaves the picture alone.
 */
export function plan(look: Look): Transform[] {
  const planned: Transform[] = [];
  if (look.mirrored) planned.push(mirror);
  if (look.prompt !== null) planned.push(...asked(look.prompt));
  if (look.image) planned.push(blend);
  if (look.caption) planned.push(caption);
  return planned;
}

/** Turns `frame` into what `look` says, in place; whoever renders many pictures of one look plans once. A frame's strips are kept by giving the part `below` them. */
export function render(frame: Frame, look: Look, planned: readonly Transform[] = plan(look)): void {
  for (const transform of planned) transform.apply(frame, look);
}

function asked(prompt: string): Transform[] {
  const words = new Set(prompt.toLowerCase().match(/[\p{L}\p{N}_]+/gu));
  const found = [...words].flatMap((word) => named.find(({ name }) => name === word) ?? []);
  return found.length > 0 ? found : [tint];
}
