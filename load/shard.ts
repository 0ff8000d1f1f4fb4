/**
 * One shard: sessions that come when their time is, whether or not earlier ones have gone, each with its script, all counted into one tally.
 * It knows neither processes nor which generator it has.
 */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { imageHash, promptHash, readImage } from "../fixtures/index.ts";
import { strikeKeys } from "../reports/keys.ts";
import { arrivalsOf } from "./arrivals.ts";
import { type Clock, epochMs } from "./clock.ts";
import type { Dialect, Generator, LoadSession, TransportStats } from "./generator.ts";
import { type Honesty, stallMsOf, watchHonesty } from "./honesty.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { machineWords } from "./machine.ts";
import type { FrameRow } from "./measurement.ts";
import { clipOf, dialectOf, dialectsOf, modelOf, type Plan, readsPictures } from "./plan.ts";
import type { Progress, ShardJob } from "./run-shards.ts";
import { type ShardFile, shardSchema, tryShardFile, writeShard } from "./shard-files.ts";
import { createTally, type Tally } from "./tally.ts";
import { plainTest } from "./to-result.ts";

/** Sentences that are kept apart; more are counted as one. */
const troublesMax = 20;
const progressMs = 1000;
/** What is still under way when a session ends is waited for. */
const drainMs = 500;
/** How long whoever reads the lines may take for the last of them: it may be a pipe. */
export const linesMsMax = 5000;
/** How long sessions may take to leave when the shard is stopped. What was measured is kept then, whoever has not. */
export const leaveMsMax = 10_000;

/** What became of a session. */
export type SessionOutcome = {
  /** Why it was never connected, or ended before it was asked to. */
  readonly trouble: string | null;
};

/** What one session does, and for how long. */
export type OwnScript = Pick<Plan, "script" | "holdSeconds">;

export type Arriving = {
  /** When it should have come; `null`: that is another's schedule, and whether it is late nobody here knows. */
  readonly dueMs?: number | null;
  /** What it does in place of the plan's. */
  readonly own?: OwnScript;
};

export type Sessions = {
  /** A session comes now, and goes when its time is over; resolves then, whatever became of it. */
  arrive(index: number, how?: Arriving): Promise<SessionOutcome>;
  /** Of all that are open or being opened, and of those to come. */
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
  const leaving = new AbortController();
  let open = 0;

  function note(said: string): void {
    // A server may say anything, and what it was sent had a key in it.
    const why = strikeKeys(said);
    const known = Object.keys(troubles);
    const name = why in troubles || known.length < troublesMax ? why : "other troubles";
    troubles[name] = (troubles[name] ?? 0) + 1;
  }

  async function arrive(index: number, { dueMs = null, own = plan }: Arriving = {}): Promise<SessionOutcome> {
    if (leaving.signal.aborted) return { trouble: null };
    const dialect: Dialect = dialectOf(plan, index);
    const { name: clip, fps } = clipOf(plan);
    // Who comes late has waited already, and would call fast what began late (coordinated omission).
    const lateMs = lateBy(dueMs);
    const openedMs = generator.now() - lateMs;
    const ledger = createLedger({ tally, session: String(index), fps, openedMs, row });
    if (lateMs > 1000 / fps) tally.count("sessions-late");
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
        leaving.signal,
      );
      const { calledMs, connectedMs } = session.connected ?? {
        calledMs: openedMs + lateMs,
        connectedMs: generator.now(),
      };
      ledger.connected(connectedMs, calledMs - lateMs);
      const trouble = await attend(session, ledger, index, own, ended.promise);
      if (trouble) note(trouble);
      return { trouble };
    } catch (error) {
      if (leaving.signal.aborted) {
        // It was not the server that gave up.
        ledger.close(generator.now());
        return { trouble: null };
      }
      const trouble = (error as Error).message;
      ledger.failed();
      note(trouble);
      return { trouble };
    } finally {
      open--;
    }
  }

  function lateBy(dueMs: number | null): number {
    return dueMs === null ? 0 : Math.max(0, generator.now() - dueMs);
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
    // What was measured is whole by now.
    await session.close().catch((error: Error) => note(`close: ${error.message}`));
    return trouble ?? null;
  }

  /** One step of the script, again and again where it says so: each is due when it is, whenever the one before it was called. */
  function follow(
    step: Plan["script"][number],
    session: LoadSession,
    ledger: Ledger,
    index: number,
    timers: { cancel(): void }[],
    isOver: () => boolean,
  ): void {
    let count = 0;
    let dueMs = generator.now() + step.afterSeconds * 1000;
    const wait = () => timers.push(clock.after(Math.max(0, dueMs - generator.now()), call));
    const call = () => {
      const lateMs = lateBy(dueMs);
      if (step.everySeconds !== undefined) {
        dueMs += step.everySeconds * 1000;
        wait();
      }
      const prompt = step.set.prompt?.replaceAll("{n}", String(count)).replaceAll("{session}", String(index));
      count++;
      void callSet(session, ledger, { prompt, image: step.set.image, lateMs }, isOver);
    };
    wait();
  }

  async function callSet(
    session: LoadSession,
    ledger: Ledger,
    { prompt, image, lateMs }: SetDue,
    isOver: () => boolean,
  ): Promise<void> {
    const bytes: Uint8Array | null | undefined = image ? readImage(image) : (image as null | undefined);
    const waiting = ledger.set({
      calledMs: generator.now() - lateMs,
      promptHash: prompt === undefined ? null : promptHash(prompt),
      imageHash: bytes === undefined ? null : bytes === null ? 0 : imageHash(bytes),
    });
    try {
      const { calledMs, ackedMs } = await session.set({
        ...(prompt !== undefined && { prompt }),
        ...(bytes !== undefined && { image: bytes && Buffer.from(bytes).toString("base64") }),
      });
      waiting.acked(calledMs - lateMs, ackedMs);
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
      leaving.abort();
      stopped.resolve();
    },
    get open() {
      return open;
    },
    troubles,
    transports,
  };
}

/** `lateMs`: since it was due. */
type SetDue = {
  readonly prompt: string | undefined;
  readonly image: string | null | undefined;
  readonly lateMs: number;
};

export type ShardAbout = {
  readonly generator: Generator;
  readonly clock: Clock;
  /** Its reason is a sentence. */
  readonly stopped: AbortSignal;
  progressed(progress: Progress): void;
};

/**
 * Its part of the plan's arrivals, from the start that all shards share to the end of the last session; leaves its file, once.
 * @throws Error with a sentence where a file cannot be written, before anybody comes
 */
export async function runShard(
  job: ShardJob,
  { generator, clock, stopped, progressed }: ShardAbout,
): Promise<void> {
  const { plan, index, count } = job;
  const startedMs = generator.now() + (job.startAtMs - epochMs());
  const tally = createTally({ runStartedMs: startedMs });
  tryShardFile(job.resultFile);
  const rows = job.rowsFile === null ? null : await openRows(job.rowsFile, clock);
  const sessions = createSessions({
    plan,
    target: job.target,
    generator,
    clock,
    tally,
    row: rows?.write ?? null,
  });
  const honesty = watchHonesty(clock, { stallMs: stallMsOf(1000 / clipOf(plan).fps) });
  const timers: { cancel(): void }[] = [];
  const all: Promise<unknown>[] = [];
  let ticker: { cancel(): void } | null = null;
  const tick = () => {
    progressed(progressOf(tally, sessions));
    ticker = clock.after(progressMs, tick);
  };
  const stop = Promise.withResolvers<void>();
  let patience: Promise<void> = stop.promise;
  const endNow = () => {
    sessions.stop();
    stop.resolve();
    patience = new Promise((resolve) => timers.push(clock.after(leaveMsMax, resolve)));
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
    const dueMs = startedMs + atMs;
    // Those who come together do not queue for a timer each.
    if (dueMs > generator.now()) await wait(dueMs);
    if (stopped.aborted) break;
    all.push(sessions.arrive(session, { dueMs }));
  }
  const gone = Promise.all(all);
  await Promise.race([gone, stop.promise]);
  await Promise.race([gone, patience]);
  await wait(generator.now() + drainMs);
  (ticker as { cancel(): void } | null)?.cancel();
  for (const timer of timers) timer.cancel();
  const kept = honesty.read();
  honesty.stop();
  const durationMs = Math.max(0, generator.now() - startedMs);
  const unwritten = await rows?.close();
  const shard = shardOf(job, { generator, sessions, tally, honesty: kept, durationMs });
  writeShard(job.resultFile, {
    ...shard,
    doubts: stopped.aborted ? [String(stopped.reason)] : [],
    troubles: { ...shard.troubles, ...(unwritten && { [unwritten]: 1 }) },
  });
}

type Rows = {
  write(row: FrameRow): void;
  /** Resolves with a sentence where not all of them could be written. */
  close(): Promise<string | null>;
};

/** Not all at once: it may be a pipe, whose reader comes later. @throws Error with a sentence */
async function openRows(path: string, clock: Clock): Promise<Rows> {
  const stream: WriteStream = createWriteStream(path);
  try {
    await once(stream, "open");
  } catch (error) {
    throw new Error(
      `${path} cannot be written: ${(error as Error).message}. Name a file in a folder that is there.`,
    );
  }
  // A disk that fills up spoils no measurement.
  const written = finished(stream).then(
    () => null,
    ({ message }: Error) => `${path} has not all its lines: ${message}.`,
  );
  return {
    write(row) {
      if (stream.writable) stream.write(`${JSON.stringify(row)}\n`);
    },
    async close() {
      stream.end();
      const late = Promise.withResolvers<string>();
      const timer = clock.after(linesMsMax, () => {
        late.resolve(`${path} has not all its lines: nobody took them for ${linesMsMax / 1000} s.`);
      });
      const why = await Promise.race([written, late.promise]);
      timer.cancel();
      return why;
    },
  };
}

/** What a shard leaves. */
export function shardOf(
  {
    plan,
    target,
    index,
    count,
    startAtMs,
    selfTests,
  }: Pick<ShardJob, "plan" | "target" | "index" | "count" | "startAtMs" | "selfTests">,
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
    dialects: [...dialectsOf(plan)],
    blindSpots: [...generator.blindSpots],
    shards: [honesty],
    transport: addTransports(sessions.transports),
    troubles: { ...sessions.troubles },
    selfTests: selfTests.map(plainTest),
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
  const { counts } = tally;
  return {
    sessionsOpen: sessions.open,
    sessionsOpened: counts["sessions-due"] + counts.reconnects,
    sessionsConnected: counts["sessions-connected"],
    sessionsFailed: counts["sessions-failed"],
    framesReceived: counts["frames-received"],
    framesDue: counts["frames-due"],
    framesAmiss:
      counts["frames-due"] - counts["frames-off-air"] - counts["frames-sent"] + counts["frames-late"],
    glassToGlassP50Ms: tally.glassToGlassP50Ms(),
  };
}
