// What both commands need before anything of ours can run: the packages. No dependencies, any Node from 20 on.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
/** The runtime of the project, from the `node` package, whatever the machine has. */
export const node = join(bin, process.platform === "win32" ? "node.exe" : "node");

/** Runs a command in the foreground and returns its exit code. */
export function run(command, args, options = {}) {
  const path = `${bin}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`;
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    ...options,
    env: { ...process.env, PATH: path, ...options.env },
  });
  if (error) console.error(`lucy-testkit: ${command} could not be run: ${error.message}`);
  return status ?? 1;
}

/** Installs the packages when one is missing or in another version than package-lock.json says. */
export function installPackages() {
  if (isInstalled()) return;
  console.log("lucy-testkit: installing packages (once, about a minute) …");
  // node-av would fetch an ffmpeg program that nothing here uses; its library comes with the package.
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  // Not `npm ci`: it refuses a lock file without every platform's build of an optional package, and mirrors have not all of them.
  const status = run("npm", ["install", "--no-save", ...quiet], {
    shell: process.platform === "win32",
    env: { SKIP_FFMPEG: "true", PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" },
  });
  if (status !== 0) {
    console.error("lucy-testkit: npm install failed; what it printed says why. Mend it and run this again.");
    process.exit(status);
  }
}

function isInstalled() {
  if (!existsSync(node)) return false;
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const there = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8")).packages;
    return Object.entries(wanted).every(
      ([path, { version, optional }]) => path === "" || optional || there[path]?.version === version,
    );
  } catch {
    return false;
  }
}
