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
  untilNothingOpen,
} from "./lucy-test.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const done = { ok: true };
/** What the client's app hears, all the time. */
const states = ["connecting", "connected", "generating"];
/** 2.3 s: after 2 a LiveKit client counts as resumed, and waits no longer than before when it is cut again. */
const picturesBetweenCuts = 34;

/** Twenty times in a row, as far as a client can be told to come back. */
const cutCount = 20;

function count(lucy: MockServer, kind: string, session?: string): number {
  return lucy.journal.lines.filter((line) => line.kind === kind && (!session || line.session === session))
    .length;
}

function addressesOf(lucy: MockServer, { host }: TcpProxy) {
  return { baseUrl: lucy.url, realtimeBaseUrl: `ws://${host}` };
}

// Side by side in one page, because most of it is waiting.
test(`the room's socket cut ${cutCount} times in a row, pictures go on, no state changes: /rtc/v1, and /rtc, to which a client falls back`, async ({
  harness,
  lucy,
}) => {
  test.setTimeout(240_000);
  await using newer = await startTcpProxy(lucy.url);
  await using older = await startTcpProxy(lucy.url, "/rtc/v1");
  const clients: { client: SdkClient; proxy: TcpProxy }[] = [];
  for (const { proxy, connections } of [
    { proxy: newer, connections: 1 },
    { proxy: older, connections: 2 },
  ]) {
    const client = await harness.connect({ version: "0.1.20", ...addressesOf(lucy, proxy) });
    const opened = lucy.journal.lines.findLast(({ kind }) => kind === "livekit-open")!;
    expect(opened.session).toBe(client.session);
    expect(opened.fields.connections).toBe(connections);
    clients.push({ client, proxy });
  }
  const goThrough = async ({ client, proxy }: (typeof clients)[number]) => {
    await client.call("set", { prompt: "sepia", image: base64Image("face-png") });
    await client.untilState("generating");
    for (let cuts = 1; cuts <= cutCount; cuts++) {
      const before = count(lucy, "livekit-reconnect", client.session);
      expect(proxy.cut("/rtc")).toBe(1);
      // More than before, not so many: on a busy machine a client may need two attempts.
      await journalLine(lucy, () => count(lucy, "livekit-reconnect", client.session) > before);
      await client.morePictures(picturesBetweenCuts);
    }
    const seen = await client.get();
    expect(seen.states).toEqual(states);
    expect(seen.errors).toEqual([]);
    expect(seen.remoteTracks).toContain("video live");
    const pictures = await client.soundPictures();
    expect(pictures.at(-1)!.output).toMatchObject({ revision: 1 });
    expect(count(lucy, "left-room", client.session)).toBe(0);
    expect(await client.call("set", { prompt: "invert" })).toEqual(done);
    await client.untilRevision(2);
  };
  await Promise.all(clients.map(goThrough));
});

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
  await journalLine(lucy, () => count(lucy, "track-published") === 2);
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
