import { gzipSync } from "node:zlib";
import {
  DataPacket,
  JoinRequest,
  SignalRequest,
  SignalResponse,
  UserPacket,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";
import { describe, expect, test } from "vitest";
import { createDice } from "../dice.ts";
import {
  fieldsOf,
  readDataPacket,
  readJoinRequest,
  readRequest,
  SIGNAL_BYTES_MAX,
  SignalError,
  writeResponse,
} from "./signal-wire.ts";

const offer = new SignalRequest({
  message: { case: "offer", value: { type: "offer", sdp: "v=0", id: 3, midToTrackId: { 0: "cid" } } },
});

describe("a request", () => {
  test("is read back", () => {
    const request = readRequest(offer.toBinary());
    expect(request).toMatchObject({
      case: "offer",
      value: { sdp: "v=0", id: 3, midToTrackId: { 0: "cid" } },
    });
    expect(fieldsOf(request)).toEqual({ type: "offer", sdp: "v=0", id: 3, midToTrackId: { 0: "cid" } });
  });

  test.each<[string, Uint8Array, string]>([
    ["no bytes", new Uint8Array(), "0 bytes hold no livekit.SignalRequest that this server knows"],
    ["a field from the future", Uint8Array.of(0xfa, 0x3f, 1, 65), "4 bytes hold no livekit.SignalRequest"],
    ["text", Buffer.from('{"type":"offer"}'), "16 bytes are no livekit.SignalRequest ("],
    ["half a message", offer.toBinary().slice(0, -2), "bytes are no livekit.SignalRequest ("],
    [
      "too many bytes",
      Buffer.alloc(SIGNAL_BYTES_MAX + 1),
      "278529 bytes is too large: at most 278528 are read",
    ],
  ])("%s is none, and gets a sentence", (_name, bytes, why) => {
    expect(() => readRequest(bytes)).toThrow(SignalError);
    expect(() => readRequest(bytes)).toThrow(why);
    expect(() => readRequest(bytes)).toThrow(/\.$/);
  });

  test("noise is a request or a SignalError, nothing else", () => {
    const dice = createDice(1);
    for (let index = 0; index < 2000; index++) {
      const bytes = Buffer.from(dice.hex(2 + 2 * Math.floor(dice.next() * 40)), "hex");
      try {
        expect(fieldsOf(readRequest(bytes))).toBeTypeOf("object");
      } catch (error) {
        expect(error).toBeInstanceOf(SignalError);
      }
    }
  });
});

test.each<[Parameters<typeof writeResponse>[0], object]>([
  [
    { case: "answer", value: { type: "answer", sdp: "v=0", id: 7 } },
    { type: "answer", sdp: "v=0", id: 7 },
  ],
  [{ case: "pong", value: 1_767_225_600_000n }, { value: "1767225600000" }],
  [
    { case: "pongResp", value: { lastPingTimestamp: 5n, timestamp: 6n } },
    { lastPingTimestamp: "5", timestamp: "6" },
  ],
])("a response has its bytes for the client and its fields for the journal: %o", (message, fields) => {
  const written = writeResponse(message);
  const { case: name } = SignalResponse.fromBinary(written.bytes).message;
  expect(name).toBe(message.case);
  expect(written.fields).toEqual(fields);
});

describe("a join request", () => {
  const join = new JoinRequest({
    connectionSettings: { autoSubscribe: false },
    reconnect: true,
    participantSid: "PA_1",
    publisherOffer: { type: "offer", sdp: "v=0\r\n".repeat(3000), id: 1 },
  });
  const wrap = (joinRequest: Uint8Array, compression: WrappedJoinRequest_Compression) =>
    Buffer.from(new WrappedJoinRequest({ joinRequest, compression }).toBinary());
  const { GZIP, NONE } = WrappedJoinRequest_Compression;
  const bytes = join.toBinary();
  const zipped = wrap(gzipSync(bytes), GZIP);
  const short = new JoinRequest({ participantSid: "PA_1" }).toBinary();

  test.each<[string, string]>([
    ["gzipped, as a browser sends it, padding kept", padded(zipped.toString("base64url"))],
    ["gzipped, without padding", zipped.toString("base64url")],
    ["gzipped, in base64 of the other alphabet", zipped.toString("base64")],
  ])("%s", (_name, text) => {
    const read = readJoinRequest(text);
    expect(read.equals(join)).toBe(true);
  });

  test("plain", () => {
    expect(readJoinRequest(wrap(short, NONE).toString("base64url")).participantSid).toBe("PA_1");
  });

  test.each<[string, string, string]>([
    ["no base64", "%%%%", "(not base64)"],
    ["base64 cut off", zipped.toString("base64url").slice(0, 40), "cannot be read"],
    ["gzip that is none", wrap(Buffer.from("no gzip"), GZIP).toString("base64url"), "incorrect header check"],
    [
      "gzip cut off",
      wrap(gzipSync(bytes).subarray(0, 30), GZIP).toString("base64url"),
      "unexpected end of file",
    ],
    [
      "gzip that unpacks to 8 MB",
      wrap(gzipSync(Buffer.alloc(8 * 1024 ** 2)), GZIP).toString("base64url"),
      "Cannot create a Buffer larger than 278528 bytes",
    ],
    ["noise within", wrap(Buffer.from("ff".repeat(20), "hex"), NONE).toString("base64url"), "cannot be read"],
    ["12 kB and one more", "A".repeat(12 * 1024 + 1), "has 12289 characters; at most 12288 are read"],
  ])("%s is none, and gets a sentence", (_name, text, why) => {
    expect(() => readJoinRequest(text)).toThrow(SignalError);
    expect(() => readJoinRequest(text)).toThrow(why);
    expect(() => readJoinRequest(text)).toThrow(/\.$/);
  });
});

describe("a data packet", () => {
  const from = { identity: "client-1", sid: "PA_1" };

  test("is marked as coming from whoever sent it, whatever it says itself", () => {
    const packet = new DataPacket({
      participantIdentity: "somebody else",
      destinationIdentities: ["viewer-1"],
      value: {
        case: "user",
        value: new UserPacket({
          payload: Buffer.from("hi"),
          participantIdentity: "somebody else",
          participantSid: "x",
        }),
      },
    });
    const { bytes, to } = readDataPacket(packet.toBinary(), from);
    expect(to).toEqual(["viewer-1"]);
    expect(DataPacket.fromBinary(bytes)).toMatchObject({
      participantIdentity: "client-1",
      participantSid: "PA_1",
      value: { case: "user", value: { participantIdentity: "client-1", participantSid: "PA_1" } },
    });
  });

  test("that is none gets a sentence", () => {
    expect(() => readDataPacket(Buffer.from("hello"), from)).toThrow(SignalError);
    expect(() => readDataPacket(Buffer.from("hello"), from)).toThrow(
      "5 bytes of a data channel are no livekit.DataPacket (",
    );
  });
});

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
