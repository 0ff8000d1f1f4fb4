/**
 * The same scenarios against the mock server and against a real endpoint, side by side: what differs is where the mock is not faithful. Only
 * what a client sees is compared; an endpoint has no journal, and may paint over the strips.
 */
import { type MockServerOptions, startMockServer } from "../mock-server/index.ts";
import type { Finding, Verdict } from "../reports/result.ts";
import { type Client, DriverBroken } from "./client.ts";
import type { Clock } from "./clock.ts";
import { type Recording, readRecording } from "./recording.ts";
import { type Endpoint, type Guard, RemoteRefused } from "./remote-guard.ts";
import { setsOf } from "./requirement-sets.ts";
import { faultsOf, type Scenario, whyUnsupported } from "./scenario.ts";
import { openStage, Stuck } from "./stage.ts";

export type FidelityAbout = {
  readonly client: Client;
  readonly endpoint: Endpoint;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly seed: number;
};

/** Whether a scenario can be had without a mock: no faults, and no options but pictures. */
export function isPlain(scenario: Scenario): boolean {
  const { mode: _mode, ...others } = scenario.server ?? {};
  return (
    Object.keys(others).length === 0 &&
    faultsOf(scenario, "direct").length + faultsOf(scenario, "livekit").length === 0
  );
}

/**
 * A verdict for each plain scenario: passed where both look alike, failed where they differ. Once the budget is spent the rest is inconclusive.
 * `harness`: trouble of the harness's own, a sentence each.
 */
export async function compareWith(
  scenarios: readonly Scenario[],
  about: FidelityAbout,
): Promise<{ verdicts: Verdict[]; harness: string[] }> {
  const verdicts: Verdict[] = [];
  const harness: string[] = [];
  for (const scenario of scenarios.filter(isPlain)) {
    const startedMs = about.clock.now();
    const { id, does, owes, source } = scenario;
    const end = (outcome: Verdict["outcome"], why: string | null, findings: readonly Finding[] = []) =>
      verdicts.push({
        id,
        area: id.slice(0, id.indexOf("/")),
        does,
        owes,
        source,
        sets: setsOf(id),
        outcome,
        why,
        findings,
        known: null,
        durationMs: Math.round(about.clock.now() - startedMs),
        waitedMs: 0,
        replay: `npx lucy-testkit conformance --client ${about.client.name} --only ${id} --endpoint …`,
      });
    try {
      // Sessions of an endpoint cost: pictures are asked for as the scenario does, and the mock shows them always.
      const mock = await record(scenario, about, undefined);
      if (mock.unsupported !== null) end("unsupported", mock.unsupported);
      else if (mock.isBoundToMock) end("unsupported", "It reads the mock's journal, or drives its clock.");
      else {
        const close = about.guard.open();
        const real = await record(scenario, about, about.endpoint).finally(close);
        const findings = differences(mock.recording, real.recording, scenario.needs.includes("frames"));
        end(findings.length > 0 ? "failed" : "passed", null, findings);
      }
    } catch (error) {
      // What was paid for is told.
      if (error instanceof RemoteRefused) end("inconclusive", error.message);
      else if (error instanceof DriverBroken) {
        const why = `The driver of ${about.client.name} broke: ${error.message}`;
        end("inconclusive", why);
        harness.push(`${id}: ${why}`);
      } else throw error;
    }
  }
  return { verdicts, harness };
}

async function record(
  scenario: Scenario,
  { client, clock, seed }: FidelityAbout,
  endpoint: Endpoint | undefined,
): Promise<{ recording: Recording; isBoundToMock: boolean; unsupported: string | null }> {
  const options: Partial<MockServerOptions> = { port: 0, seed, ...scenario.server, mode: "transcode" };
  const server = await startMockServer(options);
  try {
    const run = await openStage({ client, server, seed, clock, faults: () => [], endpoint });
    try {
      const unsupported = whyUnsupported(scenario, run.stage.client.hello);
      let stuck: string | null = null;
      if (unsupported === null) {
        await scenario.drive(run.stage).catch((error) => {
          if (!(error instanceof Stuck)) throw error;
          stuck = error.message;
        });
      }
      return { recording: run.record(stuck), isBoundToMock: run.isBoundToMock, unsupported };
    } finally {
      await run.close();
    }
  } finally {
    await server.close();
  }
}

/** What a client saw, in words: how its calls ended, what it said, whether pictures came where they were waited for. */
export function seenBy(recording: Recording, hasPictures: boolean): Record<string, string> {
  const { calls, events } = readRecording(recording);
  const actors = [...new Set(calls.map(({ actor }) => actor))];
  const said = (actor: string, name: string) =>
    events.filter((one) => one.actor === actor && one.event === name);
  return Object.fromEntries([
    ["the drive", recording.stuck === null ? "went through" : `got stuck waiting for ${recording.stuck}`],
    ...calls.map(({ actor, verb, ended }, n) => {
      const end = ended === null ? "did not end" : ended.ok ? "resolved" : `rejected: ${ended.error}`;
      return [`call ${n + 1}, ${actor}'s ${verb}`, end];
    }),
    ...actors.flatMap((actor) => [
      [`states of ${actor}`, lasting(said(actor, "state").map((one) => String(Reflect.get(one, "state"))))],
      [
        `errors of ${actor}`,
        said(actor, "error")
          .map((one) => String(Reflect.get(one, "message")))
          .join(" | "),
      ],
      ...(hasPictures ? [[`pictures of ${actor}`, said(actor, "frame").length > 0 ? "come" : "none"]] : []),
    ]),
  ]);
}

/** `generating` comes when it comes: what else was said, in order. */
function lasting(states: readonly string[]): string {
  return states.filter((state, n) => state !== "generating" && state !== states[n - 1]).join(", ");
}

export function differences(mock: Recording, real: Recording, hasPictures: boolean): Finding[] {
  const [ours, theirs] = [seenBy(mock, hasPictures), seenBy(real, hasPictures)];
  return Object.keys({ ...ours, ...theirs })
    .filter((what) => ours[what] !== theirs[what])
    .map((what) => ({
      rule: `${what}: the mock and the endpoint look alike`,
      expected: `the endpoint: ${theirs[what] ?? "nothing"}`,
      got: `the mock: ${ours[what] ?? "nothing"}`,
    }));
}
