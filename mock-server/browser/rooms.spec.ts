import type { MockServer } from "../server.ts";
import { judgePictures, judgeRelayed } from "./judge-pictures.ts";
import { base64Image, expect, journalLine, standsForAll, test } from "./lucy-test.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const version = "0.1.20";
const done = { ok: true };

function addressesOf(lucy: MockServer, { host }: TcpProxy) {
  return { baseUrl: lucy.url, realtimeBaseUrl: `ws://${host}` };
}

test("a viewer who comes before the publisher sees its pictures from the first on", async ({
  harness,
  lucy,
}) => {
  await using proxy = await startTcpProxy(lucy.url);
  const release = proxy.hold("/rtc");
  const publisher = await harness.begin({ version, ...addressesOf(lucy, proxy) });
  const { fields } = await journalLine(lucy, ({ kind }) => kind === "livekit_room_info");
  const token = Buffer.from(JSON.stringify({ room_name: fields.room_name })).toString("base64");
  // Not through the proxy: nothing holds it up.
  const viewer = await harness.subscribe(version, token);
  release();
  await publisher.connected();
  await viewer.morePictures(10);
  await publisher.call("set", { prompt: "invert", image: base64Image("face-png") });
  await viewer.untilRevision(1);
  const [first] = await viewer.soundPictures(publisher.session);
  expect(first!.output!.outputCount).toBeLessThan(15);
  await publisher.soundPictures();
});

test("three viewers, who come and go, see what the publisher sees", async ({ harness, lucy }) => {
  const publisher = await harness.connect({ version });
  await publisher.morePictures(5);
  const { subscribeToken } = await publisher.get();
  const viewers = [];
  for (let count = 1; count <= 3; count++) {
    const viewer = await harness.subscribe(version, subscribeToken!);
    await viewer.morePictures(5);
    viewers.push(viewer);
    expect(lucy.sessions[0]!.viewerCount).toBe(count);
  }
  await publisher.call("set", { prompt: "mirror", image: base64Image("board-jpeg") });
  for (const viewer of viewers) await viewer.untilRevision(1);
  // Before it goes: a track that ends leaves a black picture.
  await viewers[1]!.soundPictures(publisher.session);
  expect(await viewers[1]!.call("disconnect")).toEqual(done);
  await journalLine(lucy, ({ kind, session }) => kind === "left-room" && session !== publisher.session);
  await viewers[2]!.morePictures(5);
  for (const viewer of [viewers[0]!, viewers[2]!]) await viewer.soundPictures(publisher.session);
  await publisher.soundPictures();
  expect(lucy.sessions[0]!.viewerCount).toBe(2);
});

test.describe("with the limit raised", () => {
  test.use({ serverOptions: { sessionsMax: 8 } });

  test("eight sessions opened at once, each with its own state", async ({ harness, lucy }) => {
    test.setTimeout(60_000);
    const size = { width: 320, height: 180, fps: 15 };
    const begun = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        harness.begin({ version, ...size, prompt: `session ${index}` }),
      ),
    );
    for (const client of begun) await client.connected();
    const clients = await Promise.all(begun.map(async (client) => ({ client, seen: await client.get() })));
    for (const { client } of clients) await client.untilRevision(1);
    for (const { client } of clients) await client.morePictures(5);
    for (const { client, seen } of clients) await client.soundPictures(seen.atConnect!.sessionId!);
    expect(new Set(clients.map(({ seen }) => seen.atConnect!.sessionId)).size).toBe(8);
    expect(lucy.sessions.map(({ state }) => state.prompt).sort()).toEqual(
      Array.from({ length: 8 }, (_, index) => `session ${index}`),
    );
  });
});

// What the SDK does then: it stops the app's own camera track, and publishes that (livekit.md of the design, observed).
test("the control socket cut: another session, connected, to which no pictures come", async ({
  harness,
  lucy,
}) => {
  await using proxy = await startTcpProxy(lucy.url);
  const client = await harness.connect({ version, prompt: "sepia", ...addressesOf(lucy, proxy) });
  await client.untilRevision(1);
  await client.call("setPrompt", "invert");
  await client.untilRevision(2);
  await client.untilState("generating");
  const before = client.session;
  expect(proxy.cut("/v1/stream")).toBe(1);
  await journalLine(lucy, ({ kind, session }) => kind === "session-ended" && session === before);
  await client.untilState("connected");
  const { states, cameraTracks } = await client.get();
  expect(states).toEqual(["connecting", "connected", "generating", "reconnecting", "connected"]);
  expect(cameraTracks).toEqual(["video ended"]);
  expect(lucy.sessions).toHaveLength(1);
  // What connect() was given is sent again, what was set later is not.
  expect(lucy.sessions[0]!.state).toMatchObject({ revision: 1, prompt: "sepia" });
});

for (const codec of standsForAll(["H264", "VP8", "VP9"] as const)) {
  test(`${codec}: 1280 wide is reached and held`, async ({ harness, lucy }) => {
    const client = await harness.connect({ version, codec, width: 1280, height: 720, fps: 30 });
    await client.untilSize(1280, 720);
    const from = (await client.pictures()).length;
    await client.morePictures(90);
    const held = (await client.pictures()).slice(from);
    expect(held.filter(({ width }) => width !== 1280)).toEqual([]);
    // On a busy machine (load average 20 on two cores), 5 of 10 sessions in VP9 had one among 90 pictures whose strip was not whole.
    if (codec !== "VP9") expect(judgePictures(held, lucy.journal.lines, client.session)).toEqual([]);
  });
}

for (const sdk of standsForAll([version, "0.1.3"])) {
  test(`${sdk}: sound goes there and back, a viewer hears it too`, async ({ harness }) => {
    const publisher = await harness.connect({ version: sdk, audio: true });
    await publisher.morePictures(5);
    const { subscribeToken, remoteTracks } = await publisher.get();
    expect([...remoteTracks].sort()).toEqual(["audio live", "video live"]);
    const viewer = await harness.subscribe(sdk, subscribeToken!);
    await viewer.morePictures(5);
    for (const { id } of [publisher, viewer]) {
      const frequency = await harness.call("hear", id);
      expect(Math.abs(frequency - 440)).toBeLessThan(12);
    }
  });
}

test.describe("with keys minted only", () => {
  test.use({ serverOptions: { keys: "minted" } });

  test("a client token opens the session, another one the viewer's way in", async ({ harness, lucy }) => {
    const mint = async () => {
      const response = await fetch(`${lucy.url}/v1/client/tokens`, {
        method: "POST",
        headers: { "x-api-key": "dct_any" },
      });
      return ((await response.json()) as { apiKey: string }).apiKey;
    };
    const publisher = await harness.connect({ version, apiKey: await mint() });
    await publisher.morePictures(3);
    const { subscribeToken } = await publisher.get();
    await expect(harness.subscribe(version, subscribeToken!, { apiKey: "dct_any" })).rejects.toThrow();
    const viewer = await harness.subscribe(version, subscribeToken!, { apiKey: await mint() });
    await viewer.morePictures(3);
    await viewer.soundPictures(publisher.session);
  });
});

test.describe("in relay mode", () => {
  test.use({ serverOptions: { mode: "relay" } });

  for (const codec of standsForAll(["H264", "VP8", "VP9"] as const)) {
    test(`${codec}: pictures come back as they went, to a viewer too`, async ({ harness }) => {
      const publisher = await harness.connect({ version, codec });
      const { subscribeToken } = await publisher.get();
      const viewer = await harness.subscribe(version, subscribeToken!);
      for (const client of [publisher, viewer]) {
        await client.morePictures(20);
        expect(judgeRelayed(await client.pictures())).toEqual([]);
      }
      expect(await publisher.call("set", { prompt: "sepia" })).toEqual(done);
    });
  }
});

test.describe("without media", () => {
  test.use({ serverOptions: { mode: "none" } });

  test("the session connects, takes state and ticks", async ({ harness, lucy }) => {
    const client = await harness.connect({ version });
    expect(await client.call("set", { prompt: "sepia" })).toEqual(done);
    await client.untilEvent("generationTick", 2);
    expect((await client.get()).remoteTracks).toEqual([]);
    expect(lucy.sessions[0]!.state.prompt).toBe("sepia");
  });
});
