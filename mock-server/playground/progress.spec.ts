import { expect, journalLine, test } from "../browser/lucy-test.ts";
import { connect, disconnect, open } from "./_page-steps.ts";

const part = (name: string) => `#progress-${name}`;

test("shows ticks as they come, two lines that are drawn on, and how the session ended", async ({
  page,
  lucy,
}) => {
  await open(page, lucy);
  await expect(page.locator(part("state"))).toHaveText("not connected");
  await expect(page.locator(part("ticked"))).toHaveText("–");
  await connect(page);
  await expect(page.locator(part("ticked"))).toHaveText(/^[1-9]\d* s$/);
  const plots = page.locator("#plots .plot");
  await expect(plots.first()).toContainText(/Pictures \d+ fps/);
  await expect(plots.last()).toContainText(/Glass to glass \d+ ms/);
  for (const plot of await plots.all()) await expect(plot.locator("path[d*=L]")).not.toHaveCount(0);

  lucy.sessions[0]!.end("timeout", null);
  const { fields } = await journalLine(lucy, ({ kind }) => kind === "generation_ended");
  // The SDK connects again by itself: another session, with no ticks yet.
  const ended = `timeout, after ${fields.seconds} s; another began`;
  await expect(page.locator(part("ended"))).toHaveText(ended);
  await expect(page.locator(part("ticked"))).toHaveText("–");
  // It stays to be read until the next connect.
  await disconnect(page, lucy);
  await expect(page.locator(part("ended"))).toContainText("timeout");
  await expect(page.locator(part("state"))).toHaveText("not connected");
  await expect(plots.first()).toContainText("Pictures –");
});
