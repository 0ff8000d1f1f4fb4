/**
 * Shards as processes of their own, one event loop each: starts them, tells how they go, and stops them when somebody says so. What they
 * measured they leave in files.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, epochMs } from "./clock.ts";
import type { Target } from "./generator.ts";
import type { Plan } from "./plan.ts";
import type { SelfTest } from "./self-test-readings.ts";

/** All that a shard has to know; goes to it over the channel between the processes, since it has a key in it. */
export type ShardJob = {
  readonly plan: Plan;
  readonly target: Target;
  /** That the browser generator may reach besides the target's own. */
  readonly hosts?: readonly string[];
  /** Which of how many: it takes its part of the plan's arrivals. */
  readonly index: number;
  readonly count: number;
  /** When the run starts, milliseconds since 1970: the same for all shards, wherever they run. */
  readonly startAtMs: number;
  /** What the instrument read before; goes into the shard's file. */
  readonly selfTests: readonly SelfTest[];
  readonly resultFile: string;
  /** Where to write a line of JSON for each source picture. */
  readonly rowsFile: string | null;
};

/** How a shard, or all of them, stands; once a second. */
export type Progress = {
  readonly sessionsOpen: number;
  /** All that were opened so far, those that replaced a lost one too: what a remote service may count. */
  readonly sessionsOpened: number;
  readonly sessionsConnected: number;
  readonly sessionsFailed: number;
  readonly framesReceived: number;
  readonly framesDue: number;
  /** Not sent, or late. */
  readonly framesAmiss: number;
  /** Of all so far; the worst shard's. */
  readonly glassToGlassP50Ms: number | null;
};

/** Without when it starts, which is told once all are up. */
export type WaitingJob = Omit<ShardJob, "startAtMs"> & {
  /** A mock to warm up at; `null`: nobody has to. */
  readonly warmAt: Target | null;
};

export type ToShard =
  | { readonly kind: "run"; readonly job: WaitingJob }
  | ({ readonly kind: "start" } & Pick<ShardJob, "startAtMs">)
  | { readonly kind: "stop"; readonly why: string };
export type FromShard =
  /** Its generator is there, and warm. */
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly why: string };

/** `leaveMsMax`, `linesMsMax` and `closeMsMax` of a shard, and some more for a busy machine to write a file. */
const stopMsMax = 25_000;
/** One that has said its last may hang in a line that nobody takes: no process exits while it writes to a pipe. */
const exitMsMax = 2000;
/** From all being up to their start: the news of it takes its time on a busy machine. */
const headStartMs = 200;
const lateWords =
  "The warm-up ended after --start-at. Set a moment at least 30 s later for all shards, 60 s for a remote target.";

export type ShardsRun = {
  /** Resolves with when they start, milliseconds since 1970. Rejects as `done` does. */
  readonly begun: Promise<number>;
  /** Resolves once all are done, and their processes gone. @throws Error with a sentence where one of them broke */
  readonly done: Promise<void>;
  /** Ends the sessions; what was measured until then is kept, with the sentence `why`. */
  stop(why?: string): void;
};

export type ShardsAbout = {
  readonly clock: Clock;
  /** When they start; `null`: once all are up, since a process on a busy machine takes seconds, and whoever is due meanwhile would come late. */
  readonly startAtMs: number | null;
  progressed(progress: Progress): void;
};

export function startShards(
  jobs: readonly WaitingJob[],
  { clock, startAtMs, progressed }: ShardsAbout,
): ShardsRun {
  const latest: (Progress | null)[] = jobs.map(() => null);
  const children = jobs.map((job, index) =>
    startShard(job, clock, (progress) => {
      latest[index] = progress;
      progressed(sumOf(latest.filter((one) => one !== null)));
    }),
  );
  let killing: { cancel(): void } | null = null;
  const stop = (why = "A shard was stopped before its plan was done.") => {
    for (const { child } of children) {
      tell(child, { kind: "stop", why });
      // Whoever waits for the others, which may never be up.
      tell(child, { kind: "start", startAtMs: startAtMs ?? epochMs() });
    }
    killing ??= clock.after(stopMsMax, () => {
      for (const { child } of children) child.kill("SIGKILL");
    });
  };
  const ready = Promise.all(children.map((one) => one.ready)).then(() => {
    const isLate = startAtMs !== null && startAtMs < epochMs() && killing === null;
    if (isLate) {
      stop(lateWords);
      throw new Error(lateWords);
    }
    const whenMs = startAtMs ?? epochMs() + headStartMs;
    for (const { child } of children) tell(child, { kind: "start", startAtMs: whenMs });
    return whenMs;
  });
  const done = Promise.all([ready, ...children.map((one) => one.done)])
    .catch((error) => {
      // One that broke makes the others' part no whole: they need not go on.
      stop();
      return Promise.allSettled(children.map((one) => one.done)).then(() => Promise.reject(error));
    })
    .finally(() => killing?.cancel())
    .then(() => {});
  const begun = Promise.race([ready, done.then(() => ready)]);
  begun.catch(() => {});
  return { begun, done, stop };
}

function startShard(job: WaitingJob, clock: Clock, progressed: (progress: Progress) => void) {
  // It has the ending this file has: the package is compiled.
  const file = new URL(`./shard-process${extname(import.meta.filename)}`, import.meta.url);
  const child = fork(fileURLToPath(file), {
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    // A key in the environment is the parent's to read.
    env: { ...process.env, DECART_API_KEY: "" },
  });
  const errors: string[] = [];
  child.stderr!.on("data", (text) => {
    errors.push(String(text));
    if (errors.length > 20) errors.shift();
  });
  const ready = Promise.withResolvers<void>();
  let said: FromShard | null = null;
  let late: { cancel(): void } | null = null;
  const of = `Shard ${job.index + 1} of ${job.count}`;
  child.on("message", (message: FromShard) => {
    if (message.kind === "ready") ready.resolve();
    else if (message.kind === "progress") progressed(message.progress);
    else {
      said = message;
      late = clock.after(exitMsMax, () => child.kill("SIGKILL"));
    }
  });
  // The news of its exit may come before its last words.
  const done = Promise.all([once(child, "exit"), once(child, "disconnect")]).then(
    ([[code, signal]]) => {
      late?.cancel();
      if (said?.kind === "done") return;
      if (said?.kind === "failed") throw new Error(`${of} broke: ${said.why}`);
      const last = errors.join("").trim().split("\n").slice(-4).join("\n");
      throw new Error(
        `${of} ended with ${signal ?? `code ${code}`} before it was done.${last ? `\n${last}` : ""}`,
      );
    },
    ({ message }: Error) => {
      throw new Error(`${of} could not be started: ${message}.`);
    },
  );
  tell(child, { kind: "run", job });
  return { child, ready: ready.promise, done };
}

/** It may be gone. */
function tell(child: ChildProcess, message: ToShard): void {
  if (child.connected) child.send(message, () => {});
}

function sumOf(all: readonly Progress[]): Progress {
  const sum = (read: (one: Progress) => number) => all.reduce((total, one) => total + read(one), 0);
  const medians = all.map((one) => one.glassToGlassP50Ms).filter((one) => one !== null);
  return {
    sessionsOpen: sum((one) => one.sessionsOpen),
    sessionsOpened: sum((one) => one.sessionsOpened),
    sessionsConnected: sum((one) => one.sessionsConnected),
    sessionsFailed: sum((one) => one.sessionsFailed),
    framesReceived: sum((one) => one.framesReceived),
    framesDue: sum((one) => one.framesDue),
    framesAmiss: sum((one) => one.framesAmiss),
    glassToGlassP50Ms: medians.length > 0 ? Math.max(...medians) : null,
  };
}
