/** From calling an SDK's `connect()` to the first edited picture on the page. */
import type { Browser } from "@playwright/test";
import type { Codec } from "../../fixtures/browser/versions.ts";
import { type Figure, median } from "../../reports/figure.ts";
import { type MockProcess, startMockProcess } from "../mock-process.ts";
import type { Bench } from "./index.ts";
import { codecs, connectSdk, dialects, startBrowser, withSdkPage } from "./sdk-page.ts";

const timesPerRun = 5;

export const connect: Bench = {
  name: "connect",
  about: `connect() of a published SDK to its end, and to the first picture presented, 1280×720@30, transcoded. A run is the median of ${timesPerRun}, each in a fresh page, dialects in turn; SDK and camera are ready before, and the server has had a session of each.`,
  doubt:
    "There is no DNS, no TLS and no distance in it. Both cores busy with anything else adds to it directly; so does a cold server (its first session loads the codec library).",
  async run(runs) {
    const mock = await startMockProcess();
    const browser = await startBrowser();
    try {
      for (const { version } of dialects) await once(browser, mock, version, "H264");
      const figures: Figure[] = [];
      for (const codec of codecs) {
        const taken = dialects.map(({ of }) => ({ of, connect: [] as number[], first: [] as number[] }));
        for (let run = 0; run < runs; run++) {
          const times = dialects.map((): Awaited<ReturnType<typeof once>>[] => []);
          for (let time = 0; time < timesPerRun; time++) {
            for (const [i, { version }] of dialects.entries()) {
              times[i]!.push(await once(browser, mock, version, codec));
            }
          }
          for (const [i, one] of taken.entries()) {
            one.connect.push(median(times[i]!.map(({ connectedMs }) => connectedMs)));
            one.first.push(median(times[i]!.map(({ firstPictureMs }) => firstPictureMs)));
          }
        }
        for (const { of, connect } of taken) {
          figures.push({ name: `${codec} connect()`, of, unit: "ms", values: connect });
        }
        for (const { of, first } of taken) {
          const name = `${codec} connect() to first picture`;
          figures.push({ name, of, unit: "ms", values: first, aim: { atMost: 1000 } });
        }
      }
      return figures;
    } finally {
      await browser.close();
      await mock.stop();
    }
  },
};

/** Milliseconds from the call. */
function once(browser: Browser, mock: MockProcess, version: string, codec: Codec) {
  return withSdkPage(browser, mock, async (page) => {
    const id = await connectSdk(page, mock, { version, codec });
    return page.evaluate((id) => {
      const { calledMs, connectedMs } = window.harness.get(id);
      const [first] = window.harness.pictures(id);
      return { connectedMs: connectedMs! - calledMs!, firstPictureMs: first!.atMs - calledMs! };
    }, id);
  });
}
