/**
 * A run of load from its plan to its result: the target or a mock of its own, the instrument's self-test, the shards, the server's own share.
 * It prints nothing.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { creditsPerSecond, type RemoteBudget } from "../conformance/index.ts";
import { median } from "../reports/figure.ts";
import type { RunResult } from "../reports/result.ts";
import { arrivalsOf } from "./arrivals.ts";
import { type Clock, epochMs } from "./clock.ts";
import type { Target } from "./generator.ts";
import { openGenerator } from "./generators/index.ts";
import { type MockProcess, startMockProcess } from "./mock-process.ts";
import { clipOf, dialectsOf, type Plan, secondsOf, serverArguments } from "./plan.ts";
import { type Progress, startShards } from "./run-shards.ts";
import { selfTest } from "./self-test.ts";
import type { SelfTest } from "./self-test-readings.ts";
import { readShard } from "./shard-files.ts";
import { loadResult } from "./to-result.ts";
import { startWarming } from "./warm-up.ts";

export type LoadAbout = {
  readonly plan: Plan;
  /** `null`: a mock of its own, as the plan says. */
  readonly target: Target | null;
  /** Of a target that is not this machine. */
  readonly budget: RemoteBudget | null;
  /** That the browser generator may reach besides the target's own. */
  readonly hosts: readonly string[];
  readonly shards: number;
  /** Where the instrument was tested just now; `null`: it is to be. */
  readonly selfTests: readonly SelfTest[] | null;
  readonly rowsFile: string | null;
  readonly replay: string;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  told(news: LoadNews): void;
};

export type LoadNews =
  | { readonly kind: "self-test"; readonly test: SelfTest }
  | { readonly kind: "progress"; readonly progress: Progress; readonly secondsLeft: number };

export class InstrumentBroken extends Error {
  constructor(tests: readonly SelfTest[]) {
    super(tests.flatMap(({ faults }) => faults).join("\n"));
  }
}

const reachMsMax = 10_000;
const budgetLookMs = 500;
/** Goes into the result, as a doubt. */
export const stoppedWords = "Somebody stopped the run before its plan was done.";

/** @throws InstrumentBroken when the self-test fails, and Error with a sentence where the target or a shard does */
export async function runLoad(about: LoadAbout): Promise<RunResult> {
  const { plan, target } = about;
  checkSessions(plan, about.budget);
  if (target) await reach(target);
  const selfTests = about.selfTests ?? (await testInstrument(about));
  if (about.stopped.aborted) throw new Error("The run was stopped before anything was measured.");
  if (target) return runShards({ ...about, target, selfTests }, await mockAt(target));
  const mock = await startMockProcess(serverArguments(plan));
  try {
    const { url, realtimeUrl } = mock;
    return await runShards({ ...about, target: { url, realtimeUrl, apiKey: "dct_load" }, selfTests }, mock);
  } finally {
    await mock.stop();
  }
}

type ShardsAbout = LoadAbout & { readonly target: Target; readonly selfTests: readonly SelfTest[] };

async function runShards(about: ShardsAbout, mock: Pick<MockProcess, "sessions"> | null): Promise<RunResult> {
  const { plan, target, selfTests, clock, told } = about;
  const folder = mkdtempSync(join(tmpdir(), "lucy-load-"));
  const residence = watchResidence(mock, clock);
  const warming = await startWarming(plan).catch(() => null);
  try {
    const files = Array.from({ length: about.shards }, (_, index) => join(folder, `shard-${index}.json`));
    let startAtMs = Number.POSITIVE_INFINITY;
    let spending: ReturnType<typeof watchBudget> | null = null;
    const run = startShards(
      files.map((resultFile, index) => ({
        plan,
        target,
        hosts: about.hosts,
        index,
        count: about.shards,
        selfTests,
        warmAt: warming?.target ?? null,
        resultFile,
        rowsFile: about.rowsFile === null ? null : partOf(about.rowsFile, index, about.shards),
      })),
      {
        clock,
        startAtMs: null,
        progressed(progress) {
          const seconds = (epochMs() - startAtMs) / 1000;
          told({ kind: "progress", progress, secondsLeft: Math.max(0, secondsOf(plan) - seconds) });
          spending?.saw(progress);
        },
      },
    );
    const stop = () => run.stop(stoppedWords);
    about.stopped.addEventListener("abort", stop, { once: true });
    if (about.stopped.aborted) stop();
    try {
      startAtMs = await run.begun;
      void warming?.over();
      spending = watchBudget(about.budget, { startAtMs, clock, over: run.stop });
      await run.done;
    } finally {
      spending?.stop();
      about.stopped.removeEventListener("abort", stop);
    }
    const shards = files.map(readShard);
    const result = loadResult({
      plan,
      shards,
      selfTests,
      serverMs: residence.p50sMs.length > 0 ? median(residence.p50sMs) : null,
      replay: about.replay,
    });
    rmSync(folder, { recursive: true, force: true });
    return result;
  } catch (error) {
    throw withLeft(error as Error, folder);
  } finally {
    await residence.stop();
    await warming?.over();
  }
}

/** What shards measured is not thrown away with the error that came of it. */
function withLeft(error: Error, folder: string): Error {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  if (names.length > 0) {
    return new Error(
      `${error.message}\nWhat was measured is left in ${folder}: ${names.join(", ")}. Files of all shards are added up by lucy-testkit load merge.`,
      { cause: error },
    );
  }
  rmSync(folder, { recursive: true, force: true });
  return error;
}

/** Only whom the target names: where it leads elsewhere, nobody asked for that. */
const ask = (url: string) => fetch(url, { redirect: "manual", signal: AbortSignal.timeout(reachMsMax) });

/** Before the self-test takes its seconds. @throws Error with a sentence */
export async function reach({ url }: Target): Promise<void> {
  try {
    await (await ask(url)).body?.cancel();
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    throw new Error(`${url} cannot be reached: ${cause?.message || message}. Is the server running there?`);
  }
}

/** Before every measurement, with the generator and the dialects that it takes. @throws InstrumentBroken */
export async function testInstrument({
  plan,
  clock,
  told,
  stopped,
}: Pick<LoadAbout, "plan" | "clock" | "told"> & Partial<Pick<LoadAbout, "stopped">>): Promise<SelfTest[]> {
  const generator = await openGenerator(plan.generator, clock);
  const tests: SelfTest[] = [];
  try {
    for (const dialect of dialectsOf(plan)) {
      if (stopped?.aborted) throw new Error("The run was stopped before anything was measured.");
      const test = await selfTest({ generator, dialect, codec: clipOf(plan).codec, clock });
      tests.push(test);
      told({ kind: "self-test", test });
    }
  } finally {
    await generator.close();
  }
  if (tests.some(({ faults }) => faults.length > 0)) throw new InstrumentBroken(tests);
  return tests;
}

/** @throws Error with a sentence where the plan opens more sessions than it may */
export function checkSessions(plan: Plan, budget: RemoteBudget | null): void {
  const count = [...arrivalsOf(plan)].length;
  if (budget === null || count <= budget.sessionsMax) return;
  throw new Error(
    `The plan ${plan.name} opens ${count} sessions, and the budget is ${budget.sessionsMax}. Take a smaller plan, or a larger --sessions-max.`,
  );
}

/**
 * What a run spends: looked at once a second by whoever runs it, so that a shard that says nothing any more costs what it cost before.
 * `over` is called once, with a sentence that says why.
 */
export function watchBudget(
  budget: RemoteBudget | null,
  { startAtMs, clock, over }: { readonly startAtMs: number; readonly clock: Clock; over(why: string): void },
) {
  let credits = 0;
  let open = 0;
  let sessions = 0;
  let lookedMs = clock.now();
  const startMs = clock.now() + (startAtMs - epochMs());
  let timer: { cancel(): void } | null = null;
  const look = () => {
    const now = clock.now();
    credits += (open * creditsPerSecond * (now - lookedMs)) / 1000;
    lookedMs = now;
    const sentence = overspent(budget, { sessions, seconds: (now - startMs) / 1000, credits });
    if (sentence === null) timer = clock.after(budgetLookMs, look);
    else over(sentence);
  };
  if (budget) look();
  return {
    saw({ sessionsOpen, sessionsOpened }: Progress): void {
      open = sessionsOpen;
      sessions = sessionsOpened;
    },
    stop: () => timer?.cancel(),
  };
}

/** Where shard `index` writes its rows. */
export function partOf(file: string, index: number, count: number): string {
  return count === 1 ? file : file.replace(/([.]\w+)?$/, `.${index}$1`);
}

/** Why a run has to end, or `null`. */
export function overspent(
  budget: RemoteBudget | null,
  { sessions = 0, seconds, credits }: { sessions?: number; seconds: number; credits: number },
): string | null {
  if (budget === null) return null;
  if (sessions > budget.sessionsMax)
    return `More sessions were opened than the budget of ${budget.sessionsMax}, ${sessions} with those that reconnecting opened, and the run was stopped there.`;
  if (seconds >= budget.secondsMax)
    return `The budget of ${budget.secondsMax} seconds was spent, and the run was stopped there.`;
  if (credits >= budget.creditsMax)
    return `The budget of ${budget.creditsMax} credits was spent (reckoned at ${creditsPerSecond} a second of a session), and the run was stopped there.`;
  return null;
}

/** The mock that answers at this address, where it is one. */
async function mockAt({ url }: Target): Promise<Pick<MockProcess, "sessions"> | null> {
  try {
    const response = await ask(`${url}/_lucy/health`);
    await response.text();
    if (!response.ok) return null;
  } catch {
    return null;
  }
  return { sessions: async () => (await ask(`${url}/_lucy/sessions`)).json() };
}

const residenceMs = 1000;

/** How long pictures stay in the server, as it says itself: the last median of each session. */
function watchResidence(mock: Pick<MockProcess, "sessions"> | null, clock: Clock) {
  const latest = new Map<string, number>();
  let timer: { cancel(): void } | null = null;
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    try {
      for (const { id, media } of await mock!.sessions()) {
        if (media && media.picturesOut > 0) latest.set(id, media.residenceP50Ms);
      }
    } catch {
      // It is busy, or gone: the run itself will say so.
    }
  };
  let isOver = false;
  const next = () => {
    // One that hangs is not asked again meanwhile.
    looking = look().then(() => {
      if (!isOver) timer = clock.after(residenceMs, next);
    });
  };
  if (mock) next();
  return {
    get p50sMs() {
      return [...latest.values()];
    },
    async stop() {
      isOver = true;
      timer?.cancel();
      await looking;
    },
  };
}
