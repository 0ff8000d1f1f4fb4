import { expect, test } from "vitest";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { closeLater, emptied, nothingOpen, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { type Clock, manualClock, realClock } from "../clock.ts";
import type { MockServerOptions } from "../options.ts";
import type { MockServer } from "../server.ts";
import { joinRoom } from "./_rtc-client.ts";

const credentials = { livekitKey: "a-key", livekitSecret: "a-secret-of-enough-characters-to-sign" };
const face = Buffer.from(readImage("face-png"));

/** One mock server whose open rooms are the deployment, and one that meets its clients there. */
async function runBoth(given: Partial<MockServerOptions> = {}, clock?: Clock) {
  const deployment = await runServer(credentials);
  const options = { ...credentials, livekitUrl: deployment.realtimeUrl, ...given };
  const server = await runServer(options, clock, clock && realClock());
  return { deployment, server };
}

async function openSession(server: MockServer) {
  const control = closeLater(await openSocket(server.realtimeUrl));
  control.send({ type: "livekit_join" });
  return { control, info: await control.take("livekit_room_info") };
}

async function watchStream(server: MockServer, room: string) {
  const response = await fetch(`${server.url}/watch-stream/${room}`, {
    method: "POST",
    headers: { "x-api-key": "dct_local" },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { livekit_url: string; token: string; room_name: string };
}

const kinds = ({ journal }: MockServer) => journal.lines.map(({ kind }) => kind);

test.each([1, 2] as const)(
  "pictures and sound are edited in the deployment's room, a viewer sees them too; %i connection(s)",
  async (connections) => {
    const { deployment, server } = await runBoth();
    const { control, info } = await openSession(server);
    expect(info.livekit_url).toBe(deployment.realtimeUrl);
    const model = `inference-server-${info.session_id}`;
    const client = closeLater(await joinRoom(info, connections));
    await client.publishCamera();
    await client.publishMicrophone();
    await client.picture(({ output }) => output !== null && output.outputCount >= 5);
    await control.take("generation_started");

    control.send({ type: "set_image", image_data: face.toString("base64"), prompt: "invert" });
    expect(await control.take("set_image_ack")).toMatchObject({ success: true });
    await client.picture(({ output }) => output?.revision === 1);
    const count = client.edited.length;
    await client.until(() => client.edited.length >= count + 5);
    const seen = client.edited;
    for (const [index, { from, input, output }] of seen.entries()) {
      const changed = { revision: 1, promptHash: promptHash("invert"), imageHash: imageHash(face) };
      const untouched = { revision: 0, promptHash: 0, imageHash: 0 };
      expect(from).toBe(model);
      expect(output).toMatchObject(output.revision ? changed : untouched);
      const before = seen[index - 1];
      expect(input.frameId).toBeGreaterThan(before?.input.frameId ?? -1);
      expect(output.outputCount).toBeGreaterThan(before?.output.outputCount ?? -1);
    }
    await client.until(() => (client.heard.get(model) ?? 0) > 20);
    await control.take("generation_tick");
    expect(server.sessions[0]?.pipeline?.stats).toMatchObject({ width: 640, height: 360, undecodable: 0 });

    const viewer = closeLater(await joinRoom(await watchStream(server, info.room_name), connections));
    await viewer.picture(({ from, output }) => from === model && output?.revision === 1);

    await client[Symbol.asyncDispose]();
    await until(server, () => server.sessions[0]?.phase === "joined");
    await control[Symbol.asyncDispose]();
    await emptied(server);
    await viewer.until(() => viewer.events.includes(`left ${model}`));
    await viewer[Symbol.asyncDispose]();
    await emptied(deployment);
    expect(kinds(deployment)).toContain("room-closed");
  },
  40_000,
);

test("another camera takes the place of the one before; a client that comes again is edited again", async () => {
  const { server } = await runBoth();
  const { info } = await openSession(server);
  const first = closeLater(await joinRoom(info));
  const camera = await first.publishCamera();
  await first.picture(({ output }) => output !== null && output.outputCount >= 15);
  await camera.unpublish();
  const count = first.pictures.length;
  await first.publishCamera();
  await first.picture(({ output }) => output !== null && output.outputCount < 10, count);
  await first[Symbol.asyncDispose]();
  await until(server, () => server.sessions[0]?.phase === "joined");

  const second = closeLater(await joinRoom(info));
  await second.publishCamera();
  await second.picture(({ output }) => output !== null && output.outputCount < 15);
  expect(server.sessions[0]?.phase).toBe("generating");
  expect(server.open).toMatchObject({ sessions: 1, codecs: 1, peers: 1 });
});

test.each([
  [true, ["no-frame-timing"]],
  [false, []],
])(
  "a client that reads times behind its pictures (%s) gets none, and the journal says so",
  async (frame_timing, said) => {
    const { server } = await runBoth();
    const control = closeLater(await openSocket(server.realtimeUrl));
    control.send({ type: "livekit_join", client_capabilities: { frame_timing } });
    const { session_id } = await control.take("livekit_room_info");
    const lines = server.journal.lines.filter(({ kind }) => kind === "no-frame-timing");
    expect(lines.map(({ kind }) => kind)).toEqual(said);
    for (const { session } of lines) expect(session).toBe(session_id);
  },
);

test("relayed, the pictures come back untouched", async () => {
  const { server } = await runBoth({ mode: "relay" });
  const { info } = await openSession(server);
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  const { frame, output } = await client.picture(({ input }) => input !== null);
  expect(frame).toMatchObject({ width: 640, height: 360 });
  expect(output).toBeNull();
});

test("a picture's time is the machine's, wherever the service's clock stands", async () => {
  const aheadMs = 3_600_000;
  const clock = manualClock(new Date(Date.now() - aheadMs));
  clock.advance(aheadMs);
  const { server } = await runBoth({ frameLines: true }, clock);
  const { info } = await openSession(server);
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await until(server, () => kinds(server).includes("frame"));
  const { fields } = server.journal.lines.find(({ kind }) => kind === "frame")!;
  expect(fields.residenceMs).toBeGreaterThanOrEqual(0);
});

test("a session of the other dialect has nothing to do with it; nobody watches these sessions over it", async () => {
  const { server } = await runBoth();
  const { info } = await openSession(server);
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await client.picture(() => true);
  const viewer = closeLater(
    await openSocket(server.realtimeUrl, { path: `/subscribe/${info.session_id}`, query: {} }),
  );
  viewer.send({ type: "offer", sdp: "v=0" });
  expect(await viewer.take("error")).toMatchObject({
    error: "This session is watched in its LiveKit room only. POST /watch-stream/{room} for a token.",
  });
});

test.each([
  { what: "is not there", given: {}, says: /could not be joined \(.+\)\. See that it runs/ },
  {
    what: "knows another secret",
    given: { livekitSecret: `${credentials.livekitSecret}-not` },
    says: /unauthorized/,
  },
])("a deployment that $what: the client is told, others go on", async ({ what, given, says }) => {
  const { deployment, server } = await runBoth(given);
  const bystander = closeLater(await openSocket(server.realtimeUrl));
  bystander.send({ type: "prompt", prompt: "invert" });
  await bystander.take("prompt_ack");
  if (what === "is not there") await deployment.close();

  const control = closeLater(await openSocket(server.realtimeUrl));
  control.send({ type: "livekit_join" });
  const { error } = await control.take("error");
  expect(error).toMatch(says);
  expect(error).toContain(deployment.realtimeUrl);
  expect(await control.take("generation_ended")).toMatchObject({ reason: "error" });
  expect(await control.closed).toMatchObject({ code: 1011 });

  const told = JSON.stringify([control.received, server.journal.lines]);
  expect(told).not.toContain(credentials.livekitSecret);
  expect(told).not.toMatch(/eyJ[\w-]{10}/);
  expect(server.sessions).toHaveLength(1);
  bystander.send({ type: "prompt", prompt: "mirror" });
  await bystander.take("prompt_ack");
});

test("a room that the deployment closes ends its session with a sentence", async () => {
  const { deployment, server } = await runBoth();
  const { control, info } = await openSession(server);
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await client.picture(() => true);
  await deployment.close();
  expect((await control.take("error")).error).toContain(
    `The LiveKit deployment at ${deployment.realtimeUrl}`,
  );
  expect(await control.take("generation_ended")).toMatchObject({ reason: "error" });
  await emptied(server);
});

test("a client that leaves while its room is entered leaves nothing behind, nor does a server that is closed", async () => {
  const { deployment, server } = await runBoth();
  const early = closeLater(await openSocket(server.realtimeUrl));
  early.send({ type: "livekit_join" });
  await until(server, () => server.open.peers === 1);
  await early[Symbol.asyncDispose]();
  await emptied(server);
  await emptied(deployment);

  const { info } = await openSession(server);
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await client.picture(() => true);
  await server.close();
  expect(server.open).toEqual(nothingOpen);
  await client.until(() => client.events.includes(`left inference-server-${info.session_id}`));
});
