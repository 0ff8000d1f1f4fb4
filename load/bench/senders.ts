/** A child process of the bench: so many sessions of one clip against one server, for so long; prints what it saw as JSON. */
import { type ClipName, clipRecipes } from "../../fixtures/index.ts";
import { realClock as clock } from "../clock.ts";
import type { Dialect } from "../generator.ts";
import { createNodeGenerator } from "../generators/node/index.ts";

export type SendersJob = {
  readonly url: string;
  readonly realtimeUrl: string;
  readonly clip: ClipName;
  readonly count: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** `false` for a server that sends none back. */
  readonly waitForPictures: boolean;
  readonly dialect: Dialect;
  readonly readsPictures: boolean;
};

const job: SendersJob = JSON.parse(process.argv[2]!);
const { url, realtimeUrl, clip, dialect, readsPictures } = job;
const intervalMs = 1000 / clipRecipes.find(({ name }) => name === clip)!.fps;
const models: Record<Dialect, string> = { direct: "lucy_2_rt", livekit: "lucy-2.1" };
const generator = createNodeGenerator({ clock });

async function openSender() {
  const counts = { received: 0, late: 0 };
  const flowing = Promise.withResolvers<void>();
  const fail = (_atMs: number, why: string) => {
    throw new Error(`A session of the bench was lost: ${why}`);
  };
  await generator.open(
    {
      target: { url, realtimeUrl, apiKey: "dct_load" },
      dialect,
      model: models[dialect],
      clip,
      readsPictures,
    },
    {
      sent({ dueMs, sentMs }) {
        if (sentMs === null || sentMs - dueMs > intervalMs) counts.late++;
      },
      received() {
        counts.received++;
        flowing.resolve();
      },
      lost: fail,
      recovered() {},
      ended: fail,
    },
  );
  if (job.waitForPictures) await flowing.promise;
  return counts;
}

const senders: Awaited<ReturnType<typeof openSender>>[] = [];
for (let i = 0; i < job.count; i++) senders.push(await openSender());
await clock.sleep(job.warmUpMs);
for (const counts of senders) Object.assign(counts, { received: 0, late: 0 });
process.stdout.write(`${JSON.stringify({ measuring: true })}\n`);
const startedMs = clock.now();
const cpuStart = process.cpuUsage();
await clock.sleep(job.measureMs);
const seconds = (clock.now() - startedMs) / 1000;
const cpu = process.cpuUsage(cpuStart);
process.stdout.write(
  `${JSON.stringify({
    fps: senders.map(({ received }) => received / seconds),
    late: senders.map(({ late }) => late),
    cpuCores: (cpu.user + cpu.system) / 1e6 / seconds,
    rssBytes: process.memoryUsage.rss(),
  })}\n`,
);
// The server is asked about its sessions before they go.
await new Promise((resolve) => process.stdin.once("data", resolve));
await generator.close();
process.exit(0);
