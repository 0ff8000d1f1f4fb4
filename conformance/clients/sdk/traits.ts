/**
 * What each version of @decartai/sdk can do, by its number: since when it has a thing, as protocol.md and the published packages show
 * (traits.test.ts holds them together). A build of one's own counts as the release whose number it carries.
 */
import type { Capability, Dialect } from "../../client.ts";

export type SdkTraits = {
  readonly dialect: Dialect;
  readonly capabilities: readonly Capability[];
  /** What `tokens.create()` takes; older versions would drop it without a word. */
  readonly tokenOptions: readonly string[];
  /** Its `sessionId` is the server's. Before, the SDK made one up and told nobody. */
  readonly knowsSession: boolean;
};

/** The first version that has it. Every version has what is not here. */
const since: { readonly [C in Capability]?: string } = {
  // 0.0.6 sends a prompt and does not wait.
  acks: "0.0.19",
  tokens: "0.0.25",
  // Before, for the avatar alone, or no image could be taken back.
  "set-image": "0.0.37",
  set: "0.0.43",
  reconnect: "0.0.44",
  subscribe: "0.0.46",
  ticks: "0.0.47",
  "initial-image": "0.0.48",
  // Before, it was parsed and dropped.
  ended: "0.1.0",
  queue: "0.1.0",
  upload: "0.1.1",
  "file-ref": "0.1.1",
  "replace-track": "0.1.9",
};

const everyCapability: readonly Capability[] = [
  "set",
  "set-prompt",
  "set-image",
  "acks",
  "enhance",
  "initial-prompt",
  "initial-image",
  "file-ref",
  "upload",
  "tokens",
  "subscribe",
  "replace-track",
  "media",
  "reconnect",
  "states",
  "errors",
  "ticks",
  "ended",
  "queue",
  "frames",
  "audio",
  "codec",
  "snapshot",
  "open",
  "clock",
];

/** Any of the three codecs can be asked for: always in the direct dialect, by editing the offer; VP8 came last to the other. */
const anyCodecSince: Record<Dialect, string> = { direct: "0.0.0", livekit: "0.1.14" };

const tokenOptionsSince: Readonly<Record<string, string>> = {
  expiresIn: "0.0.56",
  allowedModels: "0.0.56",
  maxSessionDuration: "0.0.56",
  allowedOrigins: "0.0.63",
};

/** A number that says nothing, `0.0.0` of a build from source, stands for the newest of its dialect. */
const newest: Record<Dialect, string> = { direct: "0.0.68", livekit: "0.1.999" };

export function traitsOf(written: string, dialect: Dialect): SdkTraits {
  const isOfDialect = isFrom(written, "0.1.0") === (dialect === "livekit") && isFrom(written, "0.0.1");
  const version = isOfDialect ? written : newest[dialect];
  const has = (first: string | undefined) => first === undefined || isFrom(version, first);
  return {
    dialect,
    capabilities: everyCapability.filter((capability) =>
      has(capability === "codec" ? anyCodecSince[dialect] : since[capability]),
    ),
    tokenOptions: Object.keys(tokenOptionsSince).filter((option) => has(tokenOptionsSince[option])),
    knowsSession: has("0.0.46"),
  };
}

/** Whether a version is this one or a later one; what follows its three numbers does not count. */
function isFrom(version: string, first: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(first)];
  const index = a.findIndex((number, at) => number !== b[at]);
  return index === -1 || a[index]! > b[index]!;
}

function numbersOf(version: string): number[] {
  const found = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  return found ? found.slice(1).map(Number) : [0, 0, 0];
}
