import {
  AddTrackRequest,
  PacketTrailerFeature,
  SimulcastCodec,
  TrackSource,
  TrackType,
  VideoLayer,
  VideoQuality,
} from "@livekit/protocol";
import { expect, test } from "vitest";
import type { CodecName } from "../media/codec-name.ts";
import type { Output } from "../media/pipeline.ts";
import { createPublication } from "./publication.ts";
import type { Listener, Member } from "./room.ts";

const somebody = {} as Member;
const packet = { sequenceNumber: 1, timestamp: 2, marker: true, receivedMs: 3, payload: Buffer.of(1) };
const browsers: CodecName[] = ["vp8", "vp9", "h264"];

function camera(some: ConstructorParameters<typeof AddTrackRequest>[0] = {}) {
  const request = {
    cid: "camera",
    type: TrackType.VIDEO,
    source: TrackSource.CAMERA,
    width: 640,
    height: 360,
    ...some,
  };
  return createPublication("TR_1", new AddTrackRequest(request));
}

/** Counts what it is given. */
function count(): { output: Output; listener: Listener; video: number; audio: number } {
  const counted = {
    video: 0,
    audio: 0,
    output: { sendVideo: () => void counted.video++, sendAudio: () => void counted.audio++ },
    listener: { video: () => void counted.video++, audio: () => void counted.audio++ },
  };
  return counted;
}

test("what is announced is what others are told, with one layer of a simulcast and features as they are", () => {
  const layers = [640, 1280].map((width) => new VideoLayer({ width, height: width / 2 }));
  const track = camera({
    name: "my camera",
    muted: true,
    layers,
    packetTrailerFeatures: [PacketTrailerFeature.PTF_USER_TIMESTAMP],
  });
  expect(track).toMatchObject({ sid: "TR_1", cid: "camera", kind: "video", codec: null, mid: null });
  expect(track.infoFor(somebody).toJson()).toEqual({
    sid: "TR_1",
    type: "VIDEO",
    name: "my camera",
    muted: true,
    width: 640,
    height: 360,
    source: "CAMERA",
    layers: [{ width: 1280, height: 640 }],
    packetTrailerFeatures: ["PTF_USER_TIMESTAMP"],
  });
});

const { LOW, MEDIUM, HIGH } = VideoQuality;

test.each<
  [string, ConstructorParameters<typeof VideoLayer>[0][], ConstructorParameters<typeof VideoLayer>[0][]]
>([
  ["the last, a browser's", [{ width: 320 }, { width: 640 }, { width: 1280 }], [{ width: 1280 }]],
  ["the first, a native client's", [{ width: 1280 }, { width: 640 }, { width: 320 }], [{ width: 1280 }]],
  [
    "the better of equal size",
    [{ quality: HIGH }, { quality: LOW }, { quality: MEDIUM }],
    [{ quality: HIGH }],
  ],
  ["the only one", [{ width: 640 }], [{ width: 640 }]],
  ["none", [], []],
])("of the layers announced, %s is told of", (_name, layers, told) => {
  const track = camera({ layers: layers.map((layer) => new VideoLayer(layer)) });
  expect(track.infoFor(somebody).layers).toEqual(told.map((layer) => new VideoLayer(layer)));
});

test.each<[string, string[], CodecName[], CodecName]>([
  ["the first that its app asks for", ["h264", "vp8"], browsers, "h264"],
  ["in any case of letters", ["VP9"], browsers, "vp9"],
  ["the section's first where the app's is not offered", ["h264"], ["vp9", "vp8"], "vp9"],
  ["the section's first where the app asks for none", [], ["h264", "vp8"], "h264"],
  ["the section's first where nobody has the app's", ["av1"], browsers, "vp8"],
])("its codec is %s", (_name, asked, offered, codec) => {
  const track = camera({
    simulcastCodecs: asked.map((name) => new SimulcastCodec({ codec: name, cid: "camera" })),
  });
  track.placeIn("3", offered, () => {});
  expect(track).toMatchObject({ codec, mid: "3" });
  expect(track.infoFor(somebody)).toMatchObject({
    mid: "3",
    mimeType: `video/${codec}`,
    codecs: [{ mimeType: `video/${codec}`, mid: "3", cid: "camera" }],
  });
});

test("sound is Opus and has no codec to choose", () => {
  const track = createPublication("TR_2", new AddTrackRequest({ cid: "microphone", type: TrackType.AUDIO }));
  track.placeIn("1", [], () => {});
  expect(track).toMatchObject({ kind: "audio", codec: null, mid: "1" });
  expect(track.infoFor(somebody).mimeType).toBe("audio/opus");
});

test("packets go to everybody who listens or subscribes, until they stop or it ends", () => {
  const track = camera();
  const [listener, subscriber] = [count(), count()];
  track.receive.video(packet, null);
  const stopListening = track.listen(listener.listener);
  const stopWatching = track.subscribe(subscriber.output, somebody);
  track.receive.video(packet, null);
  track.receive.audio(Buffer.of(1), 0, false);
  expect([listener, subscriber]).toMatchObject([
    { video: 1, audio: 1 },
    { video: 1, audio: 1 },
  ]);
  stopListening();
  stopListening();
  track.receive.video(packet, null);
  stopWatching();
  track.receive.video(packet, null);
  expect([listener.video, subscriber.video]).toEqual([1, 2]);
  track.listen(listener.listener);
  track.subscribe(subscriber.output, somebody);
  track.end();
  track.receive.video(packet, null);
  expect([listener.video, subscriber.video]).toEqual([1, 2]);
});

test("a new subscriber, and whoever asks, has the sender asked for a key picture, where it is sent by now", () => {
  const track = camera();
  const asked: string[] = [];
  track.requestKey();
  track.placeIn("0", browsers, () => void asked.push("0"));
  track.subscribe(count().output, somebody);
  track.requestKey();
  track.placeIn("1", browsers, () => void asked.push("1"));
  track.requestKey();
  expect(asked).toEqual(["0", "0", "1"]);
});
