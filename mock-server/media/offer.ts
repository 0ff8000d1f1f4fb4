/**
 * A client's SDP offer, cut down to what this server speaks before werift sees it: one video codec (the client's first
 * preference that we have), Opus, the feedback and header extensions we answer. What is cut cannot be half-negotiated.
 */
import { isIP } from "node:net";
import { SDP_BYTES_MAX } from "../../protocol/index.ts";
import { type CodecName, codecNames } from "./codec-name.ts";

/** One `m=` section, as the client sees it. */
export type Section = {
  readonly mid: string;
  readonly kind: "audio" | "video" | "application";
  /** Whether the client sends media here, and whether it takes any. */
  readonly sends: boolean;
  readonly receives: boolean;
  /** Of video, once the offer is cut. */
  readonly codec: CodecName | null;
  /** Of video: those of ours that the client offers, in its order. */
  readonly codecs: readonly CodecName[];
  /** The id that the client's track has in its own page. */
  readonly trackId: string | null;
};

export type Offer = {
  readonly sdp: string;
  /** Without those that are stopped. */
  readonly sections: readonly Section[];
  /** Same for all offers of one RTCPeerConnection, different for two (the session id of the `o=` line). */
  readonly originId: string;
  /** `null` where the offer has no video section, or only stopped ones. */
  readonly codec: CodecName | null;
  /** `x-google-start-bitrate` of that codec. */
  readonly startBitsPerSecond: number | null;
  /** Whether the client sends video, or only watches. */
  readonly sendsVideo: boolean;
  readonly hasAudio: boolean;
};

/** An offer that cannot be answered; the message is a sentence for the client. */
export class OfferError extends Error {}

export const playoutDelayUri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
export const absoluteSendTimeUri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
/** https://webrtc.googlesource.com/src/+/main/docs/native-code/rtp-hdrext/color-space/README.md */
export const colorSpaceUri = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
export const midUri = "urn:ietf:params:rtp-hdrext:sdes:mid";
/** Which layer of a simulcast a packet belongs to (https://www.rfc-editor.org/rfc/rfc8852). */
export const ridUri = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
/** The last one everywhere: Chromium offers no simulcast on a connection whose first answer was without it (measured). */
const extensionUris = [midUri, absoluteSendTimeUri, playoutDelayUri, colorSpaceUri, ridUri];

/**
 * No transport-cc: with it Chromium's estimate does not grow against werift (measured). No RTX: a retransmission travels on
 * the stream it belongs to.
 */
const feedback = ["nack", "nack pli", "ccm fir", "goog-remb"];

/** Sections in one offer: direct clients make two, LiveKit's nine. Each is a transceiver for good. */
const sectionCountMax = 32;
/** In one offer, and at one end of a connection. A browser has some 10 for each of its networks; each is tried with each of ours. */
export const candidateCountMax = 64;
/** There are 128 RTP payload types. What is listed beyond them costs time and means nothing. */
const payloadTypeCountMax = 128;

/** Which codecs a video section may have, given what was chosen for the first one of the offer. */
export type CodecRule = (section: Omit<Section, "codec">, first: CodecName | null) => readonly CodecName[];

/** A direct client has one video stream each way, in one codec. */
const oneForAll: CodecRule = (_section, first) => (first ? [first] : codecNames);

/** @throws OfferError */
export function readOffer(sdp: string, allowed: CodecRule = oneForAll): Offer {
  const byteLength = Buffer.byteLength(sdp);
  if (byteLength > SDP_BYTES_MAX) {
    throw new OfferError(
      `The offer has ${byteLength} bytes; at most ${SDP_BYTES_MAX} are read. A browser's has about 6000: send RTCPeerConnection's localDescription.sdp.`,
    );
  }
  const [head, ...sections] = withUsableCandidates(sdp.replaceAll("\r\n", "\n")).split(/\n(?=m=)/);
  const originId = /^o=\S+ (\S+)/m.exec(head ?? "")?.[1];
  if (!sdp.startsWith("v=0") || !originId || sections.length === 0) {
    throw new OfferError(
      "The offer is not SDP: it should start with v=0 and have an o= line and at least one m= section. Send RTCPeerConnection's localDescription.sdp.",
    );
  }
  if (sections.length > sectionCountMax) {
    throw new OfferError(
      `The offer has ${sections.length} m= sections; at most ${sectionCountMax} are answered. Send one for video and one for audio.`,
    );
  }
  let codec: CodecName | null = null;
  let startBitsPerSecond: number | null = null;
  const read: Section[] = [];
  const cut = sections.map((section, index) => {
    if (isStopped(section)) return keep(section, order(section).slice(0, 1));
    const about = readSection(section, index);
    if (about.kind !== "video") {
      read.push({ ...about, codec: null });
      if (about.kind === "application") return section;
      const [opus] = payloadTypes(section, "opus");
      return keep(section, opus ? [opus] : order(section));
    }
    const chosen = choose(section, allowed(about, codec));
    codec ??= chosen.codec;
    startBitsPerSecond ??= chosen.startBitsPerSecond;
    read.push({ ...about, codec: chosen.codec });
    return topLayerOnly(keep(section, [chosen.payloadType]));
  });
  return {
    sdp: `${[head, ...cut].join("\n").trimEnd().replaceAll("\n", "\r\n")}\r\n`,
    sections: read,
    originId,
    codec,
    startBitsPerSecond,
    sendsVideo: read.some(({ kind, sends }) => kind === "video" && sends),
    hasAudio: read.some(({ kind }) => kind === "audio"),
  };
}

function readSection(section: string, index: number): Omit<Section, "codec"> {
  const named = /^m=(\w+) /.exec(section)?.[1];
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)$/m.exec(section)?.[1] ?? "sendrecv";
  return {
    mid: /^a=mid:(\S+)$/m.exec(section)?.[1] ?? String(index),
    kind: named === "audio" || named === "video" ? named : "application",
    sends: direction.startsWith("send"),
    receives: direction === "sendrecv" || direction === "recvonly",
    codecs: named === "video" ? codecsOf(section) : [],
    trackId: /^a=msid:\S+ (\S+)$/m.exec(section)?.[1] ?? null,
  };
}

/** As LiveKit's clients name their layers, the largest first. A small picture has the last two (measured). */
const layerNames = ["f", "h", "q"];

/**
 * Of a simulcast, the largest layer: browsers list it last (q;h;f), native clients first (f;h;q; both measured). Asked for it alone, a
 * client encodes it alone. The section must keep its layer's name: without, a browser would send the first, the smallest.
 */
function topLayerOnly(section: string): string {
  const layers = /^a=simulcast:send (\S+)/m.exec(section)?.[1]?.split(";") ?? [];
  const names = layers.map((layer) => layer.split(",")[0]!.replace("~", ""));
  const top = layerNames.find((name) => names.includes(name)) ?? names.at(-1);
  if (!top) return section;
  return section
    .split("\n")
    .filter((line) => !line.startsWith("a=rid:") || line.startsWith(`a=rid:${top} `))
    .map((line) => (line.startsWith("a=simulcast:") ? `a=simulcast:send ${top}` : line))
    .join("\n");
}

/** Port 0: answered with port 0, whatever codecs it names (https://www.rfc-editor.org/rfc/rfc3264#section-8.2). */
function isStopped(section: string): boolean {
  return /^m=\w+ 0+[ /]/.test(section);
}

/** The first payload type, in the client's order of preference, that is one of `allowed`. */
function choose(section: string, allowed: readonly CodecName[]) {
  for (const payloadType of order(section)) {
    const codec = spokenCodec(section, payloadType);
    if (!codec || !allowed.includes(codec)) continue;
    const start = /x-google-start-bitrate=(\d+)/.exec(parametersOf(section, payloadType))?.[1];
    return { codec, payloadType, startBitsPerSecond: start ? Number(start) * 1000 : null };
  }
  const named = order(section).map((payloadType) => codecOf(section, payloadType));
  const offered = listed(named.filter((name) => name !== undefined)) || "none";
  const isSpoken = codecsOf(section).length > 0;
  const wanted = isSpoken
    ? ` This section carries ${listed(allowed)}: offer that, too.`
    : " Offer one of them.";
  throw new OfferError(
    `The offer's video codecs are ${offered}; this server speaks ${listed(codecNames)} (H264 in packetization mode 1, VP9 in profile 0).${wanted}`,
  );
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].map((name) => name.toUpperCase()).join(", ");
}

/** The codec of a payload type, in the form of it that this server speaks. */
function spokenCodec(section: string, payloadType: string): CodecName | undefined {
  const codec = codecNames.find((known) => known === codecOf(section, payloadType));
  const parameters = parametersOf(section, payloadType);
  // werift and our packetizer speak packetization mode 1; every browser offers it beside mode 0.
  if (codec === "h264" && !/packetization-mode=1/.test(parameters)) return undefined;
  // Profiles 1 to 3 of VP9 are not 8-bit 4:2:0; browsers offer profile 0 beside them.
  if (codec === "vp9" && /profile-id=[1-9]/.test(parameters)) return undefined;
  return codec;
}

function order(section: string): string[] {
  return (/^m=\w+ \S+ \S+ (.*)$/m.exec(section)?.[1] ?? "").trim().split(/\s+/).slice(0, payloadTypeCountMax);
}

function codecOf(section: string, payloadType: string): string | undefined {
  return new RegExp(`^a=rtpmap:${digits(payloadType)} ([^/\\s]+)`, "m").exec(section)?.[1]?.toLowerCase();
}

function parametersOf(section: string, payloadType: string): string {
  return new RegExp(`^a=fmtp:${digits(payloadType)} (.*)$`, "m").exec(section)?.[1] ?? "";
}

function codecsOf(section: string): CodecName[] {
  const spoken = order(section).map((payloadType) => spokenCodec(section, payloadType));
  return [...new Set(spoken)].filter((codec) => codec !== undefined);
}

function payloadTypes(section: string, name: string): string[] {
  return order(section).filter((payloadType) => codecOf(section, payloadType) === name);
}

function digits(payloadType: string): string {
  return payloadType.replace(/\D/g, "") || "none";
}

/** The section with these payload types only, without the streams, feedback and extensions that we do not use. */
function keep(section: string, kept: readonly string[]): string {
  const retransmissions = [...section.matchAll(/^a=ssrc-group:FID \d+ (\d+)/gm)].map((match) => match[1]);
  return section
    .split("\n")
    .filter((line) => {
      const numbered = /^a=(rtpmap|fmtp|rtcp-fb):(\S+) ?(.*)$/.exec(line);
      if (numbered) {
        const [, attribute, payloadType, value] = numbered;
        if (!kept.includes(payloadType!)) return false;
        // Parameters of what is mapped nowhere: werift stumbles over them (0.25.2).
        if (attribute === "fmtp" && codecOf(section, payloadType!) === undefined) return false;
        return attribute !== "rtcp-fb" || feedback.includes(value!.trim());
      }
      const extension = /^a=extmap:\S+ (\S+)/.exec(line);
      if (extension) return extensionUris.includes(extension[1]!);
      if (line.startsWith("a=ssrc-group:")) return false;
      const ssrc = /^a=ssrc:(\d+)/.exec(line);
      return !ssrc || !retransmissions.includes(ssrc[1]);
    })
    .map((line, index) => (index === 0 ? line.replace(/^(m=\w+ \S+ \S+) .*$/, `$1 ${kept.join(" ")}`) : line))
    .join("\n");
}

/** Without candidates that are hidden, or more than anybody has. */
export function withUsableCandidates(sdp: string): string {
  let count = 0;
  return sdp
    .split("\n")
    .filter((line) => {
      if (!line.startsWith("a=candidate:")) return true;
      return !isHiddenCandidate(line) && ++count <= candidateCountMax;
    })
    .join("\n");
}

/**
 * A candidate whose address is a name: a browser's mDNS candidate, or somebody's attempt. Resolving it would send queries into the
 * network; the client's first packet shows its address anyway. Read as werift reads it, which takes any name with `.local`
 * anywhere in it for mDNS and does without the word `candidate:`.
 */
export function isHiddenCandidate(candidate: string): boolean {
  const fields = candidate.split(" ", 8);
  if (fields.length < 8) return false;
  const address = fields[4]!;
  // A zone of IPv6 (fe80::1%eth0) may be a name too.
  return isIP(address) === 0 || address.includes("%");
}

/**
 * Adds Chromium's rate hints for the stream it will send to the answer: without them its estimate crawls up from 300 kbit/s.
 * Kilobits per second.
 */
export function withRateHints(answer: string, rates: { start: number; max: number }): string {
  const hints = `x-google-start-bitrate=${rates.start};x-google-max-bitrate=${rates.max}`;
  const sections = answer.split(/(?=^m=)/m);
  const hinted = sections.map((section) => {
    if (!section.startsWith("m=video") || isStopped(section)) return section;
    const [payloadType] = order(section);
    const parameters = parametersOf(section, payloadType!).trimEnd();
    if (parameters) {
      // What the client hinted at comes back in the answer; two hints of one name would leave the choice to it.
      const others = parameters.split(/;\s*/).filter((one) => !/^x-google-(start|max)-bitrate=/.test(one));
      const line = `a=fmtp:${payloadType} ${[...others, hints].join(";")}`;
      return section.replace(new RegExp(`^a=fmtp:${payloadType} .*?(\\r?)$`, "m"), `${line}$1`);
    }
    return section.replace(
      new RegExp(`^(a=rtpmap:${payloadType} .*?)(\\r?)$`, "m"),
      `$1$2\na=fmtp:${payloadType} ${hints}$2`,
    );
  });
  return hinted.join("");
}
