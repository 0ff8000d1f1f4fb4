/** A shard in a process of its own: takes its job over the channel, and is gone when whoever started it is. */
import { realClock as clock } from "./clock.ts";
import { openGenerator } from "./generators/index.ts";
import type { FromShard, ToShard } from "./run-shards.ts";
import { runShard } from "./shard.ts";

const stopped = new AbortController();
const say = (message: FromShard) => process.send?.(message);

process.on("message", (message: ToShard) => {
  if (message.kind === "stop") stopped.abort();
  else void run(message.job);
});
process.once("disconnect", () => {
  stopped.abort();
  process.exit(1);
});
// Ctrl-C, and what some CI sends, reaches the whole group; the parent stops its shards in good order.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});

async function run(job: Extract<ToShard, { kind: "run" }>["job"]): Promise<void> {
  try {
    const generator = await openGenerator(job.plan.generator, clock, job.hosts);
    try {
      await runShard(job, {
        clock,
        generator,
        stopped: stopped.signal,
        progressed: (progress) => say({ kind: "progress", progress }),
      });
    } finally {
      await generator.close();
    }
    say({ kind: "done" });
  } catch (error) {
    say({ kind: "failed", why: (error as Error).message });
  }
  process.removeAllListeners("disconnect");
  process.disconnect?.();
}
