import { stripTypeScriptTypes } from "node:module";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import {
  expect,
  journalLine,
  newestOfDialect,
  standsForAll,
  test,
  untilNothingOpen,
} from "../browser/lucy-test.ts";
import { faults } from "../faults/index.ts";
import { parseScenarioText } from "../faults/scenario-file.ts";
import { choose, connect, disconnect, open, read } from "./_page-steps.ts";

for (const version of standsForAll(newestOfDialect.toReversed())) {
  test(`SDK ${version}: the code for what was done does the same in another page`, async ({
    page,
    context,
    lucy,
  }) => {
    const complaints = await open(page, lucy);
    await page.getByLabel("Search faults").fill("nothing");
    await page.getByRole("switch", { name: "nothing", exact: true }).click();
    const declared = () => lucy.faults.list.map(({ declaration }) => declaration.name);
    await expect.poll(declared).toEqual(["nothing"]);
    await choose(page, version);
    await page.getByRole("combobox", { name: "Codec" }).selectOption("VP8");
    await connect(page);
    await page.getByLabel("Prompt", { exact: true }).fill("a knight");
    await page.getByLabel("Prompt", { exact: true }).press("Enter");
    await expect(read(page, "revision")).toHaveText("1");
    await page.getByRole("button", { name: "A face with a hat, PNG" }).click();
    await expect(read(page, "revision")).toHaveText("2");
    await disconnect(page, lucy);

    const code = page.locator("#code");
    const text = (await code.textContent())!;
    const typed = text.replace('"@decartai/sdk"', `"/_lucy/sdk/${version}.js"`);
    const before = lucy.journal.lines.length;
    const app = await context.newPage();
    await app.goto(`${lucy.url}/_lucy/health`);
    await app.setContent("<video autoplay muted></video>");
    // As the code's own first lines say; SDKs that take their addresses pass it by.
    await app.addScriptTag({ url: `${lucy.url}/_lucy/redirect.js` });
    await app.addScriptTag({ content: stripTypeScriptTypes(typed), type: "module" });
    const state = (line: { seq: number; kind: string }) => line.seq > before && line.kind === "state";
    await journalLine(
      lucy,
      (line) =>
        state(line) &&
        line.fields.promptHash === promptHash("a knight") &&
        line.fields.imageHash === imageHash(readImage("face-png")),
    );
    await untilNothingOpen(lucy);
    expect(declared()).toEqual(["nothing", "nothing"]);

    await page.getByRole("tab", { name: "SDK" }).press("ArrowRight");
    await expect(page.getByRole("tab", { name: "Scenario YAML" })).toBeFocused();
    const file = parseScenarioText((await code.textContent())!, "done.yaml", { faults, mode: "transcode" });
    expect(file.faults.map(({ fault }) => fault.name)).toEqual(["nothing"]);
    await page.getByRole("tab", { name: "Driver JSON" }).click();
    await expect(code).toContainText('"verb":"setPrompt","prompt":"a knight"');
    await expect(code).toContainText("<base64 of face-png");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator("#copy-code").click();
    await expect(page.locator("#copy-code")).toHaveText("Copied");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const base64 = Buffer.from(readImage("face-png")).toString("base64");
    expect(copied).toContain(base64);
    // As over plain http: what the keyboard then copies is all of it, too.
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.locator("#copy-code").click();
    await expect(page.locator("#copy-code")).toHaveText("Press Ctrl+C");
    expect(await page.evaluate(() => String(getSelection()))).toContain(base64);
    expect(complaints).toEqual([]);
  });
}
