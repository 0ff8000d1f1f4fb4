import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import { judgePictures } from "./judge-pictures.ts";
import { base64Image, expect, test } from "./lucy-test.ts";

const done = { ok: true };

/** The first set() is torn, the second is followed by pictures of the first; half a second each, as a busy page misses pictures. */
const apiKey = writeMockKey([
  { name: "torn-set", when: { times: 1 }, with: { frames: 8 } },
  { name: "stale-frame", when: { after: { messages: 1 }, times: 1 }, with: { afterFrames: 8, frames: 8 } },
]);

for (const version of ["0.0.46", "0.1.20"]) {
  test(`${version}: a torn set and stale pictures are seen in Chromium, and the judge names them`, async ({
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
    const fired = lucy.journal.lines.filter(({ kind }) => kind === "fault-fired");
    expect(fired.map(({ fields }) => fields.name)).toEqual(["torn-set", "stale-frame"]);
  });
}
