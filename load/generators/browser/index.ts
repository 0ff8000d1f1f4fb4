/**
 * The generator that is an app: the published SDK in a real Chromium, a page a session, for the truth of one. What one session costs here pays for
 * many of the node generator's.
 */
import type { Browser, Page } from "playwright-core";
import { bundle, sdkFiles } from "../../../fixtures/browser/bundle.ts";
import { type PageServer, servePage } from "../../../fixtures/browser/serve-page.ts";
import { clipRecipes } from "../../../fixtures/index.ts";
import type { Clock } from "../../clock.ts";
import {
  ackMsMax,
  type Dialect,
  type Generator,
  type LoadSession,
  type Observer,
  type SessionAbout,
  type Target,
} from "../../generator.ts";
import { type ClockWindow, errorOf, middleOf, movedBetween, narrow, openWindow } from "./clock-window.ts";
import type { Outcome, Told } from "./page.ts";

export type BrowserGeneratorOptions = {
  readonly clock: Clock;
  /**
   * Hosts that pages may reach besides loopback and the target's own, as `--host-resolver-rules` takes them: where a service keeps its rooms, and
   * STUN and TURN servers by name. Addresses in ICE candidates are numbers, which no rule keeps from anywhere.
   */
  readonly hosts?: readonly string[];
};

const sdkPaths: Record<Dialect, string> = { direct: "/0.0.46.js", livekit: "/0.1.20.js" };

/** A camera that keeps step with a display of 60 Hz moves a whole run by up to 10 ms: this one walks past it every 8 s. */
const slowerByFps = 1 / 8;
/** Near enough, where a busy machine lets it be. */
const clockErrorMs = 0.25;
const clockLooksMax = 50;

export function createBrowserGenerator({ clock, hosts = [] }: BrowserGeneratorOptions): Generator {
  /** By the hosts that they reach: that is settled when a browser starts. */
  const browsers = new Map<string, Promise<Browser>>();
  const clocks = { errorMs: 0, movedMs: 0 };
  let served: Promise<PageServer> | null = null;

  function browserFor(target: Target): Promise<Browser> {
    const reached = hostsOf(target, hosts);
    const key = reached.join(" ");
    let browser = browsers.get(key);
    if (!browser) {
      browser = launch(reached);
      browsers.set(key, browser);
      const forget = () => browsers.delete(key);
      browser.then((launched) => launched.once("disconnected", forget), forget);
    }
    return browser;
  }

  async function newPage(target: Target): Promise<{ origin: string; page: Page }> {
    served ??= servePage(scriptOf);
    const { origin } = await served;
    return { origin, page: await (await browserFor(target)).newPage() };
  }

  async function open(
    about: SessionAbout,
    observer: Observer,
    leaving: AbortSignal = new AbortController().signal,
  ): Promise<LoadSession> {
    const { target } = about;
    const { codec, fps, width, height } = clipRecipes.find(({ name }) => name === about.clip)!;
    const { origin, page } = await whileAwaited(newPage(target), leaving, ({ page }) => page.close());
    // What waits for something in a page that is closed fails at once.
    const leave = () => void page.close().catch(() => {});
    leaving.addEventListener("abort", leave);
    let isOver = false;
    const fail = (why: string) => {
      if (!isOver) observer.ended(clock.now(), why);
      isOver = true;
    };
    try {
      await page.goto(origin);
      await page.waitForFunction(() => window.loadPage);
      const mapped = await compareClocks(page, clock);
      clocks.errorMs = Math.max(clocks.errorMs, errorOf(mapped));
      const ours = (pageMs: number) => pageMs + middleOf(mapped);
      await page.exposeFunction("tellGenerator", (batch: readonly Told[]) => {
        for (const told of batch) {
          isOver ||= told.event === "ended";
          tell(observer, told, ours, (why) => wordsFor(target, why));
        }
      });
      const { id, calledMs, connectedMs } = resultOf(
        await page.evaluate((given) => window.loadPage.open(given), {
          ...{
            sdkPath: sdkPaths[about.dialect],
            target,
            model: about.model,
            codec,
            readsPictures: about.readsPictures,
          },
          hosts: ["127.0.0.1", ...hostsOf(target, hosts)],
          camera: { width, height, fps: fps - slowerByFps },
        }),
        target,
      );
      page.on("crash", () => fail("Its page crashed."));
      page.on("close", () => fail("Its page was closed."));
      return {
        id,
        connected: { calledMs: ours(calledMs), connectedMs: ours(connectedMs) },
        async set(input) {
          const called = page.evaluate((given) => window.loadPage.set(given), input);
          const { calledMs, ackedMs } = resultOf(await within(clock, ackMsMax, called), target);
          return { calledMs: ours(calledMs), ackedMs: ours(ackedMs) };
        },
        stats: () => page.evaluate(() => window.loadPage.stats()),
        async close() {
          isOver = true;
          try {
            await page.evaluate(() => window.loadPage.close());
            const movedMs = movedBetween(mapped, await compareClocks(page, clock));
            clocks.movedMs = Math.max(clocks.movedMs, movedMs);
          } catch {
            // It is gone, which its observer was told.
          }
          await page.close();
        },
      };
    } catch (error) {
      isOver = true;
      await page.close().catch(() => {});
      throw leaving.aborted ? new Error(appLeft) : error;
    } finally {
      leaving.removeEventListener("abort", leave);
    }
  }

  return {
    name: "browser",
    get blindSpots() {
      return blindSpotsOf(clocks);
    },
    now: () => clock.now(),
    open,
    async close() {
      const launched = [...browsers.values()];
      browsers.clear();
      await Promise.all(launched.map(async (browser) => (await browser).close()));
      await (await served)?.close();
      served = null;
    },
  };
}

function blindSpotsOf({ errorMs, movedMs }: { errorMs: number; movedMs: number }): string[] {
  return [
    "A picture counts when it goes to the compositor: what the display adds, up to a tick of 17 ms and its own delay, is in no figure.",
    "A picture that another replaces before the display's next tick is never seen and counts as lost; picturesUnseen of the transport's figures says how many those are.",
    "The camera is a canvas: a real camera's exposure, its driver and its noise are missing. A picture counts as sent when it is drawn, before its encoder has it.",
    "The encoder is Chromium's, which lowers rate and quality as it sees fit; a picture that it leaves out looks like one that was lost on the way.",
    "Page, encoder and decoder share this machine's processors, with the server where that runs here, too.",
    "Frame metadata is not read: pictures are told apart by their strips, or by their luma.",
    `Times of a page are mapped onto the run's clock once, to ± ${errorMs.toFixed(1)} ms at worst so far; by the end of a session the clocks had moved apart by ${movedMs.toFixed(1)} ms at worst.`,
  ];
}

/** The names that a browser must find besides 127.0.0.1. */
export function hostsOf({ url, realtimeUrl }: Omit<Target, "apiKey">, hosts: readonly string[]): string[] {
  const named = [url, realtimeUrl].map((address) => new URL(address).hostname);
  return [...new Set([...named, ...hosts])].filter((host) => host !== "127.0.0.1");
}

function scriptOf(path: string): Promise<string> | undefined {
  if (path === "/page.js") return bundle(new URL("page.ts", import.meta.url));
  return sdkFiles.get(path.slice(1))?.();
}

/** Playwright and a Chromium. Weighs much, so it is loaded when a browser is wanted. @throws Error that says what is missing */
async function launch(hosts: readonly string[]): Promise<Browser> {
  const { chromium } = await import("playwright-core").catch((cause) => {
    throw new Error(
      "The generator browser needs Playwright: npm install --save-dev playwright-core, or take --generator node.",
      { cause },
    );
  });
  const { chromiumFlagsFor, findChromium } = await import("../../../fixtures/browser/find-chromium.ts");
  return chromium.launch({
    executablePath: findChromium(),
    args: [...chromiumFlagsFor(hosts)],
    // Ctrl-C is for whoever runs the sessions: they are closed first.
    handleSIGINT: false,
  });
}

/** Looks at both clocks until they are near enough. */
async function compareClocks(page: Page, clock: Clock): Promise<ClockWindow> {
  let found = openWindow;
  for (let look = 0; look < clockLooksMax && errorOf(found) > clockErrorMs; look++) {
    const beforeMs = clock.now();
    const pageMs = await page.evaluate(() => window.loadPage.now());
    found = narrow(found, { beforeMs, pageMs, afterMs: clock.now() });
  }
  return found;
}

function tell(
  observer: Observer,
  told: Told,
  ours: (pageMs: number) => number,
  words: (why: string) => string,
): void {
  switch (told.event) {
    case "sent": {
      const { event: _event, dueMs, sentMs, ...picture } = told;
      return observer.sent({ ...picture, dueMs: ours(dueMs), sentMs: sentMs === null ? null : ours(sentMs) });
    }
    case "received": {
      const { event: _event, atMs, ...picture } = told;
      return observer.received({ ...picture, atMs: ours(atMs) });
    }
    case "lost":
    case "ended":
      return observer[told.event](ours(told.atMs), words(told.why));
    case "recovered":
      return observer.recovered(ours(told.atMs));
  }
}

/** @throws Error with what the page was told */
function resultOf<T>(outcome: Outcome<T>, target: Target): T {
  if (outcome.ok) return outcome.value;
  throw new Error(wordsFor(target, outcome.error));
}

/** Without the key: an SDK puts whole addresses into its errors. */
function wordsFor({ apiKey }: Target, words: string): string {
  if (apiKey === "") return words;
  return words.replaceAll(apiKey, "…").replaceAll(encodeURIComponent(apiKey), "…");
}

const appLeft = "The app left.";

/** What takes long, unless nobody waits for it any more: it is undone then as it comes. @throws Error */
async function whileAwaited<T>(
  work: Promise<T>,
  leaving: AbortSignal,
  undo: (done: T) => Promise<void>,
): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(new Error(appLeft));
  leaving.addEventListener("abort", leave);
  if (leaving.aborted) leave();
  try {
    return await Promise.race([work, left.promise]);
  } catch (error) {
    work.then(undo).catch(() => {});
    throw error;
  } finally {
    leaving.removeEventListener("abort", leave);
  }
}

async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(limitMs, () =>
    late.reject(new Error(`No ack within ${limitMs / 1000} s. Look whether the server still answers.`)),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}
