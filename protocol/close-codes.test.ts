import { expect, test } from "vitest";
import { CLOSE_CODES, closeReason, isPermanentClose } from "./index.ts";

test.each([
  ["normal", true],
  ["policy", true],
  ["tooBig", true],
  ["serverError", true],
  ["atCapacity", true],
  ["unauthorized", false],
] as const)("%s is retried by a LiveKit client: %s", (name, livekit) => {
  expect(CLOSE_CODES[name].retried).toEqual({ direct: true, livekit });
});

test("no code is listed twice", () => {
  const codes = Object.values(CLOSE_CODES).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
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
