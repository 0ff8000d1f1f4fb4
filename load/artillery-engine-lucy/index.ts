/**
 * Artillery's engine for Lucy: a virtual user is a session, and what it measures comes into Artillery's report. It knows no media: one process of
 * lucy-testkit beside each of Artillery's workers opens the sessions. It is compiled into one file, so it may import nothing that is large.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import type { FromCommanded, ToCommanded } from "../commanded-shard.ts";
import { countNames } from "../measurement.ts";

/** Artillery's, as far as it is used here. */
export type Script = {
  readonly config: {
    readonly target?: unknown;
    readonly engines?: { readonly lucy?: unknown };
    /** A worker's have its number, from 1; before and after hooks run where there are no workers. */
    readonly phases?: readonly { readonly worker?: number; readonly totalWorkers?: number }[];
  };
  readonly scenarios?: readonly Scenario[];
};
export type Scenario = { readonly engine?: string; readonly flow?: unknown };
export type Events = {
  emit(name: string, ...values: readonly unknown[]): unknown;
  once(name: string, listener: () => void): unknown;
};
type Context = { readonly vars?: object };
type Callback = (error: Error | null, context: Context) => void;

/** As `lucy-testkit load` ends where nobody can tell, and where nothing could be measured. */
const inconclusive = 2;
const harness = 3;

export default class LucyEngine {
  readonly #script: Script;
  readonly #runEvents: Events;
  readonly #template: (value: unknown, context: Context) => unknown;
  readonly #process: () => string;
  readonly #waiting = new Map<number, (trouble: string | null) => void>();
  readonly #worker: number;
  readonly #workerCount: number;
  #starting: Promise<ChildProcess> | null = null;
  #events: Events | null = null;
  #arrivedCount = 0;

  /** `processFile` is given by tests only. */
  constructor(
    script: Script,
    runEvents: Events,
    { template }: { template(value: unknown, context: Context): unknown },
    processFile?: string,
  ) {
    this.#script = script;
    this.#runEvents = runEvents;
    this.#template = template;
    this.#process = () => processFile ?? findProcess();
    const [phase] = script.config.phases ?? [];
    this.#worker = phase?.worker ?? 0;
    this.#workerCount = phase?.totalWorkers ?? 1;
  }

  /** Artillery waits for it before a phase begins: the self-test takes some seconds. */
  async init(): Promise<void> {
    // What is wrong every virtual user says, so that it is counted: an engine that throws here leaves other workers waiting for ever.
    if (this.#worker > 0) await this.#start().catch(() => {});
  }

  createScenario({ flow }: Scenario, events: Events) {
    if (this.#events === null) {
      // A threshold on what was never counted fails: nothing has to be a number.
      for (const name of countNames) events.emit("counter", metricOf(name), 0);
      events.emit("counter", "lucy.doubts", 0);
    }
    this.#events = events;
    return (context: Context, callback: Callback): void => {
      events.emit("started");
      const index = Math.max(0, this.#worker - 1) + this.#workerCount * this.#arrivedCount++;
      const left = (trouble: string | null) => {
        this.#waiting.delete(index);
        if (trouble !== null) events.emit("error", trouble);
        callback(trouble === null ? null : new Error(trouble), context);
      };
      this.#waiting.set(index, left);
      this.#start().then(
        (child) => tell(child, { kind: "arrive", index, flow: this.#template(flow, context) }),
        ({ message }: Error) => left(message),
      );
    };
  }

  #start(): Promise<ChildProcess> {
    if (this.#starting) return this.#starting;
    this.#starting = this.#open();
    this.#starting.catch(({ message }: Error) => {
      console.error(`artillery-engine-lucy: ${message}`);
      suggestExitCode(harness);
    });
    return this.#starting;
  }

  async #open(): Promise<ChildProcess> {
    const child = fork(this.#process(), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const ready = Promise.withResolvers<ChildProcess>();
    child.on("message", (message: FromCommanded) => {
      if (message.kind === "ready") ready.resolve(child);
      else if (message.kind === "refused") ready.reject(new Error(message.why));
      else this.#hear(message);
    });
    child.once("error", ready.reject);
    child.once("exit", (code, signal) => {
      const why = `The process that opens sessions ended with ${signal ?? `code ${code}`}.`;
      ready.reject(new Error(why));
      if (this.#waiting.size === 0) return;
      suggestExitCode(harness);
      for (const left of [...this.#waiting.values()]) left(why);
    });
    // It is gone when this worker is; here is where the run itself is over.
    this.#runEvents.once("done", () => child.connected && child.disconnect());
    const { config, scenarios = [] } = this.#script;
    tell(child, {
      kind: "begin",
      job: {
        settings: config.engines?.lucy,
        target: config.target,
        flows: scenarios.filter(({ engine }) => engine === "lucy").map(({ flow }) => flow),
        index: Math.max(0, this.#worker - 1),
        count: this.#workerCount,
        // Of Artillery's process: all its workers share it.
        startAtMs: performance.timeOrigin,
      },
    });
    return ready.promise;
  }

  #hear(message: Exclude<FromCommanded, { kind: "ready" | "refused" }>): void {
    if (message.kind === "left") return this.#waiting.get(message.index)?.(message.trouble);
    if (message.kind === "doubted") {
      for (const sentence of message.why) console.error(`artillery-engine-lucy: ${sentence}`);
      this.#events?.emit("counter", "lucy.doubts", message.count);
      suggestExitCode(inconclusive);
      return;
    }
    for (const [name, by] of Object.entries(message.counts)) {
      this.#events?.emit("counter", metricOf(name), by);
    }
    for (const [name, values] of Object.entries(message.times)) {
      const metric = name === "fps" ? metricOf(name) : `${metricOf(name)}_ms`;
      for (const value of values) this.#events?.emit("histogram", metric, value);
    }
  }
}

/** As Artillery writes names. */
function metricOf(name: string): string {
  return `lucy.${name.replaceAll("-", "_")}`;
}

function findProcess(): string {
  try {
    return createRequire(import.meta.url).resolve("lucy-testkit/commanded-shard");
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`lucy-testkit is not beside artillery-engine-lucy: npm install lucy-testkit. ${message}`);
  }
}

/** It may be gone. */
function tell(child: ChildProcess, message: ToCommanded): void {
  if (child.connected) child.send(message, () => {});
}

/** Artillery's own is 0, however many users failed; a threshold that did not hold makes it 1. */
function suggestExitCode(code: number): void {
  const { artillery } = globalThis as { artillery?: { suggestedExitCode?: number } };
  if (artillery) artillery.suggestedExitCode = Math.max(artillery.suggestedExitCode ?? 0, code);
}
