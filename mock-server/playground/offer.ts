/**
 * What the page lets a person choose from, as JSON: published SDKs, models, named transforms, sample images. And how the server is
 * started, for when it is gone.
 */

import { type SdkTraits, versions } from "../../fixtures/browser/versions.ts";
import { images } from "../../fixtures/images.ts";
import { inRange, REALTIME_MODELS } from "../../protocol/index.ts";
import { named } from "../transforms/plan.ts";
import { commandsOf } from "./commands.ts";

export type Offer = {
  /** SDKs the server has, newest first. */
  readonly sdks: readonly OfferedSdk[];
  /** Words that a prompt can name, and what they do. */
  readonly transforms: readonly { readonly name: string; readonly does: string }[];
  /** Images under `/_lucy/samples/`. */
  readonly samples: readonly { readonly name: string; readonly about: string }[];
  /** What starts such a server at a terminal; flags go behind it. */
  readonly startCommand: string;
};

type OfferedSdk = Pick<SdkTraits, "version" | "model" | "codecs"> & {
  /** Realtime models that it knows; `model` is the one to begin with. */
  readonly models: readonly string[];
};

/** Three that look different and are stored differently: a PNG, a JPEG, and a JPEG that lies on its side. */
const samples = [
  { name: "face-png", about: "A face with a hat, PNG" },
  { name: "board-jpeg", about: "A checkerboard, wide, JPEG" },
  { name: "board-exif-6", about: "A checkerboard, upright by its EXIF tag, JPEG" },
];

export const offer: Offer = {
  sdks: versions
    .map(({ version, model, codecs }) => ({ version, model, models: modelsOf(version), codecs }))
    .toReversed(),
  transforms: named.map(({ name, does }) => ({ name, does })),
  samples,
  startCommand: commandsOf(import.meta.url).start,
};

/** From our table: an SDK that is asked for each name warns on the console of those it calls old. */
function modelsOf(version: string): string[] {
  return REALTIME_MODELS.filter(({ listings }) =>
    listings.some((listing) => inRange(listing, "js", version)),
  ).map(({ id }) => id);
}

/** The image that a sample's name stands for, or null. No other file of the fixtures can be asked for. */
export function findSample(name: string): { name: string; mime: string } | null {
  return (
    images.find((image) => image.name === name && samples.some((sample) => sample.name === name)) ?? null
  );
}
