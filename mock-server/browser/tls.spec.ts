import { chromiumFlags, findChromium } from "../../fixtures/browser/find-chromium.ts";
import { expect, findStrays, openHarness, test, untilNothingOpen } from "./lucy-test.ts";

test.use({ serverOptions: { tls: true } });

test("0.0.46 with nothing wrapped, led to the server by the browser's resolver", async ({
  playwright,
  lucy,
}) => {
  const { port } = new URL(lucy.url);
  const rules = `MAP api3.decart.ai:443 127.0.0.1:${port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`;
  const browser = await playwright.chromium.launch({
    executablePath: findChromium(),
    args: [
      ...chromiumFlags.filter((one) => !one.startsWith("--host-resolver-rules=")),
      `--host-resolver-rules=${rules}`,
      "--ignore-certificate-errors",
    ],
  });
  try {
    const context = await browser.newContext();
    const strays = findStrays(context, ["api3.decart.ai"]);
    const harness = await openHarness(await context.newPage(), lucy, { redirect: false });
    const client = await harness.connect({ version: "0.0.46" });
    await client.morePictures(5);
    expect(await client.call("setPrompt", "sepia")).toEqual({ ok: true });
    await client.untilRevision(1);
    await client.soundPictures();
    expect(strays).toEqual([]);
  } finally {
    await browser.close();
  }
  await untilNothingOpen(lucy);
});
