import type { Page } from "@playwright/test";
import { base64Image, expect, nothingOpen, test, untilNothingOpen } from "./lucy-test.ts";

const ways: Record<string, (page: Page) => Promise<unknown>> = {
  "disconnect()": (page) => page.evaluate(() => window.harness.call(0, "disconnect")),
  "a closed tab": (page) => page.close(),
  "a tab that goes elsewhere": (page) => page.goto("about:blank"),
  "a closed window": (page) => page.context().close(),
  "a crashed tab": async (page) => {
    const crashed = page.waitForEvent("crash");
    const debuggee = await page.context().newCDPSession(page);
    // It is never answered: the one who should is gone.
    debuggee.send("Page.crash").catch(() => {});
    await crashed;
  },
};

/** A page that goes away in good order hears of it (`pagehide`, `beforeunload`), and has some milliseconds left. */
const heard = ["a closed tab", "a tab that goes elsewhere", "a closed window"];

/**
 * In the LiveKit era a client has a socket to its room, too. livekit-client leaves the room when it hears that its page goes away;
 * the SDK takes that for a lost connection, and may open another session before the page is gone (observed, 0.1.20).
 */
const newest: { version: string; sockets: number; opensAnother: string[] }[] = [
  { version: "0.0.46", sockets: 1, opensAnother: [] },
  { version: "0.1.20", sockets: 2, opensAnother: heard },
];

for (const { version, way, leave, sockets, opensAnother } of newest.flatMap((sdk) =>
  Object.entries(ways).map(([way, leave]) => ({ ...sdk, way, leave })),
)) {
  test(`${version}: ${way} leaves nothing behind`, async ({ harness, lucy }) => {
    const client = await harness.connect({ version, audio: true });
    await client.call("set", { prompt: "edges", image: base64Image("face-png") });
    await client.untilRevision(1);
    await client.soundPictures();
    expect(lucy.open).toMatchObject({ sessions: 1, sockets, codecs: 1, workers: 1 });
    expect(lucy.open.timers).toBeGreaterThan(0);

    await leave(harness.page);
    await untilNothingOpen(lucy);
    expect(lucy.open).toEqual(nothingOpen);
    // How many sessions a page opens as it goes is its client's doing. Ours is that each ends, once, and as one that was left.
    const opened = lucy.journal.lines.filter(({ kind }) => kind === "open").map(({ session }) => session);
    const ended = lucy.journal.lines.filter(({ kind }) => kind === "session-ended");
    expect(opened[0]).toBe(client.session);
    if (!opensAnother.includes(way)) expect(opened).toHaveLength(1);
    expect(ended.map(({ session, fields }) => [session, fields.reason]).sort()).toEqual(
      opened.map((session) => [session, "disconnect"]).sort(),
    );
  });
}

test("0.0.41: disconnect() leaves nothing behind, and the page can connect again", async ({
  harness,
  lucy,
}) => {
  for (let round = 0; round < 2; round++) {
    const client = await harness.connect({ version: "0.0.41" });
    await client.morePictures(5);
    await client.soundPictures();
    await client.call("disconnect");
    await untilNothingOpen(lucy);
  }
});
