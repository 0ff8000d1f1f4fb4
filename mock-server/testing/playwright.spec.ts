/**
 * What the fixtures and matchers for Playwright say when they fail, and what a page can reach: with an SDK whose host is fixed in its code. That they
 * pass is for examples/ to show.
 */

import { readImage } from "../../fixtures/images.ts";
import { failureHead } from "./_failure-head.ts";
import { expect, test } from "./playwright.ts";

const now = { withinMs: 300 };

declare global {
  interface Window {
    sdk46: typeof import("decart-sdk-0.0.46");
    edit(prompt: string): Promise<void>;
  }
}

/** The same from run to run. */
const failureOf = async (expectation: Promise<void>) =>
  (await failureHead(expectation)).replace(/picture \d+, of/g, "picture …, of");

test("0.0.46, unmodified, is led here and comes back; matchers on its video say what they saw; nothing else is reached", async ({
  page,
  lucy,
}, testInfo) => {
  await page.goto(`${lucy.url}/_lucy/health`);
  // A video that is none of ours, and then one that is.
  await page.setContent("<video autoplay muted playsinline></video><p>No video</p>");
  await page.addScriptTag({
    content: 'import * as sdk from "/_lucy/sdk/0.0.46.js"; window.sdk46 = sdk;',
    type: "module",
  });
  await page.waitForFunction(() => window.sdk46);
  expect(await failureOf(expect(page).toShowPrompt("sepia", now))).toContain(
    "Got:      no video element, or no picture on it\n",
  );
  expect(await failureOf(expect(page).not.toMatchFrame(Buffer.of(), now))).toContain(
    "Got:      no video element, or no picture on it\n",
  );
  expect(await failureOf(expect(page.locator("p")).toShowPrompt("sepia", now))).toContain(
    "The element is a <p>. Locate the <video>",
  );
  await page.evaluate(async () => {
    const { createDecartClient, models } = window.sdk46;
    const video = document.querySelector("video")!;
    const camera = await navigator.mediaDevices.getUserMedia({
      video: { width: 320, height: 180, frameRate: 15 },
    });
    video.srcObject = camera;
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const client = createDecartClient({ apiKey: "dct_production" });
    const realtime = await client.realtime.connect(camera, {
      model: models.realtime("lucy_2_rt"),
      onRemoteStream(stream) {
        setTimeout(() => {
          video.srcObject = stream;
        }, 0);
      },
      initialState: { prompt: { text: "sepia", enhance: false } },
    });
    window.edit = async (prompt) => void (await realtime.setPrompt(prompt));
  });
  const session = await lucy.session();
  await expect(page).toShowPrompt("sepia", { withinMs: 20_000 });

  expect(await failureOf(expect(page).toShowPrompt("neon", now))).toBe(
    `expect(video).toShowPrompt()
Expected: pictures that show the prompt "neon"
Got:      picture …, of revision 1, shows the prompt "sepia" and no image
Waited:   300 ms`,
  );
  expect(await failureOf(expect(page).not.toShowPrompt("sepia", now))).toContain(
    "Expected: anything but pictures that show",
  );
  expect(await failureOf(expect(page).toShowImage(readImage("face-small"), now))).toContain(
    "Expected: pictures that show the image",
  );
  expect(await failureOf(expect(page).toHaveRevision(7, now))).toContain(
    "Expected: pictures of revision 7\nGot:      picture …, of revision 1",
  );
  await expect(page).not.toHaveRevision(7);
  await expect(page).toShowImage(null);

  const png = await page.locator("video").evaluate((video: HTMLVideoElement) => {
    const canvas = Object.assign(document.createElement("canvas"), {
      width: video.videoWidth,
      height: video.videoHeight,
    });
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    return canvas.toDataURL().replace(/^.*,/, "");
  });
  const alike = { threshold: 0.3, differingShareMax: 0.4, withinMs: 10_000 };
  await expect(page).toMatchFrame(Buffer.from(png, "base64"), alike);
  await page.evaluate(() => window.edit("invert"));
  await expect(page).not.toMatchFrame(Buffer.from(png, "base64"), alike);
  const matching = expect(page).toMatchFrame(Buffer.from(png, "base64"), alike);
  await page.evaluate(() => window.edit("sepia"));
  await matching;
  const differs = await expect(page)
    .toMatchFrame(Buffer.from(readImage("board-png")), now)
    .catch((error: Error) => error.message);
  expect(differs).toMatch(/Got: {6}one of \d+×\d+\nWaited: {3}300 ms\n\nSee .*\.actual\.png/);
  expect(testInfo.attachments.map(({ contentType }) => contentType)).toEqual(["image/png"]);

  lucy.faults.add("drop-socket", { session: session.id });
  await expect(lucy).toHaveReconnected(1, { withinMs: 20_000 });

  const reached = await page.evaluate(async () => {
    const attempts: (() => unknown)[] = [
      () => fetch("https://example.com/"),
      () => new WebSocket("wss://example.com/"),
    ];
    const outcomes = [];
    for (const attempt of attempts) {
      outcomes.push(
        await Promise.resolve()
          .then(attempt)
          .then(
            () => "reached",
            ({ message }) => message,
          ),
      );
    }
    return outcomes;
  });
  expect(reached).toEqual([
    "Failed to fetch",
    "Refused to reach example.com: a test reaches this machine alone.",
  ]);
  const refused = lucy.lines.filter(({ kind }) => kind === "page-refused").map(({ fields }) => fields.url);
  expect(refused).toContain("https://example.com/");
});
