import { expect, test } from "vitest";
import { CLOSE_CODES, closeReason, findCloseCode, isPermanentClose } from "./index.ts";

test.each([
  [1000, true],
  [1008, true],
  [1009, true],
  [1011, true],
  [1013, true],
  [4401, false],
])("%i is known; retried by a LiveKit client: %s", (code, livekit) => {
  expect(findCloseCode(code)?.retried).toEqual({ direct: true, livekit });
});

test("a code not in use is null, and no code is listed twice", () => {
  expect(findCloseCode(4000)).toBeNull();
  expect(new Set(CLOSE_CODES.map(({ code }) => code)).size).toBe(CLOSE_CODES.length);
});

test.each([
  [1011, "nope", false],
  [1008, "Unauthorized", true],
  [1008, "Invalid API key", true],
  [1013, "Concurrent session limit reached.", false],
])("close %i with reason %j is final: %s", (code, reason, final) => {
  expect(isPermanentClose(code, reason)).toBe(final);
});

test.each([
  ["short", "short"],
  ["x".repeat(200), "x".repeat(123)],
  ["é".repeat(100), "é".repeat(61)],
  ["👩".repeat(40), "👩".repeat(30)],
])("the reason %s is cut to 123 bytes at a whole character", (text, cut) => {
  expect(closeReason(text)).toBe(cut);
});
