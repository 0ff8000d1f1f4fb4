import { expect, test } from "vitest";
import { isPermanent, SERVER_ERRORS, websocketClosedText } from "./index.ts";

test.each([
  ["Permission denied", true],
  ["camera NOT ALLOWED", true],
  ["Invalid session", true],
  ["HTTP 401", true],
  ["timed out after 14401 ms", true],
  ["Unauthorized", true],
  [SERVER_ERRORS.invalidApiKey, true],
  [SERVER_ERRORS.concurrentSessionLimit, false],
  [SERVER_ERRORS.insufficientCredits, false],
  [SERVER_ERRORS.sessionDurationReached, false],
  ["WebSocket error", false],
  ["", false],
])("%j stops the retries: %s", (text, permanent) => {
  expect(isPermanent(text)).toBe(permanent);
});

test("the texts that clients and apps match are spelt as they match them", () => {
  expect(SERVER_ERRORS.concurrentSessionLimit).toBe("Concurrent session limit reached.");
  expect(SERVER_ERRORS.invalidApiKey).toBe("Invalid API key");
  expect(SERVER_ERRORS.insufficientCredits.toLowerCase()).toContain("credit");
  expect(websocketClosedText(1011, "nope")).toBe("WebSocket closed: 1011 nope");
});
