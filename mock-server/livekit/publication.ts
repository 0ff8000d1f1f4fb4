/** A track that a participant publishes: announced by `addTrack`, placed in a section by a later offer, heard packet by packet. */
import type { CodecName } from "../media/codec-name.ts";
import { forwardTo, type Listener, type PublishedTrack } from "./room.ts";
import { type AddTrackRequest, SimulcastCodecInfo, TrackInfo, TrackType } from "./signal-wire.ts";

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
    layers: request.layers.slice(-1),
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
