import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "@playwright/test";
import { WebSocketServer } from "ws";
import { bundle } from "../../../fixtures/browser/bundle.ts";
import { servePage } from "../../../fixtures/browser/serve-page.ts";
import { promptHash } from "../../../fixtures/hashes.ts";
import { type MockServer, startMockServer } from "../../../mock-server/index.ts";
import { realClock as clock } from "../../clock.ts";
import type {
  Codec,
  Dialect,
  Generator,
  ReceivedPicture,
  SentPicture,
  SessionAbout,
} from "../../generator.ts";
import { createBrowserGenerator } from "./index.ts";

const apiKey = "dct_not-for-the-log";
const models: Record<Dialect, string> = { direct: "lucy_2_rt", livekit: "lucy-2.1" };

let generator: Generator;
test.beforeAll(() => {
  generator = createBrowserGenerator({ clock });
});
test.afterAll(() => generator.close());

let server: MockServer | null = null;
test.afterEach(async () => {
  if (!server) return;
  await expect.poll(() => server!.open).toMatchObject({ sessions: 0, sockets: 0, peers: 0 });
  await server.close();
  server = null;
});

async function start(options: Parameters<typeof startMockServer>[0] = {}): Promise<MockServer> {
  server = await startMockServer({ port: 0, ...options });
  return server;
}

function about({ url, realtimeUrl }: MockServer, dialect: Dialect, codec: Codec = "vp8"): SessionAbout {
  const target = { url, realtimeUrl, apiKey };
  return { target, dialect, model: models[dialect], clip: `${codec}-180p15`, readsPictures: true };
}

/** An observer that remembers, and can be waited for. */
function hear() {
  const sent: SentPicture[] = [];
  const received: ReceivedPicture[] = [];
  const ends: string[] = [];
  const timesMs: number[] = [];
  const note = (atMs: number, list: unknown[], what: unknown) => {
    timesMs.push(atMs);
    list.push(what);
  };
  return {
    ...{ sent, received, ends, timesMs },
    observer: {
      sent: (picture: SentPicture) => note(picture.sentMs ?? picture.dueMs, sent, picture),
      received: (picture: ReceivedPicture) => note(picture.atMs, received, picture),
      lost: (atMs: number) => note(atMs, ends, "lost"),
      recovered: (atMs: number) => note(atMs, ends, "recovered"),
      ended: (atMs: number, why: string) => note(atMs, ends, `ended: ${why}`),
    },
    /** Resolves with the first picture, old or new, that is so. */
    async picture(isIt: (picture: ReceivedPicture) => boolean): Promise<ReceivedPicture> {
      await expect.poll(() => received.some(isIt), { intervals: [50] }).toBe(true);
      return received.find(isIt)!;
    },
  };
}

for (const [dialect, codec] of [
  ["direct", "vp8"],
  ["livekit", "h264"],
] as const) {
  test(`${dialect}: tells pictures apart, shows what is set, counts, and leaves nothing`, async () => {
    const server = await start();
    const heard = hear();
    const beforeMs = generator.now();
    const session = await generator.open(about(server, dialect, codec), heard.observer);
    expect(server.sessions.map(({ id }) => id)).toEqual([session.id]);
    const { calledMs, connectedMs } = session.connected!;
    const inOrder = [beforeMs, calledMs, connectedMs, generator.now()];
    expect(inOrder.toSorted((a, b) => a - b)).toEqual(inOrder);

    const told = await heard.picture(({ frame, output }) => frame !== null && output?.revision === 0);
    const source = heard.sent.find(({ frame }) => frame === told.frame)!;
    expect(told).toMatchObject({ carrier: "strip", output: { promptHash: 0 } });
    expect(told.luma).toBeUndefined();
    expect(source.luma).toHaveLength(64);
    expect(source.sentMs!).toBeGreaterThanOrEqual(source.dueMs);
    expect(told.atMs).toBeGreaterThan(source.sentMs!);
    expect(told.atMs - source.sentMs!).toBeLessThan(1000);
    expect(server.sessions[0]!.frameCount).toBeGreaterThan(0);

    const set = await session.set({ prompt: "a red cape" });
    expect(set.ackedMs).toBeGreaterThan(set.calledMs);
    const shown = await heard.picture(({ output }) => output?.promptHash === promptHash("a red cape"));
    expect(shown.atMs).toBeGreaterThan(set.calledMs);
    // Painted over, a picture still comes, and moves its light as the camera's does.
    await session.set({ prompt: "repaint" });
    const repainted = await heard.picture(({ frame, atMs }) => frame === null && atMs > shown.atMs);
    expect(repainted).toMatchObject({ carrier: null, output: null });
    expect(repainted.luma).toHaveLength(64);

    const stats = await session.stats();
    expect(stats.packetsReceived!).toBeGreaterThan(heard.received.length);
    expect(stats).toMatchObject({ packetsLost: 0, picturesUnseen: expect.any(Number) });
    expect([stats.roundTripMs, stats.jitterMs].every((ms) => ms !== null && ms < 1000)).toBe(true);

    const frames = heard.sent.map(({ frame }) => frame);
    expect(frames).toEqual(frames.map((_, at) => frames[0]! + at));
    const [first, last] = [heard.sent[0]!, heard.sent.at(-1)!];
    const paceMs = (last.dueMs - first.dueMs) / (last.frame - first.frame);
    expect(paceMs).toBeCloseTo(1000 / (15 - 1 / 8), 3);
    await session.close();
    expect(heard.ends).toEqual([]);
    expect(generator.blindSpots.join(" ")).toMatch(/to ± \d+\.\d ms at worst/);
  });

  test(`${dialect}: tells when the way is lost and found, and when it is over, in the server's words`, async () => {
    const server = await start({ mode: "relay" });
    const heard = hear();
    const session = await generator.open(about(server, dialect), heard.observer);
    await heard.picture(({ frame }) => frame !== null);
    const drop = () =>
      server.faults.add({ name: "drop-socket", channel: "control", when: { at: "ack-sent", times: 1 } });
    drop();
    await session.set({ prompt: "one" });
    await expect.poll(() => heard.ends).toEqual(["lost", "recovered"]);
    server.faults.healAll();
    server.faults.add({
      name: "server-error",
      when: { at: "open" },
      with: { error: `Invalid API key: ${apiKey} was taken back.` },
    });
    drop();
    await session.set({ prompt: "two" });
    await expect.poll(() => heard.ends.length, { timeout: 10_000 }).toBe(4);
    expect(heard.ends[3]).toContain("Invalid API key: … was taken back.");
    await session.close();
    expect(heard.ends).toHaveLength(4);
  });

  test(`${dialect}: a refusal is the server's sentence, without the key`, async () => {
    const server = await start({ keys: "minted" });
    const refused = generator.open(about(server, dialect), hear().observer);
    await expect(refused).rejects.toThrow("Invalid API key: only client tokens (ek_…) minted at");
    await expect(refused).rejects.not.toThrow(apiKey);
  });
}

test("a session that nobody waits for any more is given up at once, with its page and its socket", async () => {
  const came = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  // It takes connections and says nothing.
  const mute = createServer((socket) => {
    came.resolve();
    socket.on("error", () => {}).on("close", () => gone.resolve());
    socket.resume();
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const { port } = mute.address() as AddressInfo;
  const target = { url: `http://127.0.0.1:${port}`, realtimeUrl: `ws://127.0.0.1:${port}`, apiKey };
  const session = { dialect: "direct", model: models.direct, clip: "vp8-180p15" } as const;
  const heard = hear();
  const leaving = new AbortController();
  const given = { target, ...session, readsPictures: true };
  const opening = generator.open(given, heard.observer, leaving.signal);
  const refused = expect(opening).rejects.toThrow("The app left.");
  await came.promise;
  leaving.abort();
  await refused;
  await gone.promise;
  expect(heard.ends).toEqual([]);
  // Before it has a page, too.
  await expect(generator.open(given, heard.observer, AbortSignal.abort())).rejects.toThrow("The app left.");
  await new Promise((resolve) => mute.close(resolve));
});

test("a service that leads elsewhere is refused at once, by the name of where it leads", async () => {
  const service = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  service.on("connection", (socket) => {
    const info = { livekit_url: "wss://rooms.invalid", token: "t", room_name: "r", session_id: "s" };
    socket.on("message", () => socket.send(JSON.stringify({ type: "livekit_room_info", ...info })));
  });
  await new Promise((resolve) => service.once("listening", resolve));
  const { port } = service.address() as AddressInfo;
  const target = { url: `http://127.0.0.1:${port}`, realtimeUrl: `ws://127.0.0.1:${port}`, apiKey };
  const session = {
    dialect: "livekit",
    model: models.livekit,
    clip: "vp8-180p15",
    readsPictures: true,
  } as const;
  await expect(generator.open({ target, ...session }, hear().observer)).rejects.toThrow(
    "The service leads to rooms.invalid, which this browser is kept from. With a remote target, say --allow-hosts rooms.invalid",
  );
  service.close();
});

test("a page's camera tells of the turns that it slept through, and a grid of what it drew", async ({
  page,
}) => {
  const files: Record<string, URL> = {
    "/camera.js": new URL("camera.ts", import.meta.url),
    "/luma-grid.js": new URL("luma-grid.ts", import.meta.url),
  };
  const served = await servePage((path) => (files[path] ? bundle(files[path]) : undefined));
  await page.goto(served.origin);
  const told = await page.evaluate(async (path) => {
    const { startCamera } = await import(path);
    const told: SentPicture[] = [];
    const slept = Promise.withResolvers<void>();
    const camera = startCamera(
      { width: 320, height: 180, fps: 50 },
      (picture: SentPicture) => {
        told.push(picture);
        if (picture.frame > 0 && picture.sentMs !== null) slept.resolve();
      },
      null,
    );
    const untilMs = performance.now() + 110;
    while (performance.now() < untilMs);
    await slept.promise;
    camera.stop();
    return told;
  }, "/camera.js");
  expect(told.map(({ frame }) => frame)).toEqual(told.map((_, at) => at));
  // It slept for five turns at least, and took the last of them.
  const [first, woken] = told.filter(({ sentMs }) => sentMs !== null);
  expect(woken!.frame).toBeGreaterThanOrEqual(5);
  expect(told.slice(0, woken!.frame + 1).filter(({ sentMs }) => sentMs === null)).toHaveLength(
    woken!.frame - 1,
  );
  expect(woken!.dueMs - first!.dueMs).toBeCloseTo(woken!.frame * 20, 3);

  const grid = await page.evaluate(async (path) => {
    const { createGridReader } = await import(path);
    const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
    const context = canvas.getContext("2d")!;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, 640, 720);
    return createGridReader()(canvas, canvas);
  }, "/luma-grid.js");
  expect(grid.slice(0, 8)).toEqual([235, 235, 235, 235, 16, 16, 16, 16]);
  await served.close();
});
