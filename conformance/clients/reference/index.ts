/** The reference client: small, written from the protocol's description, and right; or, as a mutant, wrong in one thing. */
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client, Dialect } from "../../client.ts";
import type { Clock } from "../../clock.ts";
import { openStdioDriver } from "../stdio-driver.ts";

export type ReferenceAbout = {
  readonly dialect: Dialect;
  /** The name of one in `mutants/clients.ts`. */
  readonly mutant?: string;
};

/** Hundreds of drivers are started in a run: with what was compiled kept, one takes 0.33 s of CPU to start, instead of 0.59. */
const compiled = { NODE_COMPILE_CACHE: fileURLToPath(new URL("../../../.cache/compiled/", import.meta.url)) };

/** @throws Error with a sentence where its dialect needs a package that is not installed */
export function referenceClient({ dialect, mutant }: ReferenceAbout, clock: Clock): Client {
  if (dialect === "livekit") checkRtc();
  const name = mutant === undefined ? `reference-${dialect}` : `reference-${dialect}+${mutant}`;
  // It has the ending this file has: the package is compiled.
  const script = join(import.meta.dirname, `driver${extname(import.meta.filename)}`);
  const args = [script, "--dialect", dialect, ...(mutant === undefined ? [] : ["--mutant", mutant])];
  return {
    name,
    open: () => openStdioDriver({ command: process.execPath, args, env: compiled, name, clock }),
    async close() {},
  };
}

/** What room.ts imports, an optional package. The driver is another process, and would die of it with a stack. */
function checkRtc(): void {
  try {
    createRequire(import.meta.url).resolve("@livekit/rtc-node");
  } catch (cause) {
    throw new Error(
      "The client reference-livekit needs LiveKit's SDK for Node: npm install --save-dev @livekit/rtc-node@1.1.0, or take --client reference-direct.",
      { cause },
    );
  }
}
