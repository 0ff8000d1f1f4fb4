import { expect, test } from "vitest";
import { readDatagram } from "./datagram.ts";

const mediaOf = (payloadType: number) => ({ 96: "video" as const, 111: "audio" as const })[payloadType];
/** Of sequence number 0x1234, timestamp 0x56789abc and SSRC 0xfffefdfc. */
const rtp = (second: number) =>
  Buffer.from([0x90, second, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 255, 254, 253, 252, 7]);
const fields = { stream: "4294901244", sequenceNumber: 0x1234, timestamp: 0x56789abc };

test.each([
  ["a STUN request", Buffer.from([0, 1]), { kind: "stun" }],
  ["the last of STUN's first bytes", Buffer.from([3]), { kind: "stun" }],
  ["ZRTP", Buffer.from([16, 0]), null],
  ["the first of DTLS's: a change of ciphers", Buffer.from([20]), { kind: "dtls" }],
  ["a DTLS handshake", Buffer.from([22, 254, 253]), { kind: "dtls" }],
  ["the last of DTLS's", Buffer.from([63]), { kind: "dtls" }],
  ["TURN", Buffer.from([64, 0]), null],
  ["nothing", Buffer.alloc(0), null],
  ["the first that is too high for RTP", Buffer.from([192, 96, ...Array<number>(12)]), null],
  ["RTCP's sender report", rtp(200), { kind: "srtp" }],
  ["the first of RTCP's types", rtp(192), { kind: "srtp" }],
  ["the last of RTCP's types", rtp(223), { kind: "srtp" }],
  ["video", rtp(96), { kind: "srtp", media: "video", endsFrame: false, ...fields }],
  ["the end of a picture", rtp(96 + 128), { kind: "srtp", media: "video", endsFrame: true, ...fields }],
  ["sound", rtp(111), { kind: "srtp", media: "audio", endsFrame: false, ...fields }],
  ["sound after silence", rtp(111 + 128), { kind: "srtp", media: "audio", endsFrame: false, ...fields }],
  ["a payload type that was not negotiated", rtp(97), { kind: "srtp" }],
  ["a header cut short", rtp(96).subarray(0, 11), { kind: "srtp" }],
  ["half of a header's beginning", Buffer.from([0x80]), { kind: "srtp" }],
])("%s", (_name, bytes, expected) => {
  expect(readDatagram(bytes, "to-client", mediaOf)).toEqual(
    expected && { direction: "to-client", bytes, ...expected },
  );
});
