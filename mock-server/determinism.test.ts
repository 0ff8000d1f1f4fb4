/** One seed, one scenario and one client's messages have one hash, whatever the machine and the network do meanwhile. */
import { beforeAll, describe, expect, test } from "vitest";
import { readClip } from "../fixtures/clips.ts";
import { readImage } from "../fixtures/images.ts";
import { createMediaClient } from "./_media-client.ts";
import { emptied, until } from "./_running-server.ts";
import { openSocket, type SocketClient } from "./_socket-client.ts";
import type { Declaration } from "./faults/fault.ts";
import { writeMockKey } from "./faults/mock-key.ts";
import { journalHash, normalJournal } from "./journal-hash.ts";
import { openSignal, type SignalClient, TrackType } from "./livekit/_signal-client.ts";
import { type MockServer, startMockServer } from "./server.ts";

/** Of each dialect. */
const runCount = process.env.LUCY_LONG ? 200 : 20;
const { frames } = readClip("vp8-180p15");
const face = Buffer.from(readImage("face-png")).toString("base64");

/** Something on every channel that a session has: by count, by pattern, by dice, by clock and at a moment. */
const scenario: readonly Declaration[] = [
  { name: "late-ack", with: { delayMs: 16_000 }, when: { after: { messages: 1 } } },
  { name: "double-ack", when: { after: { messages: 3 } } },
  { name: "wrong-ticks", with: { how: "skip" }, when: { at: "tick:3" } },
  { name: "drop", direction: "to-server", only: "prompt", when: { chance: 0.4 } },
  { name: "packet-loss", with: { ratio: 0.2 } },
  { name: "torn-set", with: { frames: 2 }, when: { times: 1 } },
  { name: "connection-lost", when: { at: "tick:5", for: { ms: 1000 } } },
];

const onLivekit: readonly Declaration[] = [
  ...scenario,
  { name: "duplicate", channel: "livekit", only: "trackPublished" },
];

type Dialect = "direct" | "livekit";
type About = {
  dialect: Dialect;
  seed?: number;
  faults?: readonly Declaration[];
  prompts?: readonly string[];
  /** Somebody else is there, too, came first or second, and says something else. */
  beside?: "first" | "second" | undefined;
};

const prompts = ["mirror", "a red coat", "invert", "a blue hat", "grayscale", "snow"];

async function run(about: About): Promise<{ hash: string; text: string[] }> {
  const { dialect, seed = 7, faults = dialect === "direct" ? scenario : onLivekit } = about;
  const server = await startMockServer({ port: 0, clock: "manual", seed });
  const things: AsyncDisposable[] = [];
  const later = <Thing extends AsyncDisposable>(thing: Thing) => {
    things.push(thing);
    return thing;
  };
  const openOther = async (when: About["beside"]) =>
    about.beside === when && when ? later(await openSocket(server.realtimeUrl)) : null;
  const first = await openOther("first");
  const query = { api_key: writeMockKey(faults) };
  const control = later(await openSocket(server.realtimeUrl, { query }));
  const { id } = server.sessions.at(-1)!;
  const other = first ?? (await openOther("second"));
  const lines = (kind: string) =>
    server.journal.lines.filter((line) => line.session === id && line.kind === kind);
  let refused = 0;
  /** Resolves once all states before it are dealt with; what came of them, faults say. */
  const settled = async () => {
    control.send({ type: "set_image", image_data: 5 });
    refused++;
    await until(server, () => lines("state-refused").length === refused);
  };
  const chatter = (text: string) => other?.send({ type: "prompt", prompt: text });

  chatter("another one");
  const signal = dialect === "livekit" ? later(await enterRoom(server, control)) : null;
  const media = later(createMediaClient(signal ? asControl(signal) : control, { codec: "vp8" }));
  const session = server.sessions.find((session) => session.id === id)!;
  await media.negotiate();
  await until(server, () => server.journal.lines.some(({ kind }) => kind === "peer-connected"));
  if (signal) {
    // What comes back has no section yet.
    await signal.take("mediaSectionsRequirement");
    media.pc.addTransceiver("video", { direction: "recvonly" });
    await media.negotiate();
  }
  let index = 0;
  const sendPicture = () => {
    const { data, key } = frames[index % frames.length]!;
    media.sendPicture(data, key, index++ * 6000);
  };
  /** Sends pictures until so many more have left. */
  const play = async (count: number) => {
    const until = session.frameCount + count;
    while (session.frameCount < until) {
      const left = session.frames(1);
      sendPicture();
      await left;
    }
  };
  await media.connected();
  await play(5);
  for (const prompt of about.prompts ?? prompts) {
    control.send({ type: "prompt", prompt, enhance_prompt: true });
    chatter(`${prompt}, but otherwise`);
  }
  await settled();
  await server.clock.advance(4000);
  control.send({ type: "set_image", image_data: face, prompt: "a face" });
  await settled();
  await play(4);
  await server.clock.advance(1000);
  // Whatever comes or goes meanwhile is lost: somebody has to try.
  sendPicture();
  await until(server, () => lines("fault-fired").some(({ fields }) => fields.name === "connection-lost"));
  await server.clock.advance(20_000);
  await play(2);
  await settled();
  control.socket.close(1000);
  await until(server, () => lines("faults-ended").length === 1);
  for (const thing of things.reverse()) await thing[Symbol.asyncDispose]();
  await emptied(server);
  await server.close();
  const all = server.journal.lines;
  expect(all.filter(({ kind }) => kind === "defect")).toEqual([]);
  expect(lines("faults-ended")[0]!.fields.neverFired).toEqual([]);
  return { hash: journalHash(all, id), text: normalJournal(all, id) };
}

async function enterRoom(server: MockServer, control: SocketClient): Promise<SignalClient> {
  control.send({ type: "livekit_join" });
  const { token } = await control.take("livekit_room_info");
  const signal = await openSignal(server.realtimeUrl, { token });
  await signal.take("join");
  return signal;
}

/** Says in the room what the client would say on the control socket. */
function asControl(signal: SignalClient): SocketClient {
  let id = 0;
  return {
    send(message: { sdp: string }) {
      const [, cid = ""] = /^a=msid:\S+ (\S+)/m.exec(message.sdp) ?? [];
      if (id === 0) signal.send({ case: "addTrack", value: { cid, type: TrackType.VIDEO } });
      signal.send({ case: "offer", value: { type: "offer", sdp: message.sdp, id: ++id } });
    },
    take: () => signal.take("answer"),
  } as unknown as SocketClient;
}

describe.each<Dialect>(["direct", "livekit"])("%s", (dialect) => {
  let first: { hash: string; text: string[] };
  beforeAll(async () => {
    first = await run({ dialect });
    // Codecs are loaded with it, on a machine that may have other things to do.
  }, 60_000);

  test(`${runCount} runs, with and without somebody else: one hash`, async () => {
    for (let n = 2; n <= runCount; n++) {
      const { hash, text } = await run({ dialect, beside: ([undefined, "first", "second"] as const)[n % 3] });
      // First what a person can read.
      expect(text, `run ${n}`).toEqual(first.text);
      expect(hash, `run ${n}`).toBe(first.hash);
    }
  }, 600_000);

  test.each<[string, Omit<About, "dialect">]>([
    ["seed", { seed: 8 }],
    ["scenario", { faults: onLivekit.slice(dialect === "direct" ? 1 : 0, -1) }],
    ["message", { prompts: [...prompts.slice(0, -1), "rain"] }],
  ])("another %s: another hash", async (_what, about) => {
    expect((await run({ dialect, ...about })).hash).not.toBe(first.hash);
  });
});
