/**
 * The fixtures and matchers for vitest, as another's tests use them, with a published SDK: in Node what runs there, in a real Chromium the
 * rest.
 */
import { type Browser, chromium, type Page } from "@playwright/test";
import { createDecartClient, type RealTimeClient } from "decart-sdk-0.1.20";
import { afterAll, beforeAll, describe } from "vitest";
import { chromiumFlags, findChromium } from "../../fixtures/browser/find-chromium.ts";
import { readImage } from "../../fixtures/images.ts";
import { createLucyTest, expect, type Lucy, test } from "./vitest.ts";

const controlOnly = createLucyTest({ mode: "none" });

controlOnly("a fault in a test's key is met by an SDK in Node, and its journal says so", async ({ lucy }) => {
  const [fault] = lucy.faults.add({ name: "http-status", channel: "http", with: { status: 503 } });
  const client = createDecartClient({ apiKey: lucy.apiKey, baseUrl: lucy.url, telemetry: false });
  await expect(client.tokens.create({ expiresIn: 60 })).rejects.toThrow("503");
  fault!.heal();
  expect((await client.tokens.create({ expiresIn: 60 })).apiKey).toMatch(/^ek_/);
  expect(lucy.lines.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["http-refused", "token-minted"]),
  );
});

describe("in a page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] });
  });
  afterAll(() => browser?.close());

  test("what an SDK sends is received, shown and survives a lost connection", { timeout: 60_000 }, async ({
    lucy,
  }) => {
    const page = await browser.newPage();
    await connect(page, lucy, "sepia");
    const withinMs = 20_000;
    await expect(lucy).toShowPrompt("sepia", { withinMs });
    await expect(lucy).toShowImage(null);
    const image = Buffer.from(readImage("board-png"));
    await page.evaluate((image) => window.client.set({ prompt: "mirror", image }), image.toString("base64"));
    await expect(lucy).toHaveReceivedPrompt("mirror");
    await expect(lucy).toHaveReceivedImage(image);
    await expect(lucy).toHaveReceived("set_image", { prompt: "mirror" });
    await expect(lucy).toShowPrompt("mirror", { withinMs });
    await expect(lucy).toShowImage(image, { withinMs });
    await expect(lucy).not.toShowPrompt("sepia");
    await expect(lucy).toHaveRevision(2);
    await expect(lucy).not.toHaveReconnected();
    lucy.faults.add({ name: "drop-socket", channel: "livekit" }, { session: lucy.sessions[0]!.id });
    await expect(lucy).toHaveReconnected(1, { withinMs });
    await page.close();
  });
});

declare global {
  interface Window {
    sdk: typeof import("decart-sdk-0.1.20");
    client: RealTimeClient;
  }
}

/** As an app does: the published SDK, a camera, a prompt to begin with. */
async function connect(page: Page, lucy: Lucy, prompt: string): Promise<void> {
  await page.goto(`${lucy.url}/_lucy/health`);
  const content = 'import * as sdk from "/_lucy/sdk/0.1.20.js"; window.sdk = sdk;';
  await page.addScriptTag({ content, type: "module" });
  await page.waitForFunction(() => window.sdk);
  await page.evaluate(
    async ({ url, realtimeUrl, apiKey, prompt }) => {
      const { createDecartClient, models } = window.sdk;
      const video = { width: 640, height: 360, frameRate: 15 };
      const camera = await navigator.mediaDevices.getUserMedia({ video });
      const decart = createDecartClient({
        apiKey,
        baseUrl: url,
        realtimeBaseUrl: realtimeUrl,
        telemetry: false,
      });
      window.client = await decart.realtime.connect(camera, {
        model: models.realtime("lucy-2.1"),
        onRemoteStream() {},
        initialState: { prompt: { text: prompt, enhance: false } },
      });
    },
    { url: lucy.url, realtimeUrl: lucy.realtimeUrl, apiKey: lucy.apiKey, prompt },
  );
}
