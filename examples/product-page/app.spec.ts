/** The app's tests. It is not changed for them: its pages are led to the mock server, and what goes wrong is each test's own. */
import { readFileSync } from "node:fs";
import { expect, test } from "lucy-testkit/playwright";
import { serveApp } from "./serve.ts";

const face = new URL("../../fixtures/images/face.jpg", import.meta.url).pathname;
let app: Awaited<ReturnType<typeof serveApp>>;

test.beforeAll(async () => {
  app = await serveApp();
});
test.afterAll(() => app[Symbol.asyncDispose]());

test("edits the camera's video by the prompt, then by prompt and image, and leaves", async ({
  page,
  lucy,
}) => {
  await page.goto(app.url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  const video = page.getByLabel("Edited video");
  await expect(video).toShowPrompt("sepia", { withinMs: 20_000 });
  await page.getByLabel("Prompt").fill("neon city");
  await page.getByLabel("Reference image").setInputFiles(face);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(video).toShowImage(readFileSync(face));
  await expect(video).toShowPrompt("neon city");
  await expect(page).toHaveRevision(2);
  await expect(lucy).toHaveReceivedPrompt("neon city");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await expect(page.getByText("disconnected")).toBeVisible();
});

test("says so when a prompt is rejected, and goes on with the one before", async ({ page, lucy }) => {
  lucy.faults.add({ name: "moderation", with: { word: "forbidden" } });
  await page.goto(app.url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page).toShowPrompt("sepia", { withinMs: 20_000 });
  await page.getByLabel("Prompt").fill("a forbidden thing");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("alert")).toHaveText("The prompt was rejected by moderation.");
  await expect(lucy).toHaveReceivedPrompt("a forbidden thing");
  await expect(page).toShowPrompt("sepia");
});
