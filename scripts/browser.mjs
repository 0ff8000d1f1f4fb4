// A Chromium for the tests: the machine's, or one that is installed now. No dependencies, any Node from 20 on.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root, run } from "./setup.mjs";

/** Names a Chromium goes by, best first. */
const names = JSON.parse(readFileSync(join(root, "fixtures/browser/chromium-names.json"), "utf8"));

/** Finds or installs a browser and returns its path; says what it does. Exits with a sentence when there is no way. */
export function findBrowser() {
  const found = lookUp();
  if (found) return found;
  if (process.platform === "linux" && process.getuid?.() === 0 && onPath("apt-get")) {
    console.log("lucy-testkit: no browser here; installing Debian's chromium (once, some minutes) …");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { env });
  } else {
    console.log(
      "lucy-testkit: no browser here; letting Playwright install its Chromium (once, some minutes) …",
    );
    run("playwright", ["install", "chromium"], { shell: process.platform === "win32" });
  }
  const installed = lookUp();
  if (installed) return installed;
  console.error(
    "lucy-testkit: the tests need a Chromium and none could be installed. Install Chromium or Chrome yourself, or name one: LUCY_CHROMIUM=/path/to/chromium npm test",
  );
  process.exit(1);
}

function lookUp() {
  if (process.env.LUCY_CHROMIUM) return process.env.LUCY_CHROMIUM;
  return names.map(onPath).find(Boolean) ?? playwrightsOwn();
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function playwrightsOwn() {
  const code = "import('@playwright/test').then(({ chromium }) => console.log(chromium.executablePath()))";
  const path = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" }).stdout?.trim();
  return path && existsSync(path) ? path : undefined;
}
