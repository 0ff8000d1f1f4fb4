import fc from "fast-check";
import { expect, test } from "vitest";
import { walk } from "./_walk-steps.ts";
import { createWalker, queueMs, type Walker } from "./_walker.ts";
import { manualClock, realClock } from "./clock.ts";
import { type MockServer, startServer } from "./server.ts";

/** Another seed, or the very walk that failed: `WALK=7`, `WALK=7:12:0:3`. */
const [seed = "20260101", ...path] = (process.env.WALK || undefined)?.split(":") ?? [];
const isReplay = path.length > 0;
const walkCount = process.env.LUCY_LONG ? 5000 : 200;
/** A hang takes its time with every walk that is tried; the shortest that was found by then will do. */
const shrinkMsMax = 60_000;

const what = isReplay ? `random walk ${process.env.WALK}` : `${walkCount} random walks of seed ${seed}`;

test(`${what}: the server never throws, hangs or leaks`, {
  timeout: 1_800_000,
}, async () => {
  const clock = realClock();
  let server: MockServer | null = null;
  let walker: Walker | null = null;
  let failedAtMs: number | null = null;

  async function start(): Promise<Walker> {
    const options = { port: 0, mode: "none", queue: 1, queueStepMs: queueMs } as const;
    // Heartbeats stand: a clock that jumps would take every socket for dead.
    server = await startServer(options, manualClock(), manualClock());
    walker = createWalker(server);
    await walker.warmUp();
    return walker;
  }
  async function stop(): Promise<void> {
    walker?.end();
    walker = null;
    await server?.close();
  }

  const property = fc.asyncProperty(walk, async (steps) => {
    if (failedAtMs !== null && clock.now() - failedAtMs > shrinkMsMax) return;
    const wrong = await (walker ?? (await start())).walk(steps);
    if (wrong.length === 0) return;
    failedAtMs ??= clock.now();
    // What this one has left behind is not the next one's fault.
    await stop();
    throw new Error(wrong.join("\n"));
  });
  const replayed = isReplay
    ? { path: path.join(":"), endOnFailure: true, numRuns: 1 }
    : { numRuns: walkCount };
  const found = await fc.check(property, { seed: Number(seed), ...replayed });
  await stop();
  if (!found.failed) return;
  const { counterexample, counterexamplePath, numShrinks, errorInstance } = found;
  const line = `WALK="${seed}:${counterexamplePath}" vitest run mock-server/random-walks.test.ts`;
  const steps = counterexample![0].map((step) => `  ${JSON.stringify(step)}`).join("\n");
  const sentence = `A walk fails, made shorter ${numShrinks} times:\n${steps}\n${(errorInstance as Error)?.message}\nTo walk it again:`;
  expect.fail(`${sentence}\n${line}`);
});
