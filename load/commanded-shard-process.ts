/** A commanded shard in a process of its own. It ends when whoever commands it is gone, and leaves its file before it does. */
import { realClock as clock } from "./clock.ts";
import { type FromCommanded, readJob, startCommandedShard, type ToCommanded } from "./commanded-shard.ts";
import { openGenerator } from "./generators/index.ts";
import { reach, testInstrument } from "./run-load.ts";
import { selfTestText } from "./words.ts";

const say = (message: FromCommanded) => {
  if (process.connected) process.send!(message, () => {});
};

const begun = Promise.withResolvers<Awaited<ReturnType<typeof begin>>>();
process.on("message", (message: ToCommanded) => {
  if (message.kind === "arrive") return void arrive(message);
  begin(message.job).then(begun.resolve, begun.reject);
});
begun.promise.then(
  () => say({ kind: "ready" }),
  (error: Error) => say({ kind: "refused", why: error.message }),
);
process.once("disconnect", end);
process.once("SIGTERM", end);
// Ctrl-C reaches the whole group; sessions are closed once the parent has gone.
process.on("SIGINT", () => {});

async function end(): Promise<void> {
  await begun.promise.then((shard) => shard.stop()).catch(() => {});
  process.exit();
}

async function begin(job: Extract<ToCommanded, { kind: "begin" }>["job"]) {
  const about = readJob(job, process.env);
  await reach(about.target);
  // All of them are on one machine, and take the same instrument.
  const selfTests =
    about.index > 0
      ? []
      : await testInstrument({
          plan: about.plan,
          clock,
          told: (news) => news.kind === "self-test" && console.log(selfTestText(news.test)),
        });
  return startCommandedShard(about, {
    selfTests,
    generator: await openGenerator(about.plan.generator, clock),
    clock,
    told: say,
  });
}

async function arrive({ index, flow }: Extract<ToCommanded, { kind: "arrive" }>): Promise<void> {
  const left = await begun.promise
    .then((shard) => shard.arrive(index, flow))
    .catch(({ message }: Error) => ({ trouble: message }));
  say({ kind: "left", index, ...left });
}
