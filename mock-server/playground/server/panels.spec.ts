import { readFile } from "node:fs/promises";
import { findAxeProblems } from "../../../fixtures/browser/find-axe-problems.ts";
import { openSocket, type SocketClient } from "../../_socket-client.ts";
import {
  expect,
  journalLine,
  nothingOpen,
  standsForAll,
  test,
  untilNothingOpen,
} from "../../browser/lucy-test.ts";
import type { JournalLine } from "../../index.ts";
import type { MockServer } from "../../server.ts";

type Page = Parameters<Parameters<typeof test>[2]>[0]["page"];

// Where pictures are not the matter, nobody sends any.
test.use({ serverOptions: { mode: "none" } });

const inPanel = (page: Page, panel: "sessions" | "journal" | "faults" | "clock" | "reset") =>
  page.locator(`#server-${panel}`);
const card = (page: Page, session: string) => page.locator(`[data-session="${session}"]`);
const fault = (page: Page, name: string) => page.locator(`.fault[data-fault="${name}"]`);
const rows = (page: Page) => page.locator("#server-journal .line");
const shownKinds = (page: Page) => page.locator("#server-journal .line b").allTextContents();

/**
 * The page, and whatever its console complains of, beside refusals. `clock`: of the page, whose time goes on by itself, and further by {@link
 * aSecond}; `real` for pages with pictures.
 */
async function open(
  page: Page,
  lucy: MockServer,
  { clock = "installed" }: { clock?: "installed" | "real" } = {},
): Promise<string[]> {
  const complaints: string[] = [];
  page.on("console", (message) => {
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  if (clock === "installed") await page.clock.install();
  await page.goto(`${lucy.url}${lucy.controlToken === null ? "" : `/#token=${lucy.controlToken}`}`);
  await expect(rows(page).first()).toBeVisible();
  await expect(inPanel(page, "faults").locator(".fault-group").first()).toBeVisible();
  return complaints;
}

/** A client of somebody else's, with its session's id. */
async function join(
  lucy: MockServer,
  { key = "dct_local" } = {},
): Promise<SocketClient & { session: string }> {
  const client = await openSocket(lucy.realtimeUrl, { query: { api_key: key } });
  client.send({ type: "prompt", prompt: "a hat", enhance_prompt: true });
  const { session_id } = await client.take("session_id");
  await client.take("prompt_ack");
  return Object.assign(client, { session: session_id });
}

/** Lets the second pass after which the page asks its server again. */
const aSecond = (page: Page) => page.clock.fastForward(1000);

/** Sends a prompt and waits for its ack. */
async function prompt(client: SocketClient, text: string): Promise<void> {
  client.send({ type: "prompt", prompt: text, enhance_prompt: true });
  await client.take("prompt_ack");
}

/** Opens the group of a fault, or of all that have these words. */
async function search(page: Page, words: string): Promise<void> {
  await page.getByLabel("Search faults").fill(words);
}

const toggle = (page: Page, name: string) => fault(page, name).getByRole("switch", { name, exact: true });

test.describe("sessions", () => {
  test("are those of everybody; one is ended, says why, and goes", async ({ page, lucy }) => {
    const complaints = await open(page, lucy);
    await expect(inPanel(page, "sessions")).toContainText("Nobody is connected. Press Connect above");
    await using one = await join(lucy);
    await using other = await join(lucy);
    await aSecond(page);
    await expect(card(page, one.session)).toContainText("joined");
    await expect(card(page, other.session)).toContainText("direct · lucy_2_rt");
    await expect(inPanel(page, "sessions")).toContainText("2 sessions run.");
    await prompt(other, "a knight");
    await aSecond(page);
    await expect(card(page, other.session)).toContainText("“a knight”");
    await expect(card(page, one.session)).toContainText("“a hat”");

    await card(page, one.session).getByRole("button", { name: /^End/ }).click();
    expect((await one.take("generation_ended")).reason).toBe("disconnect");
    expect((await one.closed).code).toBe(1000);
    await expect(card(page, one.session)).toContainText("ended: disconnect");
    // The button that had the focus is gone; the card has it.
    await expect(card(page, one.session).getByRole("button", { name: /^Journal/ })).toBeFocused();
    expect(lucy.sessions.map(({ id }) => id)).toEqual([other.session]);
    await page.clock.fastForward(3000);
    await expect(card(page, one.session)).toContainText("ended");
    await page.clock.fastForward(2000);
    await expect(card(page, one.session)).toHaveCount(0);
    await expect(card(page, other.session).getByRole("button", { name: /^Journal/ })).toBeFocused();
    expect(complaints).toEqual([]);
  });

  test.describe("with pictures", () => {
    test.use({ serverOptions: { mode: "transcode" } });

    test("of another tab have their rate and latency plotted, and each tab knows its own", async ({
      page,
      context,
      lucy,
    }) => {
      const tab = await context.newPage();
      await Promise.all([page, tab].map((one) => open(one, lucy, { clock: "real" })));
      await tab.getByRole("button", { name: "Connect", exact: true }).click();
      await expect.poll(() => lucy.sessions.length).toBe(1);
      const { id } = lucy.sessions[0]!;
      await expect(card(tab, id)).toContainText("this page");
      await expect(card(page, id)).toContainText(/Pictures \d+(\.\d)? fps/);
      await expect(card(page, id)).toContainText(/In the server p50 \d+(\.\d)?, p99 \d+(\.\d)? ms/);
      await expect(card(page, id)).toContainText(/codec(VP8|H264)/);
      await expect(card(page, id).getByText("this page")).toBeHidden();
      const line = card(page, id).getByRole("img", {
        name: /^Pictures in the last two minutes: now [\d.]+ fps/,
      });
      await expect(line.locator("path.first")).toHaveAttribute("d", /^M[\d. h]+L/);
      await tab.close();
      await expect(card(page, id)).toContainText("ended");
      await untilNothingOpen(lucy);
      expect(lucy.open).toEqual(nothingOpen);
    });
  });
});

test.describe("the journal", () => {
  test("is narrowed to a session, a direction, kinds and words, and opens a line", async ({ page, lucy }) => {
    await open(page, lucy);
    await using one = await join(lucy);
    await using other = await join(lucy);
    await aSecond(page);
    const panel = inPanel(page, "journal");
    await card(page, other.session)
      .getByRole("button", { name: /^Journal/ })
      .click();
    await expect(panel.getByRole("combobox", { name: "Session", exact: true })).toBeFocused();
    const ofOther = () => lucy.journal.lines.filter(({ session }) => session === other.session);
    await expect.poll(() => shownKinds(page)).toEqual(ofOther().map(({ kind }) => kind));

    await panel.getByLabel("Direction").selectOption("to-client");
    await expect.poll(() => shownKinds(page)).toEqual(["session_id", "prompt_ack"]);
    await panel.getByLabel("Search").fill("A HAT");
    await expect.poll(() => shownKinds(page)).toEqual(["prompt_ack"]);
    await expect(rows(page)).toContainText("to the client");

    await rows(page).click();
    await expect(rows(page)).toHaveAttribute("aria-expanded", "true");
    const ack = ofOther().find(({ kind }) => kind === "prompt_ack");
    expect(JSON.parse((await panel.locator("pre").textContent())!)).toEqual(ack);
    await rows(page).click();
    await expect(panel.locator("pre")).toHaveCount(0);

    await panel.getByLabel("Search").fill("nowhere to be found");
    await expect(panel).toContainText("No line that is held passes these filters.");
    await panel.getByLabel("Search").fill("");
    await panel.getByRole("combobox", { name: "Session", exact: true }).selectOption("");
    await panel.getByLabel("Direction").selectOption("");
    await panel.getByText(/^Kinds: all/).click();
    await panel.getByRole("button", { name: "No kinds" }).click();
    await panel.getByRole("checkbox", { name: /^prompt \d/ }).check();
    await expect(panel.getByRole("checkbox", { name: /^prompt \d/ })).toBeChecked();
    await expect(panel.getByText("prompt 2", { exact: true })).toBeVisible();
    await expect(panel.getByText(/^Kinds: 1 of \d+/)).toBeVisible();
    await prompt(one, "another");
    await expect.poll(() => shownKinds(page)).toEqual(["prompt", "prompt", "prompt"]);
    await expect(panel.getByText("prompt 3", { exact: true })).toBeVisible();
  });

  test("is paused, goes on without a line lost, is cleared and saved, and is not read while nobody sees it", async ({
    page,
    lucy,
  }) => {
    await open(page, lucy);
    await using client = await join(lucy);
    const panel = inPanel(page, "journal");
    const seqs = (lines: readonly JournalLine[]) => lines.map(({ seq }) => seq);
    await expect(rows(page).last()).toContainText("prompt_ack");
    await panel.getByRole("button", { name: "Pause" }).click();
    const before = await rows(page).count();
    for (const text of ["one", "two", "three"]) await prompt(client, text);
    const missing = lucy.journal.lines.length - before;
    await panel.getByRole("button", { name: `Go on: ${missing} new lines` }).click();
    await expect(rows(page)).toHaveCount(lucy.journal.lines.length);
    const download = page.waitForEvent("download");
    await panel.getByRole("button", { name: "Download" }).click();
    const file = await readFile((await (await download).path())!, "utf8");
    const saved = file
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JournalLine);
    expect(seqs(saved)).toEqual(seqs(lucy.journal.lines));

    await panel.getByRole("button", { name: "Clear" }).click();
    await expect(panel).toContainText("Cleared. New lines come here.");
    await prompt(client, "four");
    await expect.poll(() => shownKinds(page)).toEqual(["prompt", "state", "prompt_ack"]);

    const show = (hidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    const left = page.waitForEvent("requestfailed", (request) => request.url().includes("/_lucy/journal"));
    await show(true);
    await left;
    await expect(panel.getByRole("status")).toHaveText("Nothing is read while nobody sees this page.");
    const missed = lucy.journal.lines.length;
    await using _late = await join(lucy);
    await show(false);
    const kindsMissed = () => lucy.journal.lines.slice(missed).map(({ kind }) => kind);
    await expect.poll(() => shownKinds(page)).toEqual(["prompt", "state", "prompt_ack", ...kindsMissed()]);
    await expect(panel.getByRole("status")).toHaveText("");
  });

  test("follows the newest until somebody scrolls, holds what it says it holds, and is walked with keys", async ({
    page,
    lucy,
  }) => {
    await open(page, lucy);
    const panel = inPanel(page, "journal");
    // By its words: two thousand buttons have a role to look at, which takes Playwright ten seconds.
    const follow = panel.locator(".buttons").getByText("Follow");
    const fill = (count: number, kind: string) => {
      for (let n = 1; n <= count; n++) lucy.journal.add({ kind, fields: { n } });
    };
    fill(2500, "filled");
    await expect(rows(page).last()).toContainText("n 2500");
    await expect(rows(page)).toHaveCount(2000);
    await expect(panel).toContainText(/^.*2000 shown of 25\d\d held/s);
    const lines = panel.locator(".lines-scroller");
    const distance = () => lines.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
    expect(await distance()).toBeLessThan(12);

    await lines.hover();
    await page.mouse.wheel(0, -300);
    await expect(follow).toHaveAttribute("aria-pressed", "false");
    await page.mouse.wheel(0, 1000);
    await expect(follow).toHaveAttribute("aria-pressed", "true");

    await lines.focus();
    await page.keyboard.press("ArrowUp");
    await expect(rows(page).last()).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await expect(rows(page).nth(-2)).toHaveAttribute("aria-expanded", "true");
    await page.keyboard.press("Home");
    await expect(rows(page).first()).toBeFocused();
    await expect(follow).toHaveAttribute("aria-pressed", "false");
    // The line with the focus is pushed out; the one that is first then has it.
    fill(10, "late");
    await expect(rows(page).last()).toContainText("late");
    await expect(rows(page).first()).toBeFocused();
    expect(await distance()).toBeGreaterThan(1000);

    await follow.click();
    await expect.poll(distance).toBeLessThan(12);
    fill(1, "last");
    await expect(rows(page).last()).toContainText("last");
    await expect.poll(distance).toBeLessThan(12);
    await rows(page).last().click();
    await lines.evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await expect(panel.locator("pre").last()).toBeInViewport();
    fill(30, "more");
    await expect(rows(page).last()).toContainText("n 30");
    await expect(panel.locator("pre").last()).toBeInViewport();
    await follow.click();
    await page.setViewportSize({ width: 375, height: 800 });
    await expect.poll(distance).toBeLessThan(12);
    await expect(follow).toHaveAttribute("aria-pressed", "true");
  });

  test("quotes the server where as many read as may; says that its stream broke, and goes on from where it was", async ({
    page,
    lucy,
  }) => {
    const stop = new AbortController();
    await Promise.all(
      Array.from({ length: 32 }, () => fetch(`${lucy.url}/_lucy/journal?live=1`, { signal: stop.signal })),
    );
    const resumed: (string | undefined)[] = [];
    const line = (seq: number): string =>
      `id: ${seq}\ndata: ${JSON.stringify({ ...lucy.journal.lines[0], seq, kind: `made-up-${seq}` })}\n\n`;
    let served = 0;
    await page.route("**/_lucy/journal?*", async (route) => {
      resumed.push(route.request().headers()["last-event-id"]);
      // The second ends after a line of another server that has run for longer.
      if (++served !== 2) return route.continue();
      await route.fulfill({ contentType: "text/event-stream", body: `: here\n\n${line(900)}${line(901)}` });
    });
    await page.goto(lucy.url);
    const panel = inPanel(page, "journal");
    await expect(panel.getByRole("status")).toContainText("32 readers have the journal open");
    await expect(panel.getByRole("status")).toContainText("Trying again in 10 s");
    await expect(panel).toContainText("There are no lines yet.");
    stop.abort();
    await panel.getByRole("button", { name: "Try now" }).click();
    await expect(panel.getByRole("status")).toHaveText(
      "The server closed the stream of the journal. Trying again in 3 s; no line is lost.",
    );
    await expect.poll(() => shownKinds(page)).toEqual(["made-up-900", "made-up-901"]);
    await panel.getByRole("button", { name: "Try now" }).click();
    await expect(rows(page).first()).toContainText("server-started");
    expect(resumed).toEqual([undefined, undefined, "901"]);
    // What was of the other server has gone, and the focus with the button has not.
    expect((await shownKinds(page)).filter((kind) => kind.startsWith("made-up"))).toEqual([]);
    await expect(panel.getByRole("button", { name: "Try now" })).toBeHidden();
    await expect(panel.getByRole("group", { name: /^Lines of the journal/ })).toBeFocused();
    await expect(panel.getByRole("status")).toContainText("the server has started anew");
  });
});

test.describe("faults", () => {
  test("are switched on with their settings and off again, count, and become code", async ({
    page,
    lucy,
  }) => {
    const complaints = await open(page, lucy);
    await using client = await join(lucy);
    await expect(inPanel(page, "faults")).toContainText("No fault is on.");
    await search(page, "come more than once");
    await expect(inPanel(page, "faults").getByText("1 of 68 faults")).toBeVisible();
    await fault(page, "duplicate").getByText("Settings").click();
    await fault(page, "duplicate").getByLabel("copies").fill("2");
    await fault(page, "duplicate").getByText("When, where, how often").click();
    await fault(page, "duplicate").getByLabel("only").fill("prompt_ack");
    await fault(page, "duplicate").getByLabel("times").fill("1");
    await toggle(page, "duplicate").press("Space");
    await expect(toggle(page, "duplicate")).toBeChecked();
    await expect(toggle(page, "duplicate")).toBeFocused();
    expect(lucy.faults.list.map(({ session, declaration }) => ({ session, declaration }))).toEqual([
      {
        session: null,
        declaration: { name: "duplicate", only: "prompt_ack", when: { times: 1 }, with: { copies: 2 } },
      },
    ]);
    await expect(fault(page, "duplicate")).toContainText("has not fired");
    await prompt(client, "twice");
    await client.take("prompt_ack");
    await client.take("prompt_ack");
    await expect(fault(page, "duplicate")).toContainText("fired once");
    await expect(page.locator(".on-item")).toContainText("only prompt_ack, copies 2, times 1");
    await page.getByRole("tab", { name: "Scenario YAML" }).click();
    await expect(page.locator("#code-panel")).toContainText(/duplicate[\s\S]*copies: 2/);

    await toggle(page, "duplicate").click();
    await expect(toggle(page, "duplicate")).not.toBeChecked();
    expect(lucy.faults.list.map(({ healed }) => healed)).toEqual([true]);
    await expect(fault(page, "duplicate").getByLabel("copies")).toHaveValue("2");
    // The second of two quick clicks comes before the server has answered the first.
    await toggle(page, "duplicate").evaluate((button: HTMLElement) => {
      button.click();
      button.click();
    });
    await expect(toggle(page, "duplicate")).toBeChecked();
    expect(lucy.faults.list.map(({ healed }) => healed)).toEqual([true, false]);
    expect(complaints).toEqual([]);
  });

  test("aimed at one session meet that one only", async ({ page, lucy }) => {
    await open(page, lucy);
    await using one = await join(lucy);
    await using other = await join(lucy);
    await aSecond(page);
    await card(page, one.session)
      .getByRole("button", { name: /^Aim faults/ })
      .click();
    const aim = inPanel(page, "faults").getByLabel("Aimed at");
    await expect(aim).toBeFocused();
    await expect(aim).toHaveValue(one.session);
    await search(page, "negative-ack");
    await toggle(page, "negative-ack").click();
    await expect(toggle(page, "negative-ack")).toBeChecked();
    for (const [client, success] of [
      [one, false],
      [other, true],
    ] as const) {
      client.send({ type: "prompt", prompt: "a coat", enhance_prompt: true });
      expect((await client.take("prompt_ack")).success).toBe(success);
    }
    expect(lucy.faults.list[0]).toMatchObject({ session: one.session, fired: 1 });
    await expect(fault(page, "negative-ack")).toContainText("fired once");
    // For all of them, it is not on.
    await aim.selectOption("");
    await expect(toggle(page, "negative-ack")).not.toBeChecked();
    await aim.selectOption(one.session);
    await one[Symbol.asyncDispose]();
    await aSecond(page);
    await expect(aim.locator("option:checked")).toContainText("which has ended");
    await toggle(page, "negative-ack").click();
    await expect(fault(page, "negative-ack").getByRole("alert")).toContainText(
      `No session ${one.session} runs here.`,
    );
  });

  test("that others declared are here, and heal", async ({ page, lucy }) => {
    await open(page, lucy);
    const [declared] = lucy.faults.add({ name: "drop", only: "set_image_ack", with: { every: 2 } });
    lucy.faults.add({ name: "double-ack" });
    await using client = await join(lucy, { key: "mock:late-ack" });
    await aSecond(page);
    const on = (name: string) => page.locator(".on-item").filter({ hasText: name });
    await expect(on("drop")).toContainText("all sessions");
    await expect(on("drop")).toContainText("only set_image_ack, every 2");
    await expect(on("late-ack")).toContainText("came with its key");
    await expect(on("double-ack")).toContainText("fired once");
    await on("drop").getByRole("button", { name: /^Heal/ }).click();
    await expect(on("drop")).toHaveCount(0);
    expect(declared!.healed).toBe(true);
    await expect(on("double-ack").getByRole("button")).toBeFocused();
    await inPanel(page, "faults").getByRole("button", { name: "Heal all" }).click();
    await expect(on("double-ack")).toHaveCount(0);
    expect(lucy.faults.list.every(({ healed }) => healed)).toBe(true);
    await client[Symbol.asyncDispose]();
    await expect(inPanel(page, "faults")).toContainText("No fault is on.");
  });

  test("that the server refuses say why where it is, and lose nothing; have the envelope of the channel that is chosen", async ({
    page,
    lucy,
  }) => {
    await open(page, lucy);
    await search(page, "packet-loss");
    const loss = fault(page, "packet-loss");
    await loss.getByText("Settings").click();
    await loss.getByLabel("ratio").fill("3");
    await loss.getByLabel("pattern").fill("");
    await loss.getByText("When, where, how often").click();
    await loss.getByLabel("direction").selectOption("to-server");
    await toggle(page, "packet-loss").click();
    const refused = await journalLine(lucy, ({ kind }) => kind === "http-refused");
    await expect(loss.getByLabel("ratio")).toBeFocused();
    await expect(loss.getByLabel("ratio")).toHaveAttribute("aria-invalid", "true");
    await expect(loss.getByLabel("ratio")).toHaveAccessibleDescription(/It takes a number above 0/);
    await expect(loss.getByRole("alert")).toHaveText(String(refused.fields.detail));
    await expect(loss.getByLabel("ratio")).toHaveValue("3");
    await expect(toggle(page, "packet-loss")).not.toBeChecked();
    await loss.getByLabel("ratio").fill("0.5");
    await loss.getByLabel("ratio").press("Enter");
    await expect(toggle(page, "packet-loss")).toBeChecked();
    await expect(loss.getByRole("alert")).toHaveCount(0);
    expect(lucy.faults.list[0]!.declaration).toEqual({
      name: "packet-loss",
      direction: "to-server",
      with: { ratio: 0.5 },
    });

    await search(page, "black");
    await expect(fault(page, "black")).toContainText("It needs --mode transcode.");
    await toggle(page, "black").click();
    await expect(fault(page, "black").getByRole("alert")).toContainText("start it with --mode transcode");

    await search(page, "delay");
    const delay = fault(page, "delay");
    await delay.getByText("When, where, how often").click();
    const options = (label: string) =>
      delay.getByLabel(label, { exact: true }).locator("option").allTextContents();
    expect(await options("direction")).toEqual(["to-client", "to-server", "both"]);
    expect(await options("unit of after")).toEqual(["messages", "bytes", "ms"]);
    await delay.getByLabel("from").selectOption("tick");
    await delay.getByLabel("moment number").fill("3");
    await expect(delay).toContainText("is about to be told; n is the second.");
    await toggle(page, "delay").click();
    await expect(toggle(page, "delay")).toBeChecked();
    expect(lucy.faults.list.at(-1)!.declaration).toEqual({ name: "delay", when: { at: "tick:3" } });
    await toggle(page, "delay").click();
    await delay.getByLabel("channel").selectOption("media");
    expect(await options("unit of after")).toEqual(["packets", "frames", "bytes", "ms"]);
    await delay.getByLabel("channel").selectOption("http");
    await expect(delay.getByLabel("direction")).toBeHidden();
    await expect(delay.getByLabel("from")).toBeHidden();
    await delay.getByLabel("after", { exact: true }).fill("2");
    await expect(toggle(page, "delay")).not.toBeChecked();
    await toggle(page, "delay").click();
    await expect(toggle(page, "delay")).toBeChecked();
    expect(lucy.faults.list.at(-1)!.declaration).toEqual({
      name: "delay",
      channel: "http",
      when: { after: { messages: 2 } },
    });
  });
});

test.describe("a manual clock", () => {
  test.use({ serverOptions: { mode: "none", clock: "manual" } });

  test("goes on by what a person says", async ({ page, lucy }) => {
    await open(page, lucy);
    const clock = inPanel(page, "clock");
    await expect(clock).toContainText("It stands at 0.000 s, 2026-01-01 00:00:00 UTC.");
    await clock.getByRole("button", { name: "+1 s" }).click();
    await expect(clock).toContainText("It stands at 1.000 s");
    await clock.getByRole("button", { name: "+1 min" }).click();
    await expect(clock).toContainText("It stands at 61.000 s");
    await clock.getByRole("button", { name: "+1 h" }).click();
    await expect(clock).toContainText("It stands at 1:01:01.000 s, 2026-01-01 01:01:01 UTC.");
    await clock.getByLabel("Milliseconds").fill("250.5");
    await clock.getByLabel("Milliseconds").press("Enter");
    await expect(clock).toContainText("It stands at 1:01:01.251 s");
    expect(lucy.clock.nowMs).toBe(3_661_250.5);
    await clock.getByLabel("Milliseconds").fill("-1");
    await clock.getByRole("button", { name: "Advance" }).click();
    await expect(clock.getByRole("alert")).toContainText("time does not run backwards");
    expect(lucy.clock.nowMs).toBe(3_661_250.5);
    await lucy.clock.advance(749.5);
    await aSecond(page);
    await expect(clock).toContainText("It stands at 1:01:02.000 s");
  });
});

test("a real clock says how to have a manual one; a reset is asked for twice, can be left, and does what it says", async ({
  page,
  lucy,
}) => {
  await open(page, lucy);
  await expect(inPanel(page, "clock")).toContainText("start the server with npm start -- --clock manual");
  await expect(inPanel(page, "clock").getByRole("button", { name: "Advance" })).toBeHidden();
  await using client = await join(lucy);
  lucy.faults.add("missing-ack");
  const panel = inPanel(page, "reset");
  const first = panel.getByRole("button", { name: "Reset…" });
  await first.press("Enter");
  await expect(panel.getByRole("button", { name: "Reset the server" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(first).toBeFocused();
  expect(lucy.sessions).toHaveLength(1);
  await first.click();
  await expect(panel).toContainText("Every session ends, those of other people too.");
  await panel.getByRole("button", { name: "Reset the server" }).click();
  await expect(panel.getByRole("status")).toHaveText(
    "It is reset: 1 session ended, 1 fault healed, 0 files and 0 tokens forgotten.",
  );
  await expect(first).toBeFocused();
  await client.closed;
  expect(lucy.sessions).toEqual([]);
});

test.describe("a server that demands a token", () => {
  test.use({ serverOptions: { mode: "none", host: "0.0.0.0" } });

  test("is used with it, and without it says so", async ({ page, lucy }) => {
    await page.clock.install();
    await page.goto(lucy.url);
    const panel = inPanel(page, "journal");
    await expect(panel.getByRole("status")).toContainText("its control API needs the token printed at start");
    await expect(panel.getByRole("status")).not.toContainText("Trying again");
    // Put behind the address of a page that is open, it is taken at once.
    await page.evaluate((token) => (location.hash = `token=${token}`), lucy.controlToken);
    await expect(rows(page).first()).toContainText("server-started");
    await using client = await join(lucy);
    await aSecond(page);
    await expect(card(page, client.session)).toContainText("joined");
    await search(page, "missing-ack");
    await toggle(page, "missing-ack").click();
    await expect(toggle(page, "missing-ack")).toBeChecked();
    await card(page, client.session).getByRole("button", { name: /^End/ }).click();
    await client.closed;
  });
});

// The page's own specs look at it idle and alarmed in light.
for (const colorScheme of standsForAll(["dark", "light"] as const)) {
  test(`axe finds nothing serious with everything open, ${colorScheme}`, async ({ page, lucy }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await open(page, lucy);
    await using client = await join(lucy);
    await using gone = await join(lucy);
    await aSecond(page);
    await expect(card(page, client.session)).toBeVisible();
    await expect(card(page, gone.session)).toBeVisible();
    // Sixty forms of the same few fields take axe twenty seconds; this one has one of each.
    await search(page, process.env.LUCY_LONG ? "" : "packet-loss");
    await openAll(page);
    await fault(page, "packet-loss").getByLabel("ratio").fill("3");
    await toggle(page, "packet-loss").click();
    await expect(fault(page, "packet-loss").getByRole("alert")).toBeVisible();
    lucy.faults.add(["drop", "late-ack"]);
    await aSecond(page);
    await expect(page.locator(".on-item")).toHaveCount(2);
    await rows(page).last().click();
    await inPanel(page, "reset").getByRole("button", { name: "Reset…" }).click();
    await card(page, gone.session).getByRole("button", { name: /^End/ }).click();
    await expect(card(page, gone.session)).toContainText("ended");
    expect(await findAxeProblems(page)).toEqual([]);
    await page.setViewportSize({ width: 375, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  });
}

/** Opens every disclosure that there is to see: outer ones stand before those in them. */
async function openAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll<HTMLDetailsElement>("#server details")) {
      if (fold.checkVisibility()) fold.open = true;
    }
  });
  await expect(page.locator("#server .fault .fields").first()).toBeAttached();
}
