/**
 * For other people's Playwright tests: a mock server for each worker, a part of it for each test, pages that reach it and this machine alone,
 * and matchers. Importing it adds the matchers to Playwright's `expect`.
 */
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Locator, Page } from "@playwright/test";
import { lumaOfRgba, type OutputStrip, readOutputStrip, stripsHeight } from "../../fixtures/strips.ts";
import { realClock } from "../clock.ts";
import type * as frontDoor from "../front-door.ts";
import { toJsonLine } from "../journal-match.ts";
import type { MockServerOptions } from "../options.ts";
import { type MockServer, startMockServer } from "../server.ts";
import { leadToMock } from "./lead-to-mock.ts";
import { type Lucy, type OpenLucy, openLucy, withinMsDefault } from "./lucy.ts";
import {
  type FrameMatchers,
  type MatchFrameOptions,
  matchFrame,
  type PictureGiven,
  picturesNamed,
} from "./match-frame.ts";
import {
  checkCount,
  checkText,
  failure,
  type ImageGiven,
  imageHashOf,
  imageNamed,
  type LucyMatchers,
  lucyMatchers,
  type MatcherContext,
  promptHashOf,
  promptNamed,
  promptOfHash,
  type Verdict,
  type Within,
} from "./matchers.ts";
import { missingPeer } from "./missing-peer.ts";
import { videoPicture } from "./video-picture.ts";

export type { Lucy, TestFault } from "./lucy.ts";
export type { FrameMatchers, MatchFrameOptions, PictureGiven } from "./match-frame.ts";
export type { ImageGiven, LucyMatchers, Within } from "./matchers.ts";

const playwright = loadPlaywright();

/** Synchronously: specs that are compiled to CommonJS cannot require what awaits. */
function loadPlaywright(): typeof import("@playwright/test") {
  try {
    return createRequire(import.meta.url)("@playwright/test");
  } catch (error) {
    throw missingPeer("@playwright/test", "playwright", error);
  }
}

declare global {
  namespace PlaywrightTest {
    interface Matchers<R, T = unknown> extends LucyMatchers, FrameMatchers {}
  }
}

export type LucyTestFixtures = {
  /** This test's part of the server: its key, sessions, faults and lines. The test's pages are led to it. */
  readonly lucy: Lucy;
};

export type LucyWorkerFixtures = {
  /** As `startMockServer()` takes them: `test.use({ lucyOptions: { mode: "relay" } })`. */
  readonly lucyOptions: Partial<MockServerOptions>;
  /** The server of this worker. */
  readonly lucyServer: frontDoor.MockServer;
};

/** A camera that nobody has to allow, video that plays by itself, and no host but this machine, for UDP too. */
const chromiumFlags = [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

const clock = realClock();
/** Of the test that runs: a worker runs one at a time. */
let current: OpenLucy | undefined;

export const test = playwright.test.extend<LucyTestFixtures, LucyWorkerFixtures>({
  lucyOptions: [{}, { option: true, scope: "worker" }],

  lucyServer: [
    async ({ lucyOptions }, use) => {
      const server = await startMockServer({ port: 0, frameLines: true, ...lucyOptions });
      await use(server as frontDoor.MockServer);
      await server.close();
    },
    { scope: "worker" },
  ],

  launchOptions: [
    async ({ launchOptions, browserName }, use) => {
      const { args = [] } = launchOptions;
      // The project's own come last, and so count.
      await use(
        browserName === "chromium" ? { ...launchOptions, args: [...chromiumFlags, ...args] } : launchOptions,
      );
    },
    { scope: "worker" },
  ],

  lucy: async ({ lucyServer }, use, testInfo) => {
    const lucy = openLucy(lucyServer as MockServer, testInfo.titlePath.join(" "));
    current = lucy;
    await use(lucy);
    current = undefined;
    if (testInfo.status !== testInfo.expectedStatus) {
      const path = testInfo.outputPath("journal.jsonl");
      await writeFile(path, lucy.lines.map(toJsonLine).join(""));
      // As a file beside the report, for whoever has only a terminal.
      testInfo.attachments.push({ name: "journal.jsonl", path, contentType: "text/plain" });
    }
    lucy.close();
  },

  context: async ({ context, lucy }, use) => {
    await leadToMock(context, lucy);
    await use(context);
  },
});

playwright.expect.extend({
  ...lucyMatchers,
  toShowPrompt(this: MatcherContext, subject: unknown, prompt: string | null, options?: Within) {
    const video = videoOf(subject);
    if (!video) return lucyMatchers.toShowPrompt.call(this, subject, prompt, options);
    checkText("toShowPrompt", "prompt", prompt);
    const expected = `pictures that show ${promptNamed(prompt)}`;
    return judgeVideo(
      this,
      "toShowPrompt",
      video,
      options,
      expected,
      (strip) => strip.promptHash === promptHashOf(prompt),
    );
  },
  toShowImage(this: MatcherContext, subject: unknown, image: ImageGiven | null, options?: Within) {
    const video = videoOf(subject);
    if (!video) return lucyMatchers.toShowImage.call(this, subject, image, options);
    const hash = imageHashOf("toShowImage", image);
    const expected = `pictures that show ${imageNamed(hash)}`;
    return judgeVideo(this, "toShowImage", video, options, expected, (strip) => strip.imageHash === hash);
  },
  toHaveRevision(this: MatcherContext, subject: unknown, revision: number, options?: Within) {
    const video = videoOf(subject);
    if (!video) return lucyMatchers.toHaveRevision.call(this, subject, revision, options);
    checkCount("toHaveRevision", "revision", revision, 0);
    const expected = `pictures of revision ${revision}`;
    // The strip has twelve bits for it.
    return judgeVideo(
      this,
      "toHaveRevision",
      video,
      options,
      expected,
      (strip) => strip.revision === revision % 4096,
    );
  },
  async toMatchFrame(
    this: MatcherContext,
    subject: unknown,
    png: string | URL | Uint8Array,
    { withinMs = this.timeout || withinMsDefault, ...options }: MatchFrameOptions = {},
  ): Promise<Verdict> {
    const info = playwright.test.info();
    const compare = (picture: PictureGiven) =>
      matchFrame(picture, png, { folder: info.outputDir, ...options });
    const video = videoOf(subject);
    let verdict = video ? undefined : compare(subject as PictureGiven);
    if (video) {
      await eachPicture(video, Number.POSITIVE_INFINITY, withinMs, (picture) => {
        verdict = compare(picture);
        return verdict.pass !== this.isNot;
      });
    }
    const { isNot } = this;
    if (!verdict) {
      const about = {
        isNot,
        expected: "a picture",
        got: "no video element, or no picture on it",
        waitedMs: withinMs,
        rest: restOf(),
        subject: "video",
      };
      return { pass: isNot, message: () => failure("toMatchFrame", about) };
    }
    const { pass, expected, got } = verdict;
    const paths = pass || isNot ? [] : verdict.write();
    for (const path of paths)
      await info.attach(path.replace(/^.*[\\/]/, ""), { path, contentType: "image/png" });
    const about = {
      isNot,
      expected,
      got,
      waitedMs: video ? withinMs : null,
      rest: picturesNamed(paths),
      subject: video ? "video" : "picture",
    };
    return { pass, message: () => failure("toMatchFrame", about) };
  },
});

/** Playwright's, with the matchers. */
export const expect = playwright.expect;

/** Looks at picture after picture until `isEnough`, or until the time is up. */
async function eachPicture(
  video: Locator,
  linesMax: number,
  withinMs: number,
  isEnough: (picture: { width: number; height: number; data: Uint8Array | Uint8ClampedArray }) => boolean,
): Promise<void> {
  const untilMs = clock.now() + withinMs;
  for (let isFirst = true; ; isFirst = false) {
    const leftMs = untilMs - clock.now();
    if (!isFirst && leftMs <= 0) return;
    const lines = Number.isFinite(linesMax) ? linesMax : Number.MAX_SAFE_INTEGER;
    const picture = await videoPicture(video, {
      isFirst,
      linesMax: lines,
      withinMs: Math.max(0, Math.round(leftMs)),
    });
    if (!picture || isEnough(picture)) return;
  }
}

async function judgeVideo(
  { isNot, timeout }: MatcherContext,
  name: string,
  video: Locator,
  { withinMs = timeout || withinMsDefault }: Within = {},
  expected: string,
  isIt: (strip: OutputStrip) => boolean,
): Promise<Verdict> {
  let holds: boolean | undefined;
  let got = "no video element, or no picture on it";
  await eachPicture(video, stripLinesMax, withinMs, ({ width, height, data }) => {
    const strip = readOutputStrip(lumaOfRgba(data, width, height));
    holds = strip ? isIt(strip) : undefined;
    got = strip
      ? shownBy(strip)
      : `a picture ${width} pixels wide on which no strip can be read: is it the mock server's output?`;
    return holds === !isNot;
  });
  const waitedMs = holds === !isNot ? null : withinMs;
  return {
    pass: holds ?? isNot,
    message: () => failure(name, { isNot, expected, got, waitedMs, rest: restOf(), subject: "video" }),
  };
}

/** Of the widest picture there is. */
const stripLinesMax = stripsHeight(1920, "tall");

function shownBy({ revision, promptHash, imageHash, outputCount }: OutputStrip): string {
  const prompts = (current?.lines ?? [])
    .filter(({ kind }) => kind === "state")
    .map(({ fields }) => fields.prompt as string | null);
  return `picture ${outputCount}, of revision ${revision}, shows ${promptOfHash(promptHash, prompts)} and ${imageNamed(imageHash)}`;
}

function restOf(): string {
  return current?.tell() ?? "";
}

/** A page stands for its only video. */
function videoOf(subject: unknown): Locator | undefined {
  if (typeof subject !== "object" || subject === null) return undefined;
  if ("goto" in subject && "locator" in subject) return (subject as Page).locator("video");
  return "evaluate" in subject && "page" in subject ? (subject as Locator) : undefined;
}
