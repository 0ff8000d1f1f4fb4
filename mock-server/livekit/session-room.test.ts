import { AddTrackRequest, TrackSource, TrackType } from "@livekit/protocol";
import { expect, test } from "vitest";
import type { ServerContext } from "../context.ts";
import { createDice } from "../dice.ts";
import { emptyPlan } from "../faults/_plans.ts";
import { declareFaults } from "../faults/declare.ts";
import { noKeyFaults } from "../faults/desk.ts";
import { faults } from "../faults/index.ts";
import { picturesAwaited } from "../media/first-pictures.ts";
import type { Output } from "../media/pipeline.ts";
import type { Session } from "../session.ts";
import type { Grants } from "./access-token.ts";
import { createPublication } from "./publication.ts";
import type { Member } from "./room.ts";
import type { Welcome } from "./rooms.ts";
import { createSessionRoom } from "./session-room.ts";

const packet = { sequenceNumber: 1, timestamp: 2, marker: true, receivedMs: 3, payload: Buffer.of(1) };
const nobody = {} as Member;

/** A room of a session that only notes what it is told. */
function open({ frameTiming = false, plan = emptyPlan() } = {}) {
  const told: string[] = [];
  const session = {
    id: "s1",
    dice: createDice("session-room"),
    plan,
    keyFaults: noKeyFaults,
    connected: () => told.push("connected"),
    generate: () => told.push("generate"),
    disconnected: () => told.push("disconnected"),
    openMedia: (codec: string) => {
      told.push(`media in ${codec}`);
      return {
        codec,
        receiveVideo: () => told.push("packet"),
        add: () => () => {},
        requestKey() {},
        estimate() {},
      };
    },
    addViewer: () => () => {},
  } as unknown as Session;
  const context = {
    options: { mode: "transcode" },
    viewerCounts: new Map(),
  } as unknown as ServerContext;
  const hosted = createSessionRoom(context, session, { frameTiming, complain() {} });
  const grants = { identity: hosted.clientIdentity } as Grants;
  const { events } = hosted.welcome(grants) as Welcome;
  const [model] = hosted.room.seenBy(nobody);
  return { hosted, told, events, model: model!, context };
}

function camera(sid = "TR_1") {
  const request = { cid: sid, type: TrackType.VIDEO, source: TrackSource.CAMERA, width: 640, height: 360 };
  const track = createPublication(sid, new AddTrackRequest(request));
  track.placeIn("7", ["vp8"], () => {});
  return track;
}

test("the session is connected by the camera's first packet, generates after some pictures, and after a loss does both again", () => {
  const { told, events } = open();
  const track = camera();
  const sendPictures = (count: number) => {
    for (let n = 0; n < count; n++) {
      track.receive.video({ ...packet, marker: false }, null);
      track.receive.video(packet, null);
    }
  };
  const notPackets = () => told.filter((line) => line !== "packet");
  events.published(track);
  events.connected();
  expect(notPackets()).toEqual(["media in vp8"]);
  sendPictures(picturesAwaited - 1);
  expect(notPackets()).toEqual(["media in vp8", "connected"]);
  sendPictures(picturesAwaited + 1);
  expect(notPackets()).toEqual(["media in vp8", "connected", "generate"]);
  events.lost();
  events.connected();
  expect(notPackets().slice(3)).toEqual(["disconnected"]);
  sendPictures(picturesAwaited - 1);
  expect(notPackets().slice(3)).toEqual(["disconnected", "connected"]);
  sendPictures(1);
  expect(notPackets().slice(3)).toEqual(["disconnected", "connected", "generate"]);
});

test("a camera published anew gets a track of its own, in place of the one before", () => {
  const { events, model, told } = open();
  events.published(camera("TR_1"));
  const [before] = model.tracks.keys();
  events.published(camera("TR_2"));
  expect(model.tracks.size).toBe(1);
  expect([...model.tracks.keys()]).not.toContain(before);
  expect(told).toEqual(["media in vp8", "media in vp8"]);
});

test.each([
  { frameTiming: true, identity: "client-s1", features: ["PTF_USER_TIMESTAMP"] },
  { frameTiming: true, identity: "viewer-1", features: undefined },
  { frameTiming: false, identity: "client-s1", features: undefined },
])(
  "trailers are told to whom they are sent: $identity, asked for: $frameTiming",
  ({ frameTiming, identity, features }) => {
    const { events, model } = open({ frameTiming });
    events.published(camera());
    const { tracks } = model.infoFor({ identity } as Member).toJson() as {
      tracks: Record<string, unknown>[];
    };
    expect(tracks).toHaveLength(1);
    expect(tracks[0]!.packetTrailerFeatures).toEqual(features);
  },
);

test("a viewer takes a place, and gives it back when it leaves; others in the room are not to be seen", () => {
  const { hosted, context } = open();
  const { events } = hosted.welcome({ identity: "viewer-1" } as Grants) as Welcome;
  expect(context.viewerCounts.get("s1")).toBe(1);
  events.left();
  expect(context.viewerCounts.get("s1")).toBeUndefined();
  expect(hosted.room.seenBy(nobody).map(({ identity }) => identity)).toEqual(["inference-server-s1"]);
});

test("sound comes back to everybody as faults of the session's leave it, and to nobody once it is replaced", () => {
  const plan = emptyPlan();
  const { events, model } = open({ plan });
  const microphone = (sid: string) =>
    createPublication(sid, new AddTrackRequest({ cid: sid, type: TrackType.AUDIO }));
  const sent: string[] = [];
  const outputOf = (who: string) =>
    ({
      sendAudio: (_payload: Buffer, timestamp: number) => sent.push(`${who} ${timestamp}`),
    }) as unknown as Output;
  const first = microphone("TR_1");
  events.published(first);
  const [echoed] = [...model.tracks.values()];
  const stops = ["client", "viewer"].map((who) => echoed!.subscribe(outputOf(who), nobody));
  const say = (timestamp: number) => first.receive.audio(Buffer.of(1), timestamp, false);
  say(1);
  plan.add(declareFaults({ name: "timestamp-jump", with: { bySeconds: 1 } }, { faults, mode: "relay" }));
  say(2);
  plan.heal("f1");
  stops[1]!();
  say(3);
  expect(sent).toEqual(["client 1", "viewer 1", "client 48002", "viewer 48002", "client 3"]);
  events.published(microphone("TR_2"));
  say(4);
  expect(sent).toHaveLength(5);
});
