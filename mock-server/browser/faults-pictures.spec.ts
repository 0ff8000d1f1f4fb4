import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import type { AddedFault } from "../faults/desk.ts";
import type { Declaration } from "../faults/fault.ts";
import { expect, journalLine, test } from "./lucy-test.ts";

for (const version of ["0.1.20", "0.0.46"]) {
  test(`${version}: frozen, black, of another size, silent: each is seen, and once healed all is well`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ version, color: "rgb(200, 60, 40)" });
    await client.morePictures(5);
    const session = lucy.sessions.at(-1)!;
    const add = (declaration: Declaration): AddedFault =>
      lucy.faults.add(declaration, { session: client.session })[0]!;

    /** Looks after each picture, whether it is black or not any more. */
    const untilBlack = async (wanted: boolean): Promise<void> => {
      while (isBlack(await harness.call("middleColor", client.id)) !== wanted) await client.morePictures(1);
    };

    await untilBlack(false);
    const freeze = add({ name: "freeze", when: { for: { frames: 12 } } });
    const froze = session.frameCount;
    await journalLine(lucy, ({ kind, fields }) => kind === "fault-healed" && fields.fault === freeze.id);
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

    const stop = add({ name: "stop-sending", when: { for: { frames: 20 } } });
    await journalLine(lucy, ({ kind, fields }) => kind === "fault-fired" && fields.fault === stop.id);
    const left = session.frameCount;
    await journalLine(lucy, ({ kind, fields }) => kind === "fault-healed" && fields.fault === stop.id);
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

function isBlack(color: readonly number[]): boolean {
  return color.every((channel) => channel < 20);
}
