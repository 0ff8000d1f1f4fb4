import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createDice } from "../dice.ts";
import { isHiddenCandidate, OfferError, readOffer, withRateHints } from "./offer.ts";

/**
 * `chromium-*`: what @decartai/sdk 0.0.46 sent from Chromium 156, as captured. `aiortc-whole`: written by hand after what aiortc
 * sends, which gathers first and never trickles.
 */
function offerText(name: string): string {
  return readFileSync(new URL(`offers/${name}.sdp`, import.meta.url), "utf8");
}

const lines = (sdp: string) => sdp.split("\r\n");

const good = [
  {
    name: "chromium-vp8",
    codec: "vp8",
    startBitsPerSecond: 600_000,
    sendsVideo: true,
    hasAudio: true,
    originId: "6333273905748462526",
    kept: ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 96"],
  },
  {
    name: "chromium-h264",
    codec: "h264",
    startBitsPerSecond: null,
    sendsVideo: true,
    hasAudio: false,
    originId: "2039150334520703991",
    kept: ["m=video 9 UDP/TLS/RTP/SAVPF 102"],
  },
  {
    name: "chromium-viewer",
    codec: "vp8",
    startBitsPerSecond: null,
    sendsVideo: false,
    hasAudio: true,
    originId: "5373846592394459334",
    kept: ["m=video 9 UDP/TLS/RTP/SAVPF 96", "m=audio 9 UDP/TLS/RTP/SAVPF 111"],
  },
  {
    name: "aiortc-whole",
    codec: "vp8",
    startBitsPerSecond: null,
    sendsVideo: true,
    hasAudio: true,
    originId: "3976000000",
    kept: ["m=audio 50010 UDP/TLS/RTP/SAVPF 96", "m=video 50010 UDP/TLS/RTP/SAVPF 97"],
  },
] as const;

describe.each(good)("$name", ({ name, kept, ...expected }) => {
  const offer = readOffer(offerText(name));
  const { sdp, sections: _, ...rest } = offer;

  test("is read", () => expect(rest).toEqual(expected));

  test("keeps one codec a section", () => {
    expect(lines(sdp).filter((line) => line.startsWith("m="))).toEqual(kept);
    const payloadTypes = kept.map((line) => line.split(" ").at(-1));
    const numbered = [...sdp.matchAll(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/gm)].map((match) => match[1]);
    expect(new Set(numbered)).toEqual(new Set(payloadTypes));
  });

  test("loses what cannot be half-negotiated", () => {
    expect(sdp).not.toMatch(/transport-cc|transport-wide-cc/);
    expect(sdp).not.toMatch(/rtx|apt=|ssrc-group|red\/|ulpfec|AV1/);
    expect(sdp).not.toMatch(/\.local/);
    for (const retransmission of offerText(name).matchAll(/ssrc-group:FID \d+ (\d+)/g)) {
      expect(sdp).not.toContain(retransmission[1]);
    }
  });

  test("keeps what connects it: credentials, fingerprints, mids, streams, reachable candidates", () => {
    const connecting =
      /^a=(ice-ufrag|ice-pwd|fingerprint|setup|mid|msid|rtcp-mux|group|end-of-candidates|candidate)/;
    const before = lines(offerText(name)).filter((line) => connecting.test(line));
    expect(lines(sdp).filter((line) => connecting.test(line))).toEqual(before);
    expect(sdp.endsWith("\r\n")).toBe(true);
    expect(sdp.replaceAll("\r\n", "")).not.toContain("\n");
  });

  test("is the same with bare line feeds, and read again", () => {
    expect(readOffer(offerText(name).replaceAll("\r\n", "\n"))).toEqual(offer);
    const again = readOffer(sdp);
    // What was cut is not offered any more.
    const sections = offer.sections.map((section) => ({
      ...section,
      codecs: section.codec ? [section.codec] : [],
    }));
    expect(again).toEqual({ ...offer, sections });
  });
});

/** An offer of one video section. */
function videoOffer(payloadTypes: string, ...attributes: string[]): string {
  return [
    "v=0",
    "o=- 1 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `m=video 9 UDP/TLS/RTP/SAVPF ${payloadTypes}`,
    "c=IN IP4 0.0.0.0",
    "a=mid:0",
    ...attributes.map((line) => `a=${line}`),
    "",
  ].join("\r\n");
}

const mode0 = "fmtp:97 packetization-mode=0;profile-level-id=42e01f";
const mode1 = "fmtp:98 packetization-mode=1;profile-level-id=42e01f";

test.each([
  ["the client's first preference", videoOffer("97 96", "rtpmap:96 VP8/90000", "rtpmap:97 VP9/90000"), "vp9"],
  ["names in any case", videoOffer("96", "rtpmap:96 vp8/90000"), "vp8"],
  ["past AV1", videoOffer("45 96", "rtpmap:45 AV1/90000", "rtpmap:96 VP8/90000"), "vp8"],
  [
    "past H264 of mode 0",
    videoOffer("97 98", "rtpmap:97 H264/90000", mode0, "rtpmap:98 H264/90000", mode1),
    "h264",
  ],
  [
    "past H264 of no mode, which is 0",
    videoOffer("97 96", "rtpmap:97 H264/90000", "rtpmap:96 VP8/90000"),
    "vp8",
  ],
  [
    "past VP9 of more bits",
    videoOffer("97 96", "rtpmap:97 VP9/90000", "fmtp:97 profile-id=2", "rtpmap:96 VP8/90000"),
    "vp8",
  ],
  ["a payload type that is mapped nowhere", videoOffer("95 96", "rtpmap:96 VP8/90000"), "vp8"],
])("chooses %s", (_name, sdp, codec) => {
  expect(readOffer(sdp).codec).toBe(codec);
});

test.each([
  ["sendrecv", true],
  ["sendonly", true],
  ["recvonly", false],
  ["inactive", false],
])("a=%s sends video: %s", (direction, sendsVideo) => {
  expect(readOffer(videoOffer("96", direction, "rtpmap:96 VP8/90000")).sendsVideo).toBe(sendsVideo);
});

test("a viewer gets the publisher's codec, wherever it stands in its offer, or a sentence", () => {
  expect(readOffer(offerText("chromium-viewer"), () => ["h264"])).toMatchObject({ codec: "h264" });
  const vp8Only = videoOffer("96", "rtpmap:96 VP8/90000");
  expect(() => readOffer(vp8Only, () => ["h264"])).toThrow("This section carries H264: offer that, too.");
});

test.each([
  ["H264 of mode 0", "rtpmap:97 H264/90000", mode0],
  ["VP9 of more bits", "rtpmap:97 VP9/90000", "fmtp:97 profile-id=2"],
])("%s is not among the codecs of a section", (_name, ...other) => {
  const { sections } = readOffer(videoOffer("97 96", ...other, "rtpmap:96 VP8/90000"));
  expect(sections[0]?.codecs).toEqual(["vp8"]);
  const ofThose = () => readOffer(videoOffer("97", ...other), ({ codecs }) => codecs);
  expect(ofThose).toThrow("this server speaks VP8, VP9, H264 (");
});

test("of candidates 64 are kept, in all sections together", () => {
  const many = Array.from({ length: 5000 }, (_, at) => `candidate:${at} 1 udp 1 10.0.0.1 ${at + 1} typ host`);
  const section = videoOffer("96", "rtpmap:96 VP8/90000", ...many.slice(0, 60));
  const second = section.slice(section.indexOf("m="));
  const kept = readOffer(section + second).sdp.match(/^a=candidate:.*$/gm);
  const first = many.slice(0, 60).map((candidate) => `a=${candidate}`);
  expect(kept).toEqual([...first, ...first.slice(0, 4)]);
});

test("parameters of a payload type that is mapped nowhere are cut", () => {
  const audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=fmtp:111 minptime=10\r\n";
  expect(readOffer(videoOffer("96", "rtpmap:96 VP8/90000") + audio).sdp).not.toContain("a=fmtp:111");
});

test("an offer without video has no codec", () => {
  const [head, audio] = offerText("chromium-vp8").split(/(?=m=)/);
  expect(readOffer(`${head}${audio}`)).toMatchObject({ codec: null, hasAudio: true, sendsVideo: false });
});

test("candidates behind names are cut, the others stay", () => {
  const hidden = "a=candidate:9 1 udp 2113937151 2d1b1c3e-6d2a-4a57-9d0e-0a1f6f0d7a11.local 50001 typ host";
  const sdp = offerText("aiortc-whole").replaceAll("a=end-of-candidates", `${hidden}\r\na=end-of-candidates`);
  expect(readOffer(sdp)).toEqual(readOffer(offerText("aiortc-whole")));
});

test("candidates behind names are cut from sections of every kind", () => {
  const hidden = "a=candidate:9 1 udp 2113937151 a.local. 50001 typ host\r\n";
  const section = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n";
  expect(readOffer(offerText("chromium-vp8") + section + hidden).sdp).not.toContain("a.local");
});

test("a candidate of 180 kB costs no more than it has letters", () => {
  const hostile = `${"candidate:".repeat(9000)}${" candidate:x".repeat(7500)}`;
  // Quadratic it took seconds, and ten times that is more than a test may take.
  for (let count = 0; count < 10; count++) {
    readOffer(`${offerText("chromium-vp8")}a=${hostile}\r\n`);
    isHiddenCandidate(hostile);
  }
});

test.each(["before", "after"])(
  "a section that is stopped, %s a good one, is left to be answered so",
  (where) => {
    const sections = offerText("chromium-vp8").split(/(?=m=)/);
    const stopped = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:8\r\na=inactive\r\n";
    sections.splice(where === "before" ? 1 : 3, 0, stopped);
    const offer = readOffer(sections.join(""));
    expect(offer).toMatchObject({ codec: "vp8", sendsVideo: true, hasAudio: true });
    expect(offer.sdp).toContain(stopped);
  },
);

test("an offer whose only video is stopped has no codec", () => {
  const sdp = videoOffer("96", "rtpmap:96 VP8/90000").replace("m=video 9", "m=video 0");
  expect(readOffer(sdp)).toMatchObject({ codec: null, sendsVideo: false });
});

test("a data channel's section is left as it is", () => {
  const section = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\na=sctp-port:5000\r\n";
  expect(readOffer(offerText("chromium-vp8") + section).sdp).toContain(section);
});

const notSdp = "The offer is not SDP";

test.each<[string, string, string]>([
  ["nothing", "", notSdp],
  ["words", "hello", notSdp],
  ["JSON", '{"type":"offer","sdp":"v=0"}', notSdp],
  ["a head without sections", "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", notSdp],
  ["no origin", offerText("chromium-vp8").replace(/^o=.*\r\n/m, ""), notSdp],
  ["something before v=0", ` ${offerText("chromium-vp8")}`, notSdp],
  ["another version", offerText("chromium-vp8").replace("v=0", "v=1"), notSdp],
  [
    "only AV1",
    videoOffer("45", "rtpmap:45 AV1/90000"),
    "The offer's video codecs are AV1; this server speaks VP8, VP9, H264",
  ],
  [
    "H264 of mode 0 only",
    videoOffer("97", "rtpmap:97 H264/90000", mode0),
    "codecs are H264; this server speaks VP8, VP9, H264 (H264 in packetization mode 1, VP9 in profile 0). Offer one of them.",
  ],
  ["no codec at all", videoOffer("96"), "The offer's video codecs are none;"],
  ["no payload type at all", videoOffer(""), "The offer's video codecs are none;"],
  [
    "payload types that are patterns",
    videoOffer(".* ( [ \\", "rtpmap:96 VP8/90000"),
    "The offer's video codecs are none;",
  ],
  [
    "300 kB",
    `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n${"a=x\r\n".repeat(60_000)}`,
    "bytes; at most 262144 are read",
  ],
  [
    "1000 sections",
    videoOffer("96", "rtpmap:96 VP8/90000") + "m=audio 9 X 0\r\n".repeat(999),
    "The offer has 1000 m= sections; at most 32",
  ],
])("refuses %s with a sentence", (_name, sdp, sentence) => {
  const read = () => readOffer(sdp);
  expect(read).toThrow(OfferError);
  expect(read).toThrow(sentence);
});

test("limits count bytes, and the largest allowed is read", () => {
  const filled = (character: string, bytes: number) => {
    const start = `${videoOffer("96", "rtpmap:96 VP8/90000")}a=x:`;
    return start + character.repeat((bytes - Buffer.byteLength(start)) / Buffer.byteLength(character));
  };
  expect(readOffer(filled("x", 262_144)).codec).toBe("vp8");
  expect(() => readOffer(filled("x", 262_145))).toThrow("262145 bytes");
  expect(() => readOffer(filled("é", 262_148))).toThrow("at most 262144");
});

test("a list of tens of thousands of payload types costs no more than one of 128", () => {
  const many = Array.from({ length: 40_000 }, (_, index) => index + 1000).join(" ");
  expect(() => readOffer(videoOffer(many))).toThrow(OfferError);
  expect(() => readOffer(videoOffer(`${many} 96`, "rtpmap:96 VP8/90000"))).toThrow(OfferError);
});

test("any mutation of a good offer is read or refused with an OfferError, never anything else", () => {
  const dice = createDice("offers");
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(dice.next() * items.length)]!;
  for (let round = 0; round < 1500; round++) {
    let mutated = lines(offerText(pick(good).name));
    for (let count = 1 + Math.floor(dice.next() * 6); count > 0; count--) {
      const at = Math.floor(dice.next() * mutated.length);
      const line = mutated[at] ?? "";
      const cut = Math.floor(dice.next() * line.length);
      const change = pick<() => string[]>([
        () => [],
        () => [line, line],
        () => [line.slice(0, cut)],
        () => [line.slice(cut)],
        () => [
          `${line.slice(0, cut)}${String.fromCharCode(Math.floor(dice.next() * 0x3000))}${line.slice(cut)}`,
        ],
        () => [pick(mutated), line],
        () => [line.replaceAll(/\d+/g, () => pick(["-1", "99999999999999999999", "0", "x"]))],
      ]);
      mutated = [...mutated.slice(0, at), ...change(), ...mutated.slice(at + 1)];
    }
    try {
      expect(typeof readOffer(mutated.join("\r\n")).sdp).toBe("string");
    } catch (error) {
      expect(error).toBeInstanceOf(OfferError);
    }
  }
});

test.each([
  ["candidate:1 1 udp 2113937151 2d1b1c3e-6d2a-4a57-9d0e-0a1f6f0d7a11.local 50001 typ host", true],
  ["a=candidate:1 1 UDP 2113937151 abc.local 9 typ host", true],
  ["candidate:1 1 udp 2113937151 ABC.LOCAL 9 typ host", true],
  ["candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host", false],
  ["candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active", false],
  ["", false],
  ["candidate:1 1 udp 2113937151 ::1 50000 typ host", false],
  ["candidate:1 1 udp 2113937151 foo.local. 9 typ host", true],
  ["candidate:1 1 udp 2113937151 a.localdomain 9 typ host", true],
  ["candidate:1 1 udp 2113937151 stun.example.com 9 typ host", true],
  ["candidate:1 1 udp 2113937151 fe80::1%a.local 9 typ host", true],
  ["1 1 udp 2113937151 a.local 9 typ host", true],
  ["candidate:1 1 udp 2113937151  a.local 9 typ host", true],
])("%s is hidden: %s", (candidate, hidden) => {
  expect(isHiddenCandidate(candidate)).toBe(hidden);
});

describe("rate hints", () => {
  const rates = { start: 3000, max: 3500 };
  const hints = "x-google-start-bitrate=3000;x-google-max-bitrate=3500";

  test("go behind the video codec's own parameters", () => {
    const answer = videoOffer("98", "rtpmap:98 H264/90000", mode1);
    expect(lines(withRateHints(answer, rates))).toContain(`a=${mode1};${hints}`);
  });

  test("get a line of their own where there are no parameters", () => {
    const answer = videoOffer("96", "rtpmap:96 VP8/90000", "rtcp-fb:96 nack");
    expect(lines(withRateHints(answer, rates))).toEqual(lines(answer).toSpliced(8, 0, `a=fmtp:96 ${hints}`));
  });

  test.each([
    ["x-google-min-bitrate=300;x-google-start-bitrate=600", `x-google-min-bitrate=300;${hints}`],
    [hints, hints],
  ])("take the place of those that were there: %s", (before, after) => {
    const answer = videoOffer("96", "rtpmap:96 VP8/90000", `fmtp:96 ${before}`);
    expect(lines(withRateHints(answer, rates))).toContain(`a=fmtp:96 ${after}`);
  });

  test("leave audio and the line ends alone", () => {
    const audio =
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n";
    const answer = videoOffer("96", "rtpmap:96 VP8/90000") + audio;
    const hinted = withRateHints(answer, rates);
    expect(hinted.endsWith(audio)).toBe(true);
    expect(hinted.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });
});

test.each([
  ["q;h;~f", "f", "a browser's"],
  ["f;h;q", "f", "a native client's"],
  ["q;h", "h", "a browser's of a small picture"],
  ["~h,f;q", "h", "one with a choice for a layer"],
  ["small;large", "large", "one whose names say nothing: the last, as browsers have it"],
])("of a simulcast %s the layer %s is kept, under its name: %s", (offered, kept) => {
  const layers = offered.match(/\w+/g)!.map((name) => `rid:${name} send`);
  const rid = "extmap:5 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
  const { sdp } = readOffer(
    videoOffer("96", "sendonly", "rtpmap:96 VP8/90000", rid, ...layers, `simulcast:send ${offered}`),
  );
  expect(sdp.match(/^a=(rid|simulcast|extmap):.*$/gm)).toEqual([
    `a=${rid}`,
    `a=rid:${kept} send`,
    `a=simulcast:send ${kept}`,
  ]);
});

test("each section may have a codec of its own", () => {
  const two = `${videoOffer("96 97", "mid:a", "sendonly", "rtpmap:96 VP8/90000", "rtpmap:97 VP9/90000", "msid:- camera")}m=video 9 UDP/TLS/RTP/SAVPF 97 96\r\na=mid:b\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 VP9/90000\r\n`;
  expect(readOffer(two, ({ sends }) => (sends ? ["vp9"] : ["vp8"])).sections).toEqual([
    {
      mid: "0",
      kind: "video",
      sends: true,
      receives: false,
      codecs: ["vp8", "vp9"],
      trackId: "camera",
      codec: "vp9",
    },
    {
      mid: "b",
      kind: "video",
      sends: false,
      receives: true,
      codecs: ["vp9", "vp8"],
      trackId: null,
      codec: "vp8",
    },
  ]);
});
