/**
 * The published SDKs of both dialects in a real Chromium, against a mock process: what the parts of the bench share that look at
 * pictures as an app does. The page holds the harness of the mock server's own specs.
 */
import { type Browser, chromium, type Page } from "@playwright/test";
import { bundle } from "../../fixtures/browser/bundle.ts";
import { chromiumFlags, findChromium } from "../../fixtures/browser/find-chromium.ts";
import type { Codec } from "../../fixtures/browser/versions.ts";
import type { ConnectOptions } from "../../mock-server/browser/harness.ts";
import { realClock as clock } from "../clock.ts";
import type { MockProcess } from "../mock-process.ts";

/** What stands side by side: the newest SDK of the direct dialect in common use, and the newest of the LiveKit dialect. */
export const dialects = [
  { of: "direct (0.0.46)", version: "0.0.46" },
  { of: "LiveKit (0.1.20)", version: "0.1.20" },
] as const;

export const codecs: readonly Codec[] = ["H264", "VP8", "VP9"];

/** An eighth of a hertz under 30: a source locked to the display's phase would move whole runs by 10 ms. */
export const camera = { width: 1280, height: 720, fps: 30 - 1 / 8 };

/** Longer than any part needs; a picture that never comes would be waited for without end. */
const pageMsMax = 120_000;

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] });
}

/**
 * Runs in a fresh page and resolves with what `run` does, once the server has nobody left.
 * @throws Error when that takes longer than two minutes
 */
export async function withSdkPage<T>(
  browser: Browser,
  mock: MockProcess,
  run: (page: Page) => Promise<T>,
): Promise<T> {
  const page = await browser.newPage();
  try {
    await page.goto(`${mock.url}/_lucy/health`);
    const content = await bundle(new URL("../../mock-server/browser/harness.ts", import.meta.url));
    await page.addScriptTag({ content, type: "module" });
    await page.waitForFunction(() => window.harness);
    await page.addScriptTag({ url: `${mock.url}/_lucy/redirect.js` });
    return await within(pageMsMax, run(page));
  } finally {
    await page.close();
    await within(pageMsMax, untilNobody(mock));
  }
}

/** Connects one client of an SDK and returns its number in the harness. @throws Error when the server speaks another codec */
export async function connectSdk(
  page: Page,
  mock: MockProcess,
  options: ConnectOptions & { codec: Codec },
): Promise<number> {
  const { url: baseUrl, realtimeUrl: realtimeBaseUrl } = mock;
  const id = await page.evaluate(
    async (options) => {
      const id = await window.harness.begin(options);
      await window.harness.connected(id);
      await window.harness.morePictures(id, 1);
      return id;
    },
    { ...camera, baseUrl, realtimeBaseUrl, ...options },
  );
  const spoken = (await mock.sessions()).at(-1)?.media?.codec;
  if (spoken !== options.codec.toLowerCase()) {
    throw new Error(
      `SDK ${options.version} was asked for ${options.codec} and speaks ${spoken}: figures of it would have the wrong name.`,
    );
  }
  return id;
}

async function untilNobody(mock: MockProcess): Promise<void> {
  while (((await mock.health()).open.sessions ?? 0) > 0) await clock.sleep(20);
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(limitMs, () => {
    late.reject(
      new Error(`A page of the bench took longer than ${limitMs} ms. Run that part alone with --only.`),
    );
  });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}
