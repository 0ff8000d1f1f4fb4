/** A track that a participant publishes: announced by `addTrack`, placed in a section by a later offer, heard packet by packet. */
import type { CodecName } from "../media/codec-name.ts";
import { forwardTo, type Listener, type PublishedTrack } from "./room.ts";
import {
  type AddTrackRequest,
  SimulcastCodecInfo,
  TrackInfo,
  TrackType,
  type VideoLayer,
} from "./signal-wire.ts";

export type Publication = PublishedTrack & {
  /** The id the client knows it by. */
  readonly cid: string;
  readonly info: TrackInfo;
  /** The section it is sent in, once an offer has said so. */
  readonly mid: string | null;
  /** Where its packets go in. */
  readonly receive: Listener;
  /** `offered`: codecs the client can send there. */
  placeIn(mid: string, offered: readonly CodecName[], requestKey: () => void): void;
  /** Nobody hears it any more. */
  end(): void;
};

/** Characters of a name, items of a list: some four times what browsers send (measured), and what everybody in the room is told. */
const max = { characters: 256, items: 8 };

/** Why a track cannot be published as it is announced, as the end of a sentence; `null` when it can. */
export function whyUnfit(request: AddTrackRequest): string | null {
  const { cid, name, stream, layers, simulcastCodecs, packetTrailerFeatures } = request;
  const lists = Object.entries({ layers, simulcastCodecs, packetTrailerFeatures });
  const longList = lists.find(([, items]) => items.length > max.items);
  if (longList) return `it has ${longList[1].length} ${longList[0]}; at most ${max.items} are taken`;
  const texts: [string, string][] = [
    ...Object.entries({ cid, name, stream }),
    ...layers.map(({ rid }): [string, string] => ["rid", rid]),
  ];
  const longText = texts.find(([, text]) => text.length > max.characters);
  if (!longText) return null;
  return `its ${longText[0]} has ${longText[1].length} characters; at most ${max.characters} are taken`;
}

/** Clients list their layers in either direction (measured). */
function largestFirst(one: VideoLayer, other: VideoLayer): number {
  return other.width - one.width || other.quality - one.quality;
}

export function createPublication(sid: string, request: AddTrackRequest): Publication {
  const listeners = new Set<Listener>();
  const kind = request.type === TrackType.AUDIO ? "audio" : "video";
  let mid: string | null = null;
  let codec: CodecName | null = null;
  let askSender = () => {};
  const info = new TrackInfo({
    sid,
    type: request.type,
    name: request.name,
    muted: request.muted,
    width: request.width,
    height: request.height,
    source: request.source,
    // One layer of a simulcast is taken; what is left is no simulcast.
    layers: [...request.layers].sort(largestFirst).slice(0, 1),
    stream: request.stream,
    packetTrailerFeatures: request.packetTrailerFeatures,
    mimeType: kind === "audio" ? "audio/opus" : "",
  });

  return {
    sid,
    cid: request.cid,
    kind,
    info,
    get mid() {
      return mid;
    },
    get codec() {
      return codec;
    },
    infoFor: () => info,
    receive: {
      video(packet, colorSpace) {
        for (const listener of listeners) listener.video(packet, colorSpace);
      },
      audio(payload, timestamp, marker) {
        for (const listener of listeners) listener.audio(payload, timestamp, marker);
      },
    },
    placeIn(place, offered, requestKey) {
      mid = place;
      askSender = requestKey;
      if (kind === "audio") return;
      // A browser sends what the answer names first, so that this is where the app's choice takes effect.
      // The first that is named is the app's, the next a spare.
      const asked = request.simulcastCodecs[0]?.codec.toLowerCase();
      codec = offered.find((name) => name === asked) ?? offered[0] ?? null;
      info.mid = place;
      info.mimeType = `video/${codec}`;
      info.codecs = [
        new SimulcastCodecInfo({
          mimeType: info.mimeType,
          mid: place,
          cid: request.cid,
          layers: info.layers,
        }),
      ];
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribe(output) {
      const listener = forwardTo(output);
      listeners.add(listener);
      askSender();
      return () => listeners.delete(listener);
    },
    requestKey: () => askSender(),
    // A forwarded stream has one rate for all; its sender finds it by its own feedback.
    estimate() {},
    end: () => listeners.clear(),
  };
}
