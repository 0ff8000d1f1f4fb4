import { expect, test } from "vitest";
import { strikeKeys } from "./keys.ts";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJyb29tIjoiciJ9fQ.-Sig_nature";
const minted = `ek_${"0123456789abcdef".repeat(2)}`;

test.each<[string, unknown, unknown]>([
  ["a key", "Refused dct_Very-Secret_1.", "Refused dct_[redacted]."],
  ["a token", `minted ${minted}, ek_short`, "minted ek_[redacted], ek_[redacted]"],
  ["a key in JSON in a text", '"a\\ndct_secret"', '"a\\ndct_[redacted]"'],
  [
    "a token in JSON in a text",
    '"a\\nek_secret, \\u000aek_secret"',
    '"a\\nek_[redacted], \\u000aek_[redacted]"',
  ],
  ["a token with letters before it", `x${minted}`, "xek_[redacted]"],
  ["a key with letters before it", "keydct_secret", "keydct_[redacted]"],
  ["an access token", `/rtc?t=${jwt}.`, "/rtc?t=eyJ[redacted]"],
  ["a key of no known look", "?api_key=hunter2&b", "?api_key=[redacted]&b"],
  [
    "in JSON, which stays some",
    JSON.stringify({ a: '"?token=abc"' }),
    JSON.stringify({ a: '"?token=[redacted]"' }),
  ],
  ["a field's name", { dct_secret: [{ a: "dct_secret" }] }, { "dct_[redacted]": [{ a: "dct_[redacted]" }] }],
])("%s is struck out: %j", (_what, value, struck) => {
  let count = 0;
  expect(strikeKeys(value, () => count++)).toEqual(struck);
  expect(count).toBeGreaterThan(0);
  expect(strikeKeys(struck, () => expect.unreachable())).toEqual(struck);
});

test.each<[string, unknown]>([
  ["the local key", 'dct_local, "dct_local\\n", ?api_key=dct_local&x'],
  ["what was struck out", "dct_[redacted] ek_[redacted] eyJ[redacted] ?token=[redacted]"],
  ["mock keys", "?api_key=mock:missing-ack&model=m, ?api_key=mock%3Amissing-ack"],
  ["words", "week_1, seek_to, a dct_ key, an ek_ token, eyJzaWQiOiJTIn0="],
  ["other values", [1, null, true, { a: undefined }]],
])("%s stays: %j", (_what, value) => {
  expect(strikeKeys(value, () => expect.unreachable())).toEqual(value);
});

test("the local key with more behind it is another", () => {
  expect(strikeKeys("dct_local-2 dct_locals")).toBe("dct_[redacted] dct_[redacted]");
});

// One that takes the square of its length would take minutes, and the test ends before.
test("a text made to be slow is struck in one go", () => {
  const text = `${"eyJ".repeat(300_000)} ${"ek_".repeat(300_000)} ${"?token=".repeat(300_000)}`;
  expect(strikeKeys(text)).not.toBe(text);
});
