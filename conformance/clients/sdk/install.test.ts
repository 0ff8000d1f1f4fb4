import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { installSdk } from "./install.ts";

let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lucy-install-"));
  cache = join(folder, "cache");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A package without dependencies, so that npm asks nobody for anything. */
function writeBuild({ name = "my-build", json = {}, entry = true as boolean } = {}): string {
  const build = join(folder, name);
  mkdirSync(join(build, "dist"), { recursive: true });
  const about = { name: "@somebody/sdk", version: "0.1.21-beta.1", main: "./dist/index.js", ...json };
  writeFileSync(join(build, "package.json"), JSON.stringify(about));
  if (entry) writeFileSync(join(build, "dist/index.js"), "export {};");
  return build;
}

describe("what is here already", () => {
  it.each([
    ["0.0.46", "direct", null],
    ["0.1.20", "livekit", null],
    ["0.1.3+livekit-client-2.23", "livekit", "2.23"],
  ])("%s is not installed again", async (wanted, dialect, livekitClient) => {
    const sdk = await installSdk(wanted, cache);
    const version = wanted.replace(/\+.*/, "");
    expect(sdk).toMatchObject({ version, dialect, livekitClient });
    expect(sdk.entry).toBe(version);
  });
});

describe("a build of one's own", () => {
  it("is installed once, and again once it has been built again", async () => {
    const build = writeBuild();
    const first = await installSdk(`file:${build}`, cache);
    expect(first).toMatchObject({ version: "0.1.21-beta.1", dialect: "direct" });
    expect(fileURLToPath(first.entry as URL)).toContain(
      join("node_modules", "@somebody", "sdk", "dist", "index.js"),
    );
    expect(await installSdk(`file:${build}`, cache)).toEqual(first);
    utimesSync(join(build, "dist/index.js"), 1, 4_000_000_000);
    const second = await installSdk(`file:${build}`, cache);
    expect(String(second.entry)).not.toBe(String(first.entry));
    expect(readdirSync(cache)).toHaveLength(2);
  });

  it("runs none of its scripts", async () => {
    const scripts = { install: "exit 1", prepare: "exit 1", prepack: "exit 1", postinstall: "exit 1" };
    await expect(installSdk(`file:${writeBuild({ json: { scripts } })}`, cache)).resolves.toBeDefined();
  });
});

describe("what cannot be had is told with what to do", () => {
  it.each([
    ["", "sdk@ needs a version or a build: sdk@0.1.20, sdk@file:../my-build or"],
    ["latest", "sdk@latest is no version of the SDK: write sdk@0.1.20"],
    ["^0.1.0", "sdk@^0.1.0 is no version"],
    ["../my-build", "sdk@../my-build is no version"],
    ["file:no-such-folder", /There is no .*no-such-folder\. Name the folder of a built SDK/],
    ["file:package.json", /package\.json is neither a folder nor a tarball \(\.tgz\)/],
    [
      "file:conformance",
      /conformance has no package\.json\. Name the folder of the package itself: sdk@file:\S+\.$/,
    ],
    [
      "file:conformance/clients",
      /clients has no package\.json\. .* itself: sdk@0\.1\.20, sdk@file:\.\.\/my-build or/,
    ],
    ["0.1.3+livekit-client-2.99", "There is no livekit-client 2.99 here; choose one of 2.20, 2.23"],
    ["0.0.46+livekit-client-2.23", "leave out +livekit-client-2.23"],
  ])("%s", async (wanted, sentence) => {
    await expect(installSdk(wanted, cache)).rejects.toThrow(sentence);
  });

  it("a cache that cannot be written to", async () => {
    writeFileSync(cache, "");
    vi.stubEnv("XDG_CACHE_HOME", cache);
    await expect(installSdk(`file:${writeBuild()}`)).rejects.toThrow(
      /my-build cannot be kept in .*cache.lucy-testkit.sdks: ENOTDIR.*\. Let XDG_CACHE_HOME name a folder that can/,
    );
    vi.unstubAllEnvs();
  });

  it("a folder that was not built", async () => {
    await expect(installSdk(`file:${writeBuild({ entry: false })}`, cache)).rejects.toThrow(
      "The SDK has no ./dist/index.js: build it first, npm run build.",
    );
  });

  it("a folder whose packages npm cannot read", async () => {
    const build = writeBuild({ json: { dependencies: { "@decartai/types": "workspace:*" } } });
    await expect(installSdk(`file:${build}`, cache)).rejects.toThrow(
      /npm could not install .*my-build: Unsupported URL Type "workspace:"/,
    );
    expect(readdirSync(cache), "half an installation").toEqual([]);
  });

  describe("a registry", () => {
    let registry: Server;
    afterEach(() => {
      registry.close();
      vi.unstubAllEnvs();
    });

    async function serve(status: number): Promise<void> {
      registry = createServer((_request, response) => response.writeHead(status).end("{}"));
      await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
      const { port } = registry.address() as AddressInfo;
      vi.stubEnv("npm_config_registry", `http://127.0.0.1:${port}/`);
      vi.stubEnv("npm_config_fetch_retries", "0");
      vi.stubEnv("npm_config_cache", join(folder, "npm"));
    }

    it.each([
      [404, "The registry has no @decartai/sdk 0.1.99. Ask it what it has: npm view @decartai/sdk versions."],
      [500, /npm could not install @decartai\/sdk 0\.1\.99: 500 .*Without a network, take one of 0\.0\.41,/],
    ])("that answers %i", async (status, sentence) => {
      await serve(status);
      await expect(installSdk("0.1.99", cache)).rejects.toThrow(sentence);
    });
  });
});
