import { describe, expect, test } from "vitest";
import {
  ACK_TIMEOUTS,
  type AckedCall,
  ackTimeoutMs,
  CONNECT_TIMEOUTS,
  connectTimeoutMs,
  IMAGE_BASE64_CHARS_MAX,
  inRange,
  MESSAGE_BYTES_MAX,
  RETRY_PAUSES,
  retryPausesMs,
  type Sdk,
} from "./index.ts";

test.each<[Sdk, string, AckedCall, number | null]>([
  ["js", "0.0.6", "setPrompt", null],
  ["js", "0.0.24", "setPrompt", 15_000],
  ["js", "0.0.41", "setImage", 15_000],
  ["js", "0.0.42", "setImage", 30_000],
  ["js", "0.0.42", "set", null],
  ["js", "0.0.46", "set", 30_000],
  ["js", "0.0.46", "initialPrompt", 15_000],
  ["js", "0.0.48", "initialPrompt", 30_000],
  ["js", "0.1.3", "passthrough", 30_000],
  ["js", "0.1.9", "passthrough", null],
  ["js", "0.1.20", "set", 30_000],
  ["python", "0.0.18", "set", null],
  ["python", "0.1.4", "setPrompt", 15_000],
  ["android", "0.6.1", "setPrompt", null],
  ["android", "0.7.10", "initialImage", 15_000],
])("%s %s waits for the ack of %s: %s ms", (sdk, version, call, timeoutMs) => {
  expect(ackTimeoutMs(sdk, version, call)).toBe(timeoutMs);
});

test.each<[Sdk, string, number | null, number]>([
  ["js", "0.0.4", 15_000, 6],
  ["js", "0.0.6", 25_000, 6],
  ["js", "0.0.41", 60_000, 6],
  ["js", "0.1.20", 300_000, 6],
  ["python", "0.0.10", 30_000, 5],
  ["python", "0.1.4", 300_000, 5],
  ["android", "0.6.1", 300_000, 6],
  ["android", "0.7.10", 15_000, 5],
  ["android", "0.0.1", null, 1],
])("%s %s gives a connect attempt %s ms, and makes %i of them", (sdk, version, timeoutMs, attemptCount) => {
  expect(connectTimeoutMs(sdk, version)).toBe(timeoutMs);
  expect(retryPausesMs(sdk, version).length + 1).toBe(attemptCount);
});

test("JS's ladder takes 25 seconds, as measured", () => {
  expect(retryPausesMs("js", "0.0.46").reduce((sum, pause) => sum + pause, 0)).toBe(25_000);
});

describe("no two rows of a table claim the same version", () => {
  test.each([
    ["acks", ACK_TIMEOUTS],
    ["connect limits", CONNECT_TIMEOUTS],
    ["retries", RETRY_PAUSES],
  ] as const)("%s", (_name, rows) => {
    for (const row of rows) {
      const claims = rows.filter(
        (other) =>
          inRange(other, row.sdk, row.from) &&
          ("call" in other ? other.call : null) === ("call" in row ? row.call : null),
      );
      expect(claims).toEqual([row]);
    }
  });
});

test("the largest image fits into the largest message with room for a prompt", () => {
  expect(MESSAGE_BYTES_MAX - IMAGE_BASE64_CHARS_MAX).toBeGreaterThan(1024 * 1024);
});
