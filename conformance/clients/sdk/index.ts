/**
 * The published `@decartai/sdk`, of any version, in a real Chromium. One browser for all drivers, a context and a page for each; the page
 * speaks the driver contract, and everything but the browser's clock is done in it.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { WebSocket } from "ws";
import { bundle, bundleSdk, sdkFiles } from "../../../fixtures/browser/bundle.ts";
import { livekitClients } from "../../../fixtures/browser/versions.ts";
import { type Client, contractVersion, type Driver, DriverBroken, type Hello } from "../../client.ts";
import type { Clock } from "../../clock.ts";
import { createDriverSession } from "../driver-session.ts";
import { installSdk, type SdkPackage } from "./install.ts";
import type { PageAbout } from "./page.ts";
import { serveDriverPage } from "./page-server.ts";
import { traitsOf } from "./traits.ts";

const logLinesMax = 1000;
/** LiveKit writes whole offers. Characters. */
const logLineLengthMax = 500;

/** What a page closes its WebSocket with that was asked to quit. */
const quitCode = 1000;
/** How long the news of a page's end may take after its WebSocket's, which comes first and says less. */
const lastWordsMsMax = 500;

/** The browser's time goes on by so much at once; between, the network has its turn. */
const stepMsMax = 250;

/** `name`: `sdk@0.1.20`, or as `installSdk` reads what follows the `@`. @throws Error with a sentence when it cannot be had here */
export async function sdkClient(name: string, clock: Clock): Promise<Client> {
  const sdk = await installSdk(name.slice("sdk@".length));
  const launch = await findBrowser();
  const scripts = scriptsOf(sdk);
  // What cannot be bundled is told in its own words, and not by a page that finds nothing.
  await scripts["sdk.js"]!();
  const traits = traitsOf(sdk.version, sdk.dialect);
  const hello: Hello = {
    event: "hello",
    contract: contractVersion,
    client: `sdk ${sdk.version}`,
    dialect: sdk.dialect,
    capabilities: [...traits.capabilities],
  };
  let browser = launch();
  await browser;
  /** What to do with the WebSocket of a page that has been opened. */
  const expected = new Map<string, (socket: WebSocket) => void>();
  const server = await serveDriverPage({
    scripts,
    opened: (id, socket) => expected.get(id)?.(socket),
  });
  let lastId = 0;

  /** A browser that has died has taken its pages along; the next page has another. */
  async function newContext(): Promise<BrowserContext> {
    const used = browser;
    try {
      return await (await used).newContext();
    } catch {
      if (browser === used) browser = launch();
      return (await browser).newContext();
    }
  }

  async function open(): Promise<Driver> {
    const id = String(++lastId);
    const log: string[] = [];
    const write = (line: string) => {
      log.push(line.slice(0, logLineLengthMax));
      if (log.length > logLinesMax) log.shift();
    };
    let socket: WebSocket | null = null;
    const context = await newContext();
    const close = () => context.close().catch(() => {});
    const session = createDriverSession({
      name,
      clock,
      log,
      send: (text) => socket?.send(text),
      cut: () => void close().then(() => session.ended("was ended by force")),
    });
    // It may break while the page is still on its way, before anybody waits for it.
    session.opened.catch(() => {});
    const fail = (why: string) => {
      session.ended(why);
      void close();
    };
    expected.set(id, (opened) => {
      socket = opened;
      opened.on("message", (text) => session.receive(String(text)));
      opened.on("error", ({ message }) => write(`its WebSocket: ${message}`));
      opened.on("close", (code) => {
        const end = () => session.ended("closed its WebSocket");
        if (code === quitCode) end();
        else clock.after(lastWordsMsMax, end);
      });
    });
    try {
      const page = await openPage(context, server.origin, { write, fail });
      const about: PageAbout = { hello, traits, sdkPath: "/sdk.js", driverPath: `/driver/${id}`, quitCode };
      await page.evaluate((about) => window.lucy.start(about), about);
    } catch (error) {
      fail(`did not start: ${(error as Error).message}`);
    }
    const driver = await session.opened.finally(() => expected.delete(id));
    const advance = driveClock(context.pages()[0]!, write);
    return {
      ...driver,
      request: (verb, args) =>
        verb === "advance"
          ? advance((args as { ms: number }).ms).catch((error) => {
              throw new DriverBroken(`${name}'s driver could not drive its clock: ${error.message}.`);
            })
          : driver.request(verb, args),
      close: () => driver.close().finally(close),
    };
  }

  return {
    name,
    open,
    async close() {
      await (await browser).close();
      await server.close();
    },
  };
}

/** A page before its SDK is loaded, with its time in our hands; it flows until somebody drives it. Whatever the page says or does is watched. */
async function openPage(
  context: BrowserContext,
  url: string,
  { write, fail }: { write(line: string): void; fail(why: string): void },
): Promise<Page> {
  const page = await context.newPage();
  page.on("console", (message) => write(`${message.type()}: ${message.text()}`));
  page.on("pageerror", ({ message }) => write(`uncaught: ${message}`));
  page.on("crash", () => fail("lost its page, which crashed"));
  page.on("close", () => fail("lost its page, which was closed"));
  const look = (address: string) => {
    if (!isLocal(address)) fail(`let its page ask for ${address}, which is not on this machine`);
  };
  page.on("request", (request) => look(request.url()));
  page.on("websocket", (socket) => look(socket.url()));
  await page.goto(url);
  // After what holds on to the page's own time: cameras, and the driver itself.
  await page.clock.install();
  return page;
}

/** Playwright and a Chromium, or a sentence that says what is missing. Weighs much, so it is loaded when a browser is wanted. */
async function findBrowser(): Promise<() => Promise<Browser>> {
  const playwright = await import("playwright-core").catch((error) => {
    throw new Error("The client sdk needs Playwright: npm install --save-dev playwright-core.", {
      cause: error,
    });
  });
  const { chromiumFlags, findChromium, wantsSandbox } = await import(
    "../../../fixtures/browser/find-chromium.ts"
  );
  const executablePath = findChromium();
  return () =>
    playwright.chromium
      .launch({ executablePath, args: [...chromiumFlags], chromiumSandbox: wantsSandbox() })
      .catch((cause: Error) => {
        if (!wantsSandbox() || !cause.message.includes("No usable sandbox")) throw cause;
        throw new Error(
          `${executablePath} finds no sandbox that it could use on this system. Let it have one, or start it without, where you trust the SDK: LUCY_NO_SANDBOX=1.`,
          { cause },
        );
      });
}

function scriptsOf({ entry, livekitClient }: SdkPackage): Record<string, () => Promise<string>> {
  const driver = { "page.js": () => bundle(new URL("page.ts", import.meta.url)) };
  // With `debugQuality`, 0.1.15 and later start it from beside themselves.
  const worker = "frame-metadata-worker.js";
  if (typeof entry === "string") {
    const chosen = livekitClient ? { livekitClient } : {};
    return { ...driver, "sdk.js": () => bundleSdk(entry, chosen), [worker]: sdkFiles.get(worker)! };
  }
  const alias: Record<string, string> = livekitClient
    ? { "livekit-client": livekitClients[livekitClient] }
    : {};
  return {
    ...driver,
    "sdk.js": () => bundle(entry, { alias }),
    [worker]: () => bundle(new URL(`realtime/browser/${worker}`, entry), { format: "iife" }),
  };
}

function isLocal(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return hostname === "127.0.0.1" || ["data:", "blob:", "about:"].includes(protocol);
}

/** The verb `advance`. The network takes no time: each step of the clock waits until it has nothing in hand. */
function driveClock(page: Page, write: (line: string) => void) {
  let isPaused = false;
  return async (ms: number) => {
    if (!isPaused) {
      // Playwright pauses only at a time that is yet to come; of one that is past it complains, after it has paused.
      await page.clock.pauseAt(0).catch(() => {});
      isPaused = true;
    }
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMsMax) {
      // What a timer of the client's throws is told here instead of to the page.
      await page.clock
        .runFor(Math.min(leftMs, stepMsMax))
        .catch(({ message }) => write(`uncaught: ${message}`));
      await page.evaluate(() => window.lucy.settle());
    }
    return { event: "result", id: 0, ok: true } as const;
  };
}
