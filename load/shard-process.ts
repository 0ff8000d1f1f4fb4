/** A shard in a process of its own: takes its job over the channel, and is gone when whoever started it is. */
import { realClock as clock } from "./clock.ts";
import { openGenerator } from "./generators/index.ts";
import type { FromShard, ToShard } from "./run-shards.ts";
import { runShard } from "./shard.ts";
import { warmUp } from "./warm-up.ts";

const stopped = new AbortController();
const started = Promise.withResolvers<number>();
const say = (message: FromShard) => process.send?.(message);

process.on("message", (message: ToShard) => {
  if (message.kind === "stop") stopped.abort(message.why);
  else if (message.kind === "start") started.resolve(message.startAtMs);
  else void run(message.job);
});
process.once("disconnect", () => {
  process.exit(1);
});
// Ctrl-C reaches the whole group; the parent stops its shards in good order.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => stopped.abort("A shard was told to end (SIGTERM) before its plan was done."));
/** A generator that cannot close must not cost what was measured; what it leaves ends with this process. */
const closeMsMax = 5000;

async function run(job: Extract<ToShard, { kind: "run" }>["job"]): Promise<void> {
  let last: FromShard = { kind: "done" };
  try {
    const generator = await openGenerator(job.plan.generator, clock, job.hosts);
    try {
      if (job.warmAt)
        await warmUp(generator, { plan: job.plan, target: job.warmAt, clock, stopped: stopped.signal });
      say({ kind: "ready" });
      await runShard(
        { ...job, startAtMs: await started.promise },
        {
          clock,
          generator,
          stopped: stopped.signal,
          progressed: (progress) => say({ kind: "progress", progress }),
        },
      );
    } finally {
      await Promise.race([generator.close().catch(() => {}), clock.sleep(closeMsMax)]);
    }
  } catch (error) {
    last = { kind: "failed", why: (error as Error).message };
  }
  process.removeAllListeners("disconnect");
  if (!process.connected) process.exit(1);
  process.send!(last, () => process.exit());
}
