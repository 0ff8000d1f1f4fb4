import type { Codec, LivekitClient, SdkTraits } from "../../fixtures/browser/versions.ts";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import type { MockServer } from "../server.ts";
import { base64Image, expect, newestOfDialect, type SdkClient, test, versions } from "./lucy-test.ts";

const done = { ok: true };
const prompt = "a lighthouse, watercolour";
const face = imageHash(readImage("face-png"));
const board = imageHash(readImage("board-png"));

/** By SDK that may have either release of livekit-client: the one it goes through every spec with. */
const releaseFor: Partial<Record<string, LivekitClient>> = { "0.1.3": "2.20", "0.1.6": "2.23" };

/** Each SDK with each release of livekit-client that it may have, as `connect()` takes it. */
const builds = (versions as readonly SdkTraits[]).flatMap((traits) =>
  (traits.livekitClients.length > 0 ? traits.livekitClients : [null]).map((livekitClient) => ({
    ...traits,
    sdk: { version: traits.version, ...(livekitClient && { livekitClient }) },
    name: traits.version + (livekitClient ? ` with livekit-client ${livekitClient}` : ""),
  })),
);

const isLong = Boolean(process.env.LUCY_LONG);

/** 0.1.3 and 0.1.6 are the same to a release of livekit-client, so each release goes with one of them; `LUCY_LONG`: all with all. */
const representatives = builds.filter(
  ({ version, sdk: { livekitClient } }) =>
    isLong || !(version in releaseFor) || releaseFor[version] === livekitClient,
);
/** What is no more than a choice within one dialect, its newest SDK shows; `LUCY_LONG`: every one. */
const newest = builds.filter(({ version }) => isLong || newestOfDialect.includes(version));
const having = (what: keyof SdkTraits["has"], among = newest) => among.filter(({ has }) => has[what]);

for (const { name, sdk, era, has, codecs } of representatives) {
  test(`${name}: the camera by its own codec, then a prompt, then an image, up to disconnect`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ ...sdk });
    const first = has.emptyState ? 1 : 0;
    await client.untilRevision(first);
    const { atConnect, remoteTracks } = await client.get();
    expect(remoteTracks).toContain("video live");
    // Up to 0.0.45 the SDK made its own.
    if (has.set) expect(atConnect!.sessionId).toBe(lucy.sessions[0]!.id);

    expect(await client.call("setPrompt", prompt)).toEqual(done);
    expect((await client.untilRevision(first + 1)).output).toMatchObject({
      promptHash: promptHash(prompt),
      imageHash: 0,
    });
    expect(await client.call("setImage", base64Image("face-png"))).toEqual(done);
    expect((await client.untilRevision(first + 2)).output).toMatchObject({
      promptHash: promptHash(prompt),
      imageHash: face,
    });
    if (has.ticks) {
      await client.untilEvent("generationTick");
      expect(await client.events("generationTick")).toContainEqual({ seconds: expect.any(Number) });
      await client.untilState("generating");
    }
    if (has.quality) {
      await client.untilEvent("connectionQuality");
      const [report] = await client.events("connectionQuality");
      expect(report).toMatchObject({ quality: expect.any(String), metrics: expect.any(Object) });
    }
    await expectWhole(client, lucy, codecs[0]!);
    const { states, liveStates, errors } = await client.get();
    expect(errors).toEqual([]);
    if (era === "livekit") {
      expect(states).toEqual(["connecting", "connected", "generating"]);
      expect(liveStates).toEqual(states);
    }
    await client.soundPictures();
    expect(await client.call("disconnect")).toEqual(done);
  });
}

for (const { name, sdk, version, has, codecs } of having("set", representatives)) {
  // Asked for as any other: the spec above leaves the choice to the SDK.
  const codec = codecs[0]!;
  const begins = has.initialImage ? "begins with a prompt and an image, " : "";
  const uploads = has.fileRef ? ", takes an uploaded file by its id" : "";
  test(`${name}: ${begins}shows prompt and image of one set() with one picture${uploads}, all in ${codec}`, async ({
    harness,
    lucy,
  }) => {
    const beginning = has.initialImage ? { image: base64Image("board-png") } : {};
    const client = await harness.connect({ ...sdk, codec, prompt: "sepia", ...beginning });
    expect((await client.untilRevision(1)).output).toMatchObject({
      revision: 1,
      promptHash: promptHash("sepia"),
      imageHash: has.initialImage ? board : 0,
    });
    expect(await client.call("set", { prompt, image: base64Image("face-png") })).toEqual(done);
    expect((await client.untilRevision(2)).output).toMatchObject({
      promptHash: promptHash(prompt),
      imageHash: face,
    });
    if (has.fileRef) {
      const bytes = Buffer.from(readImage("board-png")).toString("base64");
      const id = await harness.upload(version, bytes, "image/png");
      expect(id).toMatch(/^file_/);
      expect(await client.call("set", { image: id })).toEqual(done);
      expect((await client.untilRevision(3)).output).toMatchObject({ imageHash: board });
    }
    await expectWhole(client, lucy, codec);
    await client.soundPictures();
  });
}

for (const { name, sdk } of having("replaceVideoTrack")) {
  test(`${name}: replaces the camera without a gap in the server's count`, async ({ harness }) => {
    const client = await harness.connect({ ...sdk });
    await client.morePictures(5);
    expect(await client.replaceCamera({ color: "lime" })).toEqual(done);
    const { firstFrameId, cameraTracks } = await client.get();
    expect(cameraTracks).toEqual(["video live"]);
    do await client.morePictures(1);
    while ((await client.pictures(-1))[0]!.input!.frameId < firstFrameId);
    const [red, green, blue] = await harness.call("middleColor", client.id);
    expect(green).toBeGreaterThan(200);
    expect(Math.max(red!, blue!)).toBeLessThan(60);
    await client.soundPictures();
  });
}

// The first of them is in the specs above, except where the SDK has no set().
for (const { name, sdk, codecs, has } of newest) {
  for (const codec of has.set ? codecs.slice(1) : codecs) {
    test(`${name}: sends ${codec}`, async ({ harness, lucy }) => {
      const client = await harness.connect({ ...sdk, codec });
      await client.morePictures(10);
      await expectWhole(client, lucy, codec);
      await client.soundPictures();
    });
  }
}

test("0.1.20: asks to be sent VP8 while it sends H264, as in desktop Safari", async ({ harness, lucy }) => {
  const query = { livekit_server_codec: "vp8" };
  const client = await harness.connect({ version: "0.1.20", codec: "H264", queryParams: query });
  await client.call("set", { prompt, image: base64Image("face-png") });
  await client.untilRevision(1);
  expect(await harness.call("codecs")).toEqual({ sent: ["video/H264"], received: ["video/VP8"] });
  expect(lucy.sessions[0]!.pipeline!.codec).toBe("vp8");
  await client.soundPictures();
});

for (const { name, sdk } of having("passthrough")) {
  test(`${name}: joins for passthrough, though with a prompt, and its first picture shows the prompt`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ ...sdk, passthrough: true, prompt });
    await client.morePictures(1);
    const join = lucy.journal.lines.find(({ kind }) => kind === "livekit_join");
    // With a prompt it says false of its own accord.
    expect(join!.fields.passthrough).toBe(true);
    const [first] = await client.soundPictures();
    expect(first!.output).toMatchObject({ revision: 1, promptHash: promptHash(prompt) });
  });
}

for (const { name, sdk } of having("subscribe")) {
  test(`${name}: a viewer sees the publisher's pictures`, async ({ harness }) => {
    const publisher = await harness.connect({ ...sdk });
    const { subscribeToken } = await publisher.get();
    const viewer = await harness.subscribe(sdk.version, subscribeToken!, sdk);
    await viewer.morePictures(5);
    expect((await viewer.get()).state).toBe("connected");
    await viewer.soundPictures(publisher.session);
    await viewer.call("disconnect");
    await publisher.morePictures(5);
    await publisher.soundPictures();
  });
}

for (const { name, sdk, has } of having("debugQuality")) {
  test(`${name}: debugQuality asks for the ${has.debugQuality}`, async ({ harness, lucy }) => {
    const client = await harness.connect({ ...sdk, debugQuality: true });
    await client.morePictures(5);
    await client.untilEvent("stats");
    const open = lucy.journal.lines.find(({ kind }) => kind === "open");
    const query = open!.fields.query as Record<string, string>;
    expect(query.pixel_latency).toBe(has.debugQuality === "pixel-marker" ? "1" : undefined);
    const join = lucy.journal.lines.find(({ kind }) => kind === "livekit_join");
    const capabilities = has.debugQuality === "packet-trailer" ? { frame_timing: true } : undefined;
    expect(join!.fields.client_capabilities).toEqual(capabilities);
    await client.soundPictures();
  });
}

test.describe("with a queue", () => {
  test.use({ serverOptions: { queue: 2, queueStepMs: 100 } });

  for (const { name, sdk } of having("queuePosition")) {
    test(`${name}: hears its place while connect() waits, and again after it`, async ({ harness }) => {
      const client = await harness.begin(sdk);
      await client.untilQueued(2);
      expect((await client.get()).atConnect, "still connecting").toBeNull();
      await client.connected();
      await client.untilEvent("queuePosition", 2);
      const places = [
        { position: 2, queueSize: 2 },
        { position: 1, queueSize: 2 },
      ];
      expect((await client.get()).liveQueue).toEqual(places);
      expect(await client.events("queuePosition")).toEqual(places);
      await client.morePictures(3);
      await client.soundPictures();
    });
  }
});

/** Video by this codec has come, and the last picture is neither a layer of it nor a smaller copy. */
async function expectWhole(client: SdkClient, lucy: MockServer, codec: Codec): Promise<void> {
  const opened = lucy.journal.lines.find(({ kind }) => kind === "media-opened");
  expect(opened!.fields.codec).toBe(codec.toLowerCase());
  expect((await client.pictures(-1))[0]).toMatchObject({ width: 640, height: 360 });
}
