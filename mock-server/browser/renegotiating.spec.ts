import type { MockServer } from "../server.ts";
import { expect, journalLine, test } from "./lucy-test.ts";

test("ready: the SDK offers again on the same connection and the pictures go on", async ({
  harness,
  lucy,
}) => {
  const client = await harness.connect({ version: "0.0.46" });
  await client.untilState("generating");
  await client.morePictures(5);
  await harness.call("receive", { type: "ready" });
  await nthLine(lucy, 2, "answer");
  await client.morePictures(20);
  await client.soundPictures();
  expect((await client.get()).states).toEqual(["connecting", "connected", "generating"]);
  expect(lucy.open).toMatchObject({ sessions: 1, codecs: 1 });
});

test("ice-restart: a new connection takes the place of the old one, with the state in force", async ({
  harness,
  lucy,
}) => {
  const client = await harness.connect({ version: "0.0.46" });
  await client.untilState("generating");
  await client.call("setPrompt", "sepia");
  await client.untilRevision(1);
  await client.soundPictures();
  const seenBefore = (await client.pictures()).length;
  await harness.call("receive", {
    type: "ice-restart",
    turn_config: { username: "u", credential: "c", server_url: "turn:127.0.0.1:9" },
  });
  await nthLine(lucy, 2, "peer-connected");
  await client.morePictures(20);
  // The new connection counts its pictures from zero, and may begin before the old one's last has been shown.
  const fresh = (await client.pictures(seenBefore)).slice(-10);
  for (const { output } of fresh) expect(output).toMatchObject({ revision: 1 });
  expect(lucy.open).toMatchObject({ sessions: 1, sockets: 1, codecs: 1 });
  expect(lucy.sessions[0]!.phase).toBe("generating");
});

function nthLine(lucy: MockServer, count: number, kind: string) {
  let left = count;
  return journalLine(lucy, (line) => line.kind === kind && --left === 0);
}
