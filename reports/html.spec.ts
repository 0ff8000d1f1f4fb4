/** The HTML report in a real browser: it asks for nothing, runs nothing, fits a phone, and shows what it has to on paper, too. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, type Page, test } from "@playwright/test";
import { findAxeProblems } from "../fixtures/browser/find-axe-problems.ts";
import { doubted, everyOutcome, hostile, loaded, usual } from "./_results.ts";
import { resultsHtml } from "./html.ts";
import type { ComparedRuns } from "./html-load.ts";

let folder: string;
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-html-"));
});
test.afterAll(() => rmSync(folder, { recursive: true }));

async function open(page: Page, text: string): Promise<void> {
  const file = join(folder, "report.html");
  writeFileSync(file, text);
  await page.goto(pathToFileURL(file).href);
}

test("a hostile report runs nothing, asks for nothing, and fits every width in both themes", async ({
  page,
}) => {
  const asked: string[] = [];
  const told: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => told.push(message.text()));
  page.on("dialog", (dialog) => told.push(dialog.message()));
  await open(page, resultsHtml([hostile, usual, loaded, doubted]));
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 820, 1400]) {
      await page.setViewportSize({ width, height: 800 });
      const room = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(room, `${width} px`).toBeLessThanOrEqual(0);
    }
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(colorScheme === "light" ? "rgb(246, 246, 243)" : "rgb(20, 22, 26)");
  }
  expect(asked.filter((address) => !address.startsWith("data:image/png;"))).toEqual([page.url()]);
  expect(told).toEqual([]);
  // The policy is there for what nobody thought of.
  await page.evaluate(() => {
    const image = document.body.appendChild(document.createElement("img"));
    image.src = "http://127.0.0.1:9/";
  });
  await expect.poll(() => told.join()).toContain("Content Security Policy");
});

test("a mark leads to its proof, with its picture, and paper shows every failure", async ({ page }) => {
  await open(page, resultsHtml([everyOutcome]));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/Broken/);
  const picture = page.getByRole("img", { name: "Picture 81, the last before" });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1);

  const proof = page.getByText("Resolves on the wrong ack (B-1). (protocol.md#b-1)");
  await expect(proof).toBeHidden();
  await page.getByText("6 scenarios, who demands what").click();
  const row = page.getByRole("row", { name: /state\/sets-prompt/ });
  await row.getByRole("img", { name: "known to fail" }).click();
  await expect(proof).toBeVisible();

  const second = page.locator("details.failure.failed > .inside").first();
  await page.locator("details.failure.failed > summary").first().click();
  await expect(second).toBeHidden();
  await page.emulateMedia({ media: "print" });
  await expect(second).toBeVisible();
});

const row = { metric: "glass-to-glass", unit: "ms", a: 20, b: 31.25, sentence: "It is so." };
const compared: ComparedRuns = {
  comparisons: [
    {
      ...{ ...row, statistic: "p50", verdict: "worse" },
      ...{ difference: { low: 9, high: 13.5 }, ratio: { low: 1.45, high: 1.7 } },
    },
    {
      ...{ ...row, statistic: "p90", verdict: "better" },
      ...{ difference: { low: -9, high: -3 }, ratio: { low: 0.5, high: 0.7 } },
    },
    { ...row, statistic: "p99", verdict: "too few samples", difference: null, ratio: null },
  ],
  surroundings: ["Not the same node: 22 and 24."],
  why: ["Of the first: it fell behind."],
};

for (const [what, text] of [
  ["of conformance with failures", resultsHtml([everyOutcome, usual])],
  ["of load with a comparison", resultsHtml([loaded, { ...doubted, subject: "load spike" }], { compared })],
] as const) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing serious in a report ${what}, ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await open(page, text);
      // What is folded away is read by somebody, too.
      await page.locator("details").evaluateAll((all) => {
        for (const one of all as HTMLDetailsElement[]) one.open = true;
      });
      expect(await findAxeProblems(page)).toEqual([]);
    });
  }
}
