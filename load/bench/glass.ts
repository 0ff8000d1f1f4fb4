/** Glass to glass in Chromium: relayed and transcoded, in both dialects, beside the same page's own loopback. */
import type { Browser, Page } from "@playwright/test";
import type { Codec } from "../../fixtures/browser/versions.ts";
import { type Aim, type Figure, median, quantile } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import { type MockProcess, startMockProcess } from "../mock-process.ts";
import { agesMs } from "./delays.ts";
import type { Bench } from "./index.ts";
import { camera, codecs, connectSdk, dialects, startBrowser, withSdkPage } from "./sdk-page.ts";

const warmUpMs = 3000;
const measureMs = 6000;

const modes = ["relay", "transcode"] as const;
const aims: Record<(typeof modes)[number], Partial<Record<Codec, Aim>>> = {
  relay: { H264: { atMost: 0.6 }, VP8: { atMost: 0.85 } },
  transcode: { H264: { atMost: 1 }, VP8: { atMost: 1 } },
};

type Seen = { readonly agesMs: number[]; readonly fps: number };

export const glass: Bench = {
  name: "glass",
  about: `Age of a picture when it goes to the compositor (presentationTime of requestVideoFrameCallback), from being drawn on the camera's canvas, 1280×720@30, in one Chromium, page and server on one machine. Each run takes the page's own loopback (two peer connections, same codec, rate hints, camera and reader), then each dialect relayed and transcoded, ${measureMs / 1000} s each after ${warmUpMs / 1000} s. × is the ratio to the loopback of the same run.`,
  doubt:
    "Believe the ratios, not the milliseconds, and no difference under 15 %. Where the rate is well under 30 fps the machine could not keep up, and ages are those of its queue. The loopback smooths its playout as any page does; the server asks for none, which is why relaying can be faster. What the display adds, up to a tick, is in no figure.",
  async run(runs) {
    const mocks = {
      relay: await startMockProcess(["--mode", "relay"]),
      transcode: await startMockProcess(),
    };
    const browser = await startBrowser();
    try {
      const figures: Figure[] = [];
      for (const codec of codecs) {
        const loopback: Seen[] = [];
        const served = modes.flatMap((mode) =>
          dialects.map((dialect) => ({ mode, ...dialect, seen: [] as Seen[] })),
        );
        for (let run = 0; run < runs; run++) {
          loopback.push(await watchLoopback(browser, mocks.relay, codec));
          for (const { mode, version, seen } of served) {
            seen.push(await watchSdk(browser, mocks[mode], version, codec));
          }
        }
        for (const mode of modes) {
          const aim = aims[mode][codec];
          for (const [name, unit, value] of readings) {
            const row = { name: `${codec} ${mode} ${name}`, unit };
            const values = loopback.map(value);
            figures.push({ ...row, of: "loopback", values });
            const beside = name === "p50" && { beside: values, ...(aim && { aim }) };
            for (const { of, seen } of served.filter((one) => one.mode === mode)) {
              figures.push({ ...row, of, values: seen.map(value), ...beside });
            }
          }
        }
      }
      return figures;
    } finally {
      await browser.close();
      await mocks.relay.stop();
      await mocks.transcode.stop();
    }
  },
};

const readings: readonly (readonly [name: string, unit: string, value: (seen: Seen) => number])[] = [
  ["p50", "ms", ({ agesMs }) => median(agesMs)],
  ["p95", "ms", ({ agesMs }) => quantile(agesMs, 0.95)],
  ["rate", "fps", ({ fps }) => fps],
];

function watchLoopback(browser: Browser, mock: MockProcess, codec: Codec): Promise<Seen> {
  return withSdkPage(browser, mock, async (page) =>
    watch(page, await page.evaluate((options) => window.harness.loopback(options), { ...camera, codec })),
  );
}

function watchSdk(browser: Browser, mock: MockProcess, version: string, codec: Codec): Promise<Seen> {
  return withSdkPage(browser, mock, async (page) =>
    watch(page, await connectSdk(page, mock, { version, codec })),
  );
}

async function watch(page: Page, id: number): Promise<Seen> {
  const now = () => page.evaluate(() => performance.now());
  await clock.sleep(warmUpMs);
  const fromMs = await now();
  await clock.sleep(measureMs);
  const toMs = await now();
  const seen = agesMs(await page.evaluate((id) => window.harness.pictures(id), id), fromMs, toMs);
  return { agesMs: seen, fps: (seen.length * 1000) / (toMs - fromMs) };
}
