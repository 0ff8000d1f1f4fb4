import type { SdkClient } from "./lucy-test.ts";
import { expect, journalLine, standsForAll, test } from "./lucy-test.ts";

type Measured = { medianMs: number | null; sampleCount: number; dropRatio?: number | null };

/** Measured: 20 to 60 ms, on a busy machine. A clock of another unit or origin is off by far more than this leaves room for. */
const medianMsMax = 1000;

/** The first of the SDK's measurements that has samples and is `enough`; it looks once a second, and leaves the first two out. */
async function measured(client: SdkClient, enough = (_: Measured) => true): Promise<Measured> {
  for (let count = 1; ; count++) {
    await client.untilEvent("stats", count);
    const { glassToGlass } = (await client.events("stats")).at(-1) as { glassToGlass?: Measured | null };
    if (glassToGlass && glassToGlass.sampleCount > 0 && enough(glassToGlass)) return glassToGlass;
  }
}

// In one page, most of it is waiting for the SDK to look.
test("0.1.6 and 0.1.14: find the marker that they painted in the edited picture", async ({ harness }) => {
  const clients: SdkClient[] = [];
  for (const version of ["0.1.6", "0.1.14"]) {
    clients.push(await harness.connect({ version, debugQuality: true, prompt: "sepia" }));
  }
  const findMarker = async (client: SdkClient) => {
    // Known from 30 pictures on.
    const { medianMs, dropRatio } = await measured(client, (found) => typeof found.dropRatio === "number");
    expect(medianMs).toBeGreaterThan(0);
    expect(medianMs).toBeLessThan(medianMsMax);
    expect(dropRatio).toBeLessThan(0.5);
  };
  await Promise.all(clients.map(findMarker));
});

// Chromium 150 gives the time of a decoded picture since 1970; the SDK takes it for a time since the page began, adds when that was,
// and passes over what lies in the future.
test("0.1.20, in a page as it is: reports, and has no sample", async ({ harness, lucy }) => {
  const client = await harness.connect({ version: "0.1.20", debugQuality: true });
  // The first two it leaves out anyway.
  await client.untilEvent("stats", 4);
  const reports = (await client.events("stats")) as { glassToGlass?: Measured | null }[];
  const none = { medianMs: null, sampleCount: 0, dropRatio: null };
  for (const { glassToGlass } of reports) expect(glassToGlass).toMatchObject(none);
  // What it measures by is there all the same.
  const told = lucy.journal.lines.filter(({ kind }) => kind === "livekit-update");
  expect(JSON.stringify(told)).toContain("PTF_USER_TIMESTAMP");
  await client.soundPictures();
});

// With a page that began in 1970 the sum is right.
for (const codec of standsForAll(["H264", "VP8", "VP9"] as const)) {
  test(`0.1.20, ${codec}: reads the time its pictures were taken at behind those that come back`, async ({
    harness,
    page,
    lucy,
  }) => {
    await page.evaluate(() => Object.defineProperty(performance, "timeOrigin", { value: 0 }));
    const client = await harness.connect({ version: "0.1.20", debugQuality: true, prompt: "sepia", codec });
    const { medianMs } = await measured(client);
    expect(medianMs).toBeGreaterThan(0);
    expect(medianMs).toBeLessThan(medianMsMax);
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
