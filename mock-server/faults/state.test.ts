import { expect, test } from "vitest";
import { readClip } from "../../fixtures/clips.ts";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import type { OutputStrip } from "../../fixtures/strips.ts";
import { createMediaClient, type MediaClient } from "../_media-client.ts";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { judgePictures } from "../browser/judge-pictures.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

const clip = readClip("vp8-180p15");
const face = Buffer.from(readImage("face-small"));
const board = Buffer.from(readImage("board-png"));

/** What strips say, as `1pF`: revision, prompt, image; `-` for none. */
const prompts = new Map([0, promptHash("p"), promptHash("q")].map((hash, index) => [hash, "-pq"[index]]));
const images = new Map([0, imageHash(face), imageHash(board)].map((hash, index) => [hash, "-FB"[index]]));

function shownBy({ revision, promptHash, imageHash }: OutputStrip): string {
  return `${revision}${prompts.get(promptHash)}${images.get(imageHash)}`;
}

type Client = {
  control: SocketClient;
  media: MediaClient;
  session: string;
  /** Sends so many pictures one by one, each once the one before has come back; tells what they show. */
  play(count: number): Promise<string>;
  /** Whether it is acked as a success. */
  set(prompt: string | null, image?: Buffer): Promise<boolean>;
};

async function connect(server: MockServer, ...faults: Declaration[]): Promise<Client> {
  const key = faults.length > 0 ? writeMockKey(faults) : "dct_local";
  const control = closeLater(await openSocket(server.realtimeUrl, { query: { api_key: key } }));
  const media = closeLater(createMediaClient(control, { codec: "vp8" }));
  await media.negotiate();
  await media.connected();
  const { session_id: session } = await control.take("session_id");
  const isConnected = () =>
    server.journal.lines.some((line) => line.session === session && line.kind === "peer-connected");
  await until(server, isConnected);
  let index = 0;
  return {
    control,
    media,
    session,
    async play(count) {
      const seen: string[] = [];
      for (const end = index + count; index < end; index++) {
        const from = media.pictures.length;
        const { data, key } = clip.frames[index]!;
        media.sendPicture(data, key, index * 6000);
        const { output } = await media.picture(({ input }) => input?.frameId === index, from);
        seen.push(output ? shownBy(output) : "no strip");
      }
      return seen.join(" ");
    },
    async set(prompt, image) {
      if (!image) {
        control.send({ type: "prompt", prompt, enhance_prompt: true });
        return (await control.take("prompt_ack")).success;
      }
      control.send({ type: "set_image", image_data: image.toString("base64"), prompt });
      return (await control.take("set_image_ack")).success;
    },
  };
}

function judge(server: MockServer, { media, session }: Client): string[] {
  const pictures = media.pictures.map(({ frame: { width, height }, input, output }) => {
    return { input, output, width, height, atMs: 0 };
  });
  return judgePictures(pictures, server.journal.lines, session);
}

function lines(server: MockServer, session: string, kind: string): unknown[] {
  const own = server.journal.lines.filter((line) => line.session === session && line.kind === kind);
  return own.map(({ fields }) => fields);
}

type Case = {
  does: string;
  faults: Declaration[];
  /** What the pictures after each change show, beginning with those before the first. */
  shows: string[];
  /** The changes between them, and how they are acked. */
  changes: [prompt: string, image: Buffer | undefined, acked?: boolean][];
  /** Revisions that come into force. */
  revisions: number[];
  fired: string[];
  judged: RegExp[];
};

const once = { times: 1 };

const cases: Case[] = [
  {
    does: "no fault: both come at once",
    faults: [],
    changes: [["p", face]],
    shows: ["0-- 0--", "1pF 1pF"],
    revisions: [1],
    fired: [],
    judged: [],
  },
  {
    does: "torn-set: the prompt shows for exactly three pictures before the image; the next set is whole",
    faults: [{ name: "torn-set", when: once }],
    changes: [
      ["p", face],
      ["q", board],
    ],
    shows: ["0-- 0--", "1p- 1p- 1p- 1pF 1pF", "2qB 2qB"],
    revisions: [1, 2],
    fired: ["torn-set"],
    judged: [2, 3, 4].map((n) => new RegExp(`^Picture ${n} .* shows revision 1 with prompt .* and image 0;`)),
  },
  {
    does: "torn-set: the image first, for one picture",
    faults: [{ name: "torn-set", with: { first: "image", frames: 1 } }],
    changes: [["p", face]],
    shows: ["0--", "1-F 1pF 1pF"],
    revisions: [1],
    fired: ["torn-set"],
    judged: [/^Picture 1 .* shows revision 1 with prompt 0 and image/],
  },
  {
    does: "torn-set: a change of one alone is let be",
    faults: [{ name: "torn-set", when: once, with: { frames: 1 } }],
    changes: [
      ["p", undefined],
      ["p", face],
      ["q", board],
    ],
    shows: ["0--", "1p- 1p-", "2pF 2pF", "3qF 3qB"],
    revisions: [1, 2, 3],
    fired: ["torn-set"],
    judged: [/shows revision 3/],
  },
  {
    does: "torn-set: the next change ends what was torn",
    faults: [{ name: "torn-set", with: { frames: 9 } }],
    changes: [
      ["p", face],
      ["q", undefined],
    ],
    shows: ["0--", "1p- 1p-", "2qF 2qF"],
    revisions: [1, 2],
    fired: ["torn-set"],
    judged: [/shows revision 1/, /shows revision 1/],
  },
  {
    does: "stale-frame: two pictures of the change, two of before, and the change again",
    faults: [{ name: "stale-frame", when: once, with: { afterFrames: 2, frames: 2 } }],
    changes: [
      ["p", face],
      ["q", board],
    ],
    shows: ["0--", "1pF 1pF 0-- 0-- 1pF", "2qB 2qB 2qB"],
    revisions: [1, 2],
    fired: ["stale-frame"],
    judged: [/^Picture 3 .* goes back from revision 1 to 0/],
  },
  {
    does: "never-applied: it is in force and not seen; the next change shows it",
    faults: [{ name: "never-applied", when: once }],
    changes: [
      ["p", face],
      ["q", undefined],
    ],
    shows: ["0--", "0-- 0--", "2qF 2qF"],
    revisions: [1, 2],
    fired: ["never-applied"],
    // What shows is allowed; that revision 1 never does is for whoever waits for it.
    judged: [],
  },
  {
    does: "never-applied, forgotten: the next change knows nothing of it",
    faults: [{ name: "never-applied", when: once, with: { lost: "state" } }],
    changes: [
      ["p", face],
      ["q", undefined],
    ],
    shows: ["0--", "0-- 0--", "1q- 1q-"],
    revisions: [1],
    fired: ["never-applied"],
    judged: [],
  },
  {
    does: "applied-but-rejected: the ack says no, the pictures say yes",
    faults: [{ name: "applied-but-rejected", when: once, with: { error: "No." } }],
    changes: [
      ["p", face, false],
      ["q", board],
    ],
    shows: ["0--", "1pF 1pF", "2qB"],
    revisions: [1, 2],
    fired: ["applied-but-rejected"],
    judged: [],
  },
  {
    does: "a torn set that is stale afterwards, too",
    faults: [
      { name: "torn-set", with: { frames: 1 } },
      { name: "stale-frame", with: { afterFrames: 1 } },
    ],
    changes: [["p", face]],
    shows: ["0--", "1p- 1pF 0-- 1pF 1pF"],
    revisions: [1],
    fired: ["torn-set", "stale-frame"],
    judged: [/^Picture 1 .* shows revision 1/, /^Picture 3 .* goes back/],
  },
];

test.each(cases)("$does", async ({ faults, changes, shows, revisions, fired, judged }) => {
  const server = await runServer();
  const client = await connect(server, ...faults);
  const seen = [await client.play(shows[0]!.split(" ").length)];
  for (const [index, [prompt, image, acked = true]] of changes.entries()) {
    expect(await client.set(prompt, image)).toBe(acked);
    seen.push(await client.play(shows[index + 1]!.split(" ").length));
  }
  expect(seen).toEqual(shows);
  const { session } = client;
  const inForce = lines(server, session, "state") as { revision: number }[];
  expect(inForce.map(({ revision }) => revision)).toEqual(revisions);
  const struck = lines(server, session, "fault-fired") as { name: string; channel: string }[];
  expect(struck.map(({ name }) => name).toSorted()).toEqual(fired.toSorted());
  expect(struck.every(({ channel }) => channel === "state")).toBe(true);
  // Of what is in force nobody says that it was refused.
  expect(lines(server, session, "state-refused")).toEqual([]);
  const findings = judge(server, client);
  expect(findings).toEqual(judged.map((finding) => expect.stringMatching(finding)));
});

test("wrong-session: another session of the key shows it, until it changes; here nothing changes, and alone all is well", async () => {
  const server = await runServer();
  const stranger = await connect(server);
  const key = { name: "wrong-session", when: { ...once, connections: 1 } };
  const wrong = await connect(server, key);
  expect(await wrong.set("p")).toBe(true);
  expect(await wrong.play(2)).toBe("1p- 1p-");
  const other = await connect(server, key);
  expect(await other.play(1)).toBe("0--");

  expect(await wrong.set("q", face)).toBe(true);
  expect(await wrong.play(2)).toBe("1p- 1p-");
  expect(await other.play(2)).toBe("2qF 2qF");
  expect(lines(server, wrong.session, "fault-fired")).toHaveLength(1);
  expect(lines(server, wrong.session, "shown-elsewhere")).toEqual([
    { revision: 2, inSession: other.session },
  ]);
  expect(lines(server, other.session, "state")).toEqual([]);
  expect(judge(server, wrong)).toEqual([]);
  const unknown = expect.stringContaining("shows revision 2, which the journal does not know");
  expect(judge(server, other)).toEqual([unknown, unknown]);

  expect(await other.set("p")).toBe(true);
  expect(await other.play(2)).toBe("1p- 1p-");
  expect(await wrong.set("q", board)).toBe(true);
  expect(await wrong.play(2)).toBe("2qB 2qB");

  expect(await stranger.play(1)).toBe("0--");
  // Whoever has no key of its own meets all.
  server.faults.add({ name: "wrong-session" }, { session: stranger.session });
  expect(await stranger.set("p")).toBe(true);
  expect(lines(server, stranger.session, "shown-elsewhere")).toEqual([
    { revision: 1, inSession: wrong.session },
  ]);
});
