/** Browser code from TypeScript, bundled on first use and kept. The one file that imports esbuild. */
import { fileURLToPath } from "node:url";

/** Published SDKs that this repository can put into a page, newest last. */
export const sdkVersions = ["0.0.41", "0.0.46"] as const;
export type SdkVersion = (typeof sdkVersions)[number];

const bundles = new Map<string, Promise<string>>();

/** An ES module with everything in it. `entry` is a file URL, or the name of an installed package. */
export function bundle(entry: URL | string): Promise<string> {
  const name = String(entry);
  let bundled = bundles.get(name);
  if (!bundled) {
    bundled = build(entry);
    bundles.set(name, bundled);
    // A failed build is not kept: the next request tries again.
    bundled.catch(() => bundles.delete(name));
  }
  return bundled;
}

export function bundleSdk(version: SdkVersion): Promise<string> {
  return bundle(`decart-sdk-${version}`);
}

async function build(entry: URL | string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry instanceof URL ? fileURLToPath(entry) : entry],
    absWorkingDir: fileURLToPath(new URL("../..", import.meta.url)),
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "inline",
    // SDKs ask for environment variables where there may be none.
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}
