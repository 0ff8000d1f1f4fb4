/** How the specs run: published SDKs in a real Chromium against the mock server. */
import { defineConfig } from "@playwright/test";
import { chromiumFlags, findChromium } from "./fixtures/browser/find-chromium.ts";

export default defineConfig({
  testMatch: "**/*.spec.ts",
  outputDir: ".cache/browser-results",
  reporter: "list",
  // One after the other: each spec encodes and decodes video in real time, and two at once would judge the machine. With two workers
  // on two cores that had other work besides, strips could not be read in 3 of 119 specs (seen once, load average 11 to 17).
  workers: 1,
  // A spec that passes the second time has failed.
  retries: 0,
  // Specs wait for events and pictures; this only ends one that waits for what never comes.
  timeout: 60_000,
  use: { launchOptions: { executablePath: findChromium(), args: [...chromiumFlags] } },
});
