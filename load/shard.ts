/**
 * One shard: sessions that come when their time is, whether or not earlier ones have gone, each with its script, all counted into one tally.
 * It knows neither processes nor which generator it has.
 */
import { createWriteStream } from "node:fs";
import { imageHash, promptHash, readImage } from "../fixtures/index.ts";
import { strikeKeys } from "../reports/keys.ts";
import { arrivalsOf } from "./arrivals.ts";
import { type Clock, epochMs } from "./clock.ts";
import type { Dialect, Generator, LoadSession, TransportStats } from "./generator.ts";
import { decodeHistogram } from "./histogram.ts";
import { type Honesty, watchHonesty } from "./honesty.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { machineWords } from "./machine.ts";
import type { FrameRow } from "./measurement.ts";
import { clipOf, dialectOf, modelOf, type Plan, readsPictures } from "./plan.ts";
import type { Progress, ShardJob } from "./run-shards.ts";
import { type ShardFile, shardSchema, writeShard } from "./shard-files.ts";
import { createTally, type Tally } from "./tally.ts";

/** Sentences that are kept apart; more are counted as one. */
const troublesMax = 20;
const progressMs = 1000;
/** What is still under way when a session ends is waited for. */
const drainMs = 500;

/** What became of a session. */
export type SessionOutcome = {
  /** Why it was never connected, or ended before it was asked to. */
  readonly trouble: string | null;
};

/** What one session does, and for how long. */
export type OwnScript = Pick<Plan, "script" | "holdSeconds">;

export type Sessions = {
  /** A session comes now, and goes when its time is over; resolves then, whatever became of it. `own`: what it does in place of the plan's. */
  arrive(index: number, own?: OwnScript): Promise<SessionOutcome>;
  /** Of all that are open, and of those to come. */
  stop(): void;
  readonly open: number;
  readonly troubles: Readonly<Record<string, number>>;
  /** What the transport counted, as each session left. */
  readonly transports: readonly TransportStats[];
};

export type SessionsAbout = {
  readonly plan: Plan;
  readonly target: ShardJob["target"];
  readonly generator: Generator;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly row: ((row: FrameRow) => void) | null;
};

export function createSessions({ plan, target, generator, clock, tally, row }: SessionsAbout): Sessions {
  const troubles: Record<string, number> = {};
  const transports: TransportStats[] = [];
  const stopped = Promise.withResolvers<void>();
  let isStopped = false;
  let open = 0;

  function note(said: string): void {
    // A server may say anything, and what it was sent had a key in it.
    const why = strikeKeys(said);
    const known = Object.keys(troubles);
    const name = why in troubles || known.length < troublesMax ? why : "other troubles";
    troubles[name] = (troubles[name] ?? 0) + 1;
  }

  async function arrive(index: number, own: OwnScript = plan): Promise<SessionOutcome> {
    if (isStopped) return { trouble: null };
    const dialect: Dialect = dialectOf(plan, index);
    const { name: clip, fps } = clipOf(plan);
    const openedMs = generator.now();
    const ledger = createLedger({ tally, session: String(index), fps, openedMs, row });
    const ended = Promise.withResolvers<string>();
    open++;
    try {
      const session = await generator.open(
        {
          target,
          dialect,
          model: modelOf(plan, dialect),
          clip,
          readsPictures: readsPictures(plan, index),
        },
        {
          ...ledger.observer,
          ended(atMs, why) {
            ledger.observer.ended(atMs, why);
            ended.resolve(why);
          },
        },
      );
      const connectedMs = session.connected?.connectedMs ?? generator.now();
      ledger.connected(connectedMs, session.connected?.calledMs);
      const trouble = await attend(session, ledger, index, own, ended.promise);
      if (trouble) note(trouble);
      return { trouble };
    } catch (error) {
      const trouble = (error as Error).message;
      ledger.failed();
      note(trouble);
      return { trouble };
    } finally {
      open--;
    }
  }

  /** From its being connected to its end. */
  async function attend(
    session: LoadSession,
    ledger: Ledger,
    index: number,
    { script, holdSeconds }: OwnScript,
    ended: Promise<string>,
  ): Promise<string | null> {
    const timers: { cancel(): void }[] = [];
    const over = Promise.withResolvers<void>();
    timers.push(clock.after(holdSeconds * 1000, () => over.resolve()));
    let isOver = false;
    for (const step of script) follow(step, session, ledger, index, timers, () => isOver);
    const trouble = await Promise.race([ended, over.promise, stopped.promise]);
    isOver = true;
    for (const timer of timers) timer.cancel();
    if (trouble === undefined) {
      const stats = await session.stats().catch((): TransportStats | null => null);
      if (stats) transports.push(stats);
      ledger.close(generator.now());
    }
    await session.close();
    return trouble ?? null;
  }

  /** One step of the script, again and again where it says so. */
  function follow(
    step: Plan["script"][number],
    session: LoadSession,
    ledger: Ledger,
    index: number,
    timers: { cancel(): void }[],
    isOver: () => boolean,
  ): void {
    let count = 0;
    const call = () => {
      if (step.everySeconds !== undefined) timers.push(clock.after(step.everySeconds * 1000, call));
      const prompt = step.set.prompt?.replaceAll("{n}", String(count)).replaceAll("{session}", String(index));
      count++;
      void callSet(session, ledger, prompt, step.set.image, isOver);
    };
    timers.push(clock.after(step.afterSeconds * 1000, call));
  }

  async function callSet(
    session: LoadSession,
    ledger: Ledger,
    prompt: string | undefined,
    image: string | null | undefined,
    isOver: () => boolean,
  ): Promise<void> {
    const bytes: Uint8Array | null | undefined = image ? readImage(image) : (image as null | undefined);
    const waiting = ledger.set({
      calledMs: generator.now(),
      promptHash: prompt === undefined ? null : promptHash(prompt),
      imageHash: bytes === undefined ? null : bytes === null ? 0 : imageHash(bytes),
    });
    try {
      const { calledMs, ackedMs } = await session.set({
        ...(prompt !== undefined && { prompt }),
        ...(bytes !== undefined && { image: bytes && Buffer.from(bytes).toString("base64") }),
      });
      waiting.acked(calledMs, ackedMs);
    } catch (error) {
      // Whoever leaves waits for no ack.
      if (isOver()) return;
      waiting.failed();
      note(`set: ${(error as Error).message}`);
    }
  }

  return {
    arrive,
    stop() {
      isStopped = true;
      stopped.resolve();
    },
    get open() {
      return open;
    },
    troubles,
    transports,
  };
}

export type ShardAbout = {
  readonly generator: Generator;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  progressed(progress: Progress): void;
};

/** Its part of the plan's arrivals, from the start that all shards share to the end of the last session; leaves its file. */
export async function runShard(
  job: ShardJob,
  { generator, clock, stopped, progressed }: ShardAbout,
): Promise<void> {
  const { plan, index, count } = job;
  const startedMs = generator.now() + (job.startAtMs - epochMs());
  const tally = createTally({ runStartedMs: startedMs });
  const rows = job.rowsFile === null ? null : createWriteStream(job.rowsFile);
  const sessions = createSessions({
    plan,
    target: job.target,
    generator,
    clock,
    tally,
    row: rows && ((row) => void rows.write(`${JSON.stringify(row)}\n`)),
  });
  const honesty = watchHonesty(clock);
  const timers: { cancel(): void }[] = [];
  const all: Promise<unknown>[] = [];
  let ticker: { cancel(): void } | null = null;
  const tick = () => {
    progressed(progressOf(tally, sessions));
    ticker = clock.after(progressMs, tick);
  };
  const stop = Promise.withResolvers<void>();
  const endNow = () => {
    sessions.stop();
    stop.resolve();
  };
  if (stopped.aborted) endNow();
  else stopped.addEventListener("abort", endNow, { once: true });

  const wait = (atMs: number) =>
    Promise.race([
      new Promise<void>((resolve) => {
        timers.push(clock.after(Math.max(0, atMs - generator.now()), resolve));
      }),
      stop.promise,
    ]);
  await wait(startedMs);
  honesty.restart();
  tick();
  for (const { index: session, atMs } of arrivalsOf(plan, { index, count })) {
    await wait(startedMs + atMs);
    if (stopped.aborted) break;
    all.push(sessions.arrive(session));
  }
  await Promise.all(all);
  await Promise.race([clock.sleep(drainMs), stop.promise]);
  (ticker as { cancel(): void } | null)?.cancel();
  for (const timer of timers) timer.cancel();
  const kept = honesty.read();
  honesty.stop();
  if (rows) await new Promise((resolve) => rows.end(resolve));
  const durationMs = Math.max(0, generator.now() - startedMs);
  const file = shardOf(job, { generator, sessions, tally, honesty: kept, durationMs });
  const doubts = stopped.aborted ? ["A shard was stopped before its plan was done."] : [];
  writeShard(job.resultFile, { ...file, doubts });
}

/** What a shard leaves. */
export function shardOf(
  {
    plan,
    target,
    index,
    count,
    startAtMs,
  }: Pick<ShardJob, "plan" | "target" | "index" | "count" | "startAtMs">,
  {
    generator,
    sessions,
    tally,
    honesty,
    durationMs,
  }: {
    readonly generator: Generator;
    readonly sessions: Sessions;
    readonly tally: Tally;
    readonly honesty: Honesty;
    readonly durationMs: number;
  },
): ShardFile {
  return {
    schema: shardSchema,
    index,
    count,
    target: new URL(target.url).host,
    startedAt: new Date(startAtMs).toISOString(),
    durationMs,
    seed: plan.seed,
    machine: machineWords(),
    plan: plan as unknown as ShardFile["plan"],
    generator: generator.name,
    dialects: plan.dialect === "both" ? ["direct", "livekit"] : [plan.dialect],
    blindSpots: [...generator.blindSpots],
    shards: [honesty],
    transport: addTransports(sessions.transports),
    troubles: { ...sessions.troubles },
    selfTests: [],
    doubts: [],
    measurement: measured(tally),
  };
}

function measured(tally: Tally): ShardFile["measurement"] {
  const { histograms, counts, seconds } = tally.measurement();
  return { histograms: { ...histograms }, counts: { ...counts }, seconds: [...seconds] };
}

function addTransports(all: readonly TransportStats[]): ShardFile["transport"] {
  const known = (read: (one: TransportStats) => number | null | undefined) =>
    all.map(read).filter((value) => value !== null && value !== undefined);
  const sum = (values: readonly number[]) =>
    values.length > 0 ? values.reduce((total, value) => total + value, 0) : null;
  return {
    roundTripsMs: known((one) => one.roundTripMs),
    jittersMs: known((one) => one.jitterMs),
    packetsReceived: sum(known((one) => one.packetsReceived)),
    packetsLost: sum(known((one) => one.packetsLost)),
    keyRequests: sum(known((one) => one.keyRequests)),
    picturesUnseen: sum(known((one) => one.picturesUnseen)),
  };
}

function progressOf(tally: Tally, sessions: Sessions): Progress {
  const { counts, histograms } = tally.measurement();
  const delays = decodeHistogram(histograms["glass-to-glass"]);
  return {
    sessionsOpen: sessions.open,
    sessionsConnected: counts["sessions-connected"],
    sessionsFailed: counts["sessions-failed"],
    framesReceived: counts["frames-received"],
    framesDue: counts["frames-due"],
    framesAmiss:
      counts["frames-due"] - counts["frames-off-air"] - counts["frames-sent"] + counts["frames-late"],
    glassToGlassP50Ms: delays.count > 0 ? delays.percentile(50) / 1000 : null,
  };
}
