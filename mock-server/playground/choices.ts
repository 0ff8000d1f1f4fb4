/** What is chosen before connecting: SDK, model, codec, key. Fills the lists from what the server offers. */
import { askServer, Refusal } from "./_ask-server.ts";
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import { loadSdk, type Sdk, type SdkModel } from "./load-sdk.ts";
import type { Offer } from "./offer.ts";
import { sentenceOf } from "./sentence-of.ts";

export type Chosen = {
  readonly sdk: Sdk;
  readonly version: string;
  readonly model: SdkModel;
  /** Null: the SDK's own choice. */
  readonly codec: string | null;
  readonly apiKey: string;
};

const version = element<HTMLSelectElement>("version");
const model = element<HTMLSelectElement>("model");
const codec = element<HTMLSelectElement>("codec");
const key = element<HTMLInputElement>("key");

let sdks: Offer["sdks"] = [];
let sdk: Sdk | null = null;

/** Null until an SDK is there. */
export function chosen(): Chosen | null {
  if (!sdk) return null;
  return {
    sdk,
    version: version.value,
    model: sdk.models.realtime(model.value),
    // The first is what the SDK takes by itself.
    codec: codec.selectedIndex > 0 ? codec.value : null,
    apiKey: key.value,
  };
}

/** Lists what can be chosen, loads the first SDK, and calls `changed` for it and for each later choice. */
export async function offerChoices(offered: Offer["sdks"], changed: () => void): Promise<void> {
  sdks = offered;
  version.append(...sdks.map(({ version }) => new Option(version)));
  version.addEventListener("change", () => chooseVersion(changed));
  model.addEventListener("change", changed);
  await chooseVersion(changed);
}

/** Loads the chosen SDK and lists the models that it knows and the codecs that it sends. */
async function chooseVersion(changed: () => void): Promise<void> {
  const connectButton = element<HTMLButtonElement>("connect");
  connectButton.disabled = true;
  const wanted = version.value;
  try {
    const loaded = await loadSdk(wanted);
    if (version.value !== wanted) return;
    sdk = loaded;
    const offered = sdks.find((one) => one.version === wanted)!;
    const chosenModel = offered.models.includes(model.value) ? model.value : offered.model;
    model.replaceChildren(
      ...offered.models.map((name) => new Option(name, name, false, name === chosenModel)),
    );
    codec.replaceChildren(...offered.codecs.map((name) => new Option(name)));
    connectButton.disabled = false;
    changed();
  } catch (error) {
    note(sentenceOf(error), "bad");
  }
}

/** Keys that bring a fault along, as the server has told; none before. */
export function mockKeys(): ReadonlySet<string> {
  return new Set(Array.from(element<HTMLDataListElement>("faults").options, ({ value }) => value));
}

/** Offers those keys. Without them, the field takes any text all the same. */
export async function offerFaultKeys(): Promise<void> {
  try {
    const { faults } = await askServer<{ faults: { name: string; about: string }[] }>("/_lucy/catalogue");
    const scenarios = await askServer<Record<string, { about: string | null }>>("/_lucy/scenarios");
    const named = Object.entries(scenarios).map(([name, { about }]) => ({
      name,
      about: about ?? "A scenario.",
    }));
    element("faults").append(
      ...[...named, ...faults].map(({ name, about }) => new Option(about, `mock:${name}`)),
    );
  } catch (error) {
    // Where a token is missing, the page says so by itself.
    if (!(error instanceof Refusal)) note(sentenceOf(error), "bad");
  }
}
