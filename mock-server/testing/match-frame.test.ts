import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { describe, test } from "vitest";
import { bars } from "../../fixtures/cameras.ts";
import { frameToRgba } from "../../fixtures/frame-colour.ts";
import { frameToPng } from "../../fixtures/frame-png.ts";
import { stripsHeight, writeOutputStrip } from "../../fixtures/strips.ts";
import { expect } from "./vitest.ts";

const [width, height] = [320, 180];
const frame = () => bars(0, width, height);
const png = frameToPng(frame());
const folder = mkdtempSync(join(tmpdir(), "lucy-frames-"));

/** The picture with a grey square of so many pixels a side below the strips. */
function spoiled(side: number) {
  const data = frameToRgba(frame());
  for (let y = 0; y < side; y++) {
    const from = ((stripsHeight(width, "tall") + y) * width + 8) * 4;
    data.fill(128, from, from + side * 4);
  }
  return { width, height, data };
}

async function failureOf(expectation: Promise<void>): Promise<string> {
  return Promise.resolve(expectation).then(
    () => "It passed.",
    (error: Error) => error.message,
  );
}

test("a frame, its pixels and its PNG match, a file as well as bytes", async () => {
  const path = join(folder, "wanted.png");
  writeFileSync(path, png);
  await expect(frame()).toMatchFrame(png);
  await expect(png).toMatchFrame(path);
  await expect(spoiled(0)).toMatchFrame(new URL(`file://${path}`));
});

test("the strips count only where they are asked for", async () => {
  const striped = frame();
  writeOutputStrip(striped, { revision: 3, promptHash: 7, imageHash: 0, outputCount: 9 });
  await expect(striped).toMatchFrame(png);
  await expect(striped).not.toMatchFrame(png, { withStrips: true, folder });
});

test("how much may differ is the test's to say, and what differs is a picture", async () => {
  const lax = { differingShareMax: 0.02 };
  await expect(spoiled(20)).toMatchFrame(png, lax);
  const message = await failureOf(expect(spoiled(40)).toMatchFrame(png, { ...lax, folder }));
  expect(message).toMatch(
    /^expect\(picture\)\.toMatchFrame\(\)\n\nExpected: a picture of 320×180 that differs in at most 2\.00 % of its pixels\nGot: {6}1\d\d\d of 52480 pixels differ \(3\.\d\d %\), at threshold 0\.1\n\nSee .*\.actual\.png\nSee .*\.difference\.png$/,
  );
  for (const [, path] of message.matchAll(/See (.*)/g)) {
    expect(PNG.sync.read(readFileSync(path!)).width).toBe(width);
  }
  expect(await failureOf(expect(frame()).not.toMatchFrame(png))).toContain(
    "anything but a picture of 320×180",
  );
  await expect(spoiled(40)).toMatchFrame(png, { threshold: 1 });
});

test("another size is another picture", async () => {
  const message = await failureOf(expect(bars(0, 160, 90)).toMatchFrame(png, { folder }));
  expect(message).toContain("Got:      one of 160×90\n\nSee ");
  const flat = await failureOf(expect(bars(0, 320, 8)).toMatchFrame(frameToPng(bars(0, 320, 8)), { folder }));
  expect(flat).toContain("nothing but strips");
});

describe("what cannot be compared is a sentence", () => {
  const rows: [sentence: RegExp, () => Promise<void>][] = [
    [
      /^There is no .*absent\.png to compare with\. The picture is .*\.actual\.png: look at it, and put it there if it is right\.$/,
      () => expect(frame()).toMatchFrame(join(folder, "absent.png"), { folder }),
    ],
    [
      /^The PNG to compare with is not a PNG that can be read\. Write it anew\.$/,
      () => expect(frame()).toMatchFrame(Buffer.from("no")),
    ],
    [/^toMatchFrame\(\) got 2 bytes that are no PNG\./, () => expect(Buffer.from("no")).toMatchFrame(png)],
    [/^toMatchFrame\(\) is about a picture: .*; got string\.$/, () => expect("face.png").toMatchFrame(png)],
    [
      /^toMatchFrame\(\) takes 0 to 1 as its threshold; got 5\.$/,
      () => expect(frame()).toMatchFrame(png, { threshold: 5 }),
    ],
    [
      /^toMatchFrame\(\) takes 0 to 1 as its differingShareMax; got -1\.$/,
      () => expect(frame()).toMatchFrame(png, { differingShareMax: -1 }),
    ],
  ];
  test.each(rows)("%s", async (sentence, run) => {
    expect(await failureOf(Promise.resolve().then(run))).toMatch(sentence);
  });
});

test("a match writes nothing", async () => {
  const empty = mkdtempSync(join(tmpdir(), "lucy-frames-"));
  await expect(frame()).toMatchFrame(png, { folder: empty });
  expect(existsSync(empty) && readdirSync(empty)).toEqual([]);
});
