/**
 * The client `aiortc`: the Python driver beside this file, on the machine's Python. Proof that a driver can be in any language; shares no code
 * with the others.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Client } from "../../client.ts";
import type { Clock } from "../../clock.ts";
import { openStdioDriver } from "../stdio-driver.ts";

/** Debian's own by its path, too: its packages are not seen by another Python that comes first. */
const pythons = ["python3", "/usr/bin/python3", "python"];

const missing =
  "The client aiortc needs Python 3.9 or newer with aiortc and aiohttp, and there is none here. Install them, on Debian with: " +
  "apt-get install python3-aiortc python3-aiohttp. Elsewhere: pip install aiortc aiohttp. Or name a Python that has them: LUCY_PYTHON=/path/to/python3.";

export function aiortcClient(clock: Clock, python: Promise<string | null> = findPython()): Client {
  return {
    name: "aiortc",
    async open() {
      const command = await python;
      if (command === null) throw new Error(missing);
      const args = [join(import.meta.dirname, "driver.py")];
      return openStdioDriver({ command, args, name: "aiortc", clock });
    },
    close: async () => {},
  };
}

/** A Python that has what the driver needs, or null. Looked for once. */
export function findPython(): Promise<string | null> {
  found ??= lookUp(process.env.LUCY_PYTHON ? [process.env.LUCY_PYTHON] : pythons);
  return found;
}
let found: Promise<string | null> | undefined;

/** The first of them that has what the driver needs. */
export async function lookUp(candidates: readonly string[]): Promise<string | null> {
  for (const candidate of candidates) {
    try {
      await promisify(execFile)(candidate, ["-c", "import aiohttp, aiortc, av"]);
      return candidate;
    } catch {
      // The next one.
    }
  }
  return null;
}
