import { promptHash } from "../../fixtures/hashes.ts";
import { base64Image, expect, test } from "./lucy-test.ts";

const done = { ok: true };

test("two sessions do not see each other's state", async ({ harness }) => {
  const one = await harness.connect({ version: "0.0.46" });
  const other = await harness.connect({ version: "0.0.41" });
  expect(one.session).not.toBe(other.session);
  const calls = [
    one.call("setPrompt", "sepia one"),
    other.call("setPrompt", "invert other"),
    one.call("set", { image: base64Image("face-small") }),
    other.call("setImage", base64Image("board-webp")),
  ];
  expect(await Promise.all(calls)).toEqual(calls.map(() => done));
  await Promise.all([one.untilRevision(2), other.untilRevision(2)]);
  await Promise.all([one.morePictures(10), other.morePictures(10)]);
  const seenByOne = await one.soundPictures();
  const seenByOther = await other.soundPictures();
  expect(seenByOne.map(({ output }) => output!.promptHash)).not.toContain(promptHash("invert other"));
  expect(seenByOther.map(({ output }) => output!.promptHash)).not.toContain(promptHash("sepia one"));

  // One leaves; the other goes on.
  await one.call("disconnect");
  expect(await other.call("setPrompt", "edges")).toEqual(done);
  await other.untilRevision(3);
  await other.soundPictures();
});

test("a subscriber sees the publisher's pictures until the publisher leaves", async ({ harness }) => {
  const publisher = await harness.connect({ version: "0.0.46" });
  const { subscribeToken } = await publisher.get();
  const viewer = await harness.subscribe("0.0.46", subscribeToken!);
  await viewer.morePictures(10);
  expect(await publisher.call("set", { prompt: "posterize", image: base64Image("face-webp") })).toEqual(done);
  await Promise.all([publisher.untilRevision(1), viewer.untilRevision(1)]);
  await viewer.morePictures(10);

  const published = new Map(
    (await publisher.soundPictures()).map(({ input, output }) => [output!.outputCount, input!.frameId]),
  );
  const viewed = await viewer.soundPictures(publisher.session);
  const shared = viewed.filter(({ output }) => published.has(output!.outputCount));
  expect(shared.length).toBeGreaterThan(5);
  for (const { input, output } of shared) {
    expect(published.get(output!.outputCount), `output ${output!.outputCount}`).toBe(input!.frameId);
  }

  await publisher.call("disconnect");
  await viewer.untilState("disconnected");
});

test("a subscriber that leaves does not disturb the publisher", async ({ harness, lucy }) => {
  const publisher = await harness.connect({ version: "0.0.46" });
  const { subscribeToken } = await publisher.get();
  const viewer = await harness.subscribe("0.0.46", subscribeToken!);
  await viewer.morePictures(5);
  expect(lucy.sessions[0]!.viewerCount).toBe(1);
  await viewer.call("disconnect");
  await publisher.morePictures(10);
  expect(lucy.sessions[0]!.viewerCount).toBe(0);
  expect(lucy.open).toMatchObject({ sessions: 1, sockets: 1 });
  await publisher.soundPictures();
});
