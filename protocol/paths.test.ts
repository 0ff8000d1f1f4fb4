import { expect, test } from "vitest";
import { DEFAULT_BASE_URLS, isVendorHost, PATHS, QUERY, STREAM_PATHS, VENDOR_HOSTS } from "./index.ts";

test("every vendor host that a default names is on the list, and the other way round", () => {
  const named = Object.values(DEFAULT_BASE_URLS)
    .filter((url) => url.includes("//"))
    .map((url) => new URL(url).hostname);
  expect(new Set(named)).toEqual(new Set(VENDOR_HOSTS));
  for (const host of VENDOR_HOSTS) expect(isVendorHost(host)).toBe(true);
});

test.each([
  ["API3.Decart.AI", true],
  ["api3.decart.ai.", true],
  ["new.decart.ai", true],
  ["decart.ai", true],
  ["127.0.0.1", false],
  ["localhost", false],
  ["notdecart.ai", false],
  ["decart.ai.example", false],
])("%s is the vendor's: %s", (host, vendor) => {
  expect(isVendorHost(host)).toBe(vendor);
});

test("spellings that clients depend on", () => {
  expect(QUERY.subscribeIp).toBe("IP");
  expect(QUERY.apiKey).toBe("api_key");
  expect(PATHS.watchStream).toBe("/watch-stream/:room");
  expect(STREAM_PATHS).toContain("/v1/stream");
});
