import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import type { AddedFault } from "../faults/desk.ts";
import type { Declaration } from "../faults/fault.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import { expect, journalLine, standsForAll, test } from "./lucy-test.ts";

/** Who waits for its first picture meets it. */
const apiKey = writeMockKey({ name: "no-keyframes", when: { for: { frames: 15 } } });

for (const version of standsForAll(["0.1.20", "0.0.46"])) {
  test(`${version}: no key, frozen, black, resized, fewer, renamed, silent: each is seen, and once healed all is well`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ version, color: "rgb(200, 60, 40)", audio: true, apiKey });
    const session = lucy.sessions.at(-1)!;
    const add = (declaration: Declaration): AddedFault =>
      lucy.faults.add(declaration, { session: client.session })[0]!;
    const happened = (kind: string, id: string) =>
      journalLine(lucy, (line) => line.kind === kind && line.fields.fault === id);
    const shownCount = async () => (await client.pictures()).length;

    await happened("fault-fired", "key-1");
    await session.frames(3);
    expect(await client.pictures(), "pictures without a key picture").toEqual([]);
    await happened("fault-healed", "key-1");
    await client.morePictures(5);

    /** Looks after each picture, whether it is black or not any more. */
    const untilBlack = async (wanted: boolean): Promise<void> => {
      while (isBlack(await harness.call("middleColor", client.id)) !== wanted) await client.morePictures(1);
    };

    await untilBlack(false);
    const freeze = add({ name: "freeze", when: { for: { frames: 12 } } });
    const froze = session.frameCount;
    await happened("fault-healed", freeze.id);
    expect(freeze.fired).toBe(12);
    const from = await client.morePictures(6);
    const frozen = repeatsOf((await client.pictures()).slice(0, from));
    // Chromium shows each that comes, the same or not; under load one or the other is replaced unseen.
    expect(frozen, `pictures alike, of 12 from ${froze} on`).toBeGreaterThan(4);

    const black = add({ name: "black" });
    await untilBlack(true);
    black.heal();
    await untilBlack(false);

    const { width, height } = (await client.pictures(-1))[0]!;
    const resize = add({ name: "resize", with: { width: 480, height: 270 } });
    await client.untilSize(480, 270);
    await client.morePictures(3);
    resize.heal();
    await client.untilSize(width, height);

    const beforeDrop = await shownCount();
    const drop = add({ name: "fps-drop", with: { keepOneOf: 4 }, when: { for: { frames: 32 } } });
    await happened("fault-healed", drop.id);
    expect(drop.fired).toBe(24);
    await client.morePictures(5);
    expect(sparseOf(await client.pictures(beforeDrop - 1), 4), "pictures shown, of 8 kept").toBeGreaterThan(
      3,
    );

    // Chromium shows pictures as they come, whatever their time (observed): we ask for no playout delay.
    const jump = add({ name: "timestamp-jump" });
    await client.morePictures(8);
    jump.heal();
    await client.morePictures(8);
    expect(jump.fired).toBeGreaterThan(8);

    const rename = add({ name: "ssrc-change" });
    await session.frames(5);
    const beforeRename = await shownCount();
    await session.frames(10);
    expect(await shownCount(), "pictures of a stream that nobody described").toBe(beforeRename);
    rename.heal();
    await client.morePictures(5);
    expect(rename.fired).toBe(1);

    const soundBytes = () => harness.call("audioBytes", client.id);
    const gap = add({ name: "audio-gap", with: { everyPackets: 1, gapPackets: 100_000 } });
    await happened("fault-fired", gap.id);
    // What left before is still on its way, and statistics are some moments old.
    await session.frames(4);
    const soundBefore = await soundBytes();
    await session.frames(8);
    expect(await soundBytes(), "bytes of sound in a gap").toBe(soundBefore);
    expect(gap.fired).toBeGreaterThan(5);
    gap.heal();
    await session.frames(8);
    expect(await soundBytes()).toBeGreaterThan(soundBefore);

    const stop = add({ name: "stop-sending", when: { for: { frames: 20 } } });
    await happened("fault-fired", stop.id);
    const left = session.frameCount;
    await happened("fault-healed", stop.id);
    expect(session.frameCount, "pictures that left meanwhile").toBe(left);
    await session.frames(5);
    await client.morePictures(5);

    const { state } = await client.get();
    expect(state).toBe("generating");
    // None was unreadable, none went back: not even behind the silence.
    await client.soundPictures();
    expect((await client.pictures(-4)).every((picture) => picture.width === width)).toBe(true);
    expect(repeatsOf(await client.pictures(-4))).toBe(0);
  });
}

/** How many pictures were shown that are the one before. */
function repeatsOf(pictures: readonly SeenPicture[]): number {
  const counts = pictures.map(({ output }) => output?.outputCount);
  return counts.filter((count, index) => index > 0 && count === counts[index - 1]).length;
}

/** How many pictures were shown before which `every - 1` of the camera's were left out, and not numbered either. */
function sparseOf(pictures: readonly SeenPicture[], every: number): number {
  const steps = pictures.slice(1).map(({ input, output }, index) => {
    const before = pictures[index]!;
    return {
      camera: (input?.frameId ?? 0) - (before.input?.frameId ?? 0),
      output: (output?.outputCount ?? 0) - (before.output?.outputCount ?? 0),
    };
  });
  return steps.filter(({ camera, output }) => output > 0 && camera >= every * output).length;
}

function isBlack(color: readonly number[]): boolean {
  return color.every((channel) => channel < 20);
}
