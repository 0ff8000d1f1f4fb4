import { KeyObject } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { RTCPeerConnection } from "werift";
import { readClip } from "../fixtures/clips.ts";
import { createFrame, type Frame } from "../fixtures/frame.ts";
import { imageHash, promptHash } from "../fixtures/hashes.ts";
import { readImage } from "../fixtures/images.ts";
import { readPixelMarker, writePixelMarker } from "../fixtures/pixel-marker.ts";
import { stripsHeight } from "../fixtures/strips.ts";
import { createMediaClient, type MediaAbout, type MediaClient, psnr } from "./_media-client.ts";
import { closeLater, emptied, nothingOpen, runServer, until } from "./_running-server.ts";
import { openSocket, type SocketAbout } from "./_socket-client.ts";
import { type Clock, manualClock } from "./clock.ts";
import { copyPicture, createDecoder, createEncoder } from "./media/codec.ts";
import { picturesAwaited } from "./media/first-pictures.ts";
import type { MockServer } from "./server.ts";

type Codec = "vp8" | "h264";

/** Every connection that was made, the server's too, oldest first. */
const connections = vi.hoisted(() => [] as RTCPeerConnection[]);
vi.mock(import("werift"), async (original) => {
  const werift = await original();
  class KnownConnection extends werift.RTCPeerConnection {
    constructor(...about: ConstructorParameters<typeof RTCPeerConnection>) {
      super(...about);
      connections.push(this);
    }
  }
  return { ...werift, RTCPeerConnection: KnownConnection };
});

const clips = { vp8: readClip("vp8-180p15"), h264: readClip("h264-180p15") };
const top = stripsHeight(320);

/** A client whose connection stands at both ends. */
async function connect(server: MockServer, about: MediaAbout, where: SocketAbout = {}) {
  const control = closeLater(await openSocket(server.realtimeUrl, where));
  const media = closeLater(createMediaClient(control, about));
  await negotiate(server, media);
  return { control, media };
}

async function negotiate(server: MockServer, media: MediaClient) {
  const count = connectedCount(server);
  await media.negotiate();
  await media.connected();
  await until(server, () => connectedCount(server) > count);
}

function connectedCount(server: MockServer): number {
  return server.journal.lines.filter(({ kind }) => kind === "peer-connected").length;
}

/** Sends pictures `from` up to `to` of the clip one by one, each once the one before has come back. */
async function play(media: MediaClient, codec: Codec, from: number, to: number) {
  const seen = [];
  for (let index = from; index < to; index++) {
    const count = media.pictures.length;
    sendFrame(media, codec, index);
    seen.push(await media.picture(({ input }) => input?.frameId === index, count));
  }
  return seen;
}

function sendFrame(media: MediaClient, codec: Codec, index: number) {
  const { data, key } = clips[codec].frames[index]!;
  media.sendPicture(data, key, index * 6000);
}

function decodeClip(codec: Codec, count: number): Frame[] {
  const decoder = createDecoder(codec);
  const frames: Frame[] = [];
  for (const { data } of clips[codec].frames.slice(0, count)) {
    decoder.decode(data, (picture) => {
      const frame = createFrame(picture.width, picture.height);
      copyPicture(picture, frame);
      frames.push(frame);
    });
  }
  decoder.close();
  return frames;
}

test.each([
  { query: { pixel_latency: "1" }, expected: 0x1234 },
  { query: { pixel_latency: "0" }, expected: null },
  { query: {}, expected: null },
])(
  "a pixel marker is kept through a prompt with the query $query: $expected",
  async ({ query, expected }) => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" }, { query });
    control.send({ type: "prompt", prompt: "mirror", enhance_prompt: true });
    await control.take("prompt_ack");
    const encoder = createEncoder("vp8", 320, 180, 1_000_000);
    for (const plane of [encoder.frame.y, encoder.frame.u, encoder.frame.v]) plane.fill(90);
    writePixelMarker(encoder.frame, 0x1234);
    const { data, key } = encoder.encode(true);
    encoder.close();
    media.sendPicture(data, key, 0);
    const { frame } = await media.picture(({ output }) => output?.revision === 1);
    expect(readPixelMarker(frame)).toBe(expected);
  },
);

describe.each(["vp8", "h264"] as const)("%s, 320×180, transcoded", (codec) => {
  test("the picture is kept without a prompt, edited from one picture to the next with one, none lost or doubled", async () => {
    const server = await runServer({ frameLines: true });
    const { control, media } = await connect(server, { codec });
    const inputs = decodeClip(codec, 30);

    const plain = await play(media, codec, 0, 10);
    for (const [index, { frame, output }] of plain.entries()) {
      expect(output).toMatchObject({ revision: 0, promptHash: 0, imageHash: 0, outputCount: index });
      expect(psnr(frame, inputs[index]!, top)).toBeGreaterThan(30);
    }

    control.send({ type: "prompt", prompt: "invert", enhance_prompt: true });
    await control.take("prompt_ack");
    const edited = await play(media, codec, 10, 20);
    for (const [index, { frame, output }] of edited.entries()) {
      const hash = promptHash("invert");
      expect(output).toMatchObject({ revision: 1, promptHash: hash, imageHash: 0, outputCount: 10 + index });
      expect(psnr(frame, inputs[10 + index]!, top)).toBeLessThan(20);
    }

    const face = Buffer.from(readImage("face-png"));
    control.send({ type: "set_image", image_data: face.toString("base64"), prompt: null });
    await control.take("set_image_ack");
    for (const { output } of await play(media, codec, 20, 25)) {
      expect(output).toMatchObject({ revision: 2, promptHash: 0, imageHash: imageHash(face) });
    }

    control.send({ type: "set_image", image_data: null, prompt: null });
    await control.take("set_image_ack");
    for (const [index, { frame, output }] of (await play(media, codec, 25, 30)).entries()) {
      expect(output).toMatchObject({ revision: 3, promptHash: 0, imageHash: 0 });
      expect(psnr(frame, inputs[25 + index]!, top)).toBeGreaterThan(30);
    }
    expect(media.pictures).toHaveLength(30);
    const told = server.journal.lines.filter(({ kind }) => kind === "frame").map(({ fields }) => fields);
    expect(media.pictures).toMatchObject(
      told.map(({ input, revision, promptHash, imageHash, outputCount }) => ({
        input: { frameId: input },
        output: { revision, promptHash, imageHash, outputCount },
      })),
    );
    expect(control.received.map(({ type }) => type)).toContain("generation_started");
    expect(server.open).toMatchObject({ sessions: 1, sockets: 1, codecs: 1, workers: 1 });
  });

  test("a client that trickles its candidates", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec, trickles: true });
    await play(media, codec, 0, 3);
    expect(media.answers[0]).toMatch(/^a=candidate:/m);
    expect(control.received.filter(({ type }) => type === "error")).toEqual([]);
  });

  test("after a lost packet nothing comes before a key picture, which is asked for", async () => {
    const server = await runServer();
    const { media } = await connect(server, { codec });
    await play(media, codec, 0, 3);
    const asked = media.keyRequestCount;
    media.loseNextPacket();
    // Far more packets than the window in which one might still come.
    for (let index = 3; index < 30; index++) sendFrame(media, codec, index);
    for (let index = 3; index < 30; index++) sendFrame(media, codec, index);
    await media.until(() => media.keyRequestCount > asked);
    const count = media.pictures.length;
    const [first] = await play(media, codec, 0, 3);
    expect(media.pictures[count]).toBe(first);
    expect(media.pictures.map(({ input }) => input?.frameId)).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

describe("repair", () => {
  test("a packet lost on its way to the client is sent again when asked for", async () => {
    const server = await runServer();
    const { media } = await connect(server, { codec: "vp8" });
    await play(media, "vp8", 0, 3);
    for (const index of [3, 4, 5]) {
      media.missNextPacket();
      await play(media, "vp8", index, index + 1);
    }
    expect(server.sessions[0]!.pipeline!.stats.picturesOut).toBe(6);
    server.sessions[0]!.end("disconnect", null);
    const summary = await server.journal.match({ kind: "rtcp-summary" });
    expect(summary.fields.video).toMatchObject({ packetsNacked: expect.any(Number) });
    expect((summary.fields.video as { packetsNacked: number }).packetsNacked).toBeGreaterThanOrEqual(3);
  });

  test("a packet lost on its way to the server is asked for, and its picture comes back", async () => {
    const server = await runServer();
    const { media } = await connect(server, { codec: "vp8" });
    await play(media, "vp8", 0, 3);
    const asked = media.keyRequestCount;
    const repaired = media.dropNextPacket();
    sendFrame(media, "vp8", 3);
    // The gap shows with the packet behind it.
    sendFrame(media, "vp8", 4);
    await repaired;
    await media.picture(({ input }) => input?.frameId === 4);
    await play(media, "vp8", 5, 7);
    const { stats } = server.sessions[0]!.pipeline!;
    expect(stats).toMatchObject({ picturesIn: 7, undecodable: 0 });
    expect(media.keyRequestCount).toBe(asked);
  });

  test.each(["FIR", "PLI"] as const)("a client that sends %s gets a key picture", async (kind) => {
    const server = await runServer();
    const { media } = await connect(server, { codec: "vp8" });
    const before = await play(media, "vp8", 0, 3);
    expect(before.map(({ key }) => key)).toEqual([true, false, false]);
    await media.requestKey(kind);
    await until(server, () => server.journal.lines.some(({ fields }) => fields.kind === kind));
    // Key pictures are made at some distance from one another.
    while (!media.pictures.slice(3).some(({ key }) => key)) await play(media, "vp8", 0, 5);
    expect(server.sessions[0]!.pipeline!.stats.keyRequestsIn).toBe(2);
  });
});

test("the server's session keys are key objects, and pictures go both ways with them", async () => {
  const server = await runServer({ mode: "relay" });
  connections.length = 0;
  const { media } = await connect(server, { codec: "vp8" });
  await play(media, "vp8", 0, 3);
  const [transport] = connections.find((connection) => connection !== media.pc)!.dtlsTransports;
  const { localContext, remoteContext } = transport!.srtp;
  for (const { cipher } of [localContext, remoteContext]) {
    expect(cipher.srtpSessionKey).toBeInstanceOf(KeyObject);
  }
});

test("audio comes back as it went out", async () => {
  const server = await runServer();
  const { media } = await connect(server, { codec: "vp8", audio: true });
  for (let index = 0; index < 10; index++) {
    // 0xfc: Opus, 20 ms of fullband, one frame; what follows is never decoded here.
    const payload = Buffer.from([0xfc, index, ...Buffer.alloc(index * 7, index)]);
    media.sendAudio(payload, 960 * index);
    expect(await media.audioAt(index)).toEqual(payload);
  }
});

test("relay mode sends every picture back untouched, without a codec", async () => {
  const server = await runServer({ mode: "relay" });
  const { media } = await connect(server, { codec: "vp8" });
  const inputs = decodeClip("vp8", 5);
  for (const [index, { frame, output }] of (await play(media, "vp8", 0, 5)).entries()) {
    expect(output).toBeNull();
    expect(psnr(frame, inputs[index]!)).toBe(99);
  }
  expect(server.open).toMatchObject({ codecs: 0, workers: 0 });
});

test("--no-strips leaves the whole picture to the eye", async () => {
  const server = await runServer({ strips: false });
  const { control, media } = await connect(server, { codec: "vp8" });
  const [first] = await play(media, "vp8", 0, 1);
  expect(first!.output).toBeNull();
  control.send({ type: "prompt", prompt: "invert" });
  await control.take("prompt_ack");
  const count = media.pictures.length;
  sendFrame(media, "vp8", 1);
  // The sender's own strip is inverted with the rest.
  expect((await media.picture(() => true, count)).input).toBeNull();
});

test("--size model sends pictures of the model's size, strips readable", async () => {
  const server = await runServer({ size: "model" });
  const { media } = await connect(server, { codec: "vp8" });
  const [picture] = await play(media, "vp8", 0, 1);
  const { width, height } = picture!.frame;
  expect({ width, height }).toEqual({ width: 1280, height: 704 });
  expect(picture!.output).toMatchObject({ outputCount: 0 });
});

test("--ack-when applied acks with the first picture that shows it", async () => {
  const server = await runServer({ ackWhen: "applied" });
  const { control, media } = await connect(server, { codec: "vp8" });
  control.send({ type: "prompt", prompt: "before any picture" });
  await control.take("prompt_ack");
  await play(media, "vp8", 0, 2);
  control.send({ type: "prompt", prompt: "invert" });
  await until(server, () => server.sessions[0]!.state.revision === 2);
  expect(control.received.at(-1)).not.toMatchObject({ prompt: "invert" });
  await play(media, "vp8", 2, 3);
  await control.take("prompt_ack");
  const kinds = server.journal.lines.map(
    ({ kind, fields }) => `${kind} ${fields.revision ?? fields.prompt ?? ""}`,
  );
  expect(kinds.indexOf("shown 2")).toBeLessThan(kinds.lastIndexOf("prompt_ack invert"));
  expect(kinds.indexOf("shown 2")).toBeGreaterThan(-1);
});

describe("generation", () => {
  test("starts once and ticks once a second, by the server's clock, until the client leaves", async () => {
    const clock = manualClock();
    const server = await runServer({ mode: "relay" }, clock);
    const { control, media } = await connect(server, { codec: "vp8" });
    await play(media, "vp8", 0, picturesAwaited);
    await control.take("generation_started");
    clock.advance(999);
    for (let seconds = 1; seconds <= 9; seconds++) {
      clock.advance(seconds === 1 ? 1 : 1000);
      expect(await control.take("generation_tick")).toEqual({ type: "generation_tick", seconds });
    }
    expect(server.sessions[0]!.seconds).toBe(9);
    const { type } = control.received.find(({ type }) => type.startsWith("generation_"))!;
    expect(type).toBe("generation_started");
    await media[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    await emptied(server);
    expect(clock.pendingCount).toBe(0);
    const ended = server.journal.lines.find(({ kind }) => kind === "session-ended");
    expect(ended?.fields).toMatchObject({ reason: "disconnect", seconds: 9 });
  });

  test("--latency holds pictures back by the server's clock", async () => {
    const clock = manualClock();
    const held = Promise.withResolvers<void>();
    const watched: Clock = Object.assign(Object.create(clock), {
      after(delayMs: number, run: () => void) {
        if (delayMs === 285) held.resolve();
        return clock.after(delayMs, run);
      },
    });
    const server = await runServer({ latencyMs: 285 }, watched);
    const { media } = await connect(server, { codec: "vp8" });
    sendFrame(media, "vp8", 0);
    await held.promise;
    clock.advance(284);
    expect(server.sessions[0]!.pipeline!.stats.picturesOut).toBe(0);
    clock.advance(1);
    expect(server.sessions[0]!.pipeline!.stats.picturesOut).toBe(1);
    expect((await media.picture(() => true)).input?.frameId).toBe(0);
  });
});

test("no second of generation is counted while there is no connection", async () => {
  const clock = manualClock();
  const server = await runServer({ mode: "relay" }, clock);
  const { control, media } = await connect(server, { codec: "vp8" });
  await play(media, "vp8", 0, picturesAwaited);
  await control.take("generation_started");
  clock.advance(2000);
  const half = closeLater(createMediaClient(control, { codec: "vp8" }));
  control.send({ type: "offer", sdp: (await half.pc.createOffer()).sdp });
  await control.take("answer");
  expect(server.sessions[0]!.phase).toBe("joined");
  clock.advance(5000);
  expect(server.sessions[0]!.seconds).toBe(2);
  const whole = closeLater(createMediaClient(control, { codec: "vp8" }));
  await negotiate(server, whole);
  await play(whole, "vp8", 0, picturesAwaited);
  await control.take("generation_started");
  clock.advance(1000);
  expect(server.sessions[0]!.seconds).toBe(3);
});

describe("several offers on one socket", () => {
  test("the same connection offers again and goes on", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" });
    await play(media, "vp8", 0, 3);
    await media.negotiate();
    const seen = await play(media, "vp8", 3, 6);
    expect(seen.map(({ output }) => output?.outputCount)).toEqual([3, 4, 5]);
    expect(control.received.filter(({ type }) => type === "answer")).toHaveLength(2);
    expect(connectedCount(server)).toBe(1);
  });

  test("a new connection takes the place of the old, and keeps the state", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" });
    control.send({ type: "prompt", prompt: "invert" });
    await control.take("prompt_ack");
    await play(media, "vp8", 0, 2);
    const second = closeLater(createMediaClient(control, { codec: "h264" }));
    await negotiate(server, second);
    const seen = await play(second, "h264", 0, picturesAwaited);
    expect(seen.map(({ output }) => output?.revision)).toEqual(seen.map(() => 1));
    expect(server.open).toMatchObject({ sessions: 1, codecs: 1 });
    expect(server.sessions[0]!.phase).toBe("generating");
  });

  test("candidates before the offer, none at all, empty ones and hidden ones harm nothing", async () => {
    const server = await runServer();
    const control = closeLater(await openSocket(server.realtimeUrl));
    const hidden = "candidate:2 1 udp 2113937151 2d1b1c3e-6d2a-4a57-9d0e-0a1f6f0d7a11.local 50001 typ host";
    const trickle = () => {
      for (const candidate of [
        null,
        { candidate: "" },
        { candidate: hidden, sdpMid: "0", sdpMLineIndex: 0 },
      ]) {
        control.send({ type: "ice-candidate", candidate });
      }
    };
    trickle();
    const media = closeLater(createMediaClient(control, { codec: "vp8" }));
    await negotiate(server, media);
    trickle();
    await play(media, "vp8", 0, 2);
    expect(control.received.filter(({ type }) => type === "error")).toEqual([]);
  });
});

describe("candidates that are none", () => {
  const tooLong = `candidate:${"1".repeat(2000)}`;

  test("a long one is refused with a sentence", async () => {
    const server = await runServer({ mode: "none" });
    const { control } = await connect(server, { codec: "vp8" });
    control.send({ type: "ice-candidate", candidate: { candidate: tooLong } });
    expect((await control.take("error")).error).toBe(
      "The candidate has 2010 characters; at most 1024 are read. A browser's has about 150: send RTCIceCandidate.toJSON() as it is.",
    );
  });

  test("before the offer: each is told, and the next is taken all the same", async () => {
    const server = await runServer();
    const control = closeLater(await openSocket(server.realtimeUrl));
    const media = closeLater(createMediaClient(control, { codec: "vp8" }));
    for (const candidate of ["hello", tooLong, "bye"]) {
      control.send({ type: "ice-candidate", candidate: { candidate, sdpMid: "0" } });
    }
    await negotiate(server, media);
    const told = control.received.flatMap((message) => ("error" in message ? [message.error] : []));
    expect(told).toEqual([
      "Failed to parse ICE candidate",
      expect.stringContaining("The candidate has 2010 characters"),
      "Failed to parse ICE candidate",
    ]);
    await play(media, "vp8", 0, 2);
  });
});

test("a stopped section beside a good one is answered as stopped", async () => {
  const server = await runServer();
  const control = closeLater(await openSocket(server.realtimeUrl));
  const media = closeLater(createMediaClient(control, { codec: "vp8" }));
  const { sdp } = await media.pc.createOffer();
  const stopped = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:8\r\na=inactive\r\n";
  control.send({ type: "offer", sdp: sdp + stopped });
  const answer = await control.take("answer", "error");
  const sections = "sdp" in answer ? answer.sdp.match(/^m=\w+ \d+/gm) : answer;
  expect(sections).toEqual([expect.stringMatching(/^m=video [1-9]/), "m=video 0"]);
});

describe("viewers", () => {
  /** Key pictures are made at some distance from one another: a viewer that joins gets its first a moment later. */
  async function playUntilSeen(media: MediaClient, codec: Codec, viewer: MediaClient): Promise<void> {
    while (viewer.pictures.length === 0) await play(media, codec, 0, 5);
  }

  test("see what the publisher sees, from a key picture on, and are told when it ends", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" });
    control.send({ type: "prompt", prompt: "sepia" });
    const { session_id, server_ip, server_port } = await control.take("session_id");
    await control.take("prompt_ack");
    await play(media, "vp8", 0, 3);
    const query = { IP: server_ip, port: String(server_port) };
    const viewer = await connect(
      server,
      { codec: "vp8", watches: true },
      { path: `/subscribe/${session_id}`, query },
    );
    expect(server.sessions[0]!.viewerCount).toBe(1);
    await playUntilSeen(media, "vp8", viewer.media);
    const published = await play(media, "vp8", 0, 5);
    const last = await viewer.media.picture(
      ({ output }) => output?.outputCount === published.at(-1)!.output!.outputCount,
    );
    const seen = viewer.media.pictures.map(({ output }) => output);
    expect(seen).toEqual(media.pictures.map(({ output }) => output).slice(-seen.length));
    expect(psnr(last.frame, published.at(-1)!.frame)).toBe(99);

    await viewer.control[Symbol.asyncDispose]();
    await until(server, () => server.sessions[0]!.viewerCount === 0);
    await play(media, "vp8", 0, 2);

    const another = await connect(
      server,
      { codec: "vp8", watches: true },
      { path: `/subscribe/${session_id}`, query },
    );
    await control[Symbol.asyncDispose]();
    expect(await another.control.closed).toMatchObject({ code: 1000 });
  });

  test("whose publisher comes back with another codec are let go, to come again", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" });
    const { session_id } = await control.take("session_id");
    await play(media, "vp8", 0, 1);
    const where = { path: `/subscribe/${session_id}` };
    const viewer = await connect(server, { codec: "vp8", watches: true }, where);
    const second = closeLater(createMediaClient(control, { codec: "h264" }));
    await negotiate(server, second);
    expect(await viewer.control.closed).toMatchObject({ code: 1000 });
    const again = await connect(server, { codec: "h264", watches: true }, where);
    await playUntilSeen(second, "h264", again.media);
  });

  test("whose codec is not the publisher's get a sentence", async () => {
    const server = await runServer();
    const { control, media } = await connect(server, { codec: "vp8" });
    const { session_id } = await control.take("session_id");
    const watching = closeLater(await openSocket(server.realtimeUrl, { path: `/subscribe/${session_id}` }));
    const viewer = closeLater(createMediaClient(watching, { codec: "h264", watches: true }));
    viewer.negotiate().catch(() => {});
    expect((await watching.take("error")).error).toContain("codecs are H264; this server speaks VP8");
    await play(media, "vp8", 0, 2);
  });
});

describe("leaving early leaves nothing behind", () => {
  test.each(["publisher", "viewer", "viewer that waits for pictures"])(
    "%s, right after its offer",
    async (who) => {
      const server = await runServer();
      const publisher = who === "publisher" ? null : closeLater(await openSocket(server.realtimeUrl));
      publisher?.send({ type: "prompt", prompt: "a" });
      const id = publisher && (await publisher.take("session_id")).session_id;
      const sending = publisher && closeLater(createMediaClient(publisher, { codec: "vp8" }));
      if (who === "viewer") await negotiate(server, sending!);
      const before = udpCount();

      const control = closeLater(
        await openSocket(server.realtimeUrl, id ? { path: `/subscribe/${id}` } : {}),
      );
      const media = closeLater(createMediaClient(control, { codec: "vp8", watches: Boolean(id) }));
      const count = offerCount(server);
      media.negotiate().catch(() => {});
      await until(server, () => offerCount(server) > count);
      await control[Symbol.asyncDispose]();
      await media[Symbol.asyncDispose]();
      if (who === "viewer that waits for pictures") await negotiate(server, sending!);
      await roundTrip(server);
      // The connection that was negotiated late has a socket at each end.
      await settled(() => udpCount() <= before + (who === "viewer that waits for pictures" ? 2 : 0));
      if (publisher) expect(server.sessions[0]!.viewerCount).toBe(0);
    },
  );

  test("the server itself, on an offer", async () => {
    const server = await runServer();
    const before = udpCount();
    const control = closeLater(await openSocket(server.realtimeUrl));
    const media = closeLater(createMediaClient(control, { codec: "vp8" }));
    const closed = new Promise((resolve) => {
      server.journal.follow(({ kind }) => kind === "offer" && resolve(server.close()));
    });
    media.negotiate().catch(() => {});
    await closed;
    await control.closed;
    await media[Symbol.asyncDispose]();
    await settled(() => udpCount() <= before);
    expect(server.open).toEqual(nothingOpen);
  });

  const udpCount = () => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;
  const offerCount = (server: MockServer) =>
    server.journal.lines.filter(({ kind }) => kind === "offer").length;

  /** Another client comes, sees a picture and goes: what was still on its way when it came has arrived by then. */
  async function roundTrip(server: MockServer): Promise<void> {
    const { control, media } = await connect(server, { codec: "vp8" });
    await play(media, "vp8", 0, 2);
    await media[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  }

  /** Turns of the event loop until `done`; the test's own timeout is the limit. */
  async function settled(done: () => boolean): Promise<void> {
    while (!done()) await new Promise(setImmediate);
  }
});
