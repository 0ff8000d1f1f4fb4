import { findAxeProblems } from "../../fixtures/browser/find-axe-problems.ts";
import { expect, test } from "../browser/lucy-test.ts";
import { connect, open, read } from "./_page-steps.ts";

const schemes = ["light", "dark"] as const;

test("axe finds nothing serious while idle, connected and alarmed, in light and dark", async ({
  page,
  lucy,
}) => {
  let looked = 0;
  /** One scheme after the other, as a look takes seconds; `LUCY_LONG`: both each time. */
  const look = async (state: string) => {
    for (const colorScheme of process.env.LUCY_LONG ? schemes : [schemes[looked++ % 2]!]) {
      await page.emulateMedia({ colorScheme });
      expect(await findAxeProblems(page), `${state}, ${colorScheme}`).toEqual([]);
    }
  };
  await open(page, lucy);
  // The faults' forms are looked at where they are open.
  if (!process.env.LUCY_LONG) await page.getByLabel("Search faults").fill("packet-loss");
  await look("idle");
  await connect(page);
  await page.getByLabel("Prompt", { exact: true }).fill("a knight");
  await page.getByLabel("Prompt", { exact: true }).press("Enter");
  await page.getByRole("button", { name: "A face with a hat, PNG" }).click();
  await expect(read(page, "revision")).toHaveText("2");
  await look("connected");
  await lucy.close();
  await expect(page.getByRole("alert")).toBeVisible();
  await look("alarmed");
});

test("fits a phone, has a way past its head, and holds still for whoever asks for that", async ({
  page,
  lucy,
}) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.setViewportSize({ width: 375, height: 700 });
  await open(page, lucy);
  await expect(page.locator("#source-empty")).toHaveText(
    "It starts with Connect, as less motion is wanted here.",
  );
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the result" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#result-title")).toBeFocused();
});
