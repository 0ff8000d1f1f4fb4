/** What the page lets a person choose from, as JSON: published SDKs, models, named transforms, sample images. */

import { sdkVersions } from "../../fixtures/browser/bundle.ts";
import { images } from "../../fixtures/images.ts";
import { REALTIME_MODELS } from "../../protocol/index.ts";
import { named } from "../transforms/plan.ts";

export type Offer = {
  /** SDKs the server has, newest last. */
  readonly sdkVersions: readonly string[];
  /** Realtime models of the dialects spoken today; an SDK knows some of them. */
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
  sdkVersions,
  models: REALTIME_MODELS.filter(({ eras }) => eras.includes("direct")).map(({ id }) => id),
  transforms: named.map(({ name, does }) => ({ name, does })),
  samples,
};

/** The image that a sample's name stands for, or null. No other file of the fixtures can be asked for. */
export function findSample(name: string): { name: string; mime: string } | null {
  return (
    images.find((image) => image.name === name && samples.some((sample) => sample.name === name)) ?? null
  );
}
