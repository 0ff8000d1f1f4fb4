/**
 * Leads the pages of a browser context to one test's part of a mock server, the app in them unmodified: sockets and requests for the service
 * go to the mock server and are that test's, and nothing but this machine is reached.
 */
import type { BrowserContext } from "@playwright/test";
import { API_KEY_HEADER, DEFAULT_BASE_URLS, QUERY } from "../../protocol/index.ts";
import { mockKeyPrefix, mockQuery } from "../faults/mock-key.ts";
import type { Lucy } from "./lucy.ts";

/** As a URL has them. */
const loopback = /^(localhost|[^.]+\.localhost|127(\.\d+){3}|\[::1\])$/;

export async function leadToMock(context: BrowserContext, lucy: Lucy): Promise<void> {
  const { url: mockUrl, realtimeUrl, apiKey, server } = lucy;
  const restHost = new URL(DEFAULT_BASE_URLS.rest).host;
  await context.addInitScript(leadSockets, {
    realtimeUrl,
    loopback: loopback.source,
    keyPrefix: mockKeyPrefix,
    keyName: QUERY.apiKey,
    mark: `${mockQuery}=${encodeURIComponent(apiKey)}`,
  });
  await context.route("**/*", async (route, request) => {
    const url = new URL(request.url());
    const isForService = url.host === restHost;
    if (!isForService && !loopback.test(url.hostname)) {
      const { origin, pathname } = url;
      server.journal.add({ kind: "page-refused", fields: { url: origin + pathname } });
      return route.abort("blockedbyclient");
    }
    if (!isForService && url.origin !== mockUrl) return route.fallback();
    const key = request.headers()[API_KEY_HEADER];
    if (key !== undefined && !key.startsWith(mockKeyPrefix)) url.searchParams.set(mockQuery, apiKey);
    if (!isForService) return route.fallback({ url: url.href });
    return route.fulfill({ response: await route.fetch({ url: mockUrl + url.pathname + url.search }) });
  });
}

type Led = {
  readonly realtimeUrl: string;
  readonly loopback: string;
  readonly keyPrefix: string;
  readonly keyName: string;
  readonly mark: string;
};

/** Runs in the page, by itself. A block of its own, before the app's scripts. */
function leadSockets({ realtimeUrl, loopback, keyPrefix, keyName, mark }: Led): void {
  const Native = globalThis.WebSocket;
  const mockHost = new URL(realtimeUrl).host;
  globalThis.WebSocket = class extends Native {
    constructor(given: string | URL, protocols?: string | string[]) {
      let url = new URL(given, globalThis.location.href);
      if (/^(api|api3)\.decart\.ai$/.test(url.host)) url = new URL(realtimeUrl + url.pathname + url.search);
      if (!new RegExp(loopback).test(url.hostname)) {
        throw new Error(`Refused to reach ${url.host}: a test reaches this machine alone.`);
      }
      const key = url.searchParams.get(keyName);
      // Who brings faults of its own in a key keeps them.
      const isMarked = key === null || key.startsWith(keyPrefix) || url.host !== mockHost;
      if (!isMarked) url.search += `&${mark}`;
      super(isMarked && url.href === String(given) ? given : url, protocols);
    }
  };
}
