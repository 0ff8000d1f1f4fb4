// A Python with aiortc and aiohttp for the client `aiortc`: the machine's, or one that is completed now. No dependencies, any Node from 20 on.
import { spawnSync } from "node:child_process";
import { run } from "./setup.mjs";

/** Debian's own by its path, too: its packages are not seen by another Python that comes first. */
const pythons = ["python3", "/usr/bin/python3", "python"];

/** Finds a Python that has them, or installs them where that can be done, and returns how to call it; null where it can't be, and says so. */
export function findPython() {
  const found = lookUp();
  if (found) return found;
  if (!process.env.LUCY_PYTHON && process.getuid?.() === 0 && runs("apt-get", ["--version"])) {
    console.log(
      "lucy-testkit: no Python with aiortc here; installing Debian's python3-aiortc and python3-aiohttp (once, a minute) …",
    );
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "python3-aiortc", "python3-aiohttp"], {
      env,
    });
  }
  const installed = lookUp();
  if (!installed) {
    console.log(
      "lucy-testkit: the client aiortc is unsupported here: there is no Python with aiortc and aiohttp, and none could be installed. " +
        "Install them (pip install aiortc aiohttp), or name a Python that has them: LUCY_PYTHON=/path/to/python3 npm test",
    );
  }
  return installed;
}

function lookUp() {
  const candidates = process.env.LUCY_PYTHON ? [process.env.LUCY_PYTHON] : pythons;
  return candidates.find((python) => runs(python, ["-c", "import aiohttp, aiortc, av"])) ?? null;
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
