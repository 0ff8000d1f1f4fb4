/** Walks at random over a server of its own until a walk fails, makes that one shorter, and says how to walk it again. */
import fc from "fast-check";
import { type Step, walksIn } from "./_walk-steps.ts";
import { createWalker, queueMs, type Walker } from "./_walker.ts";
import { manualClock, realClock } from "./clock.ts";
import { type MediaMode, mediaModes } from "./media/pipeline.ts";
import { type MockServer, startServer } from "./server.ts";

export type WalksAbout = {
  /** `null`: all of them. */
  readonly mode: MediaMode | null;
  readonly seed: number;
  /** Which one, and how it was made shorter; `null`: from the first on. */
  readonly path: string | null;
};

export type Walked = {
  /** Names of faults that were declared. */
  readonly declared: ReadonlySet<string>;
  readonly failure: {
    /** The shortest that was found. */
    readonly steps: readonly Step[];
    readonly wrong: string;
    /** What {@link readWalks} takes. */
    readonly again: string;
  } | null;
};

/** A hang takes its time with every walk that is tried; the shortest that was found by then will do. */
const shrinkMsMax = 60_000;

/**
 * `7`: a seed; `relay:7`: of this mode only; `relay:7:12:0:3`: the very walk that failed.
 * @throws Error
 */
export function readWalks(text: string): WalksAbout {
  const [, mode, seed, path] =
    new RegExp(`^(?:(${mediaModes.join("|")}):)?(\\d+)(?::(\\d+(?::\\d+)*))?$`).exec(text) ?? [];
  if (seed === undefined || (path !== undefined && mode === undefined)) {
    throw new Error(
      `WALK is "${text}". It takes a seed, a mode (${mediaModes.join(", ")}) and a seed, or what a walk that failed has printed: relay:7:12:0:3.`,
    );
  }
  return { mode: (mode as MediaMode | undefined) ?? null, seed: Number(seed), path: path ?? null };
}

/** `patienceMs`: a step, or an answer, that takes longer hangs. */
export async function walkAtRandom(
  { mode, seed, path }: WalksAbout & { readonly mode: MediaMode },
  count: number,
  patienceMs?: number,
): Promise<Walked> {
  const clock = realClock();
  const declared = new Set<string>();
  let server: MockServer | null = null;
  let walker: Walker | null = null;
  let failedAtMs: number | null = null;

  async function start(): Promise<Walker> {
    const options = { port: 0, mode, queue: 1, queueStepMs: queueMs, sessionsMax: 1000 } as const;
    // Heartbeats stand: a clock that jumps would take every socket for dead.
    server = await startServer(options, manualClock(), manualClock());
    walker = createWalker(server, clock, patienceMs);
    await walker.warmUp();
    return walker;
  }
  async function stop(): Promise<void> {
    for (const name of walker?.declared ?? []) declared.add(name);
    walker?.end();
    walker = null;
    await server?.close();
  }

  const property = fc.asyncProperty(walksIn(mode), async (steps) => {
    if (failedAtMs !== null && clock.now() - failedAtMs > shrinkMsMax) return;
    const wrong = await (walker ?? (await start())).walk(steps);
    if (wrong.length === 0) return;
    failedAtMs ??= clock.now();
    // What this one has left behind is not the next one's fault.
    await stop();
    throw new Error(wrong.join("\n"));
  });
  const replayed = path === null ? { numRuns: count } : { path, endOnFailure: true, numRuns: 1 };
  const found = await fc.check(property, { seed, ...replayed });
  await stop();
  if (!found.failed) return { declared, failure: null };
  const { counterexample, counterexamplePath, errorInstance } = found;
  return {
    declared,
    failure: {
      steps: counterexample![0],
      wrong: (errorInstance as Error).message,
      again: `${mode}:${seed}:${counterexamplePath}`,
    },
  };
}
