import { expect, test } from "vitest";
import { compareVersions, type Era, eraOf, inRange, type Sdk } from "./index.ts";

test.each([
  ["0.0.9", "0.0.10", -1],
  ["0.1.0", "0.0.68", 1],
  ["1.0.0", "0.9.9", 1],
  ["0.0.46", "0.0.46", 0],
])("%s against %s: %i", (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign);
});

test.each(["latest", "0.0", "v0.0.46", "0.0.46-beta"])("%s is no version", (version) => {
  expect(() => compareVersions(version, "0.0.1")).toThrow(`"${version}" is not an SDK version`);
});

test.each<[Sdk, string, Era]>([
  ["js", "0.0.68", "direct"],
  ["js", "0.1.0", "livekit"],
  ["python", "0.0.40", "direct"],
  ["python", "0.1.0", "livekit"],
  ["android", "0.6.1", "direct"],
  ["android", "0.7.0", "livekit"],
])("%s %s speaks %s", (sdk, version, era) => {
  expect(eraOf(sdk, version)).toBe(era);
});

test.each([
  ["0.0.40", false],
  ["0.0.41", true],
  ["0.0.60", true],
  ["0.0.61", false],
])("%s lies in 0.0.41 … 0.0.60: %s", (version, inside) => {
  expect(inRange({ sdk: "js", from: "0.0.41", until: "0.0.60" }, "js", version)).toBe(inside);
});

test("a range without an end goes on, and is of one SDK", () => {
  expect(inRange({ sdk: "js", from: "0.1.0", until: null }, "js", "9.0.0")).toBe(true);
  expect(inRange({ sdk: "js", from: "0.1.0", until: null }, "python", "9.0.0")).toBe(false);
});
