/**
 * For other people's vitest tests: a mock server for each worker, a part of it for each test, and matchers. Importing it adds the matchers to
 * vitest's `expect`.
 */
import type { TestAPI } from "vitest";
import type * as frontDoor from "../front-door.ts";
import type { MockServerOptions } from "../options.ts";
import { type MockServer, startMockServer } from "../server.ts";
import { journalExcerpt } from "./journal-excerpt.ts";
import { type Lucy, type OpenLucy, openLucy } from "./lucy.ts";
import {
  type FrameMatchers,
  type MatchFrameOptions,
  matchFrame,
  type PictureGiven,
  picturesNamed,
} from "./match-frame.ts";
import { failure, type LucyMatchers, lucyMatchers, type MatcherContext, type Verdict } from "./matchers.ts";
import { missingPeer } from "./missing-peer.ts";

export type { Lucy, TestFault } from "./lucy.ts";
export type { FrameMatchers, MatchFrameOptions, PictureGiven } from "./match-frame.ts";
export type { ImageGiven, LucyMatchers, Within } from "./matchers.ts";

const { expect, test: plainTest } = await import("vitest").catch((error) => {
  throw missingPeer("vitest", "vitest", error);
});

declare module "vitest" {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends LucyMatchers,
      FrameMatchers {}
}

expect.extend({
  ...lucyMatchers,
  async toMatchFrame(
    this: MatcherContext,
    picture: PictureGiven,
    png: string | URL | Uint8Array,
    options?: MatchFrameOptions,
  ): Promise<Verdict> {
    const { pass, expected, got, write } = matchFrame(picture, png, options);
    const rest = pass || this.isNot ? "" : picturesNamed(write());
    return {
      pass,
      message: () =>
        failure("toMatchFrame", {
          isNot: this.isNot,
          expected,
          got,
          waitedMs: null,
          rest,
          subject: "picture",
        }),
    };
  },
});

export type LucyFixtures = {
  /** The server of this worker. */
  readonly lucyServer: frontDoor.MockServer;
  /** This test's part of it: its key, sessions, faults and lines. */
  readonly lucy: Lucy;
};

/**
 * vitest's `test` with `lucy` and `lucyServer`. The server starts with the first test that uses one of them, on a free port. `options`: as
 * `startMockServer()` takes them.
 */
export function createLucyTest(options: Partial<MockServerOptions> = {}): TestAPI<LucyFixtures> {
  return plainTest.extend<LucyFixtures>({
    lucyServer: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
      async ({}, use) => {
        const server = await startMockServer({ port: 0, frameLines: true, ...options });
        await use(server as frontDoor.MockServer);
        await server.close();
      },
      { scope: "worker" },
    ],
    lucy: async ({ lucyServer, task, onTestFailed }, use) => {
      const lucy = openLucy(lucyServer as MockServer, `${task.file.name} ${task.fullTestName}`);
      onTestFailed(() => console.error(`${task.fullTestName}\n${journalExcerpt(lucy.lines)}`));
      await use(lucy);
      (lucy as OpenLucy).close();
    },
  }) as TestAPI<LucyFixtures>;
}

/** With the server's options as they are by default. */
export const test = createLucyTest();
export { expect };
