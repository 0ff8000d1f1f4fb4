import { expect, test } from "vitest";
import { createRoom, forwardTo, type Member } from "./room.ts";
import { DisconnectReason } from "./signal-wire.ts";

type Told = Member & { readonly log: string[] };

/** Writes down what it is told. */
function member(identity: string, room?: () => { leave(member: Member): void }): Told {
  const log: string[] = [];
  const told: Told = {
    identity,
    sid: `PA_${identity}`,
    tracks: new Map(),
    log,
    infoFor: () => {
      throw new Error("Not asked for here.");
    },
    allows: () => true,
    noticed: (other, gone) => void log.push(`${gone ? "without" : "with"} ${other.identity}`),
    receiveData: (label, bytes) => void log.push(`${label} ${Buffer.from(bytes)}`),
    dismiss(reason) {
      log.push(DisconnectReason[reason]!);
      room?.().leave(told);
    },
  };
  return told;
}

function openRoom(sees: (member: Member, other: Member) => boolean = () => true) {
  let emptied = 0;
  const room = createRoom("a-room", "RM_1", { sees, emptied: () => void emptied++ });
  return { room, emptiedCount: () => emptied };
}

test("who enters, changes and leaves is noticed by all others, and not by itself", () => {
  const { room, emptiedCount } = openRoom();
  const [first, second] = [member("first"), member("second")];
  room.enter(first);
  room.enter(second);
  room.changed(second);
  room.changed(first);
  room.leave(second);
  expect(first.log).toEqual(["with second", "with second", "without second"]);
  expect(second.log).toEqual(["with first"]);
  expect(room.seenBy(first)).toEqual([]);
  expect(emptiedCount()).toBe(0);
  room.leave(first);
  room.leave(first);
  expect(emptiedCount()).toBe(1);
  expect(room.members.size).toBe(0);
});

test("who is not seen is not noticed, listed or heard", () => {
  const { room } = openRoom((_member, other) => other.identity === "model");
  const [model, client, viewer] = [member("model"), member("client"), member("viewer")];
  for (const each of [model, client, viewer]) room.enter(each);
  room.changed(client);
  room.changed(model);
  room.sendData(client, "_reliable", Buffer.from("from client"), []);
  room.sendData(model, "_reliable", Buffer.from("from model"), []);
  room.leave(viewer);
  expect(room.seenBy(client)).toEqual([model]);
  expect(room.seenBy(model)).toEqual([]);
  expect(model.log).toEqual([]);
  expect(client.log).toEqual(["with model", "_reliable from model"]);
  expect(viewer.log).toEqual(["with model", "_reliable from model"]);
});

test("data goes to whom it is for, or to everybody, and never back", () => {
  const { room } = openRoom();
  const [first, second, third] = [member("first"), member("second"), member("third")];
  for (const each of [first, second, third]) room.enter(each);
  for (const { log } of [first, second, third]) log.splice(0);
  room.sendData(first, "_lossy", Buffer.from("all"), []);
  room.sendData(first, "_reliable", Buffer.from("some"), ["second", "first", "nobody"]);
  expect([first.log, second.log, third.log]).toEqual([[], ["_lossy all", "_reliable some"], ["_lossy all"]]);
});

test("one who came under the name of another is not taken out when the other leaves late", () => {
  const { room, emptiedCount } = openRoom();
  const [old, next] = [member("same"), member("same")];
  room.enter(old);
  room.enter(next);
  room.leave(old);
  expect(room.members.get("same")).toBe(next);
  expect(emptiedCount()).toBe(0);
});

test("a room that closes dismisses each once, and is empty", () => {
  const { room, emptiedCount } = openRoom();
  const members = ["first", "second"].map((identity) => member(identity, () => room));
  for (const each of members) room.enter(each);
  for (const { log } of members) log.splice(0);
  room.close(DisconnectReason.ROOM_DELETED);
  room.close(DisconnectReason.ROOM_DELETED);
  expect(members.map(({ log }) => log)).toEqual([["ROOM_DELETED"], ["without first", "ROOM_DELETED"]]);
  expect(room.members.size).toBe(0);
  expect(emptiedCount()).toBe(1);
});

test("what is forwarded is what came, padding left out", () => {
  const sent: unknown[] = [];
  const { video, audio } = forwardTo({
    sendVideo: (...what) => void sent.push(what),
    sendAudio: (...what) => void sent.push(what),
  });
  const packet = { sequenceNumber: 7, timestamp: 90_000, marker: true, receivedMs: 1 };
  const [payload, colours, sound] = [Buffer.of(1, 2), Buffer.of(9), Buffer.of(3)];
  video({ ...packet, payload }, colours);
  video({ ...packet, payload: Buffer.alloc(0) }, null);
  audio(sound, 960, false);
  expect(sent).toEqual([
    [[payload], 90_000, true, colours],
    [sound, 960, false],
  ]);
});
