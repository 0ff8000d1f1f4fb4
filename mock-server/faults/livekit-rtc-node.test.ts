import { expect, test } from "vitest";
import { closeLater, runServer, until } from "../_running-server.ts";
import { openSocket } from "../_socket-client.ts";
import { joinRoom } from "../livekit/_rtc-client.ts";
import type { MockServer } from "../server.ts";
import type { Declaration } from "./fault.ts";
import { writeMockKey } from "./mock-key.ts";

async function openSession(server: MockServer, ...faults: Declaration[]) {
  const query = { api_key: writeMockKey(faults) };
  const control = closeLater(await openSocket(server.realtimeUrl, { query }));
  control.send({ type: "livekit_join" });
  return await control.take("livekit_room_info");
}

const linesOf = (server: MockServer, kind: string) =>
  server.journal.lines.filter((line) => line.kind === kind);

const firedIn = (server: MockServer) =>
  linesOf(server, "fault-fired").map(({ fields }) => `${fields.name} ${fields.on}`);

test("refuse-token, twice: rtc-node is told that it is unauthorized, and gets in afterwards", async () => {
  const server = await runServer({ mode: "none" });
  // At the door, and when it asks why.
  const info = await openSession(server, { name: "refuse-token", when: { times: 2 } });
  await expect(joinRoom(info)).rejects.toThrow("unauthorized: the access token is refused.");
  expect(firedIn(server)).toEqual(["refuse-token upgrade", "refuse-token validate"]);
  closeLater(await joinRoom(info));
  expect(linesOf(server, "entered-room")).toHaveLength(1);
});

test("validate-error, 404 at /rtc/v1: rtc-node takes the older path", async () => {
  const server = await runServer({ mode: "none" });
  const shut = { status: 404, path: "/rtc/v1" };
  const info = await openSession(server, { name: "validate-error", with: shut });
  closeLater(await joinRoom(info));
  // It does not ask why.
  expect(firedIn(server)).toEqual(["validate-error upgrade"]);
  expect(linesOf(server, "livekit-open").map(({ fields }) => fields.connections)).toEqual([2]);
});

test("no-join, corrupt-signal: rtc-node waits 5 s for a join it can read, comes anew, and its pictures come", async () => {
  const server = await runServer({ mode: "relay" });
  const silent = await openSession(server, { name: "no-join", when: { for: { messages: 1 } } });
  const garbled = await openSession(server, { name: "corrupt-signal", only: "join", when: { times: 1 } });
  const clients = await Promise.all([silent, garbled].map(async (info) => closeLater(await joinRoom(info))));
  for (const client of clients) await client.publishCamera();
  for (const client of clients) await client.until(() => client.pictures.length >= 5);
  expect(firedIn(server).toSorted()).toEqual(["corrupt-signal join", "no-join join"]);
  for (const { room_name: session } of [silent, garbled]) {
    const opens = linesOf(server, "livekit-open").filter((line) => line.session === session);
    expect(opens).toHaveLength(2);
  }
});

test("incomplete-join without the participant: rtc-node says what is missing; no-update: it sees nobody, until it comes again", async () => {
  const server = await runServer({ mode: "relay" });
  // It tries twice at once.
  const nobody = { name: "incomplete-join", with: { without: "participant" }, when: { times: 2 } } as const;
  const info = await openSession(server, nobody);
  await expect(joinRoom(info)).rejects.toThrow("Join response missing participant info");
  expect(firedIn(server)).toEqual(["incomplete-join join", "incomplete-join join"]);
  const [fault] = server.faults.add({ name: "no-update" });
  const alone = closeLater(await joinRoom(info));
  await alone.publishCamera();
  await server.sessions[0]!.frames(10);
  expect([alone.pictures, alone.events]).toEqual([[], []]);
  expect(firedIn(server).slice(2)).toEqual(["no-update join", "no-update update"]);
  fault!.heal();
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await client.until(() => client.pictures.length >= 5);
});

test("no-track-published: rtc-node waits until it heals; a lacking permission and an answer's wrong number are all one to it", async () => {
  const server = await runServer({ mode: "relay" });
  const info = await openSession(server, { name: "incomplete-join" }, { name: "wrong-answer-id" });
  const [fault] = server.faults.add({ name: "no-track-published" });
  const client = closeLater(await joinRoom(info));
  const publishing = client.publishCamera();
  await until(server, () => firedIn(server).includes("no-track-published trackPublished"));
  fault!.heal();
  await publishing;
  await client.until(() => client.pictures.length >= 5);
  // Its offer is what it says once it has been told.
  const kinds = ["livekit-addTrack", "fault-healed", "livekit-trackPublished", "livekit-offer"];
  const told = server.journal.lines.map(({ kind }) => kind).filter((kind) => kinds.includes(kind));
  expect(told).toEqual(kinds);
  expect(new Set(firedIn(server))).toEqual(
    new Set(["incomplete-join join", "wrong-answer-id answer", "no-track-published trackPublished"]),
  );
});

test("leave: rtc-node goes, and knows why", async () => {
  const server = await runServer({ mode: "relay" });
  const info = await openSession(server, { name: "leave", with: { reason: "PARTICIPANT_REMOVED" } });
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await client.until(() => client.events.includes("disconnected PARTICIPANT_REMOVED"));
  expect(firedIn(server)).toEqual(["leave strike"]);
  expect(linesOf(server, "livekit-leave")[0]!.fields).toMatchObject({ reason: "PARTICIPANT_REMOVED" });
});

test("refuse-resume: rtc-node joins anew, and its pictures come back", async () => {
  const server = await runServer({ mode: "relay" });
  const drop = { name: "drop-socket", channel: "livekit", when: { at: "first-frame" } } as const;
  const info = await openSession(server, drop, { name: "refuse-resume" });
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await until(server, () => linesOf(server, "track-published").length === 2);
  const count = client.pictures.length;
  await client.until(() => client.pictures.length >= count + 10);
  expect(firedIn(server)).toEqual(["drop-socket strike", "refuse-resume resume"]);
  expect(linesOf(server, "livekit-leave")[0]!.fields).toMatchObject({ action: "RECONNECT" });
  expect(server.sessions).toHaveLength(1);
});

test("no-pong: rtc-node resumes, and its pictures go on", async () => {
  const server = await runServer({ mode: "relay" });
  const info = await openSession(server);
  const [fault] = server.faults.add({ name: "no-pong", with: { timeoutSeconds: 2 } });
  const client = closeLater(await joinRoom(info));
  await client.publishCamera();
  await until(server, () => linesOf(server, "resumed").length === 1);
  expect(new Set(firedIn(server))).toEqual(new Set(["no-pong pongResp"]));
  fault!.heal();
  const count = client.pictures.length;
  await client.until(() => client.pictures.length >= count + 10);
  expect(client.events.filter((event) => event.startsWith("disconnected"))).toEqual([]);
});
