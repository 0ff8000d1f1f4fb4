import { describe, expect, it } from "vitest";
import { preferCodec } from "./prefer-codec.ts";

const sdp = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=rtpmap:111 opus/48000/2",
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100",
  "a=rtpmap:96 VP8/90000",
  "a=rtpmap:97 rtx/90000",
  "a=rtpmap:98 VP9/90000",
  "a=rtpmap:99 H264/90000",
  "a=rtpmap:100 H264/90000",
  "",
].join("\r\n");

describe("preferCodec()", () => {
  it.each([
    ["VP8", "96 97 98 99 100"],
    ["VP9", "98 96 97 99 100"],
    ["H264", "99 100 96 97 98"],
    ["AV1", "96 97 98 99 100"],
  ])("puts %s first and keeps the rest in order", (codec, types) => {
    expect(preferCodec(sdp, codec)).toBe(sdp.replace("96 97 98 99 100", types));
  });

  it("leaves an offer without video as it is", () => {
    const audioOnly = sdp.slice(0, sdp.indexOf("m=video"));
    expect(preferCodec(audioOnly, "H264")).toBe(audioOnly);
  });
});
