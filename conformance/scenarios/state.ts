/** What an app sets, and what the server then has in force: text to the letter, images to the byte, all or nothing. */
import { crc32 } from "node:zlib";
import { imageHash, NO_HASH, readImage } from "../../fixtures/index.ts";
import { holds, rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { goesOn, rejectsAsTold, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import { imageOf } from "../steps.ts";

const page = (what: string) =>
  ({ kind: "documented", where: `https://docs.platform.decart.ai: ${what}` }) as const;

type InForce = { readonly prompt?: string | null; readonly imageHash?: number; readonly enhance?: boolean };

const changes = ({ lines }: Reading) => lines("state").map(({ fields }) => fields as Required<InForce>);

/** What is named is in force at the end. */
function inForce(reading: Reading, wanted: InForce) {
  const last: InForce = changes(reading).at(-1) ?? {};
  const names = Object.keys(wanted) as (keyof InForce)[];
  return same(
    "what is in force",
    Object.fromEntries(names.map((name) => [name, last[name] ?? null])),
    wanted,
  );
}

/** Of a call that was the last to say anything. */
function isOneMessage(reading: Reading, verb: "set" | "setImage") {
  const from = reading.call(verb)?.step ?? Number.POSITIVE_INFINITY;
  return same("it takes one message", reading.sentStates().filter(({ step }) => step > from).length, 1);
}

const neverInForce = (reading: Reading, prompt: string) =>
  holds(
    "nothing changes",
    !changes(reading).some((change) => change.prompt === prompt),
    "no change",
    "it changed",
  );

const hashOf = (name: string) => imageHash(readImage(name));
const face = "face-small";

/** A good picture of five megabytes: a PNG with so much in a chunk that nobody reads (PNG, section 5.4: ancillary, private). */
function largePng(): Buffer {
  const png = readImage(face);
  const body = Buffer.alloc(5 * 1024 * 1024 + 4, 0x5a);
  body.write("luCy", 0, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length - 4);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  // Behind the signature and IHDR.
  return Buffer.concat([png.subarray(0, 33), length, body, check, png.subarray(33)]);
}

const unicode = 'Плащ 赤い 🦸🏽‍♀️ e\u0301 \u202Eabc\u202C\n\t"\\ </script> \u0000';

/** Texts, each set by itself. */
const texts: readonly [name: string, does: string, text: string, kills: string][] = [
  ["prompt", "The app sets a prompt.", "a red cape", "never-sends-prompts"],
  ["text-untouched", "The app sets a prompt with spaces at both ends.", "  a  red cape  ", "trims-prompts"],
  [
    "unicode",
    "The app sets a prompt of many scripts, control characters and quotes.",
    unicode,
    "sends-ascii",
  ],
];

export const state: readonly Scenario[] = [
  ...texts.map(([name, does, text, mutant]) =>
    defineScenario({
      id: `state/${name}`,
      does,
      owes: "The call resolves, and the server has this text, to the letter.",
      source: page("setPrompt"),
      needs: ["set-prompt"],
      kills: [mutant],
      async drive({ client, line }) {
        await client.connect();
        await client.call("setPrompt", { prompt: text });
        // Some clients' calls end before anything is sent.
        await line("a change", ({ kind, fields }) => kind === "state" && fields.prompt !== null, {
          withinMs: 3000,
        });
      },
      judge: (reading) => [
        ...resolves("setPrompt() resolves", reading.call("setPrompt")),
        ...inForce(reading, { prompt: text }),
        ...staysConnected(reading),
      ],
    }),
  ),
  defineScenario({
    id: "state/image",
    does: "The app sets a prompt, then an image.",
    owes: "The server has the image, and still the prompt.",
    source: page("set, update just the image"),
    needs: ["set", "set-prompt"],
    kills: ["forgets-image"],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a red cape" });
      await client.call("set", { image: imageOf(face) });
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set")),
      ...inForce(reading, { prompt: "a red cape", imageHash: hashOf(face) }),
    ],
  }),
  defineScenario({
    id: "state/one-message",
    does: "The app sets a prompt and an image in one call.",
    owes: "Both go in one message, so that they come into force together.",
    source: page("set changes prompt and image at once"),
    needs: ["set"],
    kills: ["splits-a-set"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "a red cape", image: imageOf(face) });
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set")),
      ...isOneMessage(reading, "set"),
      ...inForce(reading, { prompt: "a red cape", imageHash: hashOf(face) }),
    ],
  }),
  defineScenario({
    id: "state/image-cleared",
    does: "The app sets a prompt and an image, then no image.",
    owes: "The server has no image any more, and still the prompt.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.43 to 0.1.20: image_data null" },
    needs: ["set"],
    kills: ["cannot-clear-image"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "a red cape", image: imageOf(face) });
      await client.call("set", { image: null });
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set", 2)),
      ...inForce(reading, { prompt: "a red cape", imageHash: NO_HASH }),
    ],
  }),
  defineScenario({
    id: "state/set-image",
    does: "The app sets a prompt, then an image with setImage.",
    owes: "The server has the image, and still the prompt.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.37 to 0.1.20: set_image without the key prompt" },
    needs: ["set-image", "set-prompt"],
    kills: ["clears-prompt-with-image"],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a red cape" });
      await client.call("setImage", { image: imageOf(face) });
    },
    judge: (reading) => [
      ...resolves("setImage() resolves", reading.call("setImage")),
      ...inForce(reading, { prompt: "a red cape", imageHash: hashOf(face) }),
    ],
  }),
  defineScenario({
    id: "state/set-image-both",
    does: "The app sets an image with setImage, and with it a prompt that is to be taken as it is.",
    owes: "All of it goes in one message.",
    source: {
      kind: "observed",
      where: "@decartai/sdk 0.0.38 to 0.1.20: set_image with prompt and enhance_prompt",
    },
    needs: ["set-image", "enhance"],
    kills: ["sends-image-alone"],
    async drive({ client }) {
      await client.connect();
      await client.call("setImage", { image: imageOf(face), prompt: "a red cape", enhance: false });
    },
    judge: (reading) => [
      ...resolves("setImage() resolves", reading.call("setImage")),
      ...isOneMessage(reading, "setImage"),
      ...inForce(reading, { prompt: "a red cape", imageHash: hashOf(face), enhance: false }),
    ],
  }),
  defineScenario({
    id: "state/set-image-cleared",
    does: "The app sets a prompt and an image, then with setImage no image.",
    owes: "The server has no image any more, and still the prompt.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.37 to 0.1.20: image_data null" },
    needs: ["set-image", "set-prompt"],
    kills: ["cannot-clear-image"],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a red cape" });
      await client.call("setImage", { image: imageOf(face) });
      await client.call("setImage", { image: null });
    },
    judge: (reading) => [
      ...resolves("the first setImage() resolves", reading.call("setImage", 1)),
      ...resolves("the second setImage() resolves", reading.call("setImage", 2)),
      ...inForce(reading, { prompt: "a red cape", imageHash: NO_HASH }),
    ],
  }),
  defineScenario({
    id: "state/set-image-refused",
    does: "The app sets an image of which half is missing with setImage, and a prompt with it.",
    owes: "The call rejects with what the server said, nothing changes, and the next change goes through.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.30 to 0.1.20 reject with the ack's error" },
    needs: ["set-image", "set-prompt", "acks"],
    kills: ["ignores-refusals"],
    async drive({ client }) {
      await client.connect();
      await client.call("setImage", { image: imageOf("cut-off-png"), prompt: "never" });
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejectsAsTold(reading, "never"),
      ...neverInForce(reading, "never"),
      ...staysConnected(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "state/prompt-only",
    does: "The app sets a prompt and an image, then a prompt alone, at a server that takes image_data null for none.",
    owes: "The image stays: what it sends says so by itself.",
    source: page("set, update just the prompt. What SDKs send for it says to take the image away, too"),
    needs: ["set"],
    kills: ["clears-image-with-prompt"],
    server: { promptOnlySet: "clear" },
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "a red cape", image: imageOf(face) });
      await client.call("set", { prompt: "a blue cape" });
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set", 2)),
      ...inForce(reading, { prompt: "a blue cape", imageHash: hashOf(face) }),
    ],
  }),
  defineScenario({
    id: "state/enhance-off",
    does: "The app sets a prompt that is to be taken as it is.",
    owes: "The server knows.",
    source: page("enhance"),
    needs: ["set-prompt", "enhance"],
    kills: ["always-enhances"],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "a red cape", enhance: false });
    },
    judge: (reading) => [
      ...resolves("setPrompt() resolves", reading.call("setPrompt")),
      ...inForce(reading, { prompt: "a red cape", enhance: false }),
    ],
  }),
  defineScenario({
    id: "state/initial-prompt",
    does: "It connects with a prompt to begin with.",
    owes: "The server has it.",
    source: page("initialState"),
    needs: ["initial-prompt"],
    kills: ["forgets-initial"],
    async drive({ client, line }) {
      await client.connect({ initial: { prompt: "a red cape" } });
      // Some versions do not wait for it.
      await line("the prompt", ({ kind, fields }) => kind === "state" && fields.prompt === "a red cape");
    },
    judge: (reading) => [
      ...resolves("connect() resolves", reading.call("connect")),
      ...inForce(reading, { prompt: "a red cape" }),
    ],
  }),
  defineScenario({
    id: "state/initial-both",
    does: "It connects with a prompt and an image to begin with.",
    owes: "Both come into force together, before there are any pictures.",
    source: {
      kind: "observed",
      where: "@decartai/sdk 0.0.48 to 0.1.20: one set_image, and publishing waits for it",
    },
    needs: ["media", "initial-prompt", "initial-image"],
    kills: ["splits-initial"],
    async drive({ client, line }) {
      await client.connect({ initial: { prompt: "a red cape", image: imageOf(face) } });
      await line("the start of generation", ({ kind }) => kind === "generation_started");
    },
    judge: (reading) => {
      const startStep = reading.lines("generation_started")[0]?.step ?? Number.POSITIVE_INFINITY;
      const before = reading.lines("state").filter(({ step }) => step < startStep);
      return [
        ...resolves("connect() resolves", reading.call("connect")),
        ...same(
          "what comes into force before the first picture",
          before.map(({ fields: { prompt, imageHash } }) => ({ prompt, imageHash })),
          [{ prompt: "a red cape", imageHash: hashOf(face) }],
        ),
      ];
    },
  }),
  defineScenario({
    id: "state/formats",
    does: "The app sets a PNG, a JPEG and a WebP, one after the other.",
    owes: "Each reaches the server to the byte.",
    source: page("reference images are JPEG, PNG or WebP"),
    needs: ["set"],
    kills: ["cuts-images"],
    async drive({ client }) {
      await client.connect();
      for (const name of ["face-png", "face-jpeg", "face-webp"])
        await client.call("set", { image: imageOf(name) });
    },
    judge: (reading) => [
      ...[1, 2, 3].flatMap((n) => resolves(`set() number ${n} resolves`, reading.call("set", n))),
      ...same(
        "the images",
        changes(reading)
          .map((fields) => fields.imageHash)
          .filter((hash) => hash !== NO_HASH),
        ["face-png", "face-jpeg", "face-webp"].map(hashOf),
      ),
    ],
  }),
  defineScenario({
    id: "state/large-image",
    does: "The app sets an image of five megabytes.",
    owes: "It reaches the server to the byte.",
    source: {
      kind: "documented",
      where: "https://docs.platform.decart.ai, private preview, signalling: image_data of up to 10 MB",
    },
    needs: ["set"],
    kills: ["cuts-images"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", { image: largePng().toString("base64") });
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set")),
      ...inForce(reading, { imageHash: imageHash(largePng()) }),
    ],
  }),
  defineScenario({
    id: "state/bad-image",
    does: "The app sets a prompt and an image of which half is missing.",
    owes: "The call rejects with what the server said, nothing changes, and the next change goes through.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.30 to 0.1.20 reject with the ack's error" },
    needs: ["set"],
    kills: ["ignores-refusals"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "never", image: imageOf("cut-off-png") });
      await client.call("set", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejectsAsTold(reading, "never"),
      ...neverInForce(reading, "never"),
      ...staysConnected(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "state/negative",
    does: "Moderation refuses a prompt.",
    owes: "The call rejects with what the server said, and the next change goes through.",
    source: {
      kind: "documented",
      where: "https://docs.platform.decart.ai, moderation: a refusal is a prompt_ack without success",
    },
    needs: ["set-prompt", "acks"],
    kills: ["ignores-refusals"],
    faults: [{ name: "moderation", with: { word: "never" } }],
    async drive({ client }) {
      await client.connect();
      await client.call("setPrompt", { prompt: "never" });
      await client.call("setPrompt", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejectsAsTold(reading, "never"),
      ...staysConnected(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "state/empty-set",
    does: "The app sets nothing, and then an empty prompt.",
    owes: "Both calls reject, and nothing is sent.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.43 to 0.1.20: ZodError" },
    needs: ["set"],
    kills: ["sends-empty-sets"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", {});
      await client.call("set", { prompt: "" });
      await client.call("set", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejects("set({}) rejects", reading.call("set", 1)),
      ...rejects('set({ prompt: "" }) rejects', reading.call("set", 2)),
      ...same(
        "what is sent",
        reading
          .sentStates()
          .filter(({ step }) => step > (reading.call("set", 1)?.step ?? Number.POSITIVE_INFINITY))
          .map(({ fields }) => fields.prompt),
        ["afterwards"],
      ),
    ],
  }),
];
