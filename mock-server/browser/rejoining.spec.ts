import { type Clock, realClock } from "../clock.ts";
import type { MockServer } from "../server.ts";
import { startServer } from "../server.ts";
import {
  base64Image,
  expect,
  journalLine,
  openHarness,
  type SdkClient,
  test,
  traitsOf,
  untilNothingOpen,
} from "./lucy-test.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const done = { ok: true };
/** What the client's app hears, all the time. */
const states = ["connecting", "connected", "generating"];

/** `LUCY_LONG`: twenty times in a row, and the client waits as long as it wants to. */
const isLong = Boolean(process.env.LUCY_LONG);
const cutCount = isLong ? 20 : 4;

/**
 * A LiveKit client that has its socket back waits 2 s, whatever happens, before it counts as resumed and may be cut again: that
 * is no time of ours.
 */
const idleMs = 2000;

const picturesBetweenCuts = 3;
/** 2.3 s: a connection that a resume broke is silent by then. */
const picturesAfterwards = 34;

function linesOf(lucy: MockServer, kind: string, session?: string) {
  return lucy.journal.lines.filter((line) => line.kind === kind && (!session || line.session === session));
}

function addressesOf(lucy: MockServer, { host }: TcpProxy) {
  return { baseUrl: lucy.url, realtimeBaseUrl: `ws://${host}` };
}

// Side by side in one page, because most of it is waiting.
test(`the room's socket cut ${cutCount} times in a row, pictures go on, no state changes: /rtc/v1, and /rtc, to which a client falls back`, async ({
  harness,
  page,
  lucy,
}) => {
  test.setTimeout(240_000);
  if (!isLong) await page.evaluate(hasten, idleMs);
  await using newer = await startTcpProxy(lucy.url);
  await using older = await startTcpProxy(lucy.url, "/rtc/v1");
  await using early = await startTcpProxy(lucy.url);
  const clients: { client: SdkClient; proxy: TcpProxy; first: number }[] = [];
  for (const { sdk, proxy, connections } of [
    { sdk: { version: "0.1.20" }, proxy: newer, connections: 1 },
    { sdk: { version: "0.1.20" }, proxy: older, connections: 2 },
    {
      sdk: { version: "0.1.6", livekitClient: "2.23" },
      proxy: early,
      connections: 1,
    },
  ] as const) {
    const client = await harness.connect({ ...sdk, ...addressesOf(lucy, proxy) });
    const opened = lucy.journal.lines.findLast(({ kind }) => kind === "livekit-open")!;
    expect(opened.session).toBe(client.session);
    expect(opened.fields.connections).toBe(connections);
    clients.push({ client, proxy, first: traitsOf(sdk.version).has.emptyState ? 1 : 0 });
  }
  const goThrough = async ({ client, proxy, first }: (typeof clients)[number]) => {
    await client.call("set", { prompt: "sepia", image: base64Image("face-png") });
    await client.untilState("generating");
    for (let count = 1; count <= cutCount; count++) {
      const { seq } = lucy.journal.lines.at(-1)!;
      const later = (kind: string, than: number) =>
        journalLine(lucy, (line) => line.kind === kind && line.seq > than && line.session === client.session);
      expect(proxy.cut("/rtc")).toBe(1);
      const reconnect = await later("livekit-reconnect", seq);
      // New credentials, and what it watches: a client says that once it counts as resumed.
      for (const kind of ["livekit-answer", "livekit-trackSetting"]) await later(kind, reconnect.seq);
      await client.morePictures(picturesBetweenCuts);
    }
    await client.morePictures(picturesAfterwards);
    const seen = await client.get();
    expect(seen.states).toEqual(states);
    expect(seen.errors).toEqual([]);
    expect(seen.remoteTracks).toContain("video live");
    const pictures = await client.soundPictures();
    expect(pictures.at(-1)!.output).toMatchObject({ revision: first + 1 });
    for (const kind of ["left-room", "message-failed"])
      expect(linesOf(lucy, kind, client.session)).toEqual([]);
    expect(await client.call("set", { prompt: "invert" })).toEqual(done);
    await client.untilRevision(first + 2);
  };
  await Promise.all(clients.map(goThrough));
});

/** In the page: whoever waits so long need not. */
function hasten(ms: number): void {
  const { setTimeout } = globalThis;
  const hasty = (run: () => void, delay?: number, ...rest: unknown[]) =>
    setTimeout(run, delay === ms ? 0 : delay, ...rest);
  globalThis.setTimeout = hasty as typeof setTimeout;
}

test("a resume that comes too late is refused, and the client joins anew", async ({ page }) => {
  // The 20 s that a client may be without a socket pass at once, everything else in its time.
  const clock = realClock();
  const hasty: Clock = Object.assign(Object.create(clock), {
    after: (ms: number, run: () => void) => clock.after(ms === 20_000 ? 1 : ms, run),
  });
  await using lucy = await startServer({ port: 0 }, hasty);
  await using proxy = await startTcpProxy(lucy.url);
  const harness = await openHarness(page, lucy);
  const client = await harness.connect({ version: "0.1.20", ...addressesOf(lucy, proxy) });
  await client.morePictures(5);
  const { streamCount } = await client.get();
  const release = proxy.hold("/rtc");
  expect(proxy.cut("/rtc")).toBe(1);
  await journalLine(lucy, ({ kind }) => kind === "left-room");
  release();
  const refusal = await journalLine(lucy, ({ kind }) => kind === "livekit-leave");
  expect(refusal.fields).toMatchObject({ reason: "STATE_MISMATCH", action: "RECONNECT" });
  await journalLine(lucy, () => linesOf(lucy, "track-published").length === 2);
  // The SDK hands over one stream with the track that ended and the one that lives (observed); its app sees the states.
  await harness.call("untilStream", client.id, streamCount + 1);
  const { states: seen, errors, remoteTracks } = await client.get();
  expect(remoteTracks).toEqual(["video ended", "video live"]);
  expect(seen).toEqual(states);
  expect(errors).toEqual([]);
  expect(lucy.sessions).toHaveLength(1);
  await page.context().close();
  await untilNothingOpen(lucy);
});
