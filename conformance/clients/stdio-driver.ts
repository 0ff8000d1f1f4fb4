/** A driver that is a process and speaks the contract over its stdin and stdout. What it writes to stderr is kept for people. */
import { spawn } from "node:child_process";
import type { Driver } from "../client.ts";
import type { Clock } from "../clock.ts";
import { createDriverSession, lineLengthMax } from "./driver-session.ts";

const logLinesMax = 1000;
/** How long what it started may hold its output open after its end. */
const drainMsMax = 500;

export type StdioDriver = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly name: string;
  readonly clock: Clock;
};

/** Starts the process and resolves once it has said `hello`. No shell reads the command. @throws DriverBroken */
export function openStdioDriver(about: StdioDriver): Promise<Driver> {
  const { command, args, cwd, env, name, clock } = about;
  const log: string[] = [];
  // A group of its own: what it has started ends with it.
  const hasGroup = process.platform !== "win32";
  const child = spawn(command, args, {
    stdio: "pipe",
    detached: hasGroup,
    windowsHide: true,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });

  function kill(): void {
    if (child.pid === undefined) return;
    try {
      if (hasGroup) process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGKILL");
    } catch {
      // It is gone.
    }
  }

  const session = createDriverSession({
    name,
    clock,
    log,
    send: (text) => child.stdin.write(`${text}\n`),
    cut: kill,
  });

  // Writing to a process that has gone says nothing that its end does not say.
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8").on("data", splitLines(session.receive));
  child.stderr.setEncoding("utf8").on(
    "data",
    splitLines((line) => {
      log.push(line);
      if (log.length > logLinesMax) log.shift();
    }),
  );
  child.on("error", (error) => {
    if (child.pid === undefined) session.ended(`could not be started, ${command}: ${error.message}`);
  });
  child.on("exit", () => {
    kill();
    const drain = clock.after(drainMsMax, () => {
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.on("close", () => drain.cancel());
  });
  child.on("close", (code, signal) => {
    session.ended(signal === null ? `exited with code ${code}` : `was ended by ${signal}`);
  });
  return session.opened;
}

/** Hands on lines without their ends. One that grows too long is handed on as it is, for the reader to see that; so is what follows. */
function splitLines(read: (line: string) => void): (chunk: string) => void {
  let parts: string[] = [];
  let length = 0;
  const flush = () => {
    const line = parts.join("");
    parts = [];
    length = 0;
    read(line.endsWith("\r") ? line.slice(0, -1) : line);
  };
  return (chunk) => {
    const pieces = chunk.split("\n");
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) flush();
      parts.push(piece);
      length += piece.length;
    }
    if (length > lineLengthMax) flush();
  };
}
