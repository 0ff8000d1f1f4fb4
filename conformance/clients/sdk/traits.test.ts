import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { sdkVersions } from "../../../fixtures/browser/bundle.ts";
import { traitsOf as fixtureTraitsOf } from "../../../fixtures/browser/versions.ts";
import { type Capability, capabilityNames } from "../../client.ts";
import { traitsOf } from "./traits.ts";

const require = createRequire(import.meta.url);

/** What the versions differ in, as protocol.md has it for the nine that npm installs. */
const told: Record<string, { lacks: readonly Capability[]; knowsSession: boolean }> = {
  "0.0.6": {
    lacks: ["set", "set-image", "acks", "tokens", "subscribe", "reconnect"],
    knowsSession: false,
  },
  "0.0.24": { lacks: ["set", "set-image", "tokens", "subscribe", "reconnect"], knowsSession: false },
  "0.0.27": { lacks: ["set", "set-image", "subscribe", "reconnect"], knowsSession: false },
  "0.0.41": { lacks: ["set", "subscribe", "reconnect"], knowsSession: false },
  "0.0.46": { lacks: [], knowsSession: true },
};
const directLacks: readonly Capability[] = [
  "initial-image",
  "file-ref",
  "upload",
  "replace-track",
  "ticks",
  "ended",
  "queue",
];
const livekitLacks: Record<string, readonly Capability[]> = {
  "0.1.0": ["file-ref", "upload", "replace-track", "codec"],
  "0.1.3": ["replace-track", "codec"],
  "0.1.6": ["replace-track", "codec"],
  "0.1.9": ["codec"],
  "0.1.14": [],
  "0.1.20": [],
};

const lacking = (capabilities: readonly Capability[]) =>
  capabilityNames.filter((name) => !capabilities.includes(name)).toSorted();

it.each(Object.entries(told))("%s, in the direct dialect", (version, { lacks, knowsSession }) => {
  const traits = traitsOf(version, "direct");
  expect(lacking(traits.capabilities)).toEqual([...lacks, ...directLacks].toSorted());
  expect(traits).toMatchObject({ tokenOptions: [], knowsSession });
});

it.each(Object.entries(livekitLacks))("%s, in the livekit dialect", (version, lacks) => {
  const traits = traitsOf(version, "livekit");
  expect(lacking(traits.capabilities)).toEqual(lacks.toSorted());
  expect(traits.tokenOptions).toEqual(["expiresIn", "allowedModels", "maxSessionDuration", "allowedOrigins"]);
});

it.each([
  ["0.0.0", "livekit", "0.1.20"],
  ["0.0.0", "direct", "0.0.68"],
  ["0.1.21-beta.1", "livekit", "0.1.20"],
  ["workspace", "livekit", "0.1.20"],
  ["1.0.0", "livekit", "0.1.20"],
] as const)("a build that calls itself %s counts as the newest of %s", (version, dialect, like) => {
  expect(traitsOf(version, dialect)).toEqual(traitsOf(like, dialect));
});

describe.each(sdkVersions)("%s", (version) => {
  const { era, has } = fixtureTraitsOf(version);
  const { capabilities } = traitsOf(version, era);

  it("has what the fixtures' table, which is held against its code, says", () => {
    const same: [Capability, boolean][] = [
      ["set", has.set],
      ["subscribe", has.subscribe],
      ["reconnect", has.reconnect],
      ["initial-image", has.initialImage],
      ["file-ref", has.fileRef],
      ["upload", has.fileRef],
      ["replace-track", has.replaceVideoTrack],
      ["ticks", has.ticks],
      ["queue", has.queuePosition],
    ];
    expect(same.filter(([name, isThere]) => capabilities.includes(name) !== isThere)).toEqual([]);
  });

  it("takes the tokens' options that its code passes on, and no others", () => {
    const dist = dirname(require.resolve(`decart-sdk-${version}`));
    const types = readdirSync(join(dist, "tokens"))
      .filter((file) => file.endsWith(".d.ts"))
      .map((file) => readFileSync(join(dist, "tokens", file), "utf8"))
      .join("\n");
    const known = ["expiresIn", "allowedModels", "maxSessionDuration", "allowedOrigins"];
    expect(traitsOf(version, era).tokenOptions).toEqual(known.filter((name) => types.includes(`${name}?`)));
  });
});
