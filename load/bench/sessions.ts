/** What a picture and a further session cost the server, in both dialects. */
import type { Browser } from "@playwright/test";
import type { Codec } from "../../fixtures/browser/versions.ts";
import type { Figure } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import { startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { codecs, connectSdk, dialects, startBrowser, withSdkPage } from "./sdk-page.ts";

const settleMs = 3000;
const measureMs = 6000;
const furtherCount = 3;

const modes = ["relay", "transcode"] as const;

export const sessions: Bench = {
  name: "sessions",
  about: `CPU of the whole server process for each picture that leaves it, one session at 1280×720@30 for ${measureMs / 1000} s; and the growth of its resident memory for each of ${furtherCount} further sessions at 1280×720@10. Published SDKs in Chromium on the same machine, a fresh server for each.`,
  doubt:
    "CPU is counted, not waited for, so a busy machine changes it little; but where cores share caches or change their clock, by a third. Memory grows when the runtime likes: differences under 10 MB mean nothing. `stages` and `capacity` send ready-made clips and are not comparable.",
  async run(runs) {
    const browser = await startBrowser();
    try {
      const figures: Figure[] = [];
      for (const codec of codecs) {
        for (const mode of modes) {
          const taken = dialects.map((dialect) => ({
            ...dialect,
            cost: [] as Awaited<ReturnType<typeof once>>[],
          }));
          for (let run = 0; run < runs; run++) {
            for (const { version, cost } of taken) cost.push(await once(browser, mode, version, codec));
          }
          for (const { of, cost } of taken) {
            const values = cost.map(({ cpuMs }) => cpuMs);
            figures.push({ name: `${codec} ${mode} CPU a picture`, of, unit: "ms", values });
          }
          for (const { of, cost } of taken) {
            const values = cost.map(({ megabytes }) => megabytes);
            figures.push({ name: `${codec} ${mode} memory of a further session`, of, unit: "MB", values });
          }
        }
      }
      return figures;
    } finally {
      await browser.close();
    }
  },
};

async function once(browser: Browser, mode: string, version: string, codec: Codec) {
  const mock = await startMockProcess(["--mode", mode]);
  const measured = async () => ({
    ...(await mock.health()).process,
    pictures: (await mock.sessions())[0]!.media!.picturesOut,
  });
  try {
    return await withSdkPage(browser, mock, async (page) => {
      await connectSdk(page, mock, { version, codec });
      await clock.sleep(settleMs);
      const before = await measured();
      await clock.sleep(measureMs);
      const after = await measured();
      for (let i = 0; i < furtherCount; i++) await connectSdk(page, mock, { version, codec, fps: 10 });
      await clock.sleep(settleMs);
      const crowded = await measured();
      return {
        cpuMs: (after.cpuMs - before.cpuMs) / (after.pictures - before.pictures),
        megabytes: (crowded.rssBytes - after.rssBytes) / 1e6 / furtherCount,
      };
    });
  } finally {
    await mock.stop();
  }
}
