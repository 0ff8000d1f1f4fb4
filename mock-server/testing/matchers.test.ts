/** Each matcher passes and fails as it says, on sockets and hand-written frame lines; what it says is part of it. */

import { describe } from "vitest";
import { imageHash, NO_HASH, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { joinAs } from "./_client.ts";
import { failureHead } from "./_failure-head.ts";
import { createLucyTest, expect, type Lucy } from "./vitest.ts";

const test = createLucyTest();
const controlOnly = createLucyTest({ mode: "none" });
const face = readImage("face-small");
const now = { withinMs: 0 };

/** As a picture that left. */
function showPicture(lucy: Lucy, revision: number, prompt: string | null, image: number = NO_HASH): void {
  const fields = {
    frame: revision + 1,
    revision,
    promptHash: prompt === null ? NO_HASH : promptHash(prompt),
    imageHash: image,
  };
  lucy.server.journal.add({ session: lucy.sessions.at(-1)!.id, kind: "frame", fields, measured: true });
}

/** The same from run to run. */
const failureOf = async (expectation: Promise<void>) =>
  (await failureHead(expectation)).replace(/session [0-9a-f]{8}/g, "session …");

describe("with no session", () => {
  const rows: [string, (matchers: ReturnType<typeof expect<Lucy>>) => Promise<void>][] = [
    ["toShowPrompt", (it) => it.toShowPrompt("sepia", now)],
    ["toShowImage", (it) => it.toShowImage(null, now)],
    ["toHaveRevision", (it) => it.toHaveRevision(0, now)],
    ["toHaveReconnected", (it) => it.toHaveReconnected(1, now)],
    ["toHaveReceived", (it) => it.toHaveReceived("offer", {}, now)],
    ["toHaveReceivedPrompt", (it) => it.toHaveReceivedPrompt("sepia", now)],
    ["toHaveReceivedImage", (it) => it.toHaveReceivedImage(face, now)],
  ];
  for (const [name, run] of rows) {
    test(`${name} fails, and so does its opposite`, async ({ lucy }) => {
      expect(await failureOf(run(expect(lucy)))).toContain(
        "Got:      no session: no client has come with this test's key",
      );
      expect(await failureOf(run(expect(lucy).not as never))).toContain("Got:      no session");
    });
  }
});

test("toShowPrompt and toShowImage: the newest picture, now or when it comes", async ({ lucy }) => {
  await joinAs(lucy);
  await expect(lucy).toHaveRevision(1);
  expect(await failureOf(expect(lucy).not.toShowPrompt("neon", now))).toMatch(
    /no picture of session …, which is joined/,
  );
  const passing = expect(lucy).toShowImage("AAAA");
  showPicture(lucy, 0, null, imageHash(Buffer.from("AAAA", "base64")));
  // Seen once is seen, whatever comes right after it.
  await Promise.resolve();
  showPicture(lucy, 0, null);
  await passing;
  const coming = expect(lucy).toShowPrompt("sepia");
  showPicture(lucy, 0, null);
  showPicture(lucy, 1, "sepia", imageHash(face));
  await coming;
  await expect(lucy).toShowImage(face);
  await expect(lucy.sessions[0]).toShowImage(`data:image/png;base64,${Buffer.from(face).toString("base64")}`);
  expect(await failureOf(expect(lucy).toShowPrompt("neon", now))).toBe(
    `expect(lucy).toShowPrompt()
Expected: pictures that show the prompt "neon"
Got:      picture 2, of revision 1, shows the prompt "sepia" and the image ${imageHash(face).toString(16)}
Waited:   0 ms`,
  );
  expect(await failureOf(expect(lucy).not.toShowPrompt("sepia", now))).toContain(
    'Expected: anything but pictures that show the prompt "sepia"',
  );
  expect(await failureOf(expect(lucy).toShowImage(null, now))).toContain(
    "Expected: pictures that show no image",
  );
  expect(await failureOf(expect(lucy).not.toShowImage(face, now))).toContain("Expected: anything but");
  const gone = expect(lucy).not.toShowPrompt("sepia", { withinMs: 600_000 });
  showPicture(lucy, 2, "never said");
  await gone;
  expect(await failureOf(expect(lucy).toShowPrompt("sepia", now))).toContain("shows a prompt of hash");
});

test("the failure ends with the last lines of the journal", async ({ lucy }) => {
  await joinAs(lucy);
  await lucy.session();
  const message = await expect(lucy)
    .toHaveReceivedPrompt("neon", now)
    .catch((error: Error) => error.message);
  expect(message).toMatch(/\n\nThe journal:\n[\s\S]*→ open \{/);
});

controlOnly("toShowPrompt in a mode without pictures fails, and says so", async ({ lucy }) => {
  await joinAs(lucy);
  await lucy.session();
  expect(await failureOf(expect(lucy).toShowPrompt("sepia", now))).toContain(
    "no edited pictures, as the server runs in mode none",
  );
});

controlOnly("toHaveRevision: waits, and gives up once it is past", async ({ lucy }) => {
  const client = await joinAs(lucy);
  await expect(lucy).toHaveRevision(1);
  const second = expect(lucy).toHaveRevision(2);
  client.send({ type: "prompt", prompt: "neon" });
  await second;
  // It does not wait for ten minutes.
  expect(await failureOf(expect(lucy).toHaveRevision(1, { withinMs: 600_000 }))).toBe(
    `expect(lucy).toHaveRevision()
Expected: revision 1
Got:      revision 2, with the prompt "neon"`,
  );
  expect(await failureOf(expect(lucy).not.toHaveRevision(2, now))).toContain("anything but revision 2");
  await expect(lucy).not.toHaveRevision(1);
});

controlOnly(
  "toHaveReconnected: another session after one that is gone, not one beside it",
  async ({ lucy }) => {
    const first = await joinAs(lucy);
    const beside = await joinAs(lucy);
    await Promise.all([first.take("prompt_ack"), beside.take("prompt_ack")]);
    expect(await failureOf(expect(lucy).toHaveReconnected(1, now))).toBe(
      `expect(lucy).toHaveReconnected()
Expected: media back after it was lost, once
Got:      2 sessions, media lost 0 times, and back 0 times
Waited:   0 ms`,
    );
    const back = expect(lucy).toHaveReconnected();
    first.socket.terminate();
    await first.closed;
    await joinAs(lucy);
    await back;
    expect(await failureOf(expect(lucy).not.toHaveReconnected())).toContain(
      "Got:      3 sessions, media lost once, and back once",
    );
    expect(await failureOf(expect(lucy).toHaveReconnected(2, now))).toContain("2 times");
    await expect(lucy).not.toHaveReconnected(2);
  },
);

controlOnly("toHaveReceived…: what came, of a session or of all", async ({ lucy }) => {
  const image_data = Buffer.from(face).toString("base64");
  const client = await joinAs(lucy);
  const late = expect(lucy).toHaveReceivedImage(face);
  client.send({ type: "set_image", prompt: "neon", image_data });
  await late;
  await expect(lucy).toHaveReceived("prompt", { prompt: "sepia" });
  await expect(lucy).toHaveReceived("prompt", { prompt: /^sep/ });
  await expect(lucy.sessions[0]).toHaveReceivedPrompt("neon");
  await expect(lucy).not.toHaveReceivedPrompt("edges");
  await expect(lucy).not.toHaveReceived("offer");
  await expect(lucy).not.toHaveReceivedImage(readImage("board-png"));
  expect(await failureOf(expect(lucy).toHaveReceived("prompt", { prompt: "edges" }, now))).toBe(
    `expect(lucy).toHaveReceived()
Expected: a message of type prompt with {"prompt":"edges"}
Got:      none among open, prompt, set_image
Waited:   0 ms`,
  );
  expect(await failureOf(expect(lucy).not.toHaveReceivedPrompt("sepia"))).toContain(
    'Got:      one: {"prompt":"sepia"}',
  );
  expect(await failureOf(expect(lucy).not.toHaveReceivedImage(face))).toContain(
    "anything but a message with an image",
  );
  expect(await failureOf(expect(lucy).toHaveReceivedImage("AAAA", now))).toContain("Got:      none among");
});

controlOnly("toHaveReceivedPrompt finds the state in a join, too", async ({ lucy }) => {
  const client = await joinAs(lucy, {
    type: "livekit_join",
    initial_state: { type: "prompt", prompt: "neon" },
  });
  await expect(lucy).toHaveReceivedPrompt("neon");
  await client.take("livekit_room_info");
});

describe("what cannot be asked for is a sentence", () => {
  const rows: [sentence: string, (lucy: Lucy) => Promise<void>][] = [
    [
      "toShowPrompt() takes a prompt as a text, or null for none; got 3.",
      (lucy) => expect(lucy).toShowPrompt(3 as never),
    ],
    [
      'toShowImage() takes an image as bytes, base64 or a data URL, or null for none; got "./face.png". Read a file with readFileSync().',
      (lucy) => expect(lucy).toShowImage("./face.png"),
    ],
    [
      "toHaveRevision() takes a whole number from 0 on as its revision; got 0.5.",
      (lucy) => expect(lucy).toHaveRevision(0.5),
    ],
    [
      "toHaveReconnected() takes a whole number from 1 on as its times; got 0.",
      (lucy) => expect(lucy).toHaveReconnected(0),
    ],
    [
      'toHaveReceived() is asked for "promt", which no client sends. Did you mean prompt?',
      (lucy) => expect(lucy).toHaveReceived("promt" as never),
    ],
    [
      "toHaveReceivedPrompt() takes a prompt as a text",
      (lucy) => expect(lucy).toHaveReceivedPrompt(undefined as never),
    ],
    [
      "toHaveReceivedImage() takes an image as bytes, base64 or a data URL; got a Object.",
      (lucy) => expect(lucy).toHaveReceivedImage({} as never),
    ],
    [
      'toShowPrompt() is about lucy, or one of its sessions; got "sepia". Write expect(lucy), with the lucy of the test\'s own fixtures.',
      () => expect("sepia").toShowPrompt("sepia"),
    ],
    [
      "withinMs is -1; it takes 0 to 600000 ms.",
      (lucy) => expect(lucy).toShowPrompt("sepia", { withinMs: -1 }),
    ],
  ];
  for (const [sentence, run] of rows) {
    test(sentence, async ({ lucy }) => {
      const message = await Promise.resolve()
        .then(() => run(lucy))
        .catch((error: Error) => error.message);
      expect(message).toContain(sentence);
    });
  }
});

describe("the server is shared, and a test leaves nothing to the next:", () => {
  const before: Lucy[] = [];
  test("one with a fault", ({ lucy }) => {
    lucy.faults.add("nothing");
    before.push(lucy);
  });
  test("the next", async ({ lucy }) => {
    expect(before[0]!.server.url).toBe(lucy.server.url);
    expect([lucy.sessions, lucy.lines, lucy.faults.list]).toEqual([[], [], []]);
    expect(before[0]!.faults.list[0]!.healed).toBe(true);
    const late = await joinAs(before[0]!);
    expect((await late.take("error")).error).toMatch(/names no scenario/);
  });
});
