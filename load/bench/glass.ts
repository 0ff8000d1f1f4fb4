/** Glass to glass in Chromium: relayed and transcoded, beside the same page's own loopback, in one interleaved run. */
import { chromium } from "@playwright/test";
import { bundle } from "../../fixtures/browser/bundle.ts";
import { chromiumFlags, findChromium } from "../../fixtures/browser/find-chromium.ts";
import { type Figure, median, quantile } from "../../reports/figure.ts";
import type { LoopResult } from "./glass-page.ts";
import type { Bench } from "./index.ts";
import { startMockProcess } from "./mock-process.ts";

const paths = ["loopback", "relay", "transcode"] as const;

export const glass: Bench = {
  name: "glass",
  about:
    "Age of a picture at requestVideoFrameCallback, 1280×720@30, in one Chromium; each run takes loopback, relay and transcode in turn, 6 s each after 3 s. Believe the ratios, not the milliseconds.",
  async run(runs) {
    const relay = await startMockProcess(["--mode", "relay"]);
    const transcode = await startMockProcess();
    const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] });
    try {
      const page = await browser.newPage();
      await page.goto(`${relay.url}/_lucy/health`);
      await page.addScriptTag({
        content: await bundle(new URL("./glass-page.ts", import.meta.url)),
        type: "module",
      });
      await page.waitForFunction(() => window.runLoop);
      const figures: Figure[] = [];
      const urls = { loopback: null, relay: relay.realtimeUrl, transcode: transcode.realtimeUrl };
      for (const codec of ["VP8", "H264"] as const) {
        const taken: Record<(typeof paths)[number], LoopResult>[] = [];
        for (let i = 0; i < runs; i++) {
          const results: Partial<Record<(typeof paths)[number], LoopResult>> = {};
          for (const path of paths) {
            const loop = { codec, realtimeUrl: urls[path], warmUpMs: 3000, measureMs: 6000 };
            results[path] = await page.evaluate((loop) => window.runLoop(loop), loop);
          }
          taken.push(results as (typeof taken)[number]);
        }
        const p50 = (one: LoopResult) => median(one.agesMs);
        for (const path of paths) {
          figures.push({
            name: `${codec} ${path} p50`,
            unit: "ms",
            values: taken.map((one) => p50(one[path])),
          });
          figures.push({
            name: `${codec} ${path} p95`,
            unit: "ms",
            values: taken.map((one) => quantile(one[path].agesMs, 0.95)),
          });
          figures.push({
            name: `${codec} ${path} rate`,
            unit: "fps",
            values: taken.map((one) => one[path].fps),
          });
        }
        const ratio = (path: "relay" | "transcode") => taken.map((one) => p50(one[path]) / p50(one.loopback));
        figures.push({
          name: `${codec} relay ÷ loopback`,
          unit: "×",
          values: ratio("relay"),
          aim: codec === "VP8" ? "≤ 0.85" : "≤ 0.5",
        });
        figures.push({
          name: `${codec} transcode ÷ loopback`,
          unit: "×",
          values: ratio("transcode"),
          aim: "≤ 1.0",
        });
      }
      return figures;
    } finally {
      await browser.close();
      await relay.stop();
      await transcode.stop();
    }
  },
};
