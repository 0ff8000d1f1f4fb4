/** Which Chromium the browser specs run in, and how it is started. Installs nothing: `npm test` does that before. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "@playwright/test";

/** Names a Chromium goes by, best first. */
const names = ["chromium", "chromium-browser", "google-chrome"];

/**
 * For real media without a person, a screen or a camera, and without the network: every host but loopback leads nowhere, public
 * STUN servers too.
 */
export const chromiumFlags: readonly string[] = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/**
 * The path of `LUCY_CHROMIUM`, else of the first of `chromium`, `chromium-browser` and `google-chrome` that is in `PATH`, else of
 * Playwright's own.
 * @throws Error that says what to type when there is none
 */
export function findChromium(
  environment: NodeJS.ProcessEnv = process.env,
  playwrightsOwn: string = chromium.executablePath(),
): string {
  const { LUCY_CHROMIUM: named, PATH = "" } = environment;
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(
      `LUCY_CHROMIUM is ${named}, which is no program. Set it to the path of a Chromium, or unset it.`,
    );
  }
  for (const name of names) {
    for (const folder of PATH.split(delimiter)) {
      const path = join(folder, name);
      if (folder !== "" && isProgram(path)) return path;
    }
  }
  if (isProgram(playwrightsOwn)) return playwrightsOwn;
  throw new Error(
    `There is no Chromium: none of ${names.join(", ")} is in PATH, and Playwright has not installed its own. ` +
      "Run npx playwright install chromium, or name one: LUCY_CHROMIUM=/path/to/chromium.",
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
