import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { base64Image, expect, test } from "./lucy-test.ts";

const prompt = "A knight in silver armour, oil painting";

test("0.0.46 connects, shows the camera, then the prompt, then the image", async ({ harness, lucy }) => {
  const client = await harness.connect({ version: "0.0.46" });
  const { atConnect, errors } = await client.get();
  expect(atConnect!.sessionId).toBe(lucy.sessions[0]!.id);
  expect(atConnect!.hasTrack).toBe(true);
  await client.untilState("generating");
  expect((await client.get()).states).toEqual(["connecting", "connected", "generating"]);

  await client.morePictures(10);
  for (const { output } of await client.pictures()) {
    expect(output).toMatchObject({ revision: 0, promptHash: 0, imageHash: 0 });
  }

  expect(await client.call("setPrompt", prompt)).toEqual({ ok: true });
  expect((await client.untilRevision(1)).output).toMatchObject({
    revision: 1,
    promptHash: promptHash(prompt),
    imageHash: 0,
  });

  expect(await client.call("set", { image: base64Image("face-png") })).toEqual({ ok: true });
  expect((await client.untilRevision(2)).output).toMatchObject({
    revision: 2,
    promptHash: promptHash(prompt),
    imageHash: imageHash(readImage("face-png")),
  });

  expect(await client.call("set", { image: null })).toEqual({ ok: true });
  expect((await client.untilRevision(3)).output).toMatchObject({
    revision: 3,
    promptHash: promptHash(prompt),
    imageHash: 0,
  });
  await client.morePictures(5);
  await client.soundPictures();
  expect(errors).toEqual([]);
});

test("0.0.46 connects with a prompt that is in force once connect() has resolved", async ({
  harness,
  lucy,
}) => {
  const client = await harness.connect({ version: "0.0.46", prompt });
  expect(lucy.sessions[0]!.state).toMatchObject({ revision: 1, prompt });
  expect((await client.untilRevision(1)).output).toMatchObject({ promptHash: promptHash(prompt) });
  await client.soundPictures();
});

test("0.0.41 connects, shows the camera, then prompt and image of one call", async ({ harness }) => {
  const client = await harness.connect({ version: "0.0.41" });
  // Events before connect() resolves are lost in this version.
  expect((await client.get()).atConnect).toMatchObject({ hasTrack: true, state: "connected" });
  await client.morePictures(10);
  for (const { output } of await client.pictures()) {
    expect(output).toMatchObject({ revision: 0, promptHash: 0, imageHash: 0 });
  }

  expect(await client.call("setPrompt", prompt)).toEqual({ ok: true });
  expect((await client.untilRevision(1)).output).toMatchObject({
    promptHash: promptHash(prompt),
    imageHash: 0,
  });

  const other = "mirror, a chessboard in the rain";
  expect(await client.call("setImage", base64Image("board-webp"), { prompt: other })).toEqual({ ok: true });
  expect((await client.untilRevision(2)).output).toMatchObject({
    promptHash: promptHash(other),
    imageHash: imageHash(readImage("board-webp")),
  });

  expect(await client.call("setImage", null)).toEqual({ ok: true });
  expect((await client.untilRevision(3)).output).toMatchObject({
    promptHash: promptHash(other),
    imageHash: 0,
  });
  await client.soundPictures();

  expect(await client.call("disconnect")).toEqual({ ok: true });
  expect((await client.get()).states).toEqual(["disconnected"]);
});
