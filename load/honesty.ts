/**
 * Whether the generator, and the machine under it, kept up: a generator that falls behind measures itself, and its numbers are nobody's
 * fault. What is watched is judged by `doubts`, which is pure.
 */
import { availableParallelism, cpus } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "./clock.ts";

/** Of one process that generated, over the time it did. */
export type Honesty = {
  /** How late timers ran, 99 of 100 of them at most. */
  readonly eventLoopLagP99Ms: number;
  readonly eventLoopLagMaxMs: number;
  /** CPU of the process: 1 is one core, all the time. */
  readonly cpuCores: number;
  /** Share of all cores of the machine that was busy, whoever with. 0…1. */
  readonly machineBusy: number;
  readonly rssMegabytes: number;
};

/** Timers wake this often to see how late they are. */
const resolutionMs = 5;

export type HonestyWatch = {
  /** From the start, or from the last `restart`, until now. */
  read(): Honesty;
  /** Forget what was: it was not part of the measurement. */
  restart(): void;
  stop(): void;
};

export function watchHonesty(clock: Clock): HonestyWatch {
  const lag = monitorEventLoopDelay({ resolution: resolutionMs });
  lag.enable();
  let startedMs = clock.now();
  let cpu = process.cpuUsage();
  let machine = machineTimes();
  return {
    read() {
      const used = process.cpuUsage(cpu);
      const now = machineTimes();
      const all = now.all - machine.all;
      // It counts from one wake-up to the next; nanoseconds.
      const late = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);
      return {
        eventLoopLagP99Ms: lag.count > 0 ? late(lag.percentile(99)) : 0,
        eventLoopLagMaxMs: lag.count > 0 ? late(lag.max) : 0,
        cpuCores: (used.user + used.system) / 1000 / Math.max(1, clock.now() - startedMs),
        machineBusy: all > 0 ? (now.busy - machine.busy) / all : 0,
        rssMegabytes: process.memoryUsage.rss() / 1e6,
      };
    },
    restart() {
      lag.reset();
      startedMs = clock.now();
      cpu = process.cpuUsage();
      machine = machineTimes();
    },
    stop: () => lag.disable(),
  };
}

function machineTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busy, all };
}

/** Past these the numbers are not believed. */
export const bounds = {
  /** Shares of the pictures whose turn came. */
  unsentMax: 0.005,
  lateMax: 0.02,
  /** Of the time between two pictures: then even a timely picture may have been read late. */
  lagMax: 0.5,
  /** One process has one thread that sends. */
  cpuCoresMax: 0.9,
  machineBusyMax: 0.97,
} as const;

export type Generated = {
  /** One a process. */
  readonly shards: readonly Honesty[];
  readonly framesDue: number;
  /** Turns that passed while there was no connection. */
  readonly framesOffAir: number;
  readonly framesSent: number;
  readonly framesLate: number;
  /** Between two pictures of the slowest camera. */
  readonly frameMs: number;
  /** Processes that share the work, and whether more of them would help. */
  readonly isNode: boolean;
};

/** Why this measurement is not to be believed, each a sentence with what to do; none where it is. */
export function doubts({
  shards,
  framesDue,
  framesOffAir,
  framesSent,
  framesLate,
  frameMs,
  isNode,
}: Generated): readonly string[] {
  const cores = availableParallelism();
  const more = isNode ? "Take more shards, fewer sessions, or a machine of its own." : "Take fewer sessions.";
  const unsent = framesDue > 0 ? (framesDue - framesOffAir - framesSent) / framesDue : 0;
  const late = framesDue > 0 ? framesLate / framesDue : 0;
  const lagMs = Math.max(0, ...shards.map(({ eventLoopLagP99Ms }) => eventLoopLagP99Ms));
  const cpuCores = Math.max(0, ...shards.map(({ cpuCores }) => cpuCores));
  const machineBusy = Math.max(0, ...shards.map((shard) => shard.machineBusy));
  const found: string[] = [];
  if (unsent > bounds.unsentMax) {
    found.push(
      `The generator did not send ${percent(unsent)} of the pictures whose turn came (at most ${percent(bounds.unsentMax)}). ${more}`,
    );
  }
  if (late > bounds.lateMax) {
    found.push(
      `The generator sent ${percent(late)} of its pictures more than one picture's time late (at most ${percent(bounds.lateMax)}). ${more}`,
    );
  }
  if (lagMs > bounds.lagMax * frameMs) {
    found.push(
      `The generator's event loop was up to ${lagMs.toFixed(1)} ms late (p99; at most ${(bounds.lagMax * frameMs).toFixed(1)} ms, half a picture's time). ${more}`,
    );
  }
  if (isNode && cpuCores > bounds.cpuCoresMax) {
    found.push(
      `A generating process used ${percent(cpuCores)} of the one core it can use (at most ${percent(bounds.cpuCoresMax)}). ${more}`,
    );
  }
  if (machineBusy > bounds.machineBusyMax) {
    found.push(
      `The machine's ${cores} cores were ${percent(machineBusy)} busy (at most ${percent(bounds.machineBusyMax)}): nobody can tell whose time it was. Stop what else runs, take fewer sessions, or put the target on another machine.`,
    );
  }
  return found;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
