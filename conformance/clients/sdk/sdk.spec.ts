import { expect, test } from "@playwright/test";
import { promptHash } from "../../../fixtures/hashes.ts";
import { readImage } from "../../../fixtures/images.ts";
import { toneHz } from "../../../fixtures/tone.ts";
import { type JournalLine, type MockServer, startMockServer } from "../../../mock-server/index.ts";
import { type Client, type ClientEvent, type Codec, type Driver, DriverBroken } from "../../client.ts";
import { realClock } from "../../clock.ts";
import { sdkClient } from "./index.ts";

const camera = { width: 320, height: 180, fps: 15 };

type Heard = ClientEvent[] & {
  /** Resolves with the first event, old or new, that is so. */
  until(isIt: (event: ClientEvent) => boolean): Promise<ClientEvent>;
};

for (const version of ["0.0.46", "0.1.20"]) {
  test.describe(version, () => {
    let client: Client;
    let server: MockServer;
    let driver: Driver;
    let heard: Heard;

    test.beforeAll(async () => {
      client = await sdkClient(`sdk@${version}`, realClock);
    });
    test.afterAll(() => client.close());

    test.beforeEach(async () => {
      server = await startMockServer({ port: 0 });
      driver = await client.open();
      heard = hear(driver);
    });
    test.afterEach(async () => {
      await driver.close().catch(() => {});
      await server.close();
    });

    const target = () => ({ url: server.url, realtimeUrl: server.realtimeUrl, apiKey: "dct_local" });
    const connect = () => driver.request("connect", { ...target(), camera });

    test("connects, changes its pictures, and leaves nothing but its camera", async () => {
      const { ok, value } = await connect();
      expect({ ok, value }).toMatchObject({ ok: true, value: { sessionId: expect.any(String) } });
      expect(server.sessions.map(({ id }) => id)).toEqual([value!.sessionId]);
      expect(await driver.request("set", { prompt: "a red cape" })).toMatchObject({ ok: true });
      const frame = await heard.until(
        ({ event, ...rest }) => "output" in rest && rest.output?.revision === 1,
      );
      expect(frame).toMatchObject({
        ...{ width: 320, height: 180, input: { flags: 0 } },
        output: { promptHash: promptHash("a red cape"), imageHash: 0 },
      });
      const { value: shown } = await driver.request("snapshot", {});
      expect(Buffer.from(String(shown?.png), "base64").subarray(1, 4).toString()).toBe("PNG");

      const open = async () => (await driver.request("open", {})).value;
      const sockets = version === "0.0.46" ? 1 : 2;
      const { timers, ...connected } = (await open())!;
      expect(connected).toEqual({ sockets, connections: 1, tracks: 0 });
      // LiveKit pings, reads statistics and looks after what it holds.
      if (version === "0.1.20") expect(timers).toBeGreaterThan(3);
      await heard.until((event) => event.event === "state" && event.state === "generating");
      expect(await driver.request("disconnect", {})).toMatchObject({ ok: true });
      // LiveKit stops a camera that it was given: B-28.
      const tracks = version === "0.0.46" ? 0 : 1;
      await expect.poll(open).toEqual({ sockets: 0, connections: 0, tracks, timers: 0 });
      expect(heard.flatMap((event) => (event.event === "state" ? event.state : []))).toEqual([
        "connecting",
        "connected",
        "generating",
        "disconnected",
      ]);
      await expect.poll(() => server.open.sessions).toBe(0);
    });

    test("hears what a call rejects with, and what is hidden in an error", async () => {
      expect(await driver.request("set", { prompt: "early" })).toMatchObject({
        ok: false,
        error: "There is no client: connect() has not resolved.",
      });
      await connect();
      expect((await driver.request("set", {})).error).toContain("At least one of 'prompt' or 'image'");
      // Nobody is there for the client to connect to again.
      await server.close();
      await heard.until((event) => event.event === "state" && event.state === "reconnecting");
      await driver.request("advance", { ms: 30_000 });
      expect(await heard.until(({ event }) => event === "error")).toEqual(
        version === "0.0.46"
          ? { event: "error", code: "WEB_RTC_ERROR", message: "WebRTC error: WebSocket error" }
          : {
              event: "error",
              code: "WEBRTC_WEBSOCKET_ERROR",
              message: "WebSocket connection failed: WebSocket closed: 1006 ",
            },
      );
    });

    test("shows pictures and hears acks while its clock stands", async () => {
      await connect();
      await driver.request("advance", { ms: 500 });
      expect(await driver.request("set", { prompt: "standing" })).toMatchObject({ ok: true });
      const isShown = (event: ClientEvent) => event.event === "frame" && event.output?.revision === 1;
      await heard.until(isShown);
      const shownCount = heard.filter(isShown).length;
      await expect.poll(() => heard.filter(isShown).length).toBeGreaterThan(shownCount + 5);
    });

    // Scenarios show the same, so these are long forms.
    if (process.env.LUCY_LONG) {
      test("goes through the 25 s of its retries when its clock is driven, and no sooner", async () => {
        await connect();
        const states = () => heard.flatMap((event) => (event.event === "state" ? event.state : []));
        expect(await driver.request("advance", { ms: 1000 })).toMatchObject({ ok: true });
        await server.close();
        await heard.until((event) => event.event === "state" && event.state === "reconnecting");
        await driver.request("advance", { ms: 24_999 });
        expect(states().at(-1)).toBe("reconnecting");
        // An attempt that fails a moment late begins the next pause as late: on a busy machine some milliseconds.
        for (let ms = 0; ms < 1000 && states().at(-1) !== "disconnected"; ms += 10) {
          await driver.request("advance", { ms: 10 });
        }
        expect(states().at(-1)).toBe("disconnected");
      });

      test("watches another's pictures", async () => {
        const { value } = await connect();
        const viewer = await client.open();
        const seen = hear(viewer);
        const token = String(value?.subscribeToken);
        expect(await viewer.request("subscribe", { ...target(), token })).toMatchObject({ ok: true });
        await seen.until(({ event }) => event === "frame");
        await viewer.close();
      });

      test("mints tokens", async () => {
        const token = await driver.request("createToken", target());
        expect(token).toMatchObject({ ok: true, value: { apiKey: expect.stringMatching(/^ek_/) } });
        const limited = await driver.request("createToken", { ...target(), allowedModels: ["lucy-2.1"] });
        expect(limited).toMatchObject(
          version === "0.0.46"
            ? { ok: false, error: "tokens.create() of sdk 0.0.46 does not take allowedModels." }
            : { ok: true, value: { permissions: { models: ["lucy-2.1"] } } },
        );
      });

      test("sends and receives sound", async () => {
        await driver.request("connect", { ...target(), camera: { ...camera, audio: true } });
        await heard.until((event) => event.event === "stream" && event.tracks.includes("audio"));
        await heard.until((event) => event.event === "sound" && Math.abs(event.hz! - toneHz) < 20);
      });

      for (const codec of ["h264", "vp8", "vp9"] satisfies Codec[]) {
        test(`sends the codec ${codec}`, async () => {
          expect(await driver.request("connect", { ...target(), camera, codec })).toMatchObject({ ok: true });
          const line = await lineOf(server, ({ kind }) => kind === "media-opened");
          expect(String(line.fields.codec).toLowerCase()).toBe(codec);
        });
      }
    }

    test("blames its driver for a request that leaves this machine", async () => {
      // Refused by name, before it could go anywhere.
      const url = "http://api.decart.invalid";
      // Whether the call ends before that is known is anybody's guess.
      void driver.request("createToken", { ...target(), url }).catch(() => {});
      const broken = await driver.broken;
      expect(broken).toBeInstanceOf(DriverBroken);
      expect(broken.message).toContain(`let its page ask for ${url}/v1/client/tokens, which is not on this`);
      await expect(driver.request("open", {})).rejects.toBe(broken);
    });
  });
}

test.describe("0.1.20 alone", () => {
  let client: Client;
  let server: MockServer;
  let driver: Driver;

  test.beforeAll(async () => {
    client = await sdkClient("sdk@0.1.20", realClock);
  });
  test.afterAll(() => client.close());
  test.beforeEach(async () => {
    server = await startMockServer({ port: 0 });
    driver = await client.open();
  });
  test.afterEach(async () => {
    await driver.close();
    await server.close();
  });

  test("uploads an image, begins with it, and puts another camera in front", async () => {
    const heard = hear(driver);
    const target = { url: server.url, realtimeUrl: server.realtimeUrl, apiKey: "dct_local" };
    const data = Buffer.from(readImage("face-png")).toString("base64");
    const { value } = await driver.request("upload", { ...target, data, mimeType: "image/png" });
    const image = String(value?.id);
    expect(image).toMatch(/^file_/);
    const initial = { prompt: "invert", enhance: false, image };
    expect(await driver.request("connect", { ...target, camera, initial })).toMatchObject({ ok: true });
    await heard.until(({ event, ...rest }) => "output" in rest && Number(rest.output?.imageHash) > 0);
    const { fields } = await lineOf(server, ({ kind }) => kind === "set_image");
    expect(fields).toMatchObject({ image_ref: image, prompt: "invert", enhance_prompt: false });
    await driver.request("replaceTrack", { camera: { ...camera, width: 640, height: 360 } });
    await heard.until((event) => event.event === "frame" && event.width === 640);
    expect((await driver.request("open", {})).value).toMatchObject({ tracks: 0 });
  });
});

function hear(driver: Driver): Heard {
  const waiters = new Set<() => void>();
  const heard = Object.assign([] as ClientEvent[], {
    until: (isIt: (event: ClientEvent) => boolean) =>
      new Promise<ClientEvent>((resolve) => {
        const look = () => {
          const found = heard.find(isIt);
          if (!found) return;
          waiters.delete(look);
          resolve(found);
        };
        waiters.add(look);
        look();
      }),
  });
  driver.follow((event) => {
    heard.push(event);
    for (const look of [...waiters]) look();
  });
  return heard;
}

/** Resolves with the first line, old or new, that is so. */
function lineOf(server: MockServer, isIt: (line: JournalLine) => boolean): Promise<JournalLine> {
  return new Promise((resolve) => {
    const stop = server.journal.follow((line) => {
      if (isIt(line)) settle(line);
    });
    const found = server.journal.lines.find(isIt);
    if (found) settle(found);
    function settle(line: JournalLine) {
      stop();
      resolve(line);
    }
  });
}
