/** The mock server in a process of its own, as a user starts it, and what it says about itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export type MockProcess = {
  readonly url: string;
  readonly realtimeUrl: string;
  health(): Promise<Health>;
  sessions(): Promise<SessionReport[]>;
  stop(): Promise<void>;
};

export type Health = {
  process: { cpuMs: number; mainThreadCpuMs: number | null; rssBytes: number };
  open: Record<string, number>;
};

export type SessionReport = {
  id: string;
  media: {
    codec: string;
    picturesIn: number;
    picturesOut: number;
    dropped: number;
    decodeMs: number;
    transformMs: number;
    encodeMs: number;
    residenceP50Ms: number;
    residenceP99Ms: number;
  } | null;
};

/** Starts it on a free port. @throws Error with what it printed when it does not come up */
export async function startMockProcess(args: readonly string[] = []): Promise<MockProcess> {
  const child = spawn(
    process.execPath,
    ["cli.ts", "mock", "--port", "0", "--quiet", "--sessions", "100", ...args],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const url = await listening(child);
  const get = async (path: string) => (await fetch(url + path)).json();
  return {
    url,
    realtimeUrl: url.replace("http", "ws"),
    health: () => get("/_lucy/health"),
    sessions: () => get("/_lucy/sessions"),
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    },
  };
}

async function listening(child: ChildProcess): Promise<string> {
  const printed: string[] = [];
  child.stderr!.on("data", (data) => printed.push(String(data)));
  for await (const line of createInterface(child.stdout!)) {
    printed.push(line);
    const url = /^ {2}Open +(\S+)\//.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error(`The mock server did not start. It printed:\n${printed.join("\n")}`);
}
