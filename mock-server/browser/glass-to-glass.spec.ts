import type { SdkClient } from "./lucy-test.ts";
import { expect, journalLine, test } from "./lucy-test.ts";

type Stats = {
  glassToGlass?: { medianMs: number | null; sampleCount: number; dropRatio?: number | null } | null;
};

/** The newest of the SDK's measurements that has samples; it looks once a second, and leaves the first two out. */
async function measured(client: SdkClient): Promise<NonNullable<Stats["glassToGlass"]>> {
  for (let count = 1; ; count++) {
    await client.untilEvent("stats", count);
    const { glassToGlass } = (await client.events("stats")).at(-1) as Stats;
    if (glassToGlass && glassToGlass.sampleCount > 0) return glassToGlass;
  }
}

for (const version of ["0.1.6", "0.1.14"]) {
  test(`${version}: finds the marker that it painted in the edited picture`, async ({ harness }) => {
    const client = await harness.connect({ version, debugQuality: true, prompt: "sepia" });
    const { medianMs, dropRatio } = await measured(client);
    expect(medianMs).toBeGreaterThan(0);
    expect(medianMs).toBeLessThan(5000);
    expect(dropRatio ?? 0).toBeLessThan(0.5);
  });
}

// Chromium 156 gives the time of a decoded picture since 1970; the SDK takes it for a time since the page began, adds when that was,
// and passes over what lies in the future. With a page that began in 1970 the sum is right.
for (const codec of ["H264", "VP8", "VP9"] as const) {
  test(`0.1.20, ${codec}: reads the time its pictures were taken at behind those that come back`, async ({
    harness,
    page,
    lucy,
  }) => {
    await page.evaluate(() => Object.defineProperty(performance, "timeOrigin", { value: 0 }));
    const client = await harness.connect({ version: "0.1.20", debugQuality: true, prompt: "sepia", codec });
    const { medianMs } = await measured(client);
    expect(medianMs).toBeGreaterThan(0);
    expect(medianMs).toBeLessThan(5000);
    await client.soundPictures();

    const { subscribeToken } = await client.get();
    const viewer = await harness.subscribe("0.1.20", subscribeToken!);
    await viewer.morePictures(10);
    // Nobody takes them off there, so that none may come.
    const joined = await journalLine(lucy, ({ kind, session, fields }) => {
      return (
        kind === "livekit-join" && session !== client.session && JSON.stringify(fields).includes("VIDEO")
      );
    });
    expect(JSON.stringify(joined.fields)).not.toContain("PTF_USER_TIMESTAMP");
    await viewer.soundPictures(client.session);
  });
}
