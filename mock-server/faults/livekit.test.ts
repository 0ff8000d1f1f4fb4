import { readFileSync } from "node:fs";
import type { SignalResponse } from "@livekit/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket, type SocketClient } from "../_socket-client.ts";
import { type ManualClock, manualClock } from "../clock.ts";
import { openSignal, type SignalAbout, type SignalClient, signalQuery } from "../livekit/_signal-client.ts";
import { mintToken } from "../livekit/access-token.ts";
import { DisconnectReason, LeaveRequest_Action, TrackType } from "../livekit/signal-wire.ts";
import type { MockServerOptions } from "../options.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { actions, reasons } from "./leave.ts";
import { writeMockKey } from "./mock-key.ts";

type Path = "/rtc/v1" | "/rtc";
const paths: readonly Path[] = ["/rtc/v1", "/rtc"];
const key = { key: "lucy", secret: "a-secret-of-thirty-two-characters" };
const camera = "26b5ec4f-d064-4002-9559-8335f6d3d8bf";
const sdpOf = (name: string) => readFileSync(`${import.meta.dirname}/../media/offers/${name}.sdp`, "utf8");

type Running = { server: MockServer; clock: ManualClock };
type Join = Extract<SignalResponse["message"], { case: "join" }>["value"];
type Joined = { control: SocketClient; token: string; session: string };

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

/** A session that has its room; `faults` are in its key. */
async function joinSession(server: MockServer, ...faults: Declaration[]): Promise<Joined> {
  const query = faults.length > 0 ? { api_key: writeMockKey(faults) } : {};
  const control = closeLater(await openSocket(server.realtimeUrl, { query }));
  control.send({ type: "livekit_join" });
  const { token, room_name: session } = await control.take("livekit_room_info");
  return { control, token, session };
}

const enter = async (server: MockServer, about: SignalAbout) =>
  closeLater(await openSignal(server.realtimeUrl, about));

async function viewerToken(server: MockServer, room: string): Promise<string> {
  const headers = { "x-api-key": "dct_local" };
  const answer = await fetch(`${server.url}/watch-stream/${room}`, { method: "POST", headers });
  return ((await answer.json()) as { token: string }).token;
}

async function validate(server: MockServer, path: Path, token: string): Promise<[number, string]> {
  const answer = await fetch(`${server.url}${path}/validate?${signalQuery({ path, token })}`);
  return [answer.status, await answer.text()];
}

const resuming = (path: Path, sid: string): Partial<SignalAbout> =>
  path === "/rtc" ? { query: { reconnect: "1", sid } } : { join: { reconnect: true, participantSid: sid } };

const offer = (id: number, name = "chromium-vp8") =>
  ({ case: "offer", value: { type: "offer", sdp: sdpOf(name), id } }) as const;
const announcement = { case: "addTrack", value: { cid: camera, type: TrackType.VIDEO } } as const;

/** What it was asked before is handled; nothing of the answer can still be under way. */
async function processed(client: SignalClient): Promise<void> {
  client.send({ case: "pingReq", value: { timestamp: 1n } });
  await client.take("pongResp");
}

const linesOf = (server: MockServer, kind: string) =>
  server.journal.lines.filter((line) => line.kind === kind);

/** What fired, on what: `refuse-token upgrade`. */
const firedIn = (server: MockServer, session: string) =>
  linesOf(server, "fault-fired")
    .filter((line) => line.session === session)
    .map(({ fields }) => `${fields.name} ${fields.on}`);

const sentTo = (server: MockServer, session: string) =>
  server.journal.lines
    .filter((line) => line.session === session && line.direction === "to-client")
    .map(({ kind }) => kind)
    .filter((kind) => kind.startsWith("livekit-"));

const add = (server: MockServer, session: string, declaration: Declaration) =>
  server.faults.add(declaration, { session })[0]!;

test("the reasons and actions that can be said are LiveKit's", () => {
  for (const [name, value] of Object.entries(reasons)) {
    expect(DisconnectReason[name as keyof typeof reasons]).toBe(value);
  }
  for (const [name, value] of Object.entries(actions)) {
    expect(LeaveRequest_Action[name as keyof typeof actions]).toBe(value);
  }
});

describe.each(paths)("%s", (path) => {
  describe("at the door", () => {
    test.each<[string, Declaration[], [number, string], refusals: number]>([
      ["twice", [{ name: "duplicate" }], [200, "success"], 0],
      ["twice and late", [{ name: "duplicate" }, { name: "delay" }], [200, "success"], 0],
      ["twice and refused", [{ name: "duplicate" }, { name: "refuse-token" }], [401, "unauthorized: "], 1],
    ])("validate that comes %s is answered once", async (_name, faults, [status, text], refusals) => {
      const { server, clock } = await run();
      const onValidate = { channel: "livekit", direction: "to-server", only: "validate" } as const;
      const declared = faults.map((fault) => ({ ...fault, ...onValidate }));
      const { token, session } = await joinSession(server, ...declared);
      const answered = validate(server, path, token);
      if (faults.some(({ name }) => name === "delay")) {
        await until(server, () => firedIn(server, session).length === 3);
        clock.advance(1000);
      }
      const [gotStatus, gotText] = await answered;
      expect([gotStatus, gotText.slice(0, text.length)]).toEqual([status, text]);
      expect(linesOf(server, "http-refused")).toHaveLength(refusals);
      expect(linesOf(server, "defect")).toEqual([]);
    });

    test.each<[string, Declaration, number, string]>([
      ["a token", { name: "refuse-token" }, 401, "unauthorized: the access token is refused."],
      [
        "a token, in other words",
        { name: "refuse-token", with: { status: 403, body: "not allowed" } },
        403,
        "not allowed",
      ],
      ["whoever comes", { name: "validate-error" }, 500, "the room cannot be reached"],
      [
        "whoever comes, at this path",
        { name: "validate-error", with: { path, status: 404, body: "" } },
        404,
        "",
      ],
    ])(
      "refused: %s; validate says the same, and healed it lets in",
      async (_name, declaration, status, text) => {
        const { server } = await run();
        const { token, session } = await joinSession(server);
        const { token: others } = await joinSession(server);
        const fault = add(server, session, declaration);
        await expect(openSignal(server.realtimeUrl, { path, token })).rejects.toThrow(`${status}: ${text}`);
        expect(await validate(server, path, token)).toEqual([status, text]);
        expect(
          linesOf(server, "upgrade-refused").map(({ session, fields }) => ({ session, ...fields })),
        ).toEqual([{ session, path, status, error: text }]);
        expect(
          linesOf(server, "http-refused").map(({ session, fields }) => ({ session, ...fields })),
        ).toEqual([{ session, method: "GET", path: `${path}/validate`, status, detail: text }]);
        const { name } = declaration;
        expect(firedIn(server, session)).toEqual([`${name} upgrade`, `${name} validate`]);
        await (await enter(server, { path, token: others })).take("join");
        fault.heal();
        expect(await validate(server, path, token)).toEqual([200, "success"]);
        await (await enter(server, { path, token })).take("join");
      },
    );

    test("shut at the other path only, this one lets in", async () => {
      const { server } = await run();
      const { token, session } = await joinSession(server);
      const other = paths.find((one) => one !== path);
      add(server, session, { name: "validate-error", with: { path: other } });
      await (await enter(server, { path, token })).take("join");
      expect(await validate(server, path, token)).toEqual([200, "success"]);
      expect(firedIn(server, session)).toEqual([]);
    });
  });

  test("no-join: nothing is said, whatever it asks; healed, the next is let in and told", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server);
    const fault = add(server, session, { name: "no-join" });
    const client = await enter(server, { path, token });
    client.send({ case: "pingReq", value: { timestamp: 1n } });
    client.send(offer(1));
    await until(server, () => firedIn(server, session).includes("no-join answer"));
    expect(client.received).toEqual([]);
    expect(sentTo(server, session)).toEqual([]);
    fault.heal();
    const next = await enter(server, { path, token });
    // Its place is taken, which it is told as whoever is in.
    await client.take("leave");
    await next.take("join");
    await processed(next);
  });

  test("no-pong: pings stay without answer, the time to wait for one is told", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server);
    const fault = add(server, session, { name: "no-pong", with: { timeoutSeconds: 2 } });
    const client = await enter(server, { path, token });
    expect(await client.take("join")).toMatchObject({ pingTimeout: 2, pingInterval: 1 });
    client.send({ case: "ping", value: 1n });
    client.send({ case: "pingReq", value: { timestamp: 1n } });
    client.send(announcement);
    await client.take("trackPublished");
    expect(client.received).not.toContain("pong");
    expect(firedIn(server, session)).toEqual(["no-pong pong", "no-pong pongResp"]);
    expect(sentTo(server, session).filter((kind) => kind.startsWith("livekit-pong"))).toEqual([]);
    fault.heal();
    await processed(client);
  });

  describe("leave", () => {
    test.each([
      { action: "DISCONNECT", reason: "PARTICIPANT_REMOVED" },
      { action: "RESUME", reason: "MIGRATION" },
      { action: "RECONNECT", reason: "SERVER_SHUTDOWN" },
    ] as const)("$action, and the socket closes; the next is let alone", async ({ action, reason }) => {
      const { server } = await run();
      const when = { at: "after-join-response:1" };
      const { token, session } = await joinSession(server, { name: "leave", with: { action, reason }, when });
      const client = await enter(server, { path, token });
      const { sid } = (await client.take("join")).participant!;
      expect((await client.take("leave")).toJson()).toEqual({
        reason,
        ...(action !== "DISCONNECT" && { action, canReconnect: true }),
      });
      expect(await client.closed).toEqual({ code: 1000, reason: reason.toLowerCase().replaceAll("_", " ") });
      expect(firedIn(server, session)).toEqual(["leave strike"]);
      expect(sentTo(server, session)).toEqual(["livekit-join", "livekit-leave"]);
      const again = await enter(server, { path, token, ...(action === "RESUME" && resuming(path, sid)) });
      await again.take(action === "RESUME" ? "reconnect" : "join");
      await processed(again);
    });

    test("with the socket left open, it is the client's to close", async () => {
      const { server } = await run();
      const when = { at: "after-join-response" };
      const { token } = await joinSession(server, { name: "leave", with: { closes: false }, when });
      const client = await enter(server, { path, token });
      await client.take("leave");
      await processed(client);
    });
  });

  test("refuse-resume: who comes back starts over, once; then it goes on where it was", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server, { name: "refuse-resume", when: { times: 1 } });
    const first = await enter(server, { path, token });
    const { sid } = (await first.take("join")).participant!;
    first.socket.terminate();
    await until(server, () => linesOf(server, "livekit-close").length === 1);
    const back = await enter(server, { path, token, ...resuming(path, sid) });
    expect(await back.take("leave")).toMatchObject({ action: LeaveRequest_Action.RECONNECT });
    await back.closed;
    expect(back.received).toEqual(["leave"]);
    expect(firedIn(server, session)).toEqual(["refuse-resume resume"]);
    expect(linesOf(server, "resume-refused")).toHaveLength(1);

    const anew = await enter(server, { path, token });
    const { sid: next } = (await anew.take("join")).participant!;
    expect(next).not.toBe(sid);
    anew.socket.terminate();
    await until(server, () => linesOf(server, "livekit-close").length === 3);
    await (await enter(server, { path, token, ...resuming(path, next) })).take("reconnect");
    expect(linesOf(server, "resumed")).toHaveLength(1);
  });

  test("drop of all that a client says lets it come, ask and come back: those must be named", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server, {
      name: "drop",
      channel: "livekit",
      direction: "to-server",
    });
    const client = await enter(server, { path, token });
    const { sid } = (await client.take("join")).participant!;
    expect(await validate(server, path, token)).toEqual([200, "success"]);
    client.send({ case: "pingReq", value: { timestamp: 1n } });
    await until(server, () => firedIn(server, session).length > 0);
    await (await enter(server, { path, token, ...resuming(path, sid) })).take("reconnect");
    expect(firedIn(server, session)).toEqual(["drop pingReq"]);
  });

  test("withhold-answer: none comes; healed, all do, in order", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server);
    const fault = add(server, session, { name: "withhold-answer", when: { after: { messages: 1 } } });
    const client = await enter(server, { path, token });
    for (const id of [3, 4, 5]) client.send(offer(id));
    expect((await client.take("answer")).id).toBe(3);
    await processed(client);
    expect(client.received.filter((name) => name === "answer")).toHaveLength(1);
    expect(firedIn(server, session)).toEqual(Array(2).fill("withhold-answer answer"));
    fault.heal();
    expect([(await client.take("answer")).id, (await client.take("answer")).id]).toEqual([4, 5]);
    const told = linesOf(server, "livekit-answer").map(({ fields }) => fields.id);
    expect(told).toEqual([3, 4, 5]);
    client.send(offer(6));
    expect((await client.take("answer")).id).toBe(6);
  });

  test.each([
    { by: 1, said: 8 },
    { by: -2, said: 5 },
    { by: -100, said: 0 },
  ])("wrong-answer-id by $by: 7 is answered as $said, the next as itself", async ({ by, said }) => {
    const { server } = await run();
    const { token, session } = await joinSession(server, {
      name: "wrong-answer-id",
      with: { by },
      when: { times: 1 },
    });
    const client = await enter(server, { path, token });
    client.send(offer(7));
    expect((await client.take("answer")).id).toBe(said);
    expect(linesOf(server, "livekit-answer")[0]!.fields.id ?? 0).toBe(said);
    expect(firedIn(server, session)).toEqual(["wrong-answer-id answer"]);
    client.send(offer(8));
    expect((await client.take("answer")).id).toBe(8);
  });

  test("no-track-published: it is told that its track is taken when the fault heals", async () => {
    const { server } = await run();
    const { token, session } = await joinSession(server);
    const fault = add(server, session, { name: "no-track-published" });
    const client = await enter(server, { path, token });
    client.send(announcement);
    await processed(client);
    expect(client.received).not.toContain("trackPublished");
    expect(firedIn(server, session)).toEqual(["no-track-published trackPublished"]);
    fault.heal();
    expect((await client.take("trackPublished")).cid).toBe(camera);
  });

  test.each<[string, (join: Join) => unknown]>([
    ["permission", ({ participant }) => participant!.permission],
    ["participant", ({ participant }) => participant],
    ["server-version", ({ serverInfo, serverVersion }) => serverInfo || serverVersion || undefined],
  ])("incomplete-join without %s, once", async (without, part) => {
    const { server } = await run();
    const { token, session } = await joinSession(server, {
      name: "incomplete-join",
      with: { without },
      when: { times: 1 },
    });
    const join = await (await enter(server, { path, token })).take("join");
    expect(part(join)).toBeUndefined();
    expect(join).toMatchObject({ room: { name: session }, pingTimeout: 15 });
    if (without === "permission") expect(join.participant!.identity).toBe(`client-${session}`);
    expect(firedIn(server, session)).toEqual(["incomplete-join join"]);
    expect(part(await (await enter(server, { path, token })).take("join"))).toBeDefined();
  });

  describe("a viewer of a key with", () => {
    /** Somebody who watches a session with a camera, and has been sent the description that carries its track. */
    async function watch(fault: Declaration) {
      const running = await run({ mode: "relay" });
      const { server } = running;
      const { token, session } = await joinSession(server, fault);
      const client = await enter(server, { token });
      client.send(announcement);
      client.send(offer(1));
      await client.take("answer");
      const viewer = await enter(server, { path, token: await viewerToken(server, session) });
      const join = await viewer.take("join");
      if (path === "/rtc/v1") viewer.send(offer(1, "chromium-viewer"));
      const { midToTrackId } = await viewer.take(path === "/rtc" ? "offer" : "answer");
      await processed(viewer);
      const others = join.otherParticipants.map(({ identity }) => identity);
      const id = join.participant!.identity;
      return { ...running, client, viewer, others, sids: Object.values(midToTrackId), id, session };
    }

    test("late-update hears of the model's track a second after the description", async () => {
      const { server, clock, viewer, others, sids, id, session } = await watch({ name: "late-update" });
      expect(others).toEqual([]);
      expect(sids).toHaveLength(1);
      clock.advance(999);
      await processed(viewer);
      expect(viewer.received).not.toContain("update");
      clock.advance(1);
      const { participants } = await viewer.take("update");
      expect(participants[0]!.tracks.map(({ sid }) => sid)).toEqual(sids);
      expect(firedIn(server, id)).toEqual(["late-update join"]);
      expect(firedIn(server, session)).toEqual(["late-update join", "late-update update"]);
      const told = sentTo(server, id);
      expect(told.indexOf("livekit-update")).toBeGreaterThan(
        told.indexOf(path === "/rtc" ? "livekit-offer" : "livekit-answer"),
      );
    });

    test("late-update hears of it at once when that heals", async () => {
      const { server, viewer, client } = await watch({ name: "late-update", when: { for: { ms: 500 } } });
      await server.clock.advance(500);
      for (const one of [viewer, client]) {
        expect((await one.take("update")).participants[0]!.tracks).toHaveLength(1);
      }
    });

    test("no-update never hears of it", async () => {
      const { server, viewer, client, others, sids, id, session } = await watch({ name: "no-update" });
      expect([others, sids.length]).toEqual([[], 1]);
      await processed(client);
      for (const one of [viewer, client]) expect(one.received).not.toContain("update");
      expect(firedIn(server, id)).toEqual(["no-update join"]);
      expect(firedIn(server, session)).toEqual(["no-update join", "no-update update"]);
    });

    test("nothing hears of it when it joins", async () => {
      const { others, sids, id, server, session } = await watch({ name: "nothing", channel: "livekit" });
      expect([others, sids.length]).toEqual([[`inference-server-${session}`], 1]);
      expect(firedIn(server, id)).toContain("nothing join");
    });
  });

  test("its moments come, each as often as it happened", async () => {
    const { server } = await run({ mode: "relay" });
    const { token } = await joinSession(server);
    const client = await enter(server, { path, token });
    const { sid } = (await client.take("join")).participant!;
    const [{ plan }] = server.sessions as [(typeof server.sessions)[0]];
    client.send(announcement);
    for (const id of [1, 2]) client.send(offer(id));
    for (const id of [1, 2]) expect((await client.take("answer")).id).toBe(id);
    client.socket.terminate();
    await until(server, () => linesOf(server, "livekit-close").length === 1);
    await (await enter(server, { path, token, ...resuming(path, sid) })).take("reconnect");
    expect(Object.fromEntries(plan.reached)).toMatchObject({
      "room-socket": 2,
      "before-join-response": 1,
      "after-join-response": 1,
      "track-published": 1,
      offer: 2,
      "before-answer": 2,
      "after-answer": 2,
      "room-socket-lost": 1,
      resume: 1,
    });
  });

  test("an open room's plan is met from its first member on, and ends with the room", async () => {
    const { server, clock } = await run();
    server.faults.add({ name: "leave", when: { at: "before-join-response:2" }, with: { closes: false } });
    const come = async (identity: string) => {
      const grants = { identity, room: "a-room", roomCreate: true };
      const rights = { canPublish: true, canSubscribe: true, canPublishData: true };
      return enter(server, { path, token: await mintToken(key, clock, { ...grants, ...rights }) });
    };
    const first = await come("first");
    await first.take("join");
    expect(server.faults.planCount).toBe(1);
    const second = await come("second");
    // One plan, one line each: both are struck when the second joins.
    for (const one of [first, second]) await one.take("leave");
    const again = await come("first");
    await again.take("join");
    await first.closed;
    for (const one of [again, second]) one.send({ case: "leave", value: {} });
    await Promise.all([again.closed, second.closed]);
    await until(server, () => server.faults.planCount === 0);
  });

  test("no-update: who is there hears of nobody, until it heals", async () => {
    const { server, clock } = await run();
    const [fault] = server.faults.add("no-update");
    const come = async (identity: string) => {
      const grants = { identity, room: "a-room", roomCreate: true };
      const rights = { canPublish: true, canSubscribe: true, canPublishData: true };
      const client = await enter(server, {
        path,
        token: await mintToken(key, clock, { ...grants, ...rights }),
      });
      const { otherParticipants } = await client.take("join");
      return { client, others: otherParticipants.map(({ identity }) => identity) };
    };
    const first = await come("first");
    const second = await come("second");
    await processed(first.client);
    expect(second.others).toEqual([]);
    expect(first.client.received).not.toContain("update");
    expect(fault!.fired).toBe(2);
    fault!.heal();
    const third = await come("third");
    expect(third.others.toSorted()).toEqual(["first", "second"]);
    for (const { client } of [first, second]) {
      const { participants } = await client.take("update");
      expect(participants.map(({ identity }) => identity)).toEqual(["third"]);
    }
  });

  test("two rooms whose names begin alike have a plan each", async () => {
    const { server, clock } = await run();
    const rights = { canPublish: true, canSubscribe: true, canPublishData: true };
    const clients: SignalClient[] = [];
    for (const end of ["one", "other"]) {
      const grants = { identity: end, room: `${"a-long-name-".repeat(4)}${end}`, roomCreate: true };
      const client = await enter(server, {
        path,
        token: await mintToken(key, clock, { ...grants, ...rights }),
      });
      await client.take("join");
      clients.push(client);
    }
    expect(server.faults.planCount).toBe(2);
    const [fault] = server.faults.add({ name: "no-track-published" });
    for (const client of clients) {
      client.send(announcement);
      await processed(client);
      expect(client.received).not.toContain("trackPublished");
    }
    expect(fault!.fired).toBe(2);
    fault!.heal();
    for (const client of clients) await client.take("trackPublished");
  });

  test("who takes a viewer's place has a plan of its own, which ends when it leaves", async () => {
    const { server } = await run();
    const { session, control } = await joinSession(server, {
      name: "drop",
      channel: "livekit",
      only: "pongResp",
    });
    const token = await viewerToken(server, session);
    for (let times = 0; times < 2; times++) {
      const viewer = await enter(server, { path, token });
      const { identity } = (await viewer.take("join")).participant!;
      const before = firedIn(server, identity).length;
      viewer.send({ case: "pingReq", value: { timestamp: 1n } });
      await until(server, () => firedIn(server, identity).length > before);
      expect(server.faults.planCount).toBe(2);
    }
    control.socket.close(1000);
    await until(server, () => server.faults.planCount === 0);
  });
});
