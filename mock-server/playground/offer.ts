/** What the page lets a person choose from, as JSON: published SDKs, models, named transforms, sample images. */

import { type SdkTraits, versions } from "../../fixtures/browser/versions.ts";
import { images } from "../../fixtures/images.ts";
import { REALTIME_MODELS } from "../../protocol/index.ts";
import { named } from "../transforms/plan.ts";

export type Offer = {
  /** SDKs the server has, newest first, each with the model to begin with and the codecs it can send, its own choice first. */
  readonly sdks: readonly Pick<SdkTraits, "version" | "model" | "codecs">[];
  /** Realtime models; an SDK knows some of them. */
  readonly models: readonly string[];
  /** Words that a prompt can name, and what they do. */
  readonly transforms: readonly { readonly name: string; readonly does: string }[];
  /** Images under `/_lucy/samples/`. */
  readonly samples: readonly { readonly name: string; readonly about: string }[];
};

/** Three that look different and are stored differently: a PNG, a JPEG, and a JPEG that lies on its side. */
const samples = [
  { name: "face-png", about: "A face with a hat, PNG" },
  { name: "board-jpeg", about: "A checkerboard, wide, JPEG" },
  { name: "board-exif-6", about: "A checkerboard, upright by its EXIF tag, JPEG" },
];

export const offer: Offer = {
  sdks: versions.map(({ version, model, codecs }) => ({ version, model, codecs })).toReversed(),
  models: REALTIME_MODELS.map(({ id }) => id),
  transforms: named.map(({ name, does }) => ({ name, does })),
  samples,
};

/** The image that a sample's name stands for, or null. No other file of the fixtures can be asked for. */
export function findSample(name: string): { name: string; mime: string } | null {
  return (
    images.find((image) => image.name === name && samples.some((sample) => sample.name === name)) ?? null
  );
}
