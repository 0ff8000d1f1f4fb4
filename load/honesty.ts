/**
 * Whether the generator, and the machine under it, kept up: a generator that falls behind measures itself, and its numbers are nobody's
 * fault. What is watched is judged by `doubts`, which is pure.
 */
import { availableParallelism, cpus } from "node:os";
import { performance } from "node:perf_hooks";
import type { Clock } from "./clock.ts";

/** Of one process that generated, over the time it did. */
export type Honesty = {
  /** Share of the time in which the event loop stood still for longer than `stallMs` at once. 0…1. */
  readonly eventLoopStalled: number;
  /** How late a timer ran at worst. */
  readonly eventLoopLagMaxMs: number;
  /** Share of the time in which the event loop had work, so that nothing else could be sent or read. 0…1. */
  readonly eventLoopBusy: number;
  /** CPU of the process with all its threads, which decode too: what the sessions cost. 1 is one core, all the time. */
  readonly cpuCores: number;
  /** Share of all cores of the machine that was busy, whoever with. 0…1. */
  readonly machineBusy: number;
  readonly rssMegabytes: number;
};

/** A timer wakes this often to see how late it is. */
const wakeMs = 5;

export type HonestyWatch = {
  /** From the start, or from the last `restart`, until now. */
  read(): Honesty;
  /** Forget what was: it was not part of the measurement. */
  restart(): void;
  stop(): void;
};

/**
 * Each stall counts with its length: one of a second is one timer of hundreds, which no percentile of timers shows, and yet all that came
 * meanwhile was read late.
 */
export function watchHonesty(clock: Clock, { stallMs }: { readonly stallMs: number }): HonestyWatch {
  let stalledMs = 0;
  let lagMaxMs = 0;
  let dueMs = clock.now();
  let startedMs = clock.now();
  let loop = performance.eventLoopUtilization();
  let cpu = process.cpuUsage();
  let machine = machineTimes();
  let timer: { cancel(): void };
  const look = () => {
    const now = clock.now();
    // What was before `restart` is not ours, though it ended just now.
    const lateMs = now - Math.max(dueMs, startedMs);
    if (lateMs > stallMs) stalledMs += lateMs;
    lagMaxMs = Math.max(lagMaxMs, lateMs);
    return now;
  };
  const wake = () => {
    dueMs = look() + wakeMs;
    timer = clock.after(wakeMs, wake);
  };
  wake();
  return {
    read() {
      // A stall that this call ends has had no timer yet.
      dueMs = Math.max(dueMs, look());
      const used = process.cpuUsage(cpu);
      const now = machineTimes();
      const all = now.all - machine.all;
      const wallMs = Math.max(1, clock.now() - startedMs);
      return {
        eventLoopStalled: Math.min(1, stalledMs / wallMs),
        eventLoopLagMaxMs: lagMaxMs,
        eventLoopBusy: performance.eventLoopUtilization(loop).utilization,
        cpuCores: (used.user + used.system) / 1000 / wallMs,
        machineBusy: all > 0 ? (now.busy - machine.busy) / all : 0,
        rssMegabytes: process.memoryUsage.rss() / 1e6,
      };
    },
    restart() {
      stalledMs = 0;
      lagMaxMs = 0;
      startedMs = clock.now();
      loop = performance.eventLoopUtilization();
      cpu = process.cpuUsage();
      machine = machineTimes();
    },
    stop: () => timer.cancel(),
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

/** Half the time between two pictures: a loop that stands still for longer reads even a timely picture late. */
export function stallMsOf(frameMs: number): number {
  return frameMs / 2;
}

/** Past these the numbers are not believed. */
export const bounds = {
  /** Shares of the pictures whose turn came. */
  unsentMax: 0.005,
  lateMax: 0.02,
  /**
   * Shares of the sessions that came more than a picture's time late. Fewer make the times of some longer, never shorter, and are what slow sessions
   * are; from here on they are in p90, the furthest that a run of tens of sessions can tell.
   */
  sessionsLateMax: 0.1,
  /**
   * Of the time. Of what comes in a stall twice as long as is allowed half is read late by half a picture's time and more: that is one picture in a
   * hundred, where p99 begins to be the generator's.
   */
  stalledMax: 0.02,
  /** Of the time of the one thread that sends and reads. With less than a tenth left, what comes together has to queue. */
  loopBusyMax: 0.9,
  /** Of all cores. A judgement: with so little left, whoever wants a core waits for it, and that wait is in everybody's times. */
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
  readonly sessionsDue: number;
  /** Where the schedule is ours: who is told when to come does not know whether that was late. */
  readonly sessionsLate: number;
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
  sessionsDue,
  sessionsLate,
  frameMs,
  isNode,
}: Generated): readonly string[] {
  const cores = availableParallelism();
  const more = isNode ? "Take more shards, fewer sessions, or a machine of its own." : "Take fewer sessions.";
  const unsent = framesDue > 0 ? (framesDue - framesOffAir - framesSent) / framesDue : 0;
  const late = framesDue > 0 ? framesLate / framesDue : 0;
  const cameLate = sessionsDue > 0 ? sessionsLate / sessionsDue : 0;
  const stalled = Math.max(0, ...shards.map(({ eventLoopStalled }) => eventLoopStalled));
  const lagMaxMs = Math.max(0, ...shards.map(({ eventLoopLagMaxMs }) => eventLoopLagMaxMs));
  const loopBusy = Math.max(0, ...shards.map(({ eventLoopBusy }) => eventLoopBusy));
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
  if (cameLate > bounds.sessionsLateMax) {
    found.push(
      `${percent(cameLate)} of the sessions came more than one picture's time after they were due (at most ${percent(bounds.sessionsLateMax)}). ${more}`,
    );
  }
  // A page of a browser times what it sends and gets itself: to stall, it would have to come too late to its camera.
  if (isNode && stalled > bounds.stalledMax) {
    found.push(
      `The generator's event loop stood still for ${percent(stalled)} of the time, more than ${stallMsOf(frameMs).toFixed(1)} ms at once and up to ${lagMaxMs.toFixed(0)} (at most ${percent(bounds.stalledMax)}). ${more}`,
    );
  }
  if (isNode && loopBusy > bounds.loopBusyMax) {
    found.push(
      `The thread that sends and reads was busy for ${percent(loopBusy)} of the time (at most ${percent(bounds.loopBusyMax)}). ${more}`,
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
