/** Prompt and image change on the same picture, or neither does: what the product page promises of `set()`, read off the pictures. */
import { createHash } from "node:crypto";
import { imageHash, promptHash, readImage } from "../../fixtures/index.ts";
import { holds, rejects, resolves, same } from "../findings.ts";
import { judgeAtomicity } from "../read-history.ts";
import type { Reading } from "../recording.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { imageOf } from "../steps.ts";

const documented = {
  kind: "documented",
  where: "https://docs.platform.decart.ai, realtime API: set() changes prompt and image atomically",
} as const;

const imageNames = ["face-png", "board-jpeg"] as const;
const images = imageNames.map(imageOf);
const server = { mode: "transcode" } as const;

/** What a seed makes of the nth throw: 0 up to `sides`. */
function throwOf(seed: number, n: number, sides: number): number {
  return createHash("sha256").update(`${seed}/${n}`).digest().readUInt32BE(0) % sides;
}

async function setMany({ client, seed }: Stage, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const prompt = `change ${n}`;
    const image = images[n % images.length]!;
    const change = [{ prompt, image }, { prompt }, { image }, { prompt, image }, { image: null }][
      throwOf(seed, n, 5)
    ]!;
    await client.call("set", change);
    await client.frames(1 + throwOf(seed, 1000 + n, 3));
  }
}

/** Revisions that calls of `set` have made; what a client says by itself at the beginning makes one, too. */
function changes({ lines, call }: Reading): number {
  const from = call("set")?.step ?? Number.POSITIVE_INFINITY;
  return lines("state").filter(({ step }) => step > from).length;
}

export const atomicity: readonly Scenario[] = [
  defineScenario({
    id: "atomicity/one-set-one-picture",
    does: "The app sets prompt and image with one call, and again others.",
    owes: "Each call is one change: no picture shows the one without the other.",
    source: documented,
    needs: ["set", "frames"],
    kills: ["splits-a-set"],
    server,
    async drive({ client }) {
      await client.connect();
      await client.frames(3);
      for (const [n, image] of images.entries()) {
        await client.call("set", { prompt: `both ${n}`, image });
        await client.shows(`both ${n}`);
        await client.frames(3);
      }
    },
    judge: (reading) => [
      ...resolves("the first set() resolves", reading.call("set", 1)),
      ...resolves("the second set() resolves", reading.call("set", 2)),
      ...judgeAtomicity(reading),
      ...holds(
        "two calls are two changes",
        changes(reading) === 2,
        "2 revisions",
        `${changes(reading)} revisions`,
      ),
    ],
  }),
  defineScenario({
    id: "atomicity/many-sets",
    does: "Twenty seeded changes follow one another: both, prompt, image, or no image.",
    owes: "No picture mixes two of them, none goes back, each takes effect soon after its ack.",
    source: documented,
    needs: ["set", "frames", "acks"],
    kills: ["splits-a-set"],
    server,
    async drive(stage) {
      await stage.client.connect();
      await stage.client.frames(1);
      await setMany(stage, 20);
      await stage.client.frames(3);
    },
    judge: (reading) => [
      ...reading.calls
        .filter(({ verb }) => verb === "set")
        .flatMap((call, n) => resolves(`set() ${n + 1} resolves`, call)),
      ...same("each call is one change", changes(reading), 20),
      ...judgeAtomicity(reading),
    ],
  }),
  defineScenario({
    id: "atomicity/refused-changes-nothing",
    does: "A change of prompt and image is refused, and one that is good follows.",
    owes: "The first rejects and is never shown, not even half of it; the second is.",
    source: documented,
    needs: ["set", "frames", "acks"],
    kills: ["splits-a-set"],
    server,
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "before", image: images[0]! });
      await client.frames(3);
      await client.call("set", { prompt: "with a broken image", image: "AAAA" });
      await client.frames(5);
      await client.call("set", { prompt: "afterwards", image: images[1]! });
      await client.frames(5);
    },
    judge: (reading) => [
      ...rejects("the second set() rejects", reading.call("set", 2)),
      ...holds(
        "nothing of a call that rejects is shown",
        !reading.frames().some(({ output }) => output?.promptHash === promptHash("with a broken image")),
        "no picture with its prompt",
        "its prompt was shown",
      ),
      ...resolves("the third set() resolves", reading.call("set", 3)),
      ...judgeAtomicity(reading),
    ],
  }),
  defineScenario({
    id: "atomicity/initial-from-the-first-picture",
    does: "It connects with a prompt and an image to begin with.",
    owes: "The first picture shows both.",
    source: documented,
    needs: ["initial-prompt", "initial-image", "frames"],
    kills: ["forgets-initial", "forgets-image"],
    server,
    async drive({ client }) {
      await client.connect({ initial: { prompt: "from the start", image: images[0]! } });
      await client.frames(5);
    },
    judge: (reading) => {
      const [first] = reading.frames();
      const { promptHash: prompt, imageHash: image } = first?.output ?? {};
      return [
        ...same(
          "the first picture shows both",
          { prompt, image },
          { prompt: promptHash("from the start"), image: imageHash(readImage(imageNames[0])) },
        ),
        ...judgeAtomicity(reading),
      ];
    },
  }),
  defineScenario({
    id: "atomicity/viewer-sees-the-same",
    does: "Somebody watches while the app sets prompt and image with one call.",
    owes: "The viewer sees both change on the same picture, too.",
    source: documented,
    needs: ["set", "frames", "subscribe"],
    kills: ["splits-a-set"],
    server,
    async drive(stage) {
      const { client, target } = stage;
      const connecting = await client.connect();
      const viewer = await stage.another("viewer");
      await viewer.call("subscribe", { ...target(), token: String(connecting.ended!.value.subscribeToken) });
      await viewer.frames(3);
      await client.call("set", { prompt: "seen by both", image: images[0]! });
      await viewer.shows("seen by both");
      await viewer.frames(3);
    },
    judge: (reading) => [
      ...resolves("set() resolves", reading.call("set")),
      ...judgeAtomicity(reading, { actor: "viewer" }),
    ],
  }),
];
