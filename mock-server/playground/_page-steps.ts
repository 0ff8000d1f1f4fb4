/** What each spec of the page begins with: the page open, a session, its end; and where the readout says what. */
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, nothingOpen, traitsOf, untilNothingOpen } from "../browser/lucy-test.ts";
import type { MockServer } from "../server.ts";

/** Path of a fixture's image. */
export const image = (file: string) =>
  fileURLToPath(new URL(`../../fixtures/images/${file}`, import.meta.url));
export const hex = (hash: number) => hash.toString(16).padStart(4, "0");

/** What the row says that was read from the picture. */
export const read = (page: Page, row: string) => page.locator(`#row-${row} td`).nth(0);
export const told = (page: Page, row: string) => page.locator(`#row-${row} td`).nth(1);

/**
 * Bundling, and ICE with codecs that begin: with other work on both cores, answers took 1.6 s each, and five seconds were too short for a first
 * picture (seen once in twelve, load average 14).
 */
const slowly = { timeout: 30_000 };

/** The page, and whatever its console complains of. */
export async function open(page: Page, lucy: MockServer): Promise<string[]> {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(lucy.url);
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled(slowly);
  return complaints;
}

export async function connect(page: Page, firstRevision = 0): Promise<void> {
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(read(page, "revision")).toHaveText(String(firstRevision), slowly);
}

export async function choose(page: Page, version: string): Promise<void> {
  await page.getByRole("combobox", { name: "SDK" }).selectOption(version);
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
  await expect(page.getByRole("combobox", { name: "Model" })).toHaveValue(traitsOf(version).model);
}

export async function disconnect(page: Page, lucy: MockServer): Promise<void> {
  await page.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
  await untilNothingOpen(lucy);
  expect(lucy.open).toEqual(nothingOpen);
}
