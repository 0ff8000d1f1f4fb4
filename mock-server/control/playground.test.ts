import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { traitsOf, versions } from "../../fixtures/browser/versions.ts";
import { images } from "../../fixtures/images.ts";
import { nothingOpen } from "../_running-server.ts";
import type { Offer } from "../playground/offer.ts";
import { type MockServer, startMockServer } from "../server.ts";

const bundled = vi.hoisted(() => ({ answer: async (): Promise<string> => "export {};" }));
vi.mock("../../fixtures/browser/bundle.ts", () => ({
  bundle: () => bundled.answer(),
  sdkFiles: new Map(
    ["0.0.41.js", "0.0.46.js", "0.1.3+livekit-client-2.23.js", "frame-metadata-worker.js"].map((name) => [
      name,
      () => bundled.answer(),
    ]),
  ),
}));

let server: MockServer;
beforeEach(async () => {
  bundled.answer = async () => "export {};";
  server = await startMockServer({ port: 0 });
});
afterEach(() => server.close());

const get = (path: string) => fetch(server.url + path);

describe("what it serves", () => {
  it.each([
    ["/", "text/html; charset=utf-8", "no-store"],
    ["/_lucy/page.css", "text/css; charset=utf-8", "no-store"],
    ["/_lucy/page.js", "text/javascript; charset=utf-8", "no-store"],
    ["/_lucy/playground", "application/json; charset=utf-8", "no-store"],
    ["/_lucy/sdk/0.0.46.js", "text/javascript; charset=utf-8", "max-age=86400"],
    ["/_lucy/sdk/0.1.3+livekit-client-2.23.js", "text/javascript; charset=utf-8", "max-age=86400"],
    ["/_lucy/sdk/frame-metadata-worker.js", "text/javascript; charset=utf-8", "max-age=86400"],
    ["/_lucy/samples/face-png", "image/png", "max-age=3600"],
  ])("%s", async (path, type, caching) => {
    const response = await get(path);
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("cache-control")).toBe(caching);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain(
      `connect-src 'self' ws://${new URL(server.url).host} `,
    );
  });

  it.each(["/_lucy/sdk/0.0.47.js", "/_lucy/samples/..%2fimages.ts", "/_lucy/samples/gif", "/_lucy/page.ts"])(
    "nothing at %s",
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect((await response.json()).detail).toContain("There is nothing at GET");
    },
  );
});

it("offers what a person can choose: versions, models, transforms, good images; and says how it is started", async () => {
  // SDKs say on the console which names they call old.
  using _quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { sdks, transforms, samples, startCommand } = (await (
    await get("/_lucy/playground")
  ).json()) as Offer;
  expect(sdks.map(({ version }) => version)).toEqual(versions.map(({ version }) => version).toReversed());
  for (const { version, model, models, codecs } of sdks) {
    expect(codecs).toEqual(traitsOf(version).codecs);
    expect(models).toContain(model);
    const sdk = await import(`decart-sdk-${version}`);
    for (const name of models) expect(sdk.models.realtime(name).name).toBe(name);
  }
  expect(startCommand).toBe("npm start --");
  expect(transforms).toContainEqual({ name: "mirror", does: "Exchanges left and right." });
  for (const { name } of samples) expect(images.find((image) => image.name === name)?.broken).toBeUndefined();
});

describe("when a bundle cannot be built", () => {
  const missing = Object.assign(
    new Error("Cannot find package 'esbuild' imported from /somewhere/bundle.ts"),
    {
      code: "ERR_MODULE_NOT_FOUND",
    },
  );
  const missingBundler = new Error(
    "What runs in a browser is bundled by package 'esbuild': npm install --save-dev esbuild.",
    { cause: missing },
  );
  const failed = new Error('Build failed with 1 error:\nerror: Could not resolve "decart-sdk-0.0.46"');

  it.each([
    ["/", missing, "The page could not be built: esbuild is not installed. Run npm install, then reload."],
    [
      "/_lucy/page.js",
      missing,
      "The page's script could not be built: esbuild is not installed. Run npm install, then reload.",
    ],
    [
      "/_lucy/sdk/0.0.41.js",
      missingBundler,
      "SDK 0.0.41 could not be built: esbuild is not installed. Run npm install, then reload.",
    ],
    [
      "/_lucy/sdk/0.0.46.js",
      failed,
      'SDK 0.0.46 could not be built: Could not resolve "decart-sdk-0.0.46". Run npm install, then reload.',
    ],
  ])("%s says why, what to type, and is not kept", async (path, error, sentence) => {
    bundled.answer = () => Promise.reject(error);
    const response = await get(path);
    expect(response.status).toBe(500);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toContain(sentence.replaceAll('"', path === "/" ? '"' : '\\"'));
    bundled.answer = async () => "export {};";
    expect((await get(path)).status).toBe(200);
  });
});

it("counts none of its readers' timers as the server's: a page that only looks on leaves nothing open", async () => {
  const stop = new AbortController();
  const { body } = await fetch(`${server.url}/_lucy/journal?live=1`, { signal: stop.signal });
  await body!.getReader().read();
  expect(server.open).toEqual(nothingOpen);
  stop.abort();
});
