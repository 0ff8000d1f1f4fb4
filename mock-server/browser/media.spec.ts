import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { judgeRelayed } from "./judge-pictures.ts";
import { base64Image, expect, journalLine, test } from "./lucy-test.ts";

const done = { ok: true };

for (const codec of ["VP8", "H264", "VP9"] as const) {
  test(`${codec}: pictures carry prompt and image`, async ({ harness, lucy }) => {
    const preferred = codec === "VP8" ? {} : { codec };
    const client = await harness.connect({ version: "0.0.46", ...preferred });
    const { fields } = await journalLine(lucy, ({ kind }) => kind === "media-opened");
    expect(fields.codec).toBe(codec.toLowerCase());
    await client.morePictures(5);
    expect(await client.call("set", { prompt: "invert", image: base64Image("board-jpeg") })).toEqual(done);
    expect((await client.untilRevision(1)).output).toMatchObject({
      promptHash: promptHash("invert"),
      imageHash: imageHash(readImage("board-jpeg")),
    });
    await client.morePictures(15);
    await client.soundPictures();
  });
}

test("1280×720 at 30 pictures a second", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46", width: 1280, height: 720, fps: 30 });
  await client.untilSize(1280, 720);
  expect(await client.call("setPrompt", "tint")).toEqual(done);
  await client.untilRevision(1);
  await client.morePictures(60);
  await client.soundPictures();
});

test("a camera that changes its size in mid-stream", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46", width: 1280, height: 720 });
  await client.untilSize(1280, 720);
  expect(await client.call("setPrompt", "a wizard")).toEqual(done);
  for (const [width, height] of [
    [640, 360],
    [480, 640],
    [960, 540],
  ] as const) {
    await harness.call("resize", client.id, width, height);
    await client.untilSize(width, height);
    await client.morePictures(10);
  }
  await client.soundPictures();
});

test("a camera without strips is edited all the same", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46", strip: false });
  expect(await client.call("setPrompt", "flip")).toEqual(done);
  await client.untilRevision(1);
  await client.morePictures(10);
  for (const { input, output } of await client.pictures()) {
    expect(input).toBeNull();
    expect(output).not.toBeNull();
  }
});

test("sound comes back", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46", audio: true });
  const heardHz = await harness.call("hear", client.id);
  expect(Math.abs(heardHz - 440)).toBeLessThan(15);
  const before = await harness.call("audioBytes", client.id);
  await client.morePictures(15);
  expect(await harness.call("audioBytes", client.id)).toBeGreaterThan(before);
  await client.soundPictures();
});

test.describe("with --latency 285", () => {
  test.use({ serverOptions: { latencyMs: 285 } });

  test("no picture is younger", async ({ harness }) => {
    const client = await harness.connect({ version: "0.0.46" });
    await client.morePictures(15);
    const pictures = await client.soundPictures();
    expect(Math.min(...pictures.map(ageMs))).toBeGreaterThanOrEqual(285);
  });
});

test("without --latency some picture is younger than 285 ms", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.46" });
  await client.morePictures(15);
  const pictures = await client.soundPictures();
  expect(Math.min(...pictures.map(ageMs))).toBeLessThan(285);
});

test.describe("with --mode relay", () => {
  test.use({ serverOptions: { mode: "relay" } });

  test("the camera's own pictures come back", async ({ harness, lucy }) => {
    const client = await harness.connect({ version: "0.0.46" });
    expect((await client.get()).atConnect).toMatchObject({ hasTrack: true });
    await client.morePictures(15);
    expect(await client.call("set", { prompt: "unseen", image: base64Image("face-png") })).toEqual(done);
    await client.morePictures(15);
    expect(judgeRelayed(await client.pictures())).toEqual([]);
    expect(lucy.open).toMatchObject({ sessions: 1, codecs: 0, workers: 0 });
  });
});

test.describe("with --mode none", () => {
  test.use({ serverOptions: { mode: "none" } });

  test("everything but pictures", async ({ harness, lucy }) => {
    const client = await harness.connect({ version: "0.0.46" });
    const { atConnect } = await client.get();
    expect(atConnect).toMatchObject({ hasTrack: false, sessionId: lucy.sessions[0]!.id });
    await client.untilState("generating");
    expect((await client.get()).states).toEqual(["connecting", "connected", "generating"]);
    expect(await client.call("set", { prompt: "unseen", image: base64Image("face-png") })).toEqual(done);
    expect(await client.call("setPrompt", "unseen too")).toEqual(done);
    expect(lucy.sessions[0]!.state).toMatchObject({ revision: 2, prompt: "unseen too" });
    expect(lucy.open).toMatchObject({ sessions: 1, codecs: 0, workers: 0 });
    expect(await client.pictures()).toEqual([]);
  });
});

/** From the sender's canvas to the viewer's display, both on the page's clock. */
function ageMs({ atMs, input }: SeenPicture): number {
  return atMs - input!.timestampMs;
}
