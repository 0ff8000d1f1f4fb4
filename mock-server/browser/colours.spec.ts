/**
 * A flat picture keeps its colour. Relayed it looks as the browser itself makes it look, sender and receiver in one page; edited it
 * looks as it was painted, which of H.264 and VP9 the browser's own receiver does not manage: it takes them for BT.709.
 */
import type { Codec } from "../../fixtures/browser/versions.ts";
import { expect, journalLine, test } from "./lucy-test.ts";

const red = [229, 62, 62];
const green = [45, 140, 90];

/** Of 255. Coding moves a channel of a flat picture by up to 6; BT.601 read as BT.709 moves these by 12 and more (measured). */
const distanceMax = 8;

const codecs: readonly Codec[] = ["VP8", "H264", "VP9"];
const versions = ["0.0.46", "0.1.20"] as const;
/** On both sides of what some decoders take for the border between BT.601 and BT.709. */
const sizes = [
  { width: 640, height: 360 },
  { width: 1280, height: 720 },
] as const;

for (const codec of codecs) {
  for (const version of versions) {
    for (const size of sizes) {
      test(`${codec}, ${version}, ${size.width}×${size.height}: edited, red stays red`, async ({
        harness,
        lucy,
      }) => {
        const client = await harness.connect({ version, codec, ...flat(red), ...size });
        const { fields } = await journalLine(lucy, ({ kind }) => kind === "media-opened");
        expect(fields.codec).toBe(codec.toLowerCase());
        await client.untilSize(size.width, size.height);
        await client.morePictures(10);
        expectColor(await harness.call("middleColor", client.id), red);
      });
    }
  }

  test(`${codec}: edited, green stays green`, async ({ harness }) => {
    const client = await harness.connect({ version: "0.0.46", codec, ...flat(green) });
    await client.morePictures(10);
    expectColor(await harness.call("middleColor", client.id), green);
  });
}

test.describe("with --mode relay", () => {
  test.use({ serverOptions: { mode: "relay" } });

  for (const codec of codecs) {
    for (const version of versions) {
      test(`${codec}, ${version}: red looks as it does without a server`, async ({ harness }) => {
        const direct = await harness.call("loopback", { codec, ...flat(red), ...sizes[0] });
        await harness.call("morePictures", direct, 10);
        const client = await harness.connect({ version, codec, ...flat(red) });
        await client.morePictures(10);
        const wanted = await harness.call("middleColor", direct);
        expectColor(await harness.call("middleColor", client.id), wanted);
      });
    }
  }
});

function flat(color: readonly number[]) {
  return { fps: 15, strip: false, color: `rgb(${color.join(", ")})` };
}

function expectColor(shown: readonly number[], wanted: readonly number[]): void {
  const distances = shown.map((channel, index) => Math.abs(channel - wanted[index]!));
  expect(Math.max(...distances), `shown ${shown}, wanted ${wanted}`).toBeLessThanOrEqual(distanceMax);
}
