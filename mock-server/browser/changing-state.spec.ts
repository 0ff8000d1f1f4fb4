import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { images, readImage } from "../../fixtures/images.ts";
import { createDice } from "../dice.ts";
import type { SetStep } from "./harness.ts";
import { statesOf } from "./judge-pictures.ts";
import {
  base64Image,
  expect,
  journalLine,
  type SdkClient,
  standsForAll,
  test,
  traitsOf,
  versions,
} from "./lucy-test.ts";

const done = { ok: true };

const seed = Number(process.env.LUCY_SEED ?? 1);

/** The long form of the suite takes ten times as many; revisions stay below the 4096 that a strip can tell apart. */
const countMax = process.env.LUCY_LONG ? 1000 : 100;

/** The newest SDK of each dialect takes them all, the others a fifth; those of one row are in one page, most of it is waiting. */
const rows = [
  { together: ["0.0.46", "0.1.20"], count: countMax },
  { together: ["0.1.3", "0.1.6", "0.1.14"], count: countMax / 5 },
];

for (const { together, count } of standsForAll(rows)) {
  test(`${together.join(" and ")}: over ${count} random set() calls each (LUCY_SEED=${seed}) no picture mixes two states or goes back`, async ({
    harness,
    lucy,
  }) => {
    test.setTimeout(60_000 + count * 200 * together.length);
    const clients: SdkClient[] = [];
    for (const version of together) clients.push(await harness.connect({ version }));
    const goThrough = async (client: SdkClient, index: number) => {
      // Other calls for each: what one session shows of another's state would be seen.
      const steps = randomSteps(seed + index, count);
      const outcomes = await harness.call("setSeries", client.id, steps, seriesImages.map(base64Image));
      expect(outcomes).toEqual(steps.map(() => done));
      // Some begin with a message that leaves everything empty.
      const first = traitsOf(together[index]!).has.emptyState ? 1 : 0;
      await client.untilRevision(first + count);
      await client.morePictures(3);

      // The journal is what pictures are judged by, so it is held against the calls first.
      const states = statesOf(lucy.journal.lines, client.session).slice(first);
      expect(states.map(({ promptHash, imageHash }) => [promptHash, imageHash])).toEqual(statesAfter(steps));
      const pictures = await client.soundPictures();
      const seen = new Set(pictures.map(({ output }) => output!.revision));
      // Each call is followed by one picture on average: far fewer revisions than calls would have tested little.
      expect(seen.size, "revisions seen").toBeGreaterThan(count / 4);
    };
    await Promise.all(clients.map(goThrough));
  });
}

test("none that has set() is left out", () => {
  const having = versions.filter(({ has }) => has.set).map(({ version }) => version as string);
  expect(rows.flatMap(({ together }) => together).sort()).toEqual(having.sort());
});

test("a bad image rejects with a sentence and changes nothing", async ({ harness, lucy }) => {
  const client = await harness.connect({ version: "0.0.46" });
  expect(await client.call("set", { prompt: "sepia", image: base64Image("board-png") })).toEqual(done);
  await client.untilRevision(1);
  const broken = images.filter(({ broken }) => broken !== undefined).map(({ name }) => name);
  for (const name of broken) {
    const outcome = await client.call("set", { prompt: "not this", image: base64Image(name) });
    expect(outcome.ok, name).toBe(false);
    expect("error" in outcome && outcome.error, name).toMatch(/^[A-Z].{20,}[.]$/s);
  }
  const refused = lucy.journal.lines.filter(({ kind }) => kind === "state-refused");
  expect(refused).toHaveLength(broken.length);
  const typo = await client.call("set", { image: "./my-face.png" });
  expect(typo.ok).toBe(false);
  await client.morePictures(10);
  expect((await client.pictures(-1))[0]!.output!.revision).toBe(1);
  // The next good one takes the next number.
  expect(await client.call("setPrompt", "invert")).toEqual(done);
  await client.untilRevision(2);
  await client.soundPictures();
});

test("0.0.41: a bad image rejects with the server's sentence and changes nothing", async ({
  harness,
  lucy,
}) => {
  const client = await harness.connect({ version: "0.0.41" });
  expect(await client.call("setPrompt", "grayscale")).toEqual(done);
  const outcome = await client.call("setImage", base64Image("cut-off-jpeg"), { prompt: "not this" });
  const refused = await journalLine(lucy, ({ kind }) => kind === "state-refused");
  expect(outcome).toEqual({ ok: false, error: refused.fields.error });
  await client.untilRevision(1);
  await client.morePictures(5);
  const [last] = await client.pictures(-1);
  expect(last!.output).toMatchObject({ revision: 1, promptHash: promptHash("grayscale"), imageHash: 0 });
  await client.soundPictures();
});

test("set({ prompt }) keeps the image", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46" });
  await client.call("set", { prompt: "posterize", image: base64Image("face-jpeg") });
  expect(await client.call("set", { prompt: "edges" })).toEqual(done);
  expect((await client.untilRevision(2)).output).toMatchObject({
    promptHash: promptHash("edges"),
    imageHash: imageHash(readImage("face-jpeg")),
  });
  await client.soundPictures();
});

test.describe("with --prompt-only-set clear", () => {
  test.use({ serverOptions: { promptOnlySet: "clear" } });

  test("set({ prompt }) clears the image, setPrompt() does not", async ({ harness }) => {
    const client = await harness.connect({ version: "0.0.46" });
    await client.call("set", { prompt: "posterize", image: base64Image("face-jpeg") });
    expect(await client.call("setPrompt", "edges")).toEqual(done);
    expect((await client.untilRevision(2)).output).toMatchObject({
      promptHash: promptHash("edges"),
      imageHash: imageHash(readImage("face-jpeg")),
    });
    expect(await client.call("set", { prompt: "blur" })).toEqual(done);
    expect((await client.untilRevision(3)).output).toMatchObject({
      promptHash: promptHash("blur"),
      imageHash: 0,
    });
    await client.soundPictures();
  });
});

test.describe("with --ack-when applied", () => {
  test.use({ serverOptions: { ackWhen: "applied" } });

  test("a call resolves once a picture that shows it has left", async ({ harness, lucy }) => {
    const client = await harness.connect({ version: "0.0.46" });
    await client.untilState("generating");
    await client.morePictures(3);
    for (let revision = 1; revision <= 6; revision++) {
      const call =
        revision % 2 === 0
          ? client.call("set", { image: base64Image("board-png") })
          : client.call("setPrompt", `prompt ${revision}`);
      expect(await call).toEqual(done);
    }
    const order = lucy.journal.lines
      .filter(({ kind }) => ["shown", "prompt_ack", "set_image_ack"].includes(kind))
      .map(({ kind, fields }) => (kind === "shown" ? fields.revision : "ack"));
    expect(order).toEqual([0, 1, "ack", 2, "ack", 3, "ack", 4, "ack", 5, "ack", 6, "ack"]);
    await client.soundPictures();
  });
});

const seriesImages = ["face-small", "board-webp", "board-png", "board-jpeg"];

function randomSteps(seed: number, count: number): SetStep[] {
  const dice = createDice(seed);
  const below = (limit: number) => Math.floor(dice.next() * limit);
  const words = ["dragon", "mirror", "невеста", "sepia", "侍", "neon city", "tint", "🎩", "pixelate"];
  const prompt = () => `${words[below(words.length)]} ${below(1000)}`;
  const image = () => below(seriesImages.length);
  const kinds = [
    () => ({ prompt: prompt() }),
    () => ({ image: image() }),
    () => ({ prompt: prompt(), image: image() }),
    () => ({ image: null }),
  ];
  return Array.from({ length: count }, () => ({ ...kinds[below(kinds.length)]!(), thenPictures: below(3) }));
}

/** Prompt and image hashes after none of the steps, the first, the first two … */
function statesAfter(steps: readonly SetStep[]): [number, number][] {
  let state: [number, number] = [0, 0];
  const states = [state];
  for (const { prompt, image } of steps) {
    state = [
      prompt === undefined ? state[0] : promptHash(prompt),
      image === undefined ? state[1] : image === null ? 0 : imageHash(readImage(seriesImages[image]!)),
    ];
    states.push(state);
  }
  return states;
}
