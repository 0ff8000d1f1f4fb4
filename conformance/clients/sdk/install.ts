/**
 * Gets a version of @decartai/sdk: one of this repository's own, or one that npm installs, without running its scripts, into a cache folder.
 * A build of somebody's own, a folder or a tarball, is installed in the same way. It knows packages, and nothing of browsers.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type SdkVersion, sdkFiles, sdkVersions } from "../../../fixtures/browser/bundle.ts";
import {
  type LivekitClient,
  livekitClients,
  sdkFileName,
  traitsOf,
} from "../../../fixtures/browser/versions.ts";
import type { Dialect } from "../../client.ts";

export type SdkPackage = {
  readonly version: string;
  readonly dialect: Dialect;
  /** The module that an app imports; of one of our own its version, by which `bundleSdk` has it. */
  readonly entry: URL | SdkVersion;
  /** The release of livekit-client to take in place of the SDK's own choice. */
  readonly livekitClient: LivekitClient | null;
};

/** The user's own: this package may be installed where only an administrator writes. */
const cacheFolder = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lucy-testkit", "sdks");

/**
 * `wanted`: `0.1.20`, `file:../my-build`, `file:my-build.tgz`, each also with `+livekit-client-2.23`. Paths are relative to the working folder.
 * @throws Error that says what to type instead
 */
export async function installSdk(wanted: string, cache = cacheFolder()): Promise<SdkPackage> {
  const [, what, release] = /^(.+?)(?:\+livekit-client-([\d.]+))?$/.exec(wanted) ?? [];
  if (what === undefined) throw new Error(`sdk@ needs a version or a build: ${examples}.`);
  const own = sdkVersions.find((version) => version === what);
  const livekitClient = chosenLivekitClient(release, own ? traitsOf(own).era : "livekit");
  if (own && isHere(own, livekitClient)) {
    return { version: own, dialect: traitsOf(own).era, entry: own, livekitClient };
  }
  if (livekitClient !== null && !isFound(livekitClients[livekitClient])) {
    throw new Error(
      `livekit-client ${livekitClient} comes ready made with ${readyWith(livekitClient)} alone, and is bundled with ${what} here: npm install --save-dev esbuild ${livekitClients[livekitClient]}@npm:livekit-client@${livekitClient}, or leave out +livekit-client-${livekitClient}.`,
    );
  }
  const sdk = await installed(what, cache);
  return { ...sdk, livekitClient: chosenLivekitClient(release, sdk.dialect) };
}

/** Ready made, or, in the repository, among its packages. */
function isHere(version: SdkVersion, livekitClient: LivekitClient | null): boolean {
  return sdkFiles.has(sdkFileName(version, livekitClient ?? undefined)) || isFound(`decart-sdk-${version}`);
}

function isFound(name: string): boolean {
  try {
    return createRequire(import.meta.url).resolve(name) !== "";
  } catch {
    return false;
  }
}

function readyWith(livekitClient: LivekitClient): string {
  const clientsOf = (version: SdkVersion): readonly LivekitClient[] => traitsOf(version).livekitClients;
  return sdkVersions
    .filter((version) => clientsOf(version).includes(livekitClient))
    .map((version) => `sdk@${version}`)
    .join(" and ");
}

const examples = "sdk@0.1.20, sdk@file:../my-build or sdk@file:my-build.tgz";

function chosenLivekitClient(release: string | undefined, dialect: Dialect): LivekitClient | null {
  if (release === undefined) return null;
  if (dialect === "direct") {
    throw new Error(`This SDK has no livekit-client to replace: leave out +livekit-client-${release}.`);
  }
  if (!Object.hasOwn(livekitClients, release)) {
    const known = Object.keys(livekitClients).join(", ");
    throw new Error(`There is no livekit-client ${release} here; choose one of ${known}, or leave it out.`);
  }
  return release as LivekitClient;
}

async function installed(what: string, cache: string): Promise<Omit<SdkPackage, "livekitClient">> {
  const isBuild = what.startsWith("file:");
  return readPackage(
    isBuild
      ? await installBuild(resolve(what.slice("file:".length)), cache)
      : await installVersion(what, cache),
  );
}

async function installVersion(version: string, cache: string): Promise<string> {
  if (!/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version)) {
    throw new Error(`sdk@${version.slice(0, 60)} is no version of the SDK: write ${examples}.`);
  }
  return install(`@decartai/sdk@${version}`, join(cache, version), (npmSaid) =>
    /ETARGET|E404/.test(npmSaid)
      ? `The registry has no @decartai/sdk ${version}. Ask it what it has: npm view @decartai/sdk versions. Here already: ${sdkVersions.join(", ")}.`
      : `npm could not install @decartai/sdk ${version}: ${reasonOf(npmSaid)}. Without a network, take one of ${sdkVersions.join(", ")}.`,
  );
}

async function installBuild(path: string, cache: string): Promise<string> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    throw new Error(`There is no ${path}. Name the folder of a built SDK or its tarball: ${examples}.`);
  }
  if (stat.isDirectory() && !existsSync(join(path, "package.json"))) {
    const above = dirname(path);
    const right = existsSync(join(above, "package.json")) ? `sdk@file:${above}` : examples;
    throw new Error(`${path} has no package.json. Name the folder of the package itself: ${right}.`);
  }
  if (stat.isFile() && !/\.(tgz|tar\.gz)$/.test(path)) {
    throw new Error(`${path} is neither a folder nor a tarball (.tgz): npm pack makes one.`);
  }
  // Built again, it is another one.
  const key = createHash("sha256")
    .update(`${path}\n${newestMs(path)}`)
    .digest("hex")
    .slice(0, 16);
  return install(
    path,
    join(cache, `file-${key}`),
    (npmSaid) => `npm could not install ${path}: ${reasonOf(npmSaid)}.`,
  );
}

/** When something in a build changed last. */
function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => !entry.isSymbolicLink() && !["node_modules", ".git"].includes(entry.name),
  );
  return Math.max(stat.mtimeMs, ...inside.map(({ name }) => newestMs(join(path, name))));
}

/** Installs once, and returns the package's folder. */
async function install(what: string, into: string, sentence: (npmSaid: string) => string): Promise<string> {
  if (!existsSync(into)) {
    // Whoever is first leaves a whole folder there, and nobody ever sees half of one.
    const mine = newFolder(into, what);
    try {
      await npmInstall(what, mine);
      renameSync(mine, into);
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      if (!existsSync(into)) throw new Error(sentence(stderr || message), { cause: error });
    } finally {
      rmSync(mine, { recursive: true, force: true });
    }
  }
  const { dependencies } = readJson(join(into, "package.json"));
  return join(into, "node_modules", ...Object.keys(dependencies ?? {})[0]!.split("/"));
}

/** Beside where it will be. */
function newFolder(into: string, what: string): string {
  try {
    mkdirSync(dirname(into), { recursive: true });
    return mkdtempSync(`${into}.`);
  } catch (error) {
    throw new Error(
      `${what} cannot be kept in ${dirname(into)}: ${(error as Error).message}. Let XDG_CACHE_HOME name a folder that can be written to.`,
      { cause: error },
    );
  }
}

const npmInstall = (what: string, folder: string) =>
  promisify(execFile)(
    "npm",
    // A folder would be linked to, and found without its packages.
    [
      ...["install", "--prefix", folder, "--ignore-scripts", "--install-links", "--no-package-lock"],
      ...["--no-audit", "--no-fund", "--no-workspaces", "--loglevel", "error", what],
    ],
    { cwd: folder, shell: process.platform === "win32" },
  );

function reasonOf(npmSaid: string): string {
  const lines = npmSaid.split("\n").map((line) => line.replace(/^npm (error|ERR!) ?/, "").trim());
  const [first = "it did not say why"] = lines.filter(
    (line) => line !== "" && !/^(code|errno|syscall)\b/.test(line),
  );
  return first.replace(/\.$/, "");
}

function readPackage(folder: string): Omit<SdkPackage, "livekitClient"> {
  const { version = "0.0.0", main, module, dependencies } = readJson(join(folder, "package.json"));
  const entry = join(folder, module ?? main ?? "index.js");
  if (!existsSync(entry)) {
    throw new Error(`The SDK has no ${module ?? main ?? "index.js"}: build it first, npm run build.`);
  }
  const isLivekit = dependencies !== undefined && "livekit-client" in dependencies;
  return { version, dialect: isLivekit ? "livekit" : "direct", entry: pathToFileURL(entry) };
}

type PackageJson = {
  version?: string;
  main?: string;
  module?: string;
  dependencies?: Record<string, string>;
};

function readJson(path: string): PackageJson {
  return JSON.parse(readFileSync(path, "utf8"));
}
