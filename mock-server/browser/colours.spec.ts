/**
 * A flat picture keeps its colour. Relayed it looks as the browser itself makes it look, sender and receiver in one page; edited it
 * looks as it was painted, which of H.264 and VP9 the browser's own receiver does not manage: it takes them for BT.709.
 */
import type { Codec } from "../../fixtures/browser/versions.ts";
import { expect, journalLine, newestOfDialect, test } from "./lucy-test.ts";

const red = [229, 62, 62];
const green = [45, 140, 90];

/** Of 255. Coding moves a channel of a flat picture by up to 11 on a busy machine (measured). */
const distanceMax = 16;

const codecs: readonly Codec[] = ["VP8", "H264", "VP9"];
/** Each codec with one SDK; `LUCY_LONG`: with both, of which the pictures are treated alike. */
const pairs = codecs.flatMap((codec, index) =>
  newestOfDialect
    .filter((_, which) => process.env.LUCY_LONG || which === index % newestOfDialect.length)
    .map((version) => ({ codec, version })),
);
/** On both sides of what some decoders take for the border between BT.601 and BT.709. The larger first: a sender grows slowly. */
const sizes = [
  { width: 1280, height: 720 },
  { width: 640, height: 360 },
] as const;

for (const { codec, version } of pairs) {
  test(`${codec}, ${version}: edited, red stays red, large and small`, async ({ harness, lucy }) => {
    const client = await harness.connect({ version, codec, ...flat(red), ...sizes[0] });
    const { fields } = await journalLine(lucy, ({ kind }) => kind === "media-opened");
    expect(fields.codec).toBe(codec.toLowerCase());
    for (const { width, height } of sizes) {
      await harness.call("resize", client.id, width, height);
      await client.untilSize(width, height);
      await client.morePictures(10);
      expectColor(await harness.call("middleColor", client.id), red);
    }
  });
}

test("edited, green stays green", async ({ harness }) => {
  const clients = [];
  for (const codec of codecs)
    clients.push(await harness.connect({ version: "0.0.46", codec, ...flat(green) }));
  for (const { id, morePictures } of clients) {
    await morePictures(10);
    expectColor(await harness.call("middleColor", id), green);
  }
});

test.describe("with --mode relay", () => {
  test.use({ serverOptions: { mode: "relay" } });

  for (const { codec, version } of pairs) {
    test(`${codec}, ${version}: red looks as it does without a server`, async ({ harness }) => {
      const direct = await harness.call("loopback", { codec, ...flat(red), ...sizes[1] });
      const client = await harness.connect({ version, codec, ...flat(red) });
      await Promise.all([harness.call("morePictures", direct, 10), client.morePictures(10)]);
      const wanted = await harness.call("middleColor", direct);
      expectColor(await harness.call("middleColor", client.id), wanted);
    });
  }
});

function flat(color: readonly number[]) {
  return { fps: 15, strip: false, color: `rgb(${color.join(", ")})` };
}

/** What is shown lies nearer to what is wanted than to what the same samples are as BT.709, or as BT.601 where that was wanted. */
function expectColor(shown: readonly number[], wanted: readonly number[]): void {
  const apart = distance(shown, wanted);
  const text = `shown ${shown}, wanted ${wanted}`;
  expect(apart, text).toBeLessThanOrEqual(distanceMax);
  for (const [from, to] of [
    [bt601, bt709],
    [bt709, bt601],
  ] as const) {
    const misread = to.decode(from.encode(wanted));
    expect(apart, `${text}, misread ${misread}`).toBeLessThan(distance(shown, misread));
  }
}

function distance(one: readonly number[], other: readonly number[]): number {
  return Math.max(...one.map((channel, index) => Math.abs(channel - other[index]!)));
}

const bt601 = matrix(0.299, 0.114);
const bt709 = matrix(0.2126, 0.0722);

/** RGB of 0–255 to luma and colour differences, and back (https://www.itu.int/rec/R-REC-BT.709). */
function matrix(kr: number, kb: number) {
  const kg = 1 - kr - kb;
  return {
    encode([r, g, b]: readonly number[]): [number, number, number] {
      const y = kr * r! + kg * g! + kb * b!;
      return [y, (b! - y) / (2 - 2 * kb), (r! - y) / (2 - 2 * kr)];
    },
    decode([y, cb, cr]: readonly number[]): number[] {
      const r = y! + (2 - 2 * kr) * cr!;
      const b = y! + (2 - 2 * kb) * cb!;
      return [r, (y! - kr * r - kb * b) / kg, b].map((channel) =>
        Math.round(Math.min(255, Math.max(0, channel))),
      );
    },
  };
}
