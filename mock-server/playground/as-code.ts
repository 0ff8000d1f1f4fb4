/**
 * What was done in the page as code: TypeScript for the SDK in use, a scenario file, requests to a conformance driver. Pure: deeds in, text
 * out. A real key is never in it.
 */
import { flow, sdkCodeOf } from "./_sdk-code.ts";
import type { Connect, Deed, Edit, SentImage } from "./deeds.ts";

export type Code = {
  /** Empty where there is nothing to write. */
  readonly text: string;
  /** Sentences: why there is nothing, or what is not in it. */
  readonly notes: readonly string[];
};

type CodeAbout = {
  readonly url: string;
  readonly realtimeUrl: string;
  /** Whether the control API wants the token that was printed at start. */
  readonly needsToken: boolean;
  /** Keys with the name of a fault or a scenario behind `mock:`, as the server has told; absent until it has. */
  readonly mockKeys?: ReadonlySet<string>;
};

type Fault = Extract<Deed, { kind: "fault" }>;

const nothingYet =
  "Nothing has been done yet. Connect, send a prompt or declare a fault, and it is written here.";

/** The key as it may be shown: one that says nothing of anybody, because each word in it is the server's. */
function shownKey(apiKey: string, { mockKeys }: CodeAbout): string {
  const isKnown = (key: string) => mockKeys?.has(key) ?? false;
  const isShown =
    apiKey === "dct_local" ||
    isKnown(apiKey) ||
    (apiKey.startsWith("mock:") && saysNamesOnly(apiKey.slice("mock:".length), isKnown));
  return isShown ? apiKey : "your-key";
}

/** Whether it is base64url JSON with declarations of faults that are known. */
function saysNamesOnly(base64url: string, isKnown: (key: string) => boolean): boolean {
  if (!/^[\w-]+$/.test(base64url)) return false;
  try {
    const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const given = JSON.parse(new TextDecoder().decode(bytes));
    const declarations = [given?.faults ?? given].flat();
    return declarations.length > 0 && declarations.every((one) => isKnown(`mock:${one?.name ?? one}`));
  } catch {
    // No base64, or no JSON: a secret may be anything.
    return false;
  }
}

/** Everything since the newest connect, and before it what was in force by then. */
export function newestStretch(deeds: readonly Deed[]): Deed[] {
  const start = Math.max(
    0,
    deeds.findLastIndex(({ kind }) => kind === "connect"),
  );
  // What was aimed at one session went with it, or is another's.
  const before = faultsInForce(deeds.slice(0, start)).filter(({ session }) => session === null);
  return [...before, ...deeds.slice(start)];
}

/** TypeScript that does the same in a page, with the version of the SDK that was in use. */
export function sdkCode(deeds: readonly Deed[], about: CodeAbout): Code {
  const stretch = newestStretch(deeds);
  if (stretch.length === 0) return { text: "", notes: [nothingYet] };
  const connect = stretch.find(isConnect);
  const notes: string[] = [];
  if (connect && connect.apiKey !== shownKey(connect.apiKey, about)) {
    notes.push("The key that was typed is not written down: put yours in place of your-key.");
  }
  if (stretch.some(asksServer)) {
    notes.push(
      "Parts of the server under /_lucy/ answer its own page, tests and shells, and no page of another origin: there, a key such as mock:missing-ack brings faults along.",
    );
  }
  return { text: sdkCodeOf(stretch, { ...about, keyOf: (key) => shownKey(key, about) }), notes };
}

/** The faults in force, for `npm start -- --scenario <file>`. */
export function scenarioCode(deeds: readonly Deed[], about: CodeAbout): Code {
  const stretch = newestStretch(deeds);
  const declared = faultsInForce(stretch);
  const key = stretch.find(isConnect)?.apiKey ?? "";
  const isShown = key.startsWith("mock:") && key === shownKey(key, about);
  const notes = isShown ? [`The key ${key} brings what it names along: no file is needed for that.`] : [];
  if (declared.length === 0) {
    return {
      text: "",
      notes: [...notes, "No fault that was declared here is in force, so a scenario file would be empty."],
    };
  }
  const ofAll = declared.filter(({ session }) => session === null);
  const ofOne = declared.filter(({ session }) => session !== null);
  const lines: string[] = [];
  if (ofAll.length > 0) lines.push("# For every session.", "faults:", ...yamlList(ofAll, "  "));
  if (ofOne.length > 0) {
    if (lines.length > 0) lines.push("");
    lines.push(
      "# For those who ask for it by their key: mock:one-session.",
      "scenarios:",
      "  one-session:",
      "    about: What was declared for one session.",
      "    faults:",
      ...yamlList(ofOne, "      "),
    );
  }
  return { text: `${lines.join("\n")}\n`, notes };
}

/** Requests as the conformance suite makes them, a line each. `imageText`: what stands for an image; base64 in the contract. */
export function driverCode(
  deeds: readonly Deed[],
  about: CodeAbout,
  imageText: (image: SentImage) => string = ({ name, byteLength }) =>
    `<base64 of ${name}, ${byteLength} bytes: Copy has it>`,
): Code {
  const stretch = newestStretch(deeds);
  const connect = stretch.find(isConnect);
  if (!connect) return { text: "", notes: [nothingYet] };
  const notes = new Set<string>();
  if (connect.source !== "synthetic")
    notes.add("A driver makes its camera up: its pictures are others than yours.");
  const requests = stretch.flatMap((deed): object[] => {
    if (deed.kind === "connect") return [connectRequest(deed, about)];
    if (deed.kind === "disconnect") return [{ verb: "disconnect" }];
    if (isEdit(deed)) {
      if (deed.prompt !== null) return [editRequest(deed, imageText)];
      notes.add("Clearing a prompt is left out: the driver contract has no request for it.");
      return [];
    }
    notes.add("What was asked of the server (faults, clock) is no request to a driver and is left out.");
    return [];
  });
  const lines = requests.map((request, index) => JSON.stringify({ id: index + 1, ...request }));
  return { text: `${lines.join("\n")}\n`, notes: [...notes] };
}

function connectRequest({ apiKey, model, camera, codec }: Connect, about: CodeAbout): object {
  return {
    verb: "connect",
    url: about.url,
    realtimeUrl: about.realtimeUrl,
    apiKey: shownKey(apiKey, about),
    model,
    camera,
    ...(codec !== null && { codec: codec.toLowerCase() }),
  };
}

function editRequest(
  { kind, prompt, image, enhance }: Edit,
  imageText: (image: SentImage) => string,
): object {
  return {
    verb: kind,
    ...(prompt !== undefined && { prompt }),
    ...(image !== undefined && { image: image && imageText(image) }),
    ...(enhance !== undefined && { enhance }),
  };
}

/** What was declared and neither healed nor reset since, of sessions that nobody has ended here. */
function faultsInForce(deeds: readonly Deed[]): Fault[] {
  let inForce: Fault[] = [];
  for (const deed of deeds) {
    if (deed.kind === "fault") inForce.push(deed);
    if (deed.kind === "reset" || (deed.kind === "heal" && deed.id === null)) inForce = [];
    if (deed.kind === "heal") inForce = inForce.filter(({ id }) => id !== deed.id);
    if (deed.kind === "end-session") inForce = inForce.filter(({ session }) => session !== deed.session);
  }
  return inForce;
}

function yamlList(declared: readonly Fault[], indent: string): string[] {
  return declared
    .flatMap(({ declaration }) => declaration as object | string | (object | string)[])
    .flatMap((one) => {
      if (typeof one === "string") return [`${indent}- ${flow(one, "yaml")}`];
      return Object.entries(one).map(
        ([key, value], index) =>
          `${indent}${index === 0 ? "-" : " "} ${flow(key, "yaml")}: ${flow(value, "yaml")}`,
      );
    });
}

function isEdit(deed: Deed): deed is Edit {
  return ["set", "setPrompt", "setImage"].includes(deed.kind);
}

function isConnect(deed: Deed): deed is Connect {
  return deed.kind === "connect";
}

function asksServer(deed: Deed): boolean {
  if (isEdit(deed)) return deed.image?.path !== undefined;
  return deed.kind !== "connect" && deed.kind !== "disconnect";
}
