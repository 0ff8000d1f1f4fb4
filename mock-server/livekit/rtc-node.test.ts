import { describe, expect, test } from "vitest";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { closeLater, emptied, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { realClock } from "../clock.ts";
import type { MockServer } from "../server.ts";
import { joinRoom, type RtcClient } from "./_rtc-client.ts";
import { mintToken, type RoomKey } from "./access-token.ts";

const face = Buffer.from(readImage("face-png"));

async function openSession(server: MockServer) {
  const control = closeLater(await openSocket(server.realtimeUrl));
  control.send({ type: "livekit_join" });
  return { control, info: await control.take("livekit_room_info") };
}

/** Ids that only ever grow: no picture twice, none before the one before it. */
function expectInOrder(ids: readonly number[]) {
  for (const [index, id] of ids.entries()) expect(id).toBeGreaterThan(ids[index - 1] ?? -1);
}

describe.each([
  { connections: 1, codec: "VP8" },
  { connections: 1, codec: "H264" },
  { connections: 2, codec: "VP8" },
  { connections: 2, codec: "VP9" },
] as const)("rtc-node in a session's room, $connections connection(s), $codec", ({ connections, codec }) => {
  test("its camera comes back edited, prompt and image on one picture", async () => {
    const server = await runServer();
    const { control, info } = await openSession(server);
    const client = closeLater(await joinRoom(info, connections));
    await client.publishCamera(codec);
    await client.picture(({ output }) => output?.outputCount === 5);
    await control.take("generation_started");

    const face64 = face.toString("base64");
    control.send({ type: "set_image", image_data: face64, prompt: "invert" });
    expect(await control.take("set_image_ack")).toMatchObject({ success: true });
    await client.picture(({ output }) => output?.revision === 1);
    const count = client.edited.length;
    await client.until(() => client.edited.length >= count + 5);

    const seen = client.edited;
    for (const { from, frame, output } of seen) {
      expect(from).toBe(`inference-server-${info.session_id}`);
      expect(frame).toMatchObject({ width: 640, height: 360 });
      const changed = { revision: 1, promptHash: promptHash("invert"), imageHash: imageHash(face) };
      const untouched = { revision: 0, promptHash: 0, imageHash: 0 };
      expect(output).toMatchObject(output.revision ? changed : untouched);
    }
    expectInOrder(seen.map(({ input }) => input.frameId));
    expectInOrder(seen.map(({ output }) => output.outputCount));
    const opened = server.journal.lines.find(({ kind }) => kind === "livekit-open");
    expect(opened?.fields).toMatchObject({ connections });
    expect(server.journal.lines.find(({ kind }) => kind === "media-opened")?.fields).toMatchObject({
      codec: codec.toLowerCase(),
    });

    await client[Symbol.asyncDispose]();
    await until(server, () => server.sessions[0]?.phase === "joined" && server.open.peers === 0);
    expect(client.events.at(-1)).toBe("disconnected CLIENT_INITIATED");
  });
});

describe.each([1, 2] as const)("rtc-node in a session's room, %i connection(s)", (connections) => {
  test("sound comes back beside the picture; a camera that is taken away and another in its place", async () => {
    const server = await runServer();
    const { info } = await openSession(server);
    const client = closeLater(await joinRoom(info, connections));
    const model = `inference-server-${info.session_id}`;
    const camera = await client.publishCamera();
    await client.publishMicrophone();
    await client.until(() => (client.heard.get(model) ?? 0) > 20);
    await client.picture(({ output }) => output !== null && output.outputCount >= 15);

    await camera.unpublish();
    const count = client.pictures.length;
    await client.publishCamera();
    await client.picture(({ output }) => output !== null && output.outputCount < 10, count);
    expect(server.open).toMatchObject({ sessions: 1, codecs: 1 });
  });

  test("of a simulcast, smallest layer last, the largest comes back", async () => {
    const server = await runServer();
    const { info } = await openSession(server);
    const client = closeLater(await joinRoom(info, connections));
    await client.publishCamera("VP8", { width: 1280, height: 720, simulcast: true });
    const { from } = await client.picture(({ frame, output }) => output !== null && frame.width === 1280);
    expect(from).toBe(`inference-server-${info.session_id}`);
    const offers = server.journal.lines.filter(({ kind }) => kind === "livekit-offer");
    expect(JSON.stringify(offers)).toContain("a=simulcast:send f;h;q");
  });

  test("goes when the session ends", async () => {
    const server = await runServer();
    const { control, info } = await openSession(server);
    const client = closeLater(await joinRoom(info, connections));
    await client.publishCamera();
    await client.picture(() => true);
    await control[Symbol.asyncDispose]();
    await client.until(() => client.events.includes("disconnected ROOM_DELETED"));
    await emptied(server);
  });
});

describe("rtc-node in an open room", () => {
  const key: RoomKey = { key: "a-key", secret: "a secret of enough characters to sign".replaceAll(" ", "-") };
  const tokenFor = (identity: string) =>
    mintToken(key, realClock(), {
      identity,
      room: "anywhere",
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      roomCreate: true,
    });

  async function enter(server: MockServer, identity: string, connections: 1 | 2): Promise<RtcClient> {
    const token = await tokenFor(identity);
    return closeLater(await joinRoom({ livekit_url: server.realtimeUrl, token }, connections));
  }

  test.each([
    [1, 1],
    [1, 2],
    [2, 2],
  ] as const)("%i and %i connection(s): each sees, hears and reads the other", async (one, other) => {
    const server = await runServer({ livekitKey: key.key, livekitSecret: key.secret });
    const ann = await enter(server, "ann", one);
    const bob = await enter(server, "bob", other);
    await ann.until(() => ann.events.includes("joined bob"));

    const camera = await ann.publishCamera();
    const microphone = await ann.publishMicrophone();
    await bob.publishCamera("H264");
    await bob.publishMicrophone();
    for (const [here, there] of [
      [ann, "bob"],
      [bob, "ann"],
    ] as const) {
      await here.until(() => here.pictures.length >= 15 && (here.heard.get(there) ?? 0) > 20);
      // As it was sent: nobody edits it.
      for (const { from, output } of here.pictures)
        expect({ from, output }).toEqual({ from: there, output: null });
      expectInOrder(here.pictures.flatMap(({ input }) => input?.frameId ?? []));
    }

    await ann.say("to all");
    await bob.say("to ann", ["ann"]);
    await bob.say("to nobody here", ["eve"]);
    await bob.say("last");
    await ann.until(() => ann.messages.includes("bob: last"));
    await bob.until(() => bob.messages.length > 0);
    expect(ann.messages).toEqual(["bob: to ann", "bob: last"]);
    expect(bob.messages).toEqual(["ann: to all"]);

    microphone.mute(true);
    await bob.until(() => bob.events.includes("muted ann"));
    microphone.mute(false);
    await bob.until(() => bob.events.includes("unmuted ann"));

    await camera.unpublish();
    await bob.until(() => bob.events.includes("unsubscribed ann"));
    const count = bob.pictures.length;
    await ann.publishCamera();
    await bob.picture(({ input }) => !!input && input.frameId < 20, count);

    await ann[Symbol.asyncDispose]();
    await bob.until(() => bob.events.includes("left ann"));
    await bob[Symbol.asyncDispose]();
    await emptied(server);
    expect(server.journal.lines.filter(({ kind }) => kind === "room-closed")).toHaveLength(1);
  });

  describe.each([1, 2] as const)("%i connection(s)", (connections) =>
    test.each<[string, (ann: RtcClient, bob: RtcClient, on: boolean) => void]>([
      ["may not watch any more", (ann, _bob, on) => ann.letWatch(on ? "all" : ["eve"])],
      ["wants no more", (_ann, bob, on) => bob.subscribeCameras(on)],
      ["does not show", (_ann, bob, on) => bob.enableCameras(on)],
    ])("a camera that somebody %s is not sent to it, and again when it may be", async (_name, turn) => {
      const server = await runServer({ livekitKey: key.key, livekitSecret: key.secret });
      const ann = await enter(server, "ann", 1);
      const [bob, eve] = [await enter(server, "bob", connections), await enter(server, "eve", connections)];
      await ann.publishCamera();
      await bob.picture(({ input }) => input !== null);
      await eve.picture(({ input }) => input !== null);
      const morePictures = (client: RtcClient, count: number) => {
        const wanted = client.pictures.length + count;
        return client.until(() => client.pictures.length >= wanted);
      };

      turn(ann, bob, false);
      // What was on its way has come by then.
      await morePictures(eve, 8);
      const before = bob.pictures.length;
      await morePictures(eve, 8);
      expect(bob.pictures).toHaveLength(before);

      turn(ann, bob, true);
      await bob.picture(({ input }) => input !== null, before);
    }),
  );

  test("one camera after the other, in sections that were another's before", async () => {
    const server = await runServer({ livekitKey: key.key, livekitSecret: key.secret });
    const bob = await enter(server, "bob", 1);
    // Each starts its RTP timestamps anywhere: half of those that come into a used section seem to be older than what was there.
    for (const identity of ["ann", "cat", "dan", "eve", "fay", "gil"]) {
      const count = bob.pictures.length;
      const other = await enter(server, identity, 1);
      await other.publishCamera();
      await bob.picture(({ from }) => from === identity, count);
      await other[Symbol.asyncDispose]();
      await bob.until(() => bob.events.includes(`left ${identity}`));
    }
  });

  test("a token of another server does not get in", async () => {
    const server = await runServer({ livekitKey: key.key, livekitSecret: `${key.secret}-not` });
    const token = await tokenFor("ann");
    const joining = joinRoom({ livekit_url: server.realtimeUrl, token });
    await expect(joining).rejects.toThrow("unauthorized");
  });
});
