import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import type { Declaration } from "../faults/fault.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import type { MockServer } from "../server.ts";
import { judgePictures } from "./judge-pictures.ts";
import { base64Image, expect, standsForAll, test } from "./lucy-test.ts";

const done = { ok: true };

/** The first set() is torn, the second is followed by pictures of the first; half a second each, as a busy page misses pictures. */
const apiKey = writeMockKey([
  { name: "torn-set", when: { times: 1 }, with: { frames: 8 } },
  { name: "stale-frame", when: { after: { messages: 1 }, times: 1 }, with: { afterFrames: 8, frames: 8 } },
]);

for (const version of standsForAll(["0.1.20", "0.0.46"])) {
  test(`${version}: a torn set and stale pictures are seen in Chromium, and the judge names them; acks lie`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ version, apiKey });
    // A client of the livekit dialect may begin with a message that leaves everything empty.
    await client.morePictures(2);
    const before = lucy.sessions[0]!.state.revision;
    const [first, second, third] = [before + 1, before + 2, before + 3];
    const judge = async () => judgePictures(await client.pictures(), lucy.journal.lines, client.session);
    const until = async (found: (findings: string[]) => boolean | Promise<boolean>) => {
      while (!(await found(await judge()))) await client.morePictures(1);
    };
    expect(await judge()).toEqual([]);

    expect(await client.call("set", { prompt: "sepia", image: base64Image("face-small") })).toEqual(done);
    const whole = { revision: first, imageHash: imageHash(readImage("face-small")) };
    await until(async () => {
      const [last] = await client.pictures(-1);
      return last?.output?.revision === whole.revision && last.output.imageHash === whole.imageHash;
    });
    const torn = `shows revision ${first} with prompt ${promptHash("sepia")} and image 0; the journal says prompt ${promptHash("sepia")} and image ${whole.imageHash}.`;
    const findings = await judge();
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.length).toBeLessThanOrEqual(8);
    expect(findings).toEqual(findings.map(() => expect.stringContaining(torn)));

    expect(await client.call("set", { prompt: "invert", image: base64Image("board-png") })).toEqual(done);
    const back = `goes back from revision ${second} to ${first}.`;
    await until((all) => all.some((finding) => finding.includes(back)));
    await client.untilRevision(second);
    expect((await judge()).slice(findings.length)).toEqual([expect.stringContaining(back)]);

    const tornAndStale = findings.length + 1;
    expect(await client.call("set", { prompt: "edges", image: base64Image("face-small") })).toEqual(done);
    await client.untilRevision(third);
    await client.morePictures(10);
    expect((await judge()).length).toBe(tornAndStale);

    const add = (declaration: Declaration) => lucy.faults.add(declaration, { session: client.session })[0]!;
    const rejected = add({ name: "applied-but-rejected", with: { error: "Too red." } });
    const answer = await client.call("set", { prompt: "mirror" });
    expect(answer).toEqual({ ok: false, error: expect.stringContaining("Too red.") });
    rejected.heal();
    const shown = await client.untilRevision(third + 1);
    expect(shown.output).toMatchObject({ revision: third + 1, promptHash: promptHash("mirror") });

    const never = add({ name: "never-applied" });
    expect(await client.call("set", { prompt: "flip" })).toEqual(done);
    never.heal();
    const count = await client.morePictures(10);
    const revisions = (await client.pictures(count - 10)).map(({ output }) => output?.revision);
    expect(new Set(revisions)).toEqual(new Set([third + 1]));
    expect(lucy.sessions[0]!.state).toMatchObject({ revision: third + 2, prompt: "flip" });
    // Healed, the next change is shown, and what it keeps of the one before.
    expect(await client.call("set", { prompt: "blur" })).toEqual(done);
    await client.untilRevision(third + 3);
    expect((await judge()).length).toBe(tornAndStale);
    expect(firedIn(lucy)).toEqual(["torn-set", "stale-frame", "applied-but-rejected", "never-applied"]);
  });
}

test("wrong-session: what one SDK sets is shown to the other, whose own change ends it; here nothing changes", async ({
  harness,
  lucy,
}) => {
  const small = { width: 320, height: 180, fps: 10 };
  const shown = await harness.connect({ ...small, version: "0.0.46" });
  const wrong = await harness.connect({ ...small, version: "0.1.20" });
  await Promise.all([shown.morePictures(2), wrong.morePictures(2)]);
  const { revision } = lucy.sessions[1]!.state;
  const [fault] = lucy.faults.add({ name: "wrong-session" }, { session: wrong.session });
  expect(await wrong.call("set", { prompt: "sepia" })).toEqual(done);
  const strange = await shown.untilRevision(revision + 1);
  expect(strange.output).toMatchObject({ revision: revision + 1, promptHash: promptHash("sepia") });
  await wrong.morePictures(5);
  expect((await wrong.pictures(-1))[0]!.output!.promptHash).toBe(0);
  const judged = judgePictures(await shown.pictures(), lucy.journal.lines, shown.session);
  expect(judged[0]).toContain(`shows revision ${revision + 1}, which the journal does not know`);

  fault!.heal();
  expect(await shown.call("set", { prompt: "edges" })).toEqual(done);
  expect(await wrong.call("set", { prompt: "invert" })).toEqual(done);
  for (const [client, prompt] of [
    [shown, "edges"],
    [wrong, "invert"],
  ] as const) {
    const hash = promptHash(prompt);
    while ((await client.pictures(-1))[0]!.output?.promptHash !== hash) await client.morePictures(1);
  }
  expect(judgePictures(await wrong.pictures(), lucy.journal.lines, wrong.session)).toEqual([]);
  expect(firedIn(lucy)).toEqual(["wrong-session"]);
});

function firedIn(lucy: MockServer): unknown[] {
  return lucy.journal.lines.filter(({ kind }) => kind === "fault-fired").map(({ fields }) => fields.name);
}
