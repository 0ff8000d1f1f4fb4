/**
 * The kinds of items that each channel has: what `only` can name. Knows which there are, and no fault; which of them a fault spoils its place
 * says.
 */
import { CLIENT_TYPES, SERVER_TYPES } from "../../protocol/index.ts";
import type { Channel } from "./fault.ts";

/** Cases of livekit.SignalRequest and livekit.SignalResponse; a test holds them against the package that has them. */
const signalCases = [
  "join",
  "offer",
  "answer",
  "trickle",
  "update",
  "addTrack",
  "trackPublished",
  "trackUnpublished",
  "trackSubscribed",
  "mute",
  "leave",
  "reconnect",
  "ping",
  "pingReq",
  "pong",
  "pongResp",
  "subscription",
  "subscriptionResponse",
  "subscriptionPermission",
  "subscriptionPermissionUpdate",
  "subscribedQualityUpdate",
  "subscribedAudioCodecUpdate",
  "trackSetting",
  "updateLayers",
  "updateMetadata",
  "updateAudioTrack",
  "updateVideoTrack",
  "speakersChanged",
  "connectionQuality",
  "streamStateUpdate",
  "mediaSectionsRequirement",
  "syncState",
  "simulate",
  "roomUpdate",
  "roomMoved",
  "refreshToken",
  "requestResponse",
  "publishDataTrackRequest",
  "publishDataTrackResponse",
  "unpublishDataTrackRequest",
  "unpublishDataTrackResponse",
  "updateDataSubscription",
  "dataTrackSubscriberHandles",
  "storeDataBlobRequest",
  "storeDataBlobResponse",
  "getDataBlobRequest",
  "getDataBlobResponse",
];

const kindsOfChannel: Record<Channel, readonly string[]> = {
  http: ["tokens", "files", "watch-stream"],
  control: [
    ...new Set<string>([...Object.values(CLIENT_TYPES).flat(), ...Object.values(SERVER_TYPES).flat()]),
    "upgrade",
    "close",
    "malformed",
  ],
  livekit: [...signalCases, "upgrade", "validate", "resume", "close"],
  ice: ["stun", "dtls", "srtp", "description"],
  media: ["video", "audio", "picture", "encoded", "sound"],
  state: ["prompt", "set_image"],
};

/** Those that there are today. */
export function kindsOf(channel: Channel): readonly string[] {
  return kindsOfChannel[channel];
}

/** Whether others may come: messages have names that a client of tomorrow chooses; the rest is named here. */
export function isOpenEnded(channel: Channel): boolean {
  return channel === "control" || channel === "livekit";
}
