/** From `npm start` to a healthy answer, with everything installed. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { realClock as clock } from "../clock.ts";
import type { Bench } from "./index.ts";

export const startUp: Bench = {
  name: "start",
  about:
    "npm start, packages installed, to the first 200 of /_lucy/health (asked every 10 ms). One more run before the first, not counted, warms the disk cache.",
  doubt: "Anything else that reads the disk or uses a core adds to it directly.",
  async run(runs) {
    const values: number[] = [];
    for (let i = 0; i <= runs; i++) {
      const ms = await once();
      if (i > 0) values.push(ms);
    }
    return [{ name: "start to healthy", unit: "ms", values, aim: { atMost: 1000 } }];
  },
};

async function once(): Promise<number> {
  const port = await freePort();
  const startedMs = clock.now();
  const child = spawn("npm", ["start", "--silent", "--", "--port", String(port)], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: "ignore",
    detached: true,
  });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  while (!(await isHealthy(port))) await clock.sleep(10);
  const tookMs = clock.now() - startedMs;
  process.kill(-child.pid!, "SIGTERM");
  await gone;
  return tookMs;
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/_lucy/health`)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address!.port : 0));
    });
  });
}
