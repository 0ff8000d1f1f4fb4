/**
 * What a browser spec starts from: a mock server of its own in this process, and a page with the harness in it. Whatever the
 * spec does, at its end its pages must have stayed on loopback and the server must have nothing left open.
 */
import { writeFile } from "node:fs/promises";
import { type BrowserContext, test as base, expect, type Page, type TestInfo } from "@playwright/test";
import { bundle } from "../../fixtures/browser/bundle.ts";
import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import { readImage } from "../../fixtures/images.ts";
import type { JournalLine, MockServerOptions } from "../index.ts";
import { type MockServer, startMockServer } from "../server.ts";
import type { ConnectOptions, EventName, Harness, Outcome, SdkOptions } from "./harness.ts";
import { judgePictures } from "./judge-pictures.ts";

export { traitsOf, versions } from "../../fixtures/browser/versions.ts";
export { expect };

/** The SDKs that stand for their dialect where the others would show the same. */
export const newestOfDialect: readonly string[] = ["0.0.46", "0.1.20"];

/** The first of rows that show the same; `LUCY_LONG`: all of them. */
export function standsForAll<Row>(rows: readonly Row[]): readonly Row[] {
  return process.env.LUCY_LONG ? rows : rows.slice(0, 1);
}

/** `MockServer.open` when nobody is connected. */
export const nothingOpen = { sessions: 0, sockets: 0, codecs: 0, workers: 0, peers: 0, timers: 0 };

/** Small enough for two busy cores to keep up with, large enough to look like video. */
const smallVideo = { width: 640, height: 360, fps: 15 };

export const test = base.extend<{
  /** Of this spec's server: `test.use({ serverOptions: { mode: "relay" } })`. */
  serverOptions: Partial<MockServerOptions>;
  lucy: MockServer;
  /** Nothing to use: it looks on. */
  loopbackOnly: undefined;
  /** A page of the mock server's own origin, with the SDKs led to it. */
  harness: HarnessPage;
}>({
  serverOptions: [{}, { option: true }],

  lucy: async ({ serverOptions }, use, testInfo) => {
    const udpBefore = udpSocketCount();
    const lucy = await startMockServer({ port: 0, ...serverOptions });
    await use(lucy);
    await lucy.close();
    if (testInfo.status !== testInfo.expectedStatus) {
      const body = lucy.journal.lines.map((line) => JSON.stringify(line)).join("\n");
      await attach(testInfo, "journal.jsonl", body);
    }
    expect(lucy.open, "what a closed server has open").toEqual(nothingOpen);
    // A peer tells its viewer goodbye before it closes its socket.
    await expect.poll(udpSocketCount, "UDP sockets left open").toBe(udpBefore);
    expect(
      lucy.journal.lines.filter(({ kind }) => kind === "defect"),
      "defects in the journal",
    ).toEqual([]);
  },

  loopbackOnly: [
    async ({ context }, use) => {
      const strays = findStrays(context);
      await use(undefined);
      expect(strays, "requests that leave this machine").toEqual([]);
    },
    { auto: true },
  ],

  harness: async ({ page, lucy }, use, testInfo) => {
    const harness = await openHarness(page, lucy);
    await use(harness);
    if (testInfo.status !== testInfo.expectedStatus && !page.isClosed()) {
      // A page that crashed has nothing to tell.
      const clients = await page.evaluate(() => window.harness.everything()).catch(String);
      await attach(testInfo, "clients.json", JSON.stringify(clients, null, 1));
    }
    await page.context().close();
    await untilNothingOpen(lucy);
  },
});

/** Collects the address of each request and each WebSocket that is for another host than this machine. */
export function findStrays(context: BrowserContext, allowedHosts: readonly string[] = []): string[] {
  const strays: string[] = [];
  const look = (address: string) => {
    const { protocol, hostname } = new URL(address);
    const isLocal =
      ["127.0.0.1", ...allowedHosts].includes(hostname) || /^(data|blob|about):$/.test(protocol);
    if (!isLocal) strays.push(address);
  };
  const follow = (page: Page) => page.on("websocket", (socket) => look(socket.url()));
  context.on("request", (request) => look(request.url()));
  context.on("page", follow);
  for (const page of context.pages()) follow(page);
  return strays;
}

/**
 * Opens a page that serves as somebody's app. `origin` is where it was loaded from, `redirect: false` leaves the SDK's host as it
 * is.
 */
export async function openHarness(
  page: Page,
  lucy: MockServer,
  { origin = lucy.url, redirect = true } = {},
): Promise<HarnessPage> {
  await page.goto(`${origin}/_lucy/health`);
  const content = await bundle(new URL("./harness.ts", import.meta.url));
  await page.addScriptTag({ content, type: "module" });
  await page.waitForFunction(() => window.harness);
  if (redirect) {
    await page.addScriptTag({ url: `${lucy.url}/_lucy/redirect.js` });
    await page.evaluate(() => window.harness.keepConnections());
  }
  return new HarnessPage(page, lucy);
}

/** A page with the harness in it. */
export class HarnessPage {
  readonly page: Page;
  readonly lucy: MockServer;

  constructor(page: Page, lucy: MockServer) {
    this.page = page;
    this.lucy = lucy;
  }

  /** Connects as an app does; rejects with what the SDK's `connect()` rejects with. */
  async connect(options: ConnectOptions): Promise<SdkClient> {
    const client = await this.begin(options);
    await client.connected();
    return client;
  }

  /** Begins to connect; `connected()` of what it returns says how that went. */
  async begin(options: ConnectOptions): Promise<SdkClient> {
    const id = await this.call("begin", { ...smallVideo, ...this.addresses, ...options });
    return new SdkClient(this, id);
  }

  /** Watches another client's pictures. */
  async subscribe(
    version: string,
    token: string,
    options: Omit<SdkOptions, "version"> = {},
  ): Promise<SdkClient> {
    const id = await this.call("subscribe", token, { ...this.addresses, ...options, version });
    return new SdkClient(this, id);
  }

  /** Uploads a file with an SDK that can; returns the id to use in place of an image. */
  async upload(
    version: string,
    base64: string,
    mime: string,
    options: Omit<SdkOptions, "version"> = {},
  ): Promise<string> {
    const file = await this.call("upload", base64, mime, { ...this.addresses, ...options, version });
    return String(file.id);
  }

  /** What SDKs that take their addresses as options are given. */
  get addresses(): Pick<SdkOptions, "baseUrl" | "realtimeBaseUrl"> {
    return { baseUrl: this.lucy.url, realtimeBaseUrl: this.lucy.realtimeUrl };
  }

  /** Calls a function of the harness in the page. */
  call<Name extends keyof Harness>(
    name: Name,
    ...args: Parameters<Harness[Name]>
  ): Promise<Awaited<ReturnType<Harness[Name]>>> {
    return this.page.evaluate(
      ([name, args]) => (window.harness[name as "call"] as (...args: unknown[]) => unknown)(...args),
      [name, args as unknown[]] as const,
    ) as Promise<Awaited<ReturnType<Harness[Name]>>>;
  }
}

/** One client of an SDK in a page. */
export class SdkClient {
  // Private so that a failed expectation of a client does not print the server.
  readonly #harness: HarnessPage;
  readonly id: number;
  #session: string | undefined;

  constructor(harness: HarnessPage, id: number) {
    this.#harness = harness;
    this.id = id;
    this.#session = harness.lucy.sessions.at(-1)?.id;
  }

  /** Session id on the server: that of the newest one when this client had just connected. */
  get session(): string {
    return this.#session ?? "";
  }

  /** Resolves once it is connected; rejects with what the SDK's `connect()` rejects with. */
  async connected(): Promise<void> {
    await this.#harness.call("connected", this.id);
    this.#session = this.#harness.lucy.sessions.at(-1)!.id;
  }

  get = () => this.#harness.call("get", this.id);
  /** Calls a method of the SDK's client. */
  call = (method: string, ...args: unknown[]): Promise<Outcome> =>
    this.#harness.call("call", this.id, method, ...args);
  pictures = (from = 0): Promise<SeenPicture[]> => this.#harness.call("pictures", this.id, from);
  morePictures = (count: number) => this.#harness.call("morePictures", this.id, count);
  events = (name: EventName): Promise<unknown[]> => this.#harness.call("events", this.id, name);
  untilEvent = (name: EventName, count = 1) => this.#harness.call("untilEvent", this.id, name, count);
  untilQueued = (count = 1) => this.#harness.call("untilQueued", this.id, count);
  /** Puts another camera in front by `replaceVideoTrack()`. */
  replaceCamera = (options: Parameters<Harness["replaceCamera"]>[1] = {}): Promise<Outcome> =>
    this.#harness.call("replaceCamera", this.id, { ...smallVideo, ...options });
  untilState = (state: string) => this.#harness.call("untilState", this.id, state);
  untilSize = (width: number, height: number) => this.#harness.call("untilSize", this.id, width, height);

  /** Waits for a picture of this revision or a later one, and returns the newest. */
  async untilRevision(revision: number): Promise<SeenPicture> {
    await this.#harness.call("untilRevision", this.id, revision);
    return (await this.pictures(-1))[0]!;
  }

  /** Expects that all pictures seen so far are sound and that no state was left out on the way to them; returns the pictures. */
  async soundPictures(session = this.session): Promise<SeenPicture[]> {
    const pictures = await this.pictures();
    const { states } = await this.get();
    // Where the SDK keeps the events of connect() for later; before 0.0.45 they are lost.
    if (states[0] === "connecting") expect(states.slice(0, 2)).toEqual(["connecting", "connected"]);
    expect(pictures.length, "pictures seen").toBeGreaterThan(0);
    expect(judgePictures(pictures, this.#harness.lucy.journal.lines, session)).toEqual([]);
    return pictures;
  }
}

/** Resolves with the first line, old or new, that `isIt` says it is. */
export function journalLine(lucy: MockServer, isIt: (line: JournalLine) => boolean): Promise<JournalLine> {
  const found = lucy.journal.lines.find(isIt);
  if (found) return Promise.resolve(found);
  return new Promise((resolve) => {
    const stop = lucy.journal.follow((line) => {
      if (!isIt(line)) return;
      stop();
      resolve(line);
    });
  });
}

/** Resolves once nobody is connected and all that they had has been given back. Looks after each line of the journal. */
export function untilNothingOpen(lucy: MockServer): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (Object.values(lucy.open).some((count) => count > 0)) return;
      stop();
      resolve();
    };
    // The line comes first, the rest of the same clean-up after it.
    const stop = lucy.journal.follow(() => setImmediate(look));
    look();
  });
}

/** Into the report, and as a file beside it for whoever has only a terminal. */
async function attach(testInfo: TestInfo, name: string, body: string): Promise<void> {
  const path = testInfo.outputPath(name);
  await writeFile(path, body);
  testInfo.attachments.push({ name, path, contentType: "text/plain" });
}

function udpSocketCount(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "UDPWrap").length;
}

/** A reference image as SDKs take it from an app: base64. */
export function base64Image(name: string): string {
  return Buffer.from(readImage(name)).toString("base64");
}
