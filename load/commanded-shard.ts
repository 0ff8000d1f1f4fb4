/**
 * A shard for a load tool that has a schedule of its own, and says when a session comes and what it does. It counts as every shard does, tells
 * what it counts as it goes, and leaves its file whenever nobody is left: whoever commands it may end without a word.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { creditsPerSecond, type RemoteBudget, readEndpoint } from "../conformance/index.ts";
import { type Clock, epochMs } from "./clock.ts";
import type { Generator, Target } from "./generator.ts";
import { doubts, stallMsOf, watchHonesty } from "./honesty.ts";
import type { CountName, HistogramName } from "./measurement.ts";
import { clipOf, type Plan, parsePlan } from "./plan.ts";
import { overspent } from "./run-load.ts";
import type { SelfTest } from "./self-test-readings.ts";
import { createSessions, leaveMsMax, type OwnScript, shardOf } from "./shard.ts";
import { tryShardFile, writeShard } from "./shard-files.ts";
import { createTally, type Tally } from "./tally.ts";

/** As it crosses from the load tool's process: nothing of it has been looked at. */
export type CommandedJob = {
  /** What its configuration says of us: fields of a plan, where the file goes, the budget. */
  readonly settings: unknown;
  /** `ws://…` */
  readonly target: unknown;
  /** What sessions will do, as far as it is known beforehand. */
  readonly flows: readonly unknown[];
  /** Which of how many processes. */
  readonly index: number;
  readonly count: number;
  /** Milliseconds since 1970: the same for all of them. */
  readonly startAtMs: number;
};

export type ToCommanded =
  | { readonly kind: "begin"; readonly job: CommandedJob }
  /** `index`: among the sessions of all processes. */
  | { readonly kind: "arrive"; readonly index: number; readonly flow: unknown };

export type FromCommanded =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly why: string }
  | News
  /** Its numbers have been told, and the file is there if nobody else is open. */
  | { readonly kind: "left"; readonly index: number; readonly trouble: string | null };

export type News =
  /** Since the last time. Times are milliseconds; `fps` is pictures a second. */
  | {
      readonly kind: "measured";
      readonly counts: Partial<Record<CountName, number>>;
      readonly times: Partial<Record<HistogramName, number[]>>;
    }
  /** More reasons than before why the numbers are not to be believed. */
  | { readonly kind: "doubted"; readonly count: number; readonly why: readonly string[] };

/** A job that has been read. */
export type CommandedAbout = Pick<CommandedJob, "index" | "count" | "startAtMs"> & {
  /** Without arrivals and script, which are the load tool's. */
  readonly plan: Plan;
  readonly target: Target;
  /** The part of this process. */
  readonly budget: RemoteBudget | null;
  /** The folder that the file goes into; `null`: there is none. */
  readonly results: string | null;
  /** @throws Error with a sentence */
  scriptOf(flow: unknown): OwnScript;
};

const tickMs = 1000;
const notOurSchedule =
  "Sessions came when the load tool said so: whether it was late, and by how much, is in no figure.";
const where = "config.engines.lucy";

const whole = z.number({ error: "It takes a whole number from 1." }).int().min(1).optional();
const ownSettings = z.looseObject({
  results: z.string({ error: "It takes a folder." }).min(1, { error: "It takes a folder." }).default(""),
  allowRemote: z.boolean({ error: "It takes true or false." }).default(false),
  sessionsMax: whole,
  secondsMax: whole,
  creditsMax: whole,
});
/** What a plan says elsewhere. */
const notOurs: Readonly<Record<string, string>> = {
  arrivals: "the phases say who comes",
  script: "a scenario's flow says what a session does",
  holdSeconds: "the thinks of a flow say how long it stays",
  server: "config.target says which server it is",
};

/** @throws Error with a sentence, also where the remote guard refuses */
export function readJob(job: CommandedJob, environment: NodeJS.ProcessEnv): CommandedAbout {
  const { index, count, startAtMs } = job;
  const parsed = ownSettings.safeParse(job.settings ?? {});
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    const value = path.reduce<unknown>((inside, key) => (inside as never)?.[key], job.settings);
    throw new Error(
      path.length > 0
        ? `${where}: "${path.join(".")}" is ${shown(value)}. ${message}`
        : `${where} is ${shown(value)}. It takes fields.`,
    );
  }
  const { results, allowRemote, sessionsMax, secondsMax, creditsMax, ...settings } = parsed.data;
  for (const [name, why] of Object.entries(notOurs)) {
    if (name in settings) throw new Error(`${where} has "${name}", and ${why}. Leave it out.`);
  }
  const plan = readPlan(settings, { script: [], holdSeconds: 1 });
  const scriptOf = (flow: unknown): OwnScript => readPlan(settings, readFlow(flow));
  // What a template makes of it is known once the session comes.
  for (const flow of job.flows) if (!JSON.stringify(flow ?? null).includes("{{")) scriptOf(flow);
  const { endpoint, budget } = guarded(() =>
    readEndpoint(String(job.target), {
      allowRemote,
      budget: {
        ...(sessionsMax !== undefined && { sessionsMax }),
        ...(secondsMax !== undefined && { secondsMax }),
        ...(creditsMax !== undefined && { creditsMax }),
      },
      environment,
    }),
  );
  return {
    index,
    count,
    startAtMs,
    plan: { ...plan, arrivals: [], holdSeconds: 0 },
    target: endpoint,
    budget: budget && partOf(budget, index, count),
    results: results || null,
    scriptOf,
  };
}

/** A plan's own sentences, about the place where they were written. */
function readPlan(settings: object, own: OwnScript): Plan {
  const whole = { name: "artillery", about: "Sessions that Artillery opens.", ...settings, ...own };
  try {
    return parsePlan(JSON.stringify({ ...whole, arrivals: [{ sessions: 1 }] }), where);
  } catch (error) {
    throw new Error((error as Error).message.replace(`${where}:1: `, `${where}: `).replace("A plan", "It"));
  }
}

/** Thinks say when the sets between them are, and how long the session stays. @throws Error with a sentence */
export function readFlow(flow: unknown): OwnScript {
  const takes =
    "It takes think: 5, and set: { prompt, image }, with everySeconds where it is to be repeated.";
  if (!Array.isArray(flow)) throw new Error(`A flow is ${shown(flow)}. ${takes}`);
  const script: OwnScript["script"][number][] = [];
  let seconds = 0;
  for (const [at, item] of flow.entries()) {
    const { think, set, everySeconds, ...more } = Object(item) as Record<string, unknown>;
    const isThink = think !== undefined && set === undefined && everySeconds === undefined;
    const isSet = set !== undefined && think === undefined;
    if (Object.keys(more).length > 0 || !(isThink || isSet)) {
      throw new Error(`flow[${at}] is ${shown(item)}. ${takes}`);
    }
    if (isThink) seconds += secondsOf(think, at);
    // What is in it is looked at with the rest of the plan.
    else
      script.push({
        afterSeconds: seconds,
        ...(everySeconds !== undefined && { everySeconds }),
        set,
      } as never);
  }
  if (seconds === 0)
    throw new Error("The flow has no think, so a session would end as it begins. Add think: 5.");
  return { script, holdSeconds: seconds };
}

const unitSeconds = { ms: 0.001, s: 1, m: 60, h: 3600 } as const;

function secondsOf(think: unknown, at: number): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)?$/.exec(String(think)) ?? [];
  if (amount !== undefined) return Number(amount) * unitSeconds[unit as keyof typeof unitSeconds];
  throw new Error(
    `flow[${at}]: "think" is ${shown(think)}. It takes seconds, or a text such as "500ms" or "2m".`,
  );
}

/** The guard speaks of flags; here they are settings. */
function guarded<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw new Error(
      (error as Error).message
        .replaceAll("--allow-remote", "allowRemote: true")
        .replaceAll(/--(\w+)-max/g, "$1Max")
        .replace("the command line", "a script"),
    );
  }
}

/** Nobody knows which process sessions will come to, so that each may spend its part and no more. */
export function partOf(
  { sessionsMax, secondsMax, creditsMax }: RemoteBudget,
  index: number,
  count: number,
): RemoteBudget {
  const more = index < sessionsMax % count ? 1 : 0;
  return { sessionsMax: Math.floor(sessionsMax / count) + more, secondsMax, creditsMax: creditsMax / count };
}

export type CommandedShard = {
  /** Resolves once the session is over. */
  arrive(index: number, flow: unknown): Promise<{ readonly trouble: string | null }>;
  /** Ends the sessions that are open; the file is there by then. */
  stop(): Promise<void>;
};

export function startCommandedShard(
  about: CommandedAbout,
  {
    generator,
    clock,
    selfTests,
    told,
  }: {
    readonly generator: Generator;
    readonly clock: Clock;
    /** What the instrument read before. */
    readonly selfTests: readonly SelfTest[];
    told(news: News): void;
  },
): CommandedShard {
  const { plan, target, budget, index, results } = about;
  const startedMs = generator.now() + (about.startAtMs - epochMs());
  let counts: Partial<Record<CountName, number>> = {};
  let times: Partial<Record<HistogramName, number[]>> = {};
  const tally = createTelling(createTally({ runStartedMs: startedMs }), {
    counted(name, by) {
      counts[name] = (counts[name] ?? 0) + by;
      if (name === "sessions-due" || name === "reconnects") spent.sessions += by;
      // That opened a session which nobody asked for.
      if (name === "reconnects") look();
    },
    timed(name, value) {
      times[name] ??= [];
      times[name].push(value);
    },
  });
  const sessions = createSessions({ plan, target, generator, clock, tally, row: null });
  const honesty = watchHonesty(clock, { stallMs: stallMsOf(1000 / clipOf(plan).fps) });
  const refusals: Record<string, number> = {};
  const all = new Set<Promise<unknown>>();
  /** `sessions`: those that replaced a lost one, too. */
  const spent = { sessions: 0, credits: 0, sinceMs: null as number | null };
  let lookedMs = generator.now();
  let doubtCount = 0;
  let isLeft = true;
  let isSpentTold = false;
  let isUnwrittenTold = false;

  const file = results === null ? null : join(results, `shard-${index}.json`);
  if (file !== null) {
    mkdirSync(results!, { recursive: true });
    tryShardFile(file);
  }
  let ticker = clock.after(tickMs, tick);
  function tick(): void {
    tell();
    // A busy process ticks late.
    const now = generator.now();
    spent.credits += (sessions.open * creditsPerSecond * (now - lookedMs)) / 1000;
    lookedMs = now;
    look();
    ticker = clock.after(tickMs, tick);
  }

  /** Whether the budget is spent. */
  function look(): void {
    const why = overBudget();
    if (why === null || isSpentTold) return;
    isSpentTold = true;
    refusals[why] ??= 0;
    sessions.stop();
    told({ kind: "doubted", count: 1, why: [why] });
  }

  function tell(): void {
    if (Object.keys(counts).length === 0 && Object.keys(times).length === 0) return;
    told({ kind: "measured", counts, times });
    counts = {};
    times = {};
  }

  function overBudget(): string | null {
    if (spent.sinceMs === null) return null;
    const seconds = (generator.now() - spent.sinceMs) / 1000;
    return overspent(budget, { sessions: spent.sessions, seconds, credits: spent.credits });
  }

  /** Why no session may come any more, or `null`. */
  function refusal(): string | null {
    if (budget && spent.sessions >= budget.sessionsMax) {
      return `The budget of ${budget.sessionsMax} sessions was spent, and no more were opened.`;
    }
    return overBudget();
  }

  async function attend(session: number, flow: unknown): Promise<string | null> {
    const why = refusal();
    if (why !== null) throw new Error(why);
    const script = about.scriptOf(flow);
    if (spent.sinceMs === null) {
      // What was before was no measurement.
      spent.sinceMs = generator.now();
      honesty.restart();
    }
    isLeft = false;
    return (await sessions.arrive(session, { own: script })).trouble;
  }

  /** A disk that is full ends no session of anybody. */
  function leave(): void {
    try {
      leaveFile();
    } catch (error) {
      if (isUnwrittenTold) return;
      isUnwrittenTold = true;
      const why = `${file} could not be written: ${(error as Error).message}.`;
      told({ kind: "doubted", count: 1, why: [why] });
    }
  }

  function leaveFile(): void {
    const kept = honesty.read();
    const durationMs = generator.now() - (spent.sinceMs ?? generator.now());
    const shard = shardOf({ ...about, selfTests }, { generator, sessions, tally, honesty: kept, durationMs });
    if (file !== null) {
      writeShard(file, {
        ...shard,
        blindSpots: [...shard.blindSpots, notOurSchedule],
        troubles: { ...shard.troubles, ...refusals },
      });
    }
    isLeft = true;
    if (spent.sinceMs === null) return;
    const { counts } = shard.measurement;
    const why = doubts({
      shards: [kept],
      framesDue: counts["frames-due"] ?? 0,
      framesOffAir: counts["frames-off-air"] ?? 0,
      framesSent: counts["frames-sent"] ?? 0,
      framesLate: counts["frames-late"] ?? 0,
      sessionsDue: counts["sessions-due"] ?? 0,
      sessionsLate: 0,
      frameMs: 1000 / clipOf(plan).fps,
      isNode: generator.name === "node",
    });
    if (why.length > doubtCount) told({ kind: "doubted", count: why.length - doubtCount, why });
    doubtCount = Math.max(doubtCount, why.length);
  }

  return {
    async arrive(session, flow) {
      const attending = attend(session, flow).catch((error: Error) => {
        refusals[error.message] = (refusals[error.message] ?? 0) + 1;
        isLeft = false;
        return error.message;
      });
      all.add(attending);
      const trouble = await attending;
      all.delete(attending);
      if (sessions.open === 0) leave();
      tell();
      return { trouble };
    },
    async stop() {
      ticker.cancel();
      sessions.stop();
      const patience = Promise.withResolvers<void>();
      const timer = clock.after(leaveMsMax, patience.resolve);
      await Promise.race([Promise.all(all), patience.promise]);
      timer.cancel();
      if (!isLeft) leave();
      honesty.stop();
    },
  };
}

/** A tally that counts, and says so. */
function createTelling(
  tally: Tally,
  {
    counted,
    timed,
  }: { counted(name: CountName, by: number): void; timed(name: HistogramName, value: number): void },
): Tally {
  return {
    ...tally,
    count(name, by = 1) {
      tally.count(name, by);
      counted(name, by);
    },
    time(name, durationMs) {
      tally.time(name, durationMs);
      timed(name, durationMs);
    },
    glassToGlass(atMs, delayMs) {
      tally.glassToGlass(atMs, delayMs);
      timed("glass-to-glass", delayMs);
    },
    decided(dueMs, isLost, count = 1) {
      tally.decided(dueMs, isLost, count);
      counted("frames-decided", count);
      if (isLost) counted("frames-lost", count);
    },
    fps(second, pictureCount) {
      tally.fps(second, pictureCount);
      timed("fps", pictureCount);
    },
  };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 80);
}
