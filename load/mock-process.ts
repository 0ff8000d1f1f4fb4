/** The mock server in a process of its own, as a user starts it, and what it says about itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Declaration } from "../mock-server/index.ts";
import { realClock as clock } from "./clock.ts";

/** Sessions are told goodbye first. */
const stopMsMax = 10_000;
/** One that hangs is a sentence, and no run that never ends. */
const answerMsMax = 10_000;

const root = fileURLToPath(new URL("..", import.meta.url));
/** It has the ending this file has: the package is compiled. */
const cli = `cli${extname(import.meta.filename)}`;

export type MockProcess = {
  readonly url: string;
  readonly realtimeUrl: string;
  health(): Promise<Health>;
  sessions(): Promise<SessionReport[]>;
  /** Faults that were declared, the healed ones too. */
  faults(): Promise<{ id: string; fired: number }[]>;
  /** @throws Error with the server's own words */
  declare(faults: readonly Declaration[]): Promise<void>;
  /** All faults there are. */
  heal(): Promise<void>;
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
    packetsIn: number;
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
    [cli, "mock", "--port", "0", "--quiet", "--until-stdin-ends", "--sessions", "100", ...args],
    {
      cwd: root,
      // It ends when its standard input does: with this process, however that ends. A group of its own, so that Ctrl-C is ours to pass on.
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, DECART_API_KEY: "" },
    },
  );
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    // It never was.
    child.once("error", () => resolve());
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const late = clock.after(stopMsMax, () => child.kill("SIGKILL"));
    await gone;
    late.cancel();
  };
  const url = await listening(child).catch(async (error) => {
    await stop();
    throw error;
  });
  const ask = (path: string, how: RequestInit = {}) =>
    fetch(url + path, { ...how, signal: AbortSignal.timeout(answerMsMax) });
  const get = async (path: string) => (await ask(path)).json();
  return {
    url,
    realtimeUrl: url.replace("http", "ws"),
    health: () => get("/_lucy/health"),
    sessions: () => get("/_lucy/sessions"),
    faults: () => get("/_lucy/faults"),
    async declare(faults) {
      const response = await ask("/_lucy/faults", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(faults),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`Faults were refused with ${response.status}: ${text}`);
    },
    async heal() {
      await (await ask("/_lucy/faults", { method: "DELETE" })).text();
    },
    stop,
  };
}

async function listening(child: ChildProcess): Promise<string> {
  const printed: string[] = [];
  child.once("error", ({ message }) => printed.push(message));
  child.stderr!.on("data", (data) => printed.push(String(data)));
  for await (const line of createInterface(child.stdout!)) {
    printed.push(line);
    const url = /^ {2}Open +(\S+)\//.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error(`The mock server did not start. It printed:\n${printed.join("\n")}`);
}
