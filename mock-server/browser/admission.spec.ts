import { openSocket } from "../_socket-client.ts";
import { startMockServer } from "../index.ts";
import { expect, openHarness, test, untilNothingOpen } from "./lucy-test.ts";

test.describe("with --sessions 1", () => {
  test.use({ serverOptions: { sessionsMax: 1 } });

  test("the second session is refused as production refuses it, and the first goes on", async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ version: "0.0.46" });
    const url = `${lucy.realtimeUrl}/v1/stream?api_key=k&model=lucy_2_rt`;
    const refused = { messages: [{ type: "error", error: "Concurrent session limit reached." }], code: 1013 };
    expect(await harness.call("rawSocket", url)).toMatchObject(refused);
    await client.morePictures(5);
    await client.soundPictures();
    // Once the first has left there is room again.
    await client.call("disconnect");
    await untilNothingOpen(lucy);
    const next = await harness.connect({ version: "0.0.46" });
    await next.morePictures(3);
  });

  test("0.1.20: connect() tries six times, and rejects with what production says", async ({
    harness,
    lucy,
  }) => {
    await using _first = await openSocket(lucy.realtimeUrl);
    // Its 25 s between attempts (observed) pass faster.
    await harness.page.evaluate(() => {
      const { setTimeout } = globalThis;
      const hasty = (run: () => void, delay = 0, ...rest: unknown[]) =>
        setTimeout(run, delay < 1000 ? delay : delay / 20, ...rest);
      globalThis.setTimeout = hasty as typeof setTimeout;
    });
    const client = await harness.begin({ version: "0.1.20" });
    await expect(client.connected()).rejects.toThrow("Concurrent session limit reached.");
    expect((await client.get()).liveStates).toEqual(["connecting", "disconnected"]);
    const refused = lucy.journal.lines.filter(({ kind }) => kind === "refused");
    expect(refused.map(({ fields }) => fields.error)).toEqual(
      Array(6).fill("Concurrent session limit reached."),
    );
    expect(lucy.sessions).toHaveLength(1);
  });
});

test.describe("with --keys minted", () => {
  test.use({ serverOptions: { keys: "minted" } });

  test("a key that is not minted here is refused at once", async ({ harness, lucy }) => {
    await expect(harness.connect({ version: "0.0.46", apiKey: "dct_not_minted" })).rejects.toThrow(
      /Invalid API key/,
    );
    // At once: an error that the SDK takes for temporary would have been tried six times.
    expect(lucy.journal.lines.filter(({ kind }) => kind === "open")).toHaveLength(1);
  });

  test("a token minted by the SDK from another origin connects", async ({ page, lucy }) => {
    await using app = await startMockServer({ port: 0 });
    const harness = await openHarness(page, lucy, { origin: app.url });
    const minted = await harness.call("createToken", "0.0.46", "dct_on_the_server", lucy.url);
    expect(minted.apiKey).toMatch(/^ek_/);
    expect(Date.parse(String(minted.expiresAt))).toBeGreaterThan(Date.now());
    const client = await harness.connect({ version: "0.0.46", apiKey: String(minted.apiKey) });
    await client.morePictures(5);
    await client.soundPictures();
    const open = lucy.journal.lines.find(({ kind }) => kind === "open");
    expect(open!.fields).toMatchObject({ origin: app.url, query: { api_key: "[redacted]" } });
    await page.context().close();
    await untilNothingOpen(lucy);
  });

  test("a token that has expired is refused at once, sessions that run go on", async ({ harness, lucy }) => {
    const { apiKey } = await harness.call("createToken", "0.0.46", "dct_on_the_server", lucy.url);
    const client = await harness.connect({ version: "0.0.46", apiKey: String(apiKey) });
    const response = await fetch(`${lucy.url}/v1/client/tokens`, {
      method: "POST",
      headers: { "x-api-key": "dct_on_the_server", "content-type": "application/json" },
      body: JSON.stringify({ expiresIn: 1 }),
    });
    const brief = (await response.json()) as { apiKey: string; expiresAt: string };
    while (Date.now() < Date.parse(brief.expiresAt)) await client.morePictures(1);
    await expect(harness.connect({ version: "0.0.46", apiKey: brief.apiKey })).rejects.toThrow(
      /Invalid API key: this client token expired/,
    );
    expect(lucy.journal.lines.filter(({ kind }) => kind === "open")).toHaveLength(2);
    await client.morePictures(5);
    await client.soundPictures();
  });
});
