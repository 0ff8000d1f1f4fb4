/** Runs senders in a child process against a mock process, and measures the server from outside while they send. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Health, MockProcess, SessionReport } from "../mock-process.ts";
import type { SendersJob } from "./senders.ts";

export type SendersResult = {
  /** Pictures a second that came back, one a session. */
  fps: number[];
  /** Pictures the generator sent late: above a few, the figure is the generator's and not the server's. */
  late: number[];
  /** Cores the generator used, and its memory. */
  cpuCores: number;
  rssBytes: number;
  /** The server's own figures at the start and the end of the measurement. */
  before: Health;
  after: Health;
  sessionsBefore: SessionReport[];
  sessions: SessionReport[];
  measureMs: number;
};

export async function runSenders(
  mock: MockProcess,
  {
    meanwhile,
    ...given
  }: Pick<SendersJob, "clip" | "count"> &
    Partial<SendersJob> & {
      /** Called as the measurement begins. They go on sending until it is done. */
      meanwhile?: () => Promise<void>;
    },
): Promise<SendersResult> {
  const file = fileURLToPath(new URL("./senders.ts", import.meta.url));
  const job: SendersJob = {
    url: mock.url,
    realtimeUrl: mock.realtimeUrl,
    warmUpMs: 2000,
    measureMs: 6000,
    waitForPictures: true,
    dialect: "direct",
    readsPictures: false,
    ...given,
  };
  const args = [file, JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  let before: Health | undefined;
  let sessionsBefore: SessionReport[] = [];
  let done: Promise<void> | undefined;
  try {
    for await (const line of createInterface(child.stdout)) {
      const said = JSON.parse(line);
      if (said.measuring) {
        before = await mock.health();
        sessionsBefore = await mock.sessions();
        done = meanwhile?.();
        // Waited for below; until then nobody hears what it throws.
        done?.catch(() => {});
        continue;
      }
      await done;
      const after = await mock.health();
      const sessions = await mock.sessions();
      child.stdin.write("done\n");
      await gone;
      return { ...said, before: before!, after, sessionsBefore, sessions, measureMs: job.measureMs };
    }
    throw new Error("The senders stopped before they had measured anything; what they printed says why.");
  } finally {
    child.kill();
  }
}
