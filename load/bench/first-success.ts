/**
 * What somebody waits for who tries it for the first time: from `npx lucy-testkit mock` to an edited picture in a browser, by the package as npm
 * packs it.
 */
import { execFileSync, spawn } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser } from "@playwright/test";
import type { Figure } from "../../reports/figure.ts";
import { realClock as clock } from "../clock.ts";
import type { Bench } from "./index.ts";
import { startBrowser } from "./sdk-page.ts";

/** Since the command was typed. */
type Moments = {
  readonly healthy: number;
  readonly ready: number;
  readonly connected: number;
  readonly edited: number;
};

export const firstSuccess: Bench = {
  name: "first-success",
  about:
    "The packed tarball, installed into an empty folder. From the start of npx --no-install lucy-testkit mock to the first 200 of /_lucy/health, to a page whose Connect can be pressed, to connected after it was pressed at once, to a strip read from the result that says revision 0. Chromium is there already, and each run has a profile of its own. Synthetic source, the newest SDK.",
  doubt:
    "No person presses within a millisecond, and installing is not in it. Whatever else uses a core adds to every part, encoders and decoders included.",
  async run(runs) {
    const home = mkdtempSync(join(tmpdir(), "lucy-first-"));
    try {
      const tarball = install(home);
      const browser = await startBrowser();
      const taken: Moments[] = [];
      for (let i = 0; i < runs; i++) taken.push(await once(home, browser));
      await browser.close();
      const figure = (name: string, value: (one: Moments) => number) => ({
        ...{ name, unit: "ms", values: taken.map(value) },
      });
      return [
        figure("server healthy", ({ healthy }) => healthy),
        figure("page ready", ({ healthy, ready }) => ready - healthy),
        figure("connected", ({ ready, connected }) => connected - ready),
        figure("first edited picture", ({ connected, edited }) => edited - connected),
        figure("npx to first edited picture", ({ edited }) => edited),
        ...weights(tarball, join(home, "node_modules/lucy-testkit")),
      ];
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
};

/** @returns the tarball's path */
function install(home: string): string {
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync("npm", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  npm(
    ["pack", "--loglevel", "error", "--pack-destination", home],
    fileURLToPath(new URL("../..", import.meta.url)),
  );
  const tarball = readdirSync(home).find((name) => name.endsWith(".tgz"))!;
  writeFileSync(join(home, "package.json"), '{ "private": true }');
  const quiet = ["--no-audit", "--no-fund", "--loglevel", "error", "--prefer-offline", "--ignore-scripts"];
  npm(["install", ...quiet, `./${tarball}`], home);
  return join(home, tarball);
}

function weights(tarball: string, folder: string): Figure[] {
  const files = globSync("**", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
  const megabytes = (value: number) => [value / 1e6];
  return [
    { name: "tarball", unit: "MB", values: megabytes(statSync(tarball).size) },
    { name: "tarball, unpacked", unit: "MB", values: megabytes(bytes.reduce((sum, one) => sum + one, 0)) },
    { name: "files in it", unit: "", values: [files.length] },
  ];
}

async function once(home: string, browser: Browser): Promise<Moments> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const startedMs = clock.now();
  const since = () => clock.now() - startedMs;
  // In a group of its own: npx keeps signals to itself.
  const child = spawn("npx", ["--no-install", "lucy-testkit", "mock", "--port", "0"], {
    cwd: home,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const gone = new Promise((resolve) => child.once("close", resolve));
  try {
    const url = await urlIn(child.stdout);
    if (!(await fetch(`${url}/_lucy/health`)).ok) throw new Error(`${url} listens, and is not healthy.`);
    const healthy = since();
    await page.goto(url);
    const connect = page.getByRole("button", { name: "Connect", exact: true });
    // Before it can be pressed, a trial of the press waits, and presses nothing.
    await connect.click({ trial: true });
    const ready = since();
    await connect.click();
    await page.locator("#state[data-state=connected], #state[data-state=generating]").waitFor();
    const connected = since();
    const revision = page.getByRole("row", { name: "Revision" }).getByRole("cell").first();
    await revision.getByText("0", { exact: true }).waitFor();
    return { healthy, ready, connected, edited: since() };
  } finally {
    await context.close();
    if (child.exitCode === null) process.kill(-child.pid!, "SIGTERM");
    await gone;
  }
}

/** @throws Error where it ends before it says that it listens */
async function urlIn(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const url = /Open +(https?:\/\/\S+?)\//.exec(line)?.[1];
    if (url === undefined) continue;
    // What it says later is not looked at, and must not fill the pipe.
    output.resume();
    return url;
  }
  throw new Error("The mock ended before it listened; what it said is above.");
}
