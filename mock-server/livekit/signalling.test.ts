import { readFileSync } from "node:fs";
import { type AddTrackRequest, SimulcastCodec, TrackPermission, VideoLayer } from "@livekit/protocol";
import { AccessToken } from "livekit-server-sdk";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { closeLater, emptied, nothingOpen, runServer, until } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { type ManualClock, manualClock } from "../clock.ts";
import type { MockServerOptions } from "../options.ts";
import type { MockServer } from "../server.ts";
import {
  DisconnectReason,
  LeaveRequest_Action,
  openSignal,
  ParticipantInfo_State,
  type SignalAbout,
  type SignalClient,
  signalQuery,
  TrackType,
} from "./_signal-client.ts";
import { type Grants, mintToken, type RoomKey } from "./access-token.ts";

const key: RoomKey = { key: "lucy", secret: "a-secret-of-thirty-two-characters" };
const paths = ["/rtc/v1", "/rtc"] as const;
const offerOf = (name: string) => readFileSync(`${import.meta.dirname}/../media/offers/${name}.sdp`, "utf8");

type Running = { server: MockServer; clock: ManualClock };
type Joined = { control: SocketClient; token: string; room: string };

async function run(given: Partial<MockServerOptions> = {}): Promise<Running> {
  const clock = manualClock();
  const about = { livekitKey: key.key, livekitSecret: key.secret };
  const server = await runServer({ mode: "none", ...about, ...given }, clock);
  onTestFinished(async () => {
    await until(server, () => server.open.sockets === 0);
    // Whoever lost its socket in an open room may come back until then.
    clock.advance(20_000);
  });
  return { server, clock };
}

/** A session that has its room. */
async function joinSession(server: MockServer): Promise<Joined> {
  const control = closeLater(await openSocket(server.realtimeUrl));
  control.send({ type: "livekit_join" });
  const { token, room_name: room } = await control.take("livekit_room_info");
  return { control, token, room };
}

const enter = async (server: MockServer, about: SignalAbout) =>
  closeLater(await openSignal(server.realtimeUrl, about));

async function watch(
  server: MockServer,
  room: string,
  about: Partial<SignalAbout> = {},
): Promise<SignalClient> {
  const { token } = (await (await watchStream(server, room)).json()) as { token: string };
  return enter(server, { token, ...about });
}

function watchStream(server: MockServer, room: string, apiKey = "dct_local"): Promise<Response> {
  return fetch(`${server.url}/watch-stream/${room}`, { method: "POST", headers: { "x-api-key": apiKey } });
}

const grants = (some: Partial<Grants>): Grants => ({
  identity: "somebody",
  room: "a-room",
  canPublish: true,
  canSubscribe: true,
  canPublishData: true,
  roomCreate: false,
  ...some,
});

const mint = ({ clock }: Running, some: Partial<Grants>, by = key) => mintToken(by, clock, grants(some));

/** Answers that its socket is served: nothing before it is left to be handled. */
async function processed(client: SignalClient): Promise<void> {
  client.send({ case: "pingReq", value: { timestamp: 1n } });
  await client.take("pongResp");
}

const linesOf = (server: MockServer, kind: string) =>
  server.journal.lines.filter((line) => line.kind === kind);

describe.each(paths)("%s", (path) => {
  test.each<
    [string, number, string, (running: Running, joined: Joined) => Promise<SignalAbout> | SignalAbout]
  >([
    ["the session's token", 200, "success", (_running, { token }) => ({ token })],
    [
      "the session's token in a header",
      200,
      "success",
      (_running, { token }) => ({ token: "", headers: { authorization: `Bearer ${token}` } }),
    ],
    ["no token", 401, "unauthorized: the access token is refused: there is none", () => ({ token: "" })],
    [
      "a forged token",
      401,
      "it was not made by this server (signature verification failed)",
      (_running, { token }) => ({ token: `${token.slice(0, -8)}AAAAAAAA` }),
    ],
    [
      "a foreign token",
      401,
      "it was not made by this server (signature verification failed)",
      async (running, { room }) => ({
        token: await mint(running, { room }, { ...key, secret: "devsecret".repeat(4) }),
      }),
    ],
    [
      "an expired token",
      401,
      "it expired 60 s ago",
      async ({ clock, server }, { room }) => {
        const early = manualClock(new Date(clock.date().getTime() - (6 * 3600 + 60) * 1000));
        return { token: await mint({ server, clock: early }, { room }) };
      },
    ],
    [
      "a token that joins nothing",
      401,
      "it lets nobody join a room",
      async ({ clock }) => {
        const token = new AccessToken(key.key, key.secret, { identity: "somebody" });
        token.ttl = clock.date().getTime() / 1000 + 60;
        return { token: await token.toJwt() };
      },
    ],
    [
      "a room that is not there",
      404,
      "requested room does not exist: a-room is no session that runs here",
      async (running) => ({ token: await mint(running, {}) }),
    ],
  ])("%s: %i", async (_name, status, text, make) => {
    const running = await run();
    const { server } = running;
    const about = { path, ...(await make(running, await joinSession(server))) };
    // As a client asks why its socket was refused.
    const answer = await fetch(`${server.url}${path}/validate?${signalQuery(about)}`, {
      headers: about.headers ?? {},
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.text()).toContain(text);
    const opened = openSignal(server.realtimeUrl, about);
    if (status === 200) {
      expect(await closeLater(await opened).take("join")).toMatchObject({ serverVersion: "1.9.0" });
    } else {
      await expect(opened).rejects.toThrow(`${status}: `);
      await expect(opened).rejects.toThrow(text);
      expect(linesOf(server, "upgrade-refused").at(-1)!.fields).toMatchObject({ path, status });
    }
  });

  test("what is said on joining", async () => {
    const { server } = await run();
    const { token, room } = await joinSession(server);
    const client = await enter(server, { path, token });
    const join = await client.take("join");
    expect(join.toJson()).toMatchObject({
      room: { sid: expect.stringMatching(/^RM_/), name: room },
      participant: {
        sid: expect.stringMatching(/^PA_/),
        identity: `client-${room}`,
        state: "JOINED",
        permission: { canPublish: true, canSubscribe: true, canPublishData: true },
      },
      otherParticipants: [{ identity: `inference-server-${room}`, state: "ACTIVE" }],
      serverVersion: "1.9.0",
      serverInfo: { protocol: 16 },
      pingInterval: 5,
      pingTimeout: 15,
    });
    expect(join.subscriberPrimary).toBe(path === "/rtc");
    expect(join.otherParticipants).toHaveLength(1);
  });

  test("ping and pingReq are answered, with the client's own time", async () => {
    const { server, clock } = await run();
    const { token } = await joinSession(server);
    const client = await enter(server, { path, token });
    client.send({ case: "ping", value: 5n });
    expect(await client.take("pong")).toBe(BigInt(clock.date().getTime()));
    client.send({ case: "pingReq", value: { timestamp: 123_456_789_012n, rtt: 3n } });
    expect((await client.take("pongResp")).lastPingTimestamp).toBe(123_456_789_012n);
  });

  test("leaving is leaving: nothing is left to resume", async () => {
    const { server } = await run();
    const { token, room, control } = await joinSession(server);
    const client = await enter(server, { path, token });
    const sid = (await client.take("join")).participant!.sid;
    client.send({ case: "leave", value: {} });
    await client.closed;
    expect(linesOf(server, "left-room").at(-1)!.fields).toEqual({
      identity: `client-${room}`,
      reason: "client left",
    });
    const again = await enter(server, { path, token, ...resuming(path, sid) });
    expect(await again.take("leave")).toMatchObject({ action: LeaveRequest_Action.RECONNECT });
    // The session is its control socket's.
    control.send({ type: "prompt", prompt: "still here" });
    await control.take("prompt_ack");
  });

  test("who joins under a name that is taken takes its place", async () => {
    const { server } = await run();
    const { token } = await joinSession(server);
    const first = await enter(server, { path, token });
    const second = await enter(server, { path, token });
    expect(await first.take("leave")).toMatchObject({
      reason: DisconnectReason.DUPLICATE_IDENTITY,
      action: LeaveRequest_Action.DISCONNECT,
    });
    await first.closed;
    await processed(second);
  });

  test("when the control socket closes, everybody in the room is told, and nobody gets in any more", async () => {
    const { server } = await run();
    const { token, room, control } = await joinSession(server);
    const members = [await enter(server, { path, token }), await watch(server, room, { path })];
    for (const member of members) await member.take("join");
    const late = (await (await watchStream(server, room)).json()) as { token: string };
    control.socket.close(1000);
    for (const member of members) {
      expect(await member.take("leave")).toMatchObject({
        reason: DisconnectReason.ROOM_DELETED,
        action: LeaveRequest_Action.DISCONNECT,
      });
      expect((await member.closed).reason).toBe("room deleted");
    }
    await expect(openSignal(server.realtimeUrl, { path, token: late.token })).rejects.toThrow("404");
    await emptied(server);
  });

  describe("resuming", () => {
    test("in time keeps the stay: same sid, who is there is told again", async () => {
      const { server, clock } = await run();
      const { token, room, control } = await joinSession(server);
      const client = await enter(server, { path, token });
      const { sid } = (await client.take("join")).participant!;
      client.socket.terminate();
      await until(server, () => linesOf(server, "livekit-close").length === 1);
      await passTime(control, clock, 9000);
      const again = await enter(server, { path, token, ...resuming(path, sid) });
      await again.take("reconnect");
      const { participants } = await again.take("update");
      expect(participants.map(({ identity }) => identity)).toEqual([
        `client-${room}`,
        `inference-server-${room}`,
      ]);
      expect(participants[0]!.sid).toBe(sid);
      // Its absence is over, and does not end it later.
      await passTime(control, clock, 9000);
      await processed(again);
      await passTime(control, clock, 5000);
      await processed(again);
      expect(linesOf(server, "left-room")).toEqual([]);
    });

    test("before the old socket is known to be dead closes the old one", async () => {
      const { server } = await run();
      const { token } = await joinSession(server);
      const client = await enter(server, { path, token });
      const { sid } = (await client.take("join")).participant!;
      const again = await enter(server, { path, token, ...resuming(path, sid) });
      await again.take("reconnect");
      expect((await client.closed).code).toBe(1000);
      await processed(again);
      expect(linesOf(server, "left-room")).toEqual([]);
    });

    test("too late is refused, and the client starts over", async () => {
      const { server, clock } = await run();
      const { token, room, control } = await joinSession(server);
      const viewer = await watch(server, room, { path });
      const { sid, identity } = (await viewer.take("join")).participant!;
      viewer.socket.terminate();
      await until(server, () => linesOf(server, "livekit-close").length === 1);
      await passTime(control, clock, 19_999);
      expect(linesOf(server, "left-room")).toEqual([]);
      clock.advance(1);
      expect(linesOf(server, "left-room").at(-1)!.fields).toEqual({ identity, reason: "no socket for 20 s" });
      const again = await enter(server, { path, token, ...resuming(path, sid) });
      expect(await again.take("leave")).toMatchObject({
        reason: DisconnectReason.STATE_MISMATCH,
        action: LeaveRequest_Action.RECONNECT,
      });
      await again.closed;
    });

    test.each<[string, (sid: string) => string]>([
      ["an unknown stay", () => "PA_none"],
      ["no stay by name", () => ""],
      ["another's stay", (sid) => sid],
    ])("%s is refused, and the client starts over", async (_name, name) => {
      const { server } = await run();
      const { token, room } = await joinSession(server);
      const viewer = await watch(server, room, { path });
      const { sid } = (await viewer.take("join")).participant!;
      const thief = await enter(server, { path, token, ...resuming(path, name(sid)) });
      expect(await thief.take("leave")).toMatchObject({ action: LeaveRequest_Action.RECONNECT });
      await thief.closed;
      await processed(viewer);
    });
  });
});

test("/rtc/v1 without a join request: 400, and the other path by name", async () => {
  const { server } = await run();
  const { token } = await joinSession(server);
  const query = new URLSearchParams({ access_token: token });
  for (const [text, why] of [
    ["", "Connect to /rtc without one"],
    ["%", "join_request cannot be read"],
    ["A".repeat(12_289), "at most 12288 are read"],
  ] as const) {
    if (text) query.set("join_request", text);
    const answer = await fetch(`${server.url}/rtc/v1/validate?${query}`);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(why)]);
    const opened = openSignal(server.realtimeUrl, { token, query: { join_request: text } });
    await expect(opened).rejects.toThrow("400: ");
    await expect(opened).rejects.toThrow(why);
  }
});

test("a viewer's token watches: what it announces is refused, and nothing is published", async () => {
  const { server } = await run();
  const { room } = await joinSession(server);
  const viewer = await watch(server, room);
  expect((await viewer.take("join")).participant!.permission).toMatchObject({
    canPublish: false,
    canPublishData: false,
    canSubscribe: true,
  });
  viewer.send({ case: "addTrack", value: { cid: "camera", type: TrackType.VIDEO } });
  expect((await viewer.take("requestResponse")).toJson()).toMatchObject({
    reason: "NOT_ALLOWED",
    message: expect.stringMatching(/^viewer-\w+ may not publish: its token does not have canPublish\./),
    addTrack: { cid: "camera" },
  });
  viewer.send({ case: "offer", value: { type: "offer", sdp: offerOf("chromium-vp8"), id: 1 } });
  expect((await viewer.take("answer")).id).toBe(1);
  expect(viewer.received).not.toContain("trackPublished");
  expect(linesOf(server, "track-published")).toEqual([]);
  expect(server.sessions[0]).toMatchObject({ pipeline: null, phase: "joined" });
});

describe("in a relayed session", () => {
  const camera = "26b5ec4f-d064-4002-9559-8335f6d3d8bf";

  test("a camera is announced, offered, published, answered by its offer's id, and asks for a place to come back", async () => {
    const { server } = await run({ mode: "relay" });
    const { token, room } = await joinSession(server);
    const client = await enter(server, { token });
    const viewer = await watch(server, room);
    const late = await watch(server, room, { path: "/rtc" });
    await late.take("offer");
    client.send({ case: "addTrack", value: { cid: camera, type: TrackType.VIDEO, width: 640, height: 360 } });
    expect(await client.take("trackPublished")).toMatchObject({ cid: camera, track: { width: 640 } });
    client.send({ case: "offer", value: { type: "offer", sdp: offerOf("chromium-vp8"), id: 7 } });
    const { participants } = await client.take("update");
    expect(participants[0]).toMatchObject({
      identity: `inference-server-${room}`,
      tracks: [{ mimeType: "video/vp8" }],
    });
    expect((await client.take("answer")).id).toBe(7);
    expect((await client.take("mediaSectionsRequirement")).toJson()).toEqual({ numVideos: 1 });
    expect(client.received).toEqual([
      "join",
      "trackPublished",
      "update",
      "answer",
      "mediaSectionsRequirement",
    ]);
    expect(server.sessions[0]!.pipeline).toMatchObject({ codec: "vp8" });

    // A viewer with sections to spare is sent the same track, under the model's name.
    viewer.send({ case: "offer", value: { type: "offer", sdp: offerOf("chromium-viewer"), id: 1 } });
    const { sid, tracks } = (await viewer.take("update")).participants[0]!;
    const answer = await viewer.take("answer");
    expect(answer.midToTrackId).toEqual({ 0: tracks[0]!.sid });
    expect(answer.sdp).toContain(`a=msid:${sid}|${tracks[0]!.sid} `);
  });

  describe.each(["livekit-offer", "track-published"])("when, after %s,", (moment) =>
    test.each<[string, (client: SignalClient, joined: Joined) => void]>([
      ["it leaves", (client) => client.send({ case: "leave", value: {} })],
      ["its control socket closes", (_client, { control }) => control.socket.close(1000)],
      ["its socket is gone", (client) => client.socket.terminate()],
    ])("%s while its offer is being answered, nothing is left and nothing failed", async (_name, leave) => {
      const { server } = await run({ mode: "relay" });
      const joined = await joinSession(server);
      const client = await enter(server, joined);
      client.send({ case: "addTrack", value: { cid: camera, type: TrackType.VIDEO } });
      client.send({ case: "offer", value: { type: "offer", sdp: offerOf("chromium-vp8"), id: 1 } });
      await until(server, () => linesOf(server, moment).length === 1);
      leave(client, joined);
      joined.control.socket.close();
      await emptied(server);
      for (const kind of ["defect", "message-failed"]) expect(linesOf(server, kind)).toEqual([]);
      expect(linesOf(server, "left-room")).toHaveLength(1);
    }),
  );

  test("a bad offer is told on the control socket; the room goes on", async () => {
    const { server } = await run({ mode: "relay" });
    const { token, control } = await joinSession(server);
    const client = await enter(server, { token });
    client.send({ case: "offer", value: { type: "offer", sdp: "hello", id: 1 } });
    expect((await control.take("error")).error).toContain("The offer is not SDP");
    await processed(client);
    expect(linesOf(server, "defect")).toEqual([]);
  });

  test.each<[string, string, string]>([
    ["no JSON", "{", "The trickled candidate is not JSON."],
    ["an empty text", "", "The trickled candidate is not JSON."],
    ["a text", '"text"', 'field "candidate" is the string "text"; it must be an ICE candidate object'],
    ["a number in place of its text", '{"candidate":5}', 'field "candidate.candidate" is a number (5)'],
    ["one for no section", '{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host"}', "cannot be used ("],
    ["one for an unknown section", candidateIn("77"), "cannot be used ("],
    ["noise", '{"candidate":"nonsense","sdpMid":"0"}', "cannot be used ("],
    ["4097 characters", JSON.stringify({ candidate: "x".repeat(4081) }), "has 4097 characters; at most 4096"],
  ])(
    "a candidate that is %s is harmless: in the journal as a sentence, and no ack is lost",
    async (_name, text, why) => {
      const { server } = await run({ mode: "relay" });
      const { token, control } = await joinSession(server);
      const client = await enter(server, { token });
      client.send({ case: "offer", value: { type: "offer", sdp: offerOf("chromium-vp8"), id: 1 } });
      await client.take("answer");
      for (const candidateInit of ["null", candidateIn("0"), text]) {
        client.send({ case: "trickle", value: { candidateInit } });
      }
      await processed(client);
      const [failed, ...others] = linesOf(server, "message-failed").map(({ fields }) => fields.error);
      expect(failed).toContain(why);
      expect(failed).toMatch(/^[A-Z].*\.$/);
      expect(others).toEqual([]);
      control.send({ type: "prompt", prompt: "still here" });
      await control.take("prompt_ack");
      expect(control.received.filter(({ type }) => type === "error")).toEqual([]);
    },
  );

  const video = { cid: "camera", type: TrackType.VIDEO };
  const layers = (count: number) => Array.from({ length: count }, () => new VideoLayer({ rid: "f" }));
  const codecs = (count: number) => Array.from({ length: count }, () => new SimulcastCodec({ codec: "vp8" }));
  test.each<[string, Parameters<typeof announcing>[0], string]>([
    ["data", { cid: "camera", type: TrackType.DATA }, "it is neither audio nor video."],
    [
      "an id of 257 characters",
      { ...video, cid: "c".repeat(257) },
      "its cid has 257 characters; at most 256",
    ],
    [
      "a name of 257",
      { ...video, name: "n".repeat(257) },
      "its name has 257 characters; at most 256 are taken.",
    ],
    ["a stream of 257", { ...video, stream: "s".repeat(257) }, "its stream has 257 characters; at most 256"],
    ["9 layers", { ...video, layers: layers(9) }, "it has 9 layers; at most 8 are taken."],
    [
      "a layer's name of 257",
      { ...video, layers: [new VideoLayer({ rid: "f".repeat(257) })] },
      "its rid has 257",
    ],
    ["9 codecs", { ...video, simulcastCodecs: codecs(9) }, "it has 9 simulcastCodecs; at most 8 are taken."],
    ["9 features", { ...video, packetTrailerFeatures: Array(9).fill(1) }, "it has 9 packetTrailerFeatures"],
  ])("a track announced with %s is refused to its client alone", async (_name, value, why) => {
    const { server } = await run({ mode: "relay" });
    const { token, control } = await joinSession(server);
    const client = await enter(server, { token });
    client.send(announcing(value));
    const { message, request } = await client.take("requestResponse");
    expect(message).toMatch(/^The track c\w+ cannot be published: .*\.$/);
    expect(message).toContain(why);
    expect(message.length).toBeLessThan(250);
    // What is refused for its size is not sent back whole.
    expect(request).toMatchObject({ case: "addTrack", value: { type: value.type, name: "", layers: [] } });
    expect(linesOf(server, "refused").map(({ fields }) => fields)).toEqual([{ error: message }]);
    client.send(
      announcing({ ...video, layers: layers(8), simulcastCodecs: codecs(8), name: "n".repeat(256) }),
    );
    await client.take("trackPublished");
    control.send({ type: "prompt", prompt: "still here" });
    await control.take("prompt_ack");
    expect(control.received.filter(({ type }) => type === "error")).toEqual([]);
  });

  test("17 tracks that no offer carries: the last is refused", async () => {
    const { server } = await run({ mode: "relay" });
    const { token } = await joinSession(server);
    const client = await enter(server, { token });
    for (let index = 0; index < 17; index++) client.send(announcing({ ...video, cid: `camera-${index}` }));
    const { message } = await client.take("requestResponse");
    expect(message).toBe(
      "The track camera-16 cannot be published: 16 are announced that no offer carries yet.",
    );
  });

  test("two tracks whose ids the offer does not name go into its sections in the order announced", async () => {
    const { server } = await run({ mode: "relay" });
    const { token } = await joinSession(server);
    const client = await enter(server, { token });
    for (const cid of ["microphone", "screen", "third"]) {
      client.send(announcing({ cid, type: TrackType.AUDIO }));
    }
    const sids = [];
    for (let index = 0; index < 3; index++) sids.push((await client.take("trackPublished")).track!.sid);
    const [head, section] = offerOf("aiortc-whole")
      .trimEnd()
      .split(/\r\n(?=m=)/);
    const others = ["1", "2"].map((mid) => section!.replace(/^a=mid:0/m, `a=mid:${mid}`));
    const sdp = `${[head!.replace(/BUNDLE.*/, "BUNDLE 0 1 2"), section, ...others].join("\r\n")}\r\n`;
    // One is named: it is not another section's, though that comes first.
    client.send({ case: "offer", value: { type: "offer", sdp, id: 1, midToTrackId: { 2: "microphone" } } });
    await client.take("answer");
    const published = linesOf(server, "track-published").map(({ fields }) => fields.sid);
    expect(published).toHaveLength(3);
    expect(new Set(published)).toEqual(new Set(sids));
  });

  test("an announcement of 40 kB costs the journal a line with its size; an offer of 18 kB is there whole", async () => {
    const { server } = await run({ mode: "relay" });
    const { token } = await joinSession(server);
    const client = await enter(server, { token });
    client.send(announcing({ ...video, layers: Array(20_000).fill(new VideoLayer()) }));
    expect((await client.take("requestResponse")).message).toContain("it has 20000 layers; at most 8");
    const [line] = linesOf(server, "livekit-addTrack");
    expect(line!.fields).toEqual({ bytes: { sha256: expect.any(String), length: expect.any(Number) } });
    const sdp = offerOf("chromium-vp8");
    client.send({ case: "offer", value: { type: "offer", sdp, id: 1 } });
    await client.take("answer");
    expect(linesOf(server, "livekit-offer")[0]!.fields).toMatchObject({ type: "offer", id: 1 });
  });
});

describe("whoever has no control socket, and whose offer cannot be answered, is sent away with the reason", () => {
  test.each<[string, (running: Running) => Promise<SignalClient>]>([
    ["a viewer", async ({ server }) => watch(server, (await joinSession(server)).room)],
    [
      "a member of an open room",
      async (running) => enter(running.server, { token: await mint(running, { roomCreate: true }) }),
    ],
  ])("%s", async (_name, come) => {
    const running = await run({ mode: "relay" });
    const { server } = running;
    const client = await come(running);
    client.send({ case: "trickle", value: { candidateInit: "{" } });
    await processed(client);
    client.send({ case: "offer", value: { type: "offer", sdp: "hello", id: 1 } });
    expect(await client.take("leave")).toMatchObject({
      reason: DisconnectReason.JOIN_FAILURE,
      action: LeaveRequest_Action.DISCONNECT,
    });
    const { code, reason } = await client.closed;
    expect([code, reason]).toEqual([1008, expect.stringMatching(/^The offer is not SDP: /)]);
    expect(linesOf(server, "left-room")).toHaveLength(1);
  });
});

test.each(["the model", "another model"])("nobody enters a session's room as %s", async (name) => {
  const running = await run();
  const { server } = running;
  const { room, token } = await joinSession(server);
  const identity = `inference-server-${name === "the model" ? room : "other"}`;
  const intruder = await enter(server, { token: await mint(running, { room, identity }) });
  expect(await intruder.take("leave")).toMatchObject({
    reason: DisconnectReason.JOIN_FAILURE,
    action: LeaveRequest_Action.DISCONNECT,
  });
  const error = `${identity} is a name of the model's: nobody else may begin with inference-server- here. Take another identity.`;
  expect((await intruder.closed).code).toBe(1008);
  expect(linesOf(server, "refused").map(({ fields }) => fields)).toEqual([{ error }]);
  const client = await enter(server, { token });
  expect((await client.take("join")).otherParticipants.map(({ identity }) => identity)).toEqual([
    `inference-server-${room}`,
  ]);
});

describe("one that misbehaves is alone with it", () => {
  test.each<[string, Buffer | string, string]>([
    ["a text frame", '{"type":"ping"}', "A text frame is no signal message."],
    [
      "bytes that are no protobuf",
      Buffer.from("ff".repeat(12), "hex"),
      "12 bytes are no livekit.SignalRequest",
    ],
    ["a message from the future", Buffer.of(0xfa, 0x3f, 1, 65), "4 bytes hold no livekit.SignalRequest"],
    ["300 kB", Buffer.alloc(300_000), "A signal message of 300000 bytes is too large"],
  ])("%s closes its socket with a sentence", async (_name, bytes, sentence) => {
    const { server } = await run();
    const { token, control } = await joinSession(server);
    const other = await joinSession(server);
    const client = await enter(server, { token });
    const witness = await enter(server, other);
    client.send(bytes);
    const { code, reason } = await client.closed;
    expect(code).toBe(1007);
    expect(reason).toContain(sentence);
    await processed(witness);
    for (const socket of [control, other.control]) {
      socket.send({ type: "prompt", prompt: "still here" });
      expect(await socket.take("prompt_ack")).toMatchObject({ success: true });
    }
    expect(linesOf(server, "malformed")).toHaveLength(1);
  });

  test("300 messages in one packet: it is sent away, told why once, and can come again", async () => {
    const { server } = await run();
    const { token, control } = await joinSession(server);
    const client = await enter(server, { token });
    await client.take("join");
    const { _socket: tcp } = client.socket as unknown as { _socket: { cork(): void; uncork(): void } };
    tcp.cork();
    for (let index = 0; index < 300; index++) client.send({ case: "pingReq", value: { timestamp: 1n } });
    tcp.uncork();
    expect((await client.closed).reason).toContain("More than 256 signal messages wait for their turn");
    await processed(await enter(server, { token }));
    control.send({ type: "prompt", prompt: "still here" });
    await control.take("prompt_ack");
    expect(control.received.filter(({ type }) => type === "error")).toHaveLength(1);
  });

  test("one that answers no ping is dropped; its stay ends when nobody resumes it", async () => {
    const { server, clock } = await run();
    const { room, control } = await joinSession(server);
    const viewer = await watch(server, room);
    await viewer.take("join");
    viewer.socket.pause();
    clock.advance(10_000);
    control.send({ type: "prompt", prompt: "still here" });
    await control.take("prompt_ack");
    clock.advance(10_000);
    await until(server, () => linesOf(server, "livekit-close").length === 1);
    expect(linesOf(server, "half-open").map(({ fields }) => fields)).toEqual([
      { socket: "livekit", silentMs: 10_000 },
    ]);
    await passTime(control, clock, 20_000);
    expect(linesOf(server, "left-room")).toHaveLength(1);
  });
});

describe("POST /watch-stream/{room}", () => {
  test("is a viewer's way in", async () => {
    const { server } = await run();
    const { room } = await joinSession(server);
    const answer = await watchStream(server, room);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toEqual({
      livekit_url: server.realtimeUrl,
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      room_name: room,
    });
  });

  test.each<[string, number, string, (server: MockServer, room: string) => Promise<Response>]>([
    ["an unknown room", 404, "There is no room nowhere:", (server) => watchStream(server, "nowhere")],
    ["no key", 401, "Invalid API key", (server, room) => watchStream(server, room, "")],
    [
      "an unknown client token",
      401,
      "Invalid API key",
      (server, room) => watchStream(server, room, "ek_none"),
    ],
  ])("%s: %i", async (_name, status, sentence, ask) => {
    const { server } = await run();
    const { room } = await joinSession(server);
    const answer = await ask(server, room);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { detail: expect.stringContaining(sentence) },
    ]);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("a page may ask: the preflight is answered", async () => {
    const { server } = await run();
    const answer = await fetch(`${server.url}/watch-stream/any`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key, content-type",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-headers")).toContain("x-api-key, content-type");
    expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
  });

  test("16 watch; the next is told to go, until one has left", async () => {
    const { server } = await run();
    const { room } = await joinSession(server);
    const viewers = await Promise.all(Array.from({ length: 16 }, () => watch(server, room)));
    for (const viewer of viewers) await viewer.take("join");
    const late = await watch(server, room);
    expect(await late.take("leave")).toMatchObject({
      reason: DisconnectReason.JOIN_FAILURE,
      action: LeaveRequest_Action.DISCONNECT,
    });
    expect(await late.closed).toEqual({
      code: 1008,
      reason: `Session ${room} has 16 viewers, which is as many as it may have.`,
    });
    viewers[0]!.send({ case: "leave", value: {} });
    await viewers[0]!.closed;
    await (await watch(server, room)).take("join");
  });
});

describe("a room that a token opens", () => {
  const camera = "26b5ec4f-d064-4002-9559-8335f6d3d8bf";

  async function enterOpenRoom(running: Running, identity: string, path?: SignalAbout["path"]) {
    const token = await mint(running, { identity, roomCreate: true });
    const client = await enter(running.server, { token, ...(path && { path }) });
    return { client, sid: (await client.take("join")).participant!.sid };
  }

  /** @returns the track's sid */
  async function announceCamera(client: SignalClient): Promise<string> {
    client.send(announcing({ cid: camera, type: TrackType.VIDEO }));
    return (await client.take("trackPublished")).track!.sid;
  }

  async function publishCamera(client: SignalClient): Promise<string> {
    const sid = await announceCamera(client);
    client.send(offering("chromium-vp8"));
    await client.take("answer");
    return sid;
  }

  test.each([
    [[true], true],
    [[true, false], undefined],
  ])("a track that is muted %j before its offer is published so", async (changes, muted) => {
    const running = await run({ mode: "relay" });
    const { client } = await enterOpenRoom(running, "ann");
    const bob = await enterOpenRoom(running, "bob");
    await client.take("update");
    const sid = await announceCamera(client);
    for (const muted of changes) client.send({ case: "mute", value: { sid, muted } });
    client.send(offering("chromium-vp8"));
    const { participants } = await bob.client.take("update");
    expect(participants[0]!.tracks[0]!.toJson()).toMatchObject({ sid, mimeType: "video/vp8" });
    expect((participants[0]!.tracks[0]!.toJson() as { muted?: boolean }).muted).toBe(muted);
  });

  test("a track that is not there cannot be muted, and the journal says so", async () => {
    const running = await run();
    const { client } = await enterOpenRoom(running, "ann");
    client.send({ case: "mute", value: { sid: "TR_none", muted: true } });
    await processed(client);
    expect(linesOf(running.server, "message-failed").map(({ fields }) => fields.error)).toEqual([
      "ann has no track TR_none that could be muted. Send the sid that trackPublished told.",
    ]);
  });

  describe("whoever publishes says who may watch", () => {
    type Permission = { participantIdentity: string } | { participantSid: string };
    const nobody = { allParticipants: false, trackPermissions: [] };
    const allow = (who: Permission, what: { allTracks: true } | { trackSids: string[] }) => ({
      allParticipants: false,
      trackPermissions: [new TrackPermission({ ...who, ...what })],
    });

    test.each<[string, (bob: string, track: string) => ReturnType<typeof allow> | typeof everybody]>([
      ["everybody", () => everybody],
      ["one by identity", () => allow({ participantIdentity: "bob" }, { allTracks: true })],
      ["one by sid", (bob) => allow({ participantSid: bob }, { allTracks: true })],
      ["one, this track", (bob, track) => allow({ participantSid: bob }, { trackSids: [track] })],
    ])("%s again, after nobody", async (_name, make) => {
      const running = await run({ mode: "relay" });
      const ann = await enterOpenRoom(running, "ann");
      const bob = await enterOpenRoom(running, "bob");
      const eve = await enterOpenRoom(running, "eve", "/rtc");
      const track = await publishCamera(ann.client);
      const watched = async () => {
        bob.client.send(offering("chromium-viewer"));
        return (await bob.client.take("answer")).midToTrackId;
      };
      expect(await watched()).toEqual({ 0: track });

      ann.client.send({ case: "subscriptionPermission", value: nobody });
      const told = { participantSid: ann.sid, trackSid: track };
      for (const { client } of [bob, eve]) {
        expect((await client.take("subscriptionPermissionUpdate")).toJson()).toEqual(told);
      }
      expect(await watched()).toEqual({});
      // The same once more is no news.
      ann.client.send({ case: "subscriptionPermission", value: nobody });
      await processed(ann.client);

      const permission = make(bob.sid, track);
      ann.client.send({ case: "subscriptionPermission", value: permission });
      expect((await bob.client.take("subscriptionPermissionUpdate")).toJson()).toEqual({
        ...told,
        allowed: true,
      });
      expect(await watched()).toEqual({ 0: track });
      await processed(eve.client);
      const news = eve.client.received.filter((name) => name === "subscriptionPermissionUpdate");
      expect(news).toHaveLength(permission === everybody ? 2 : 1);
    });

    test("another track or another member is let in, not this one", async () => {
      const running = await run({ mode: "relay" });
      const ann = await enterOpenRoom(running, "ann");
      ann.client.send({
        case: "subscriptionPermission",
        value: {
          allParticipants: false,
          trackPermissions: [
            new TrackPermission({ participantIdentity: "bob", trackSids: ["TR_other"] }),
            new TrackPermission({ participantIdentity: "eve", allTracks: true }),
          ],
        },
      });
      const track = await publishCamera(ann.client);
      // Who comes later is told as well, once it knows of the track.
      const bob = await enterOpenRoom(running, "bob");
      expect((await bob.client.take("subscriptionPermissionUpdate")).toJson()).toEqual({
        participantSid: ann.sid,
        trackSid: track,
      });
      bob.client.send(offering("chromium-viewer"));
      expect((await bob.client.take("answer")).midToTrackId).toEqual({});
      // After a resume it is told again: it may have missed it.
      bob.client.socket.terminate();
      await until(running.server, () => linesOf(running.server, "livekit-close").length === 1);
      const token = await mint(running, { identity: "bob", roomCreate: true });
      const again = await enter(running.server, { token, ...resuming("/rtc/v1", bob.sid) });
      await again.take("update");
      expect((await again.take("subscriptionPermissionUpdate")).allowed).toBe(false);
    });
  });

  test("whoever watches says what it does not want, and wants again", async () => {
    const running = await run({ mode: "relay" });
    const ann = await enterOpenRoom(running, "ann");
    const { client } = await enterOpenRoom(running, "bob");
    const track = await publishCamera(ann.client);
    for (const subscribe of [true, false, true]) {
      client.send({ case: "subscription", value: { trackSids: [track], subscribe } });
      client.send(offering("chromium-viewer"));
      expect((await client.take("answer")).midToTrackId).toEqual(subscribe ? { 0: track } : {});
    }
    // What is its own choice is no matter of permission.
    expect(client.received).not.toContain("subscriptionPermissionUpdate");
  });

  test("is there for all who come, who see each other come and go", async () => {
    const running = await run();
    const { server } = running;
    const token = (identity: string) => mint(running, { identity, roomCreate: true });
    const first = await enter(server, { token: await token("first") });
    expect((await first.take("join")).otherParticipants).toEqual([]);
    const second = await enter(server, { token: await token("second") });
    expect((await second.take("join")).otherParticipants.map(({ identity }) => identity)).toEqual(["first"]);
    expect((await first.take("update")).participants[0]).toMatchObject({ identity: "second" });
    second.send({ case: "leave", value: {} });
    const { participants } = await first.take("update");
    expect(participants[0]).toMatchObject({ identity: "second", state: ParticipantInfo_State.DISCONNECTED });
    first.send({ case: "leave", value: {} });
    await first.closed;
    expect(linesOf(server, "room-closed")).toHaveLength(1);
  });

  test("stays the same room for the next, when its only member came twice", async () => {
    const running = await run();
    const { server } = running;
    const token = (identity: string) => mint(running, { identity, roomCreate: true });
    const old = await enter(server, { token: await token("first") });
    await old.take("join");
    const first = await enter(server, { token: await token("first") });
    const { room } = await first.take("join");
    const second = await enter(server, { token: await token("second") });
    const join = await second.take("join");
    expect(join.room!.sid).toBe(room!.sid);
    expect(join.otherParticipants.map(({ identity }) => identity)).toEqual(["first"]);
  });

  test("a stay is resumed in its own room only", async () => {
    const running = await run();
    const { server } = running;
    const token = (room: string) => mint(running, { identity: "first", room, roomCreate: true });
    const first = await enter(server, { token: await token("here") });
    const { sid } = (await first.take("join")).participant!;
    await (await enter(server, { token: await token("there") })).take("join");
    const astray = await enter(server, { token: await token("there"), ...resuming("/rtc/v1", sid) });
    expect(await astray.take("leave")).toMatchObject({ action: LeaveRequest_Action.RECONNECT });
    await processed(first);
  });

  test("there are 100, and the next gets a sentence", async () => {
    const running = await run();
    const { server } = running;
    const open = async (index: number) =>
      openSignal(server.realtimeUrl, {
        token: await mint(running, { room: `room-${index}`, roomCreate: true }),
      });
    for (let index = 0; index < 100; index++) closeLater(await open(index));
    const refused = await open(100).then(closeLater, (error: Error) => error.message);
    expect(refused).toBe("503: There are 100 open rooms already, which is as many as there may be.");
    expect(linesOf(server, "defect")).toEqual([]);
    expect(server.open.sockets).toBe(100);
  });

  test("is closed with the server, and its absent members with it", async () => {
    const running = await run();
    const { server } = running;
    for (const identity of ["absent", "present"]) {
      const client = await enter(server, { token: await mint(running, { identity, roomCreate: true }) });
      await client.take("join");
      if (identity === "absent") client.socket.terminate();
    }
    await until(server, () => linesOf(server, "livekit-close").length === 1);
    await server.close();
    expect(server.open).toEqual(nothingOpen);
  });
});

test("without a secret in its options, each server makes up its own", async () => {
  const [one, other] = [await runServer({ mode: "none" }), await runServer({ mode: "none" })];
  const { token } = await joinSession(one);
  await expect(openSignal(other.realtimeUrl, { token })).rejects.toThrow("it was not made by this server");
  await (await enter(one, { token })).take("join");
});

describe("close() is not held up", () => {
  const offer = { case: "offer", value: { type: "offer", sdp: offerOf("chromium-vp8"), id: 1 } } as const;
  const notIn = /503|ECONNREFUSED|ECONNRESET|hang up/;

  test("by a member that comes again at once", async () => {
    const running = await run({ mode: "relay" });
    const { server } = running;
    const token = await mint(running, { roomCreate: true });
    const client = await enter(server, { token });
    client.send(offer);
    await client.take("answer");
    const refused = client.closed.then(function come(): Promise<string> {
      return openSignal(server.realtimeUrl, { token }).then(
        (again) => {
          again.send(offer);
          return again.closed.then(come);
        },
        (error: Error & { code?: string }) => error.code ?? error.message,
      );
    });
    await server.close();
    expect(await refused).toMatch(notIn);
    expect(server.open).toEqual(nothingOpen);
  });

  test.each(paths)("by somebody whose token is just being read: %s", async (path) => {
    const running = await run({ mode: "relay" });
    const { server, clock } = running;
    const token = await mint(running, { roomCreate: true });
    const date = clock.date();
    vi.spyOn(clock, "date").mockImplementation(() => {
      void server.close();
      return date;
    });
    await expect(openSignal(server.realtimeUrl, { path, token })).rejects.toThrow("503");
    await server.close();
    expect(server.open).toEqual(nothingOpen);
  });
});

const candidateIn = (sdpMid: string) =>
  JSON.stringify({ candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid });

const offering = (name: string) =>
  ({ case: "offer", value: { type: "offer", sdp: offerOf(name), id: 1 } }) as const;

/** What `subscriptionPermission` says unless it says otherwise. */
const everybody = { allParticipants: true, trackPermissions: [] };

const announcing = (value: Partial<AddTrackRequest>) => ({ case: "addTrack", value }) as const;

function resuming(path: "/rtc/v1" | "/rtc", sid: string): Pick<SignalAbout, "join" | "query"> {
  return path === "/rtc"
    ? { query: { reconnect: "1", sid } }
    : { join: { reconnect: true, participantSid: sid } };
}

/** Lets time pass in steps so short that the control socket, which speaks after each, counts as alive. */
async function passTime(control: SocketClient, clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 9000) {
    clock.advance(Math.min(left, 9000));
    control.send({ type: "prompt", prompt: "still here" });
    await control.take("prompt_ack");
  }
}
