import type { Page } from "@playwright/test";
import { expect, journalLine, test } from "../browser/lucy-test.ts";
import { choose, connect, disconnect, open, read } from "./_page-steps.ts";

/** A second of video from the browser's own recorder, upright, dropped onto the source as a person would. */
async function dropVideo(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 90, height: 160 });
    const context = canvas.getContext("2d")!;
    const recorder = new MediaRecorder(canvas.captureStream(15), { mimeType: "video/webm;codecs=vp8" });
    const parts: Blob[] = [];
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.start();
    for (let picture = 0; picture < 10; picture++) {
      context.fillStyle = picture < 5 ? "#f00" : "#00f";
      context.fillRect(0, 0, 90, 160);
      await new Promise(requestAnimationFrame);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => {
      recorder.addEventListener("stop", resolve);
      recorder.stop();
    });
    const carried = new DataTransfer();
    carried.items.add(new File(parts, "upright.webm", { type: "video/webm" }));
    const about = { bubbles: true, cancelable: true, dataTransfer: carried };
    document.getElementById("source-view")!.dispatchEvent(new DragEvent("drop", about));
  });
}

/** Of what is sent now. */
function middleColour(page: Page): Promise<"red" | "blue"> {
  return page.locator("#source").evaluate((video: HTMLVideoElement) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const context = canvas.getContext("2d")!;
    context.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    const [red = 0, , blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return red > blue ? "red" : "blue";
  });
}

test("sends a video file, in a loop and at the model's size, as long as the session lasts", async ({
  page,
  lucy,
}) => {
  const complaints = await open(page, lucy);
  // Later ones stop what they were given, so that nobody would see the page forget it.
  await choose(page, "0.0.46");
  await page.getByText("File", { exact: true }).click();
  await expect(page.locator("#source-empty")).toHaveText("Choose a video, or drop one here.");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.getByRole("log")).toContainText("There is no video yet.");

  await page
    .getByLabel("Choose a video")
    .setInputFiles({ name: "notes.mp4", mimeType: "video/mp4", buffer: Buffer.from("no video") });
  await expect(page.locator("#source-empty")).toHaveText(
    "notes.mp4 cannot be played by this browser. Choose an MP4 with H.264, or a WebM with VP8, VP9 or AV1.",
  );

  await dropVideo(page);
  await expect(page.locator("#source-about")).toContainText(/upright.webm, 90×160, sent as \d+×\d+, \d+ fps/);
  await connect(page);
  const size = await page.locator("#source-about").textContent();
  const [, sent] = /sent as (\d+×\d+)/.exec(size!)!;
  await expect(read(page, "speed")).toContainText(sent!);
  await expect(page.getByText("A video file has no clock in its pictures")).toBeVisible();
  await expect(read(page, "latency")).toHaveText("–");
  await journalLine(lucy, ({ kind }) => kind === "shown");
  // Connecting took longer than the file: both of its colours are still seen because it goes on from its beginning.
  const seen = new Set<string>();
  await expect
    .poll(async () => [...seen.add(await middleColour(page))].toSorted().join(), { intervals: [30] })
    .toBe("blue,red");
  const tracks = await page
    .locator("#source")
    .evaluateHandle((video: HTMLVideoElement) => (video.srcObject as MediaStream).getTracks());
  await disconnect(page, lucy);
  expect(await tracks.evaluate((all) => all.map(({ readyState }) => readyState))).toEqual(["ended"]);
  expect(complaints).toEqual([]);
});
