/** One scenario against one client: a server of its own, the drive, then the judge. What comes of it is a verdict, never an exception. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Declaration, type MockServer, startMockServer } from "../mock-server/index.ts";
import type { Finding, Verdict } from "../reports/result.ts";
import { type Client, DriverBroken } from "./client.ts";
import type { Clock } from "./clock.ts";
import { type Recording, readRecording } from "./recording.ts";
import { setsOf } from "./requirement-sets.ts";
import { faultsOf, type Scenario, whyUnsupported } from "./scenario.ts";
import { openStage, Stuck } from "./stage.ts";

export type ScenarioRun = {
  readonly verdict: Verdict;
  readonly recording: Recording | null;
  /** What the client's driver wrote for people. */
  readonly log: readonly string[];
  /** The harness's own trouble, a sentence. */
  readonly harness: string | null;
};

export type RunAbout = {
  readonly client: Client;
  readonly seed: number;
  readonly clock: Clock;
  /** Faults that the server has beside the scenario's: a broken server. */
  readonly spoiled?: Parameters<MockServer["faults"]["add"]>[0] | undefined;
  readonly replay: string;
};

/** Behind by more, the harness cannot tell late from never. */
const lateMsMax = 2000;

export async function runScenario(scenario: Scenario, about: RunAbout): Promise<ScenarioRun> {
  const { client, seed, clock } = about;
  const startedMs = clock.now();
  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  let waitedMs = 0;
  let log: readonly string[] = [];

  function end(
    outcome: Verdict["outcome"],
    more: {
      findings?: readonly Finding[];
      why?: string;
      recording?: Recording;
      harness?: string;
    },
  ): ScenarioRun {
    lag.disable();
    const { id, does, owes, source } = scenario;
    return {
      verdict: {
        id,
        area: id.slice(0, id.indexOf("/")),
        does,
        owes,
        source,
        sets: setsOf(id),
        outcome,
        findings: more.findings ?? [],
        why: more.why ?? null,
        known: null,
        durationMs: Math.round(clock.now() - startedMs),
        waitedMs: Math.round(waitedMs),
        replay: about.replay,
      },
      recording: more.recording ?? null,
      log,
      harness: more.harness ?? null,
    };
  }

  const broken = (error: unknown, recording?: Recording) => {
    const why = `The driver of ${client.name} broke: ${(error as Error).message}`;
    return end("inconclusive", { why, harness: `${scenario.id}: ${why}`, ...(recording && { recording }) });
  };

  const defective = (part: string, error: unknown, recording: Recording) => {
    const why = `The scenario's ${part} is broken: ${(error as Error).message}`;
    log = [...log, String((error as Error).stack)];
    return end("inconclusive", { why, harness: `${scenario.id}: ${why}`, recording });
  };

  const server = await startMockServer({ port: 0, mode: "none", ...scenario.server, seed });
  try {
    const spoiledCount = about.spoiled ? server.faults.add(about.spoiled).length : 0;
    let run: Awaited<ReturnType<typeof openStage>>;
    try {
      run = await openStage({
        client,
        server,
        seed,
        clock,
        faults: (dialect) => faultsOf(scenario, dialect),
      });
    } catch (error) {
      return broken(error);
    }
    const { hello } = run.stage.client;
    const unsupported = whyUnsupported(scenario, hello);
    if (unsupported !== null) {
      const failure = await run.close().catch((error) => error);
      return failure ? broken(failure) : end("unsupported", { why: unsupported });
    }
    let stuck: string | null = null;
    let trouble: unknown = null;
    try {
      await scenario.drive(run.stage);
    } catch (error) {
      if (error instanceof Stuck) stuck = error.message;
      else trouble = error;
    }
    waitedMs = run.waitedMs;
    log = [...run.log];
    // A judge reads what is finished: what comes of closing is not the client's doing.
    const recording = run.record(stuck);
    await run.close().catch((error) => {
      trouble ??= error;
    });
    if (trouble instanceof DriverBroken) return broken(trouble, recording);
    if (trouble) return defective("drive", trouble, recording);
    const findings: Finding[] = [];
    try {
      findings.push(...scenario.judge(readRecording(recording)));
    } catch (error) {
      // A judge may miss what a drive that got stuck did not come to.
      if (stuck === null) return defective("judge", error, recording);
    }
    if (stuck !== null) {
      findings.push({ rule: "the drive goes through", expected: stuck, got: "it did not come" });
    }
    const silent = silentFaults(faultsOf(scenario, hello.dialect), server, spoiledCount);
    if (silent.length > 0) {
      return end("inconclusive", { why: `${silent.join(", ")} never fired.`, recording, findings });
    }
    if (findings.length === 0) return end("passed", { recording });
    const lateMs = lag.max / 1e6;
    if (lateMs > lateMsMax) {
      const why = `The harness was ${Math.round(lateMs)} ms behind, and cannot tell late from never. Run it again with fewer jobs.`;
      return end("inconclusive", { why, recording, findings });
    }
    return end("failed", { findings, recording });
  } finally {
    lag.disable();
    await server.close();
  }
}

/** Faults of the scenario, in its key or put there by its drive, that nobody met. */
function silentFaults(inKey: readonly Declaration[], server: MockServer, spoiledCount: number): string[] {
  const fired = new Set(
    server.journal.lines
      .filter(({ kind }) => kind === "fault-fired")
      .map(({ fields }) => String(fields.fault)),
  );
  const added = server.faults.list.slice(spoiledCount).filter((fault) => fault.fired === 0);
  return [
    ...inKey.flatMap(({ name }, index) => (fired.has(`key-${index + 1}`) ? [] : [name])),
    ...added.map(({ declaration }) => declaration.name),
  ];
}
