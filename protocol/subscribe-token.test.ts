import { expect, test } from "vitest";
import { decodeSubscribeToken, encodeSubscribeToken, type SubscribeToken } from "./index.ts";

test.each<[SubscribeToken, string]>([
  [{ era: "direct", sid: "S", ip: "1.2.3.4", port: 99 }, '{"sid":"S","ip":"1.2.3.4","port":99}'],
  [{ era: "livekit", roomName: "room-1" }, '{"room_name":"room-1"}'],
])("%j travels as base64 of %s", (token, json) => {
  expect(encodeSubscribeToken(token)).toBe(btoa(json));
  expect(decodeSubscribeToken(encodeSubscribeToken(token))).toEqual({ ok: true, token });
  expect(decodeSubscribeToken(encodeSubscribeToken(token), token.era)).toEqual({ ok: true, token });
});

test("Python's spelling is read: spaces in the JSON, url-safe letters", () => {
  const json = '{"sid": "a??>", "ip": "1.2.3.4", "port": 99}';
  const urlsafe = btoa(json).replaceAll("+", "-").replaceAll("/", "_");
  expect(urlsafe).toMatch(/[-_]/);
  expect(decodeSubscribeToken(urlsafe)).toEqual({
    ok: true,
    token: { era: "direct", sid: "a??>", ip: "1.2.3.4", port: 99 },
  });
});

test.each<[string, "direct" | "livekit" | undefined, RegExp]>([
  ["%%%", undefined, /it is 3 characters that are not base64 of a JSON object/],
  ["", undefined, /it is 0 characters/],
  [btoa("hello"), undefined, /not base64 of a JSON object/],
  [
    btoa("null"),
    undefined,
    /it must hold "sid" and "ip" as strings and "port" from 1 to 65535, or "room_name"/,
  ],
  [btoa('{"sid":"S","ip":"1.2.3.4"}'), "direct", /it must hold "sid" and "ip".*65535\./],
  [btoa('{"sid":"S","ip":"1.2.3.4","port":70000}'), undefined, /"port" from 1 to 65535/],
  [btoa('{"room_name":""}'), "livekit", /it must hold "room_name" as a string/],
  [btoa('{"room_name":"r"}'), "direct", /comes from a 0\.1\.x session/],
  [btoa('{"sid":"S","ip":"1.2.3.4","port":1}'), "livekit", /comes from a 0\.0\.x session/],
])("%s for era %s is refused: %s", (text, era, words) => {
  const result = decodeSubscribeToken(text, era);
  expect(result).toEqual({ ok: false, error: expect.stringMatching(words) });
});

test("a name that base64 of text cannot hold is refused with the reason", () => {
  expect(() => encodeSubscribeToken({ era: "livekit", roomName: "房间" })).toThrow(/outside Latin-1/);
});
