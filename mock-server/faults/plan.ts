/**
 * The faults of one connection: which are awake, and what passes them. The envelope of every fault is here, and none of what a fault does.
 * It counts items and moments; time is only what a declaration says in milliseconds.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Dice } from "../dice.ts";
import {
  type Amount,
  type Channel,
  channels,
  type Declared,
  type Gate,
  type Items,
  type Lines,
} from "./fault.ts";
import { type Moment, readMoment } from "./moments.ts";

export type FaultReport = { readonly id: string; readonly fired: number; readonly healed: boolean };

export type Plan = {
  /** Whether everything on this channel passes as it is: who makes an item for each packet asks first. */
  isIdle(channel: Channel): boolean;
  /** `deliver` gets what becomes of the item: at once, later, twice or never. */
  pass<C extends Channel>(channel: C, item: Items[C], deliver: (item: Items[C]) => void): void;
  /** `n` where the protocol numbers the moment; else it is counted. */
  reach(moment: Moment, n?: number): void;
  /** The highest ordinal each moment has come with. */
  readonly reached: ReadonlyMap<Moment, number>;
  /** Called when a moment has come, after the faults that waited for it. Call the result to stop. */
  follow(read: (moment: Moment, n: number) => void): () => void;
  /** A line that faults can strike, for as long as it stands; call the result when it is gone. */
  attach<C extends Channel>(channel: C, line: Lines[C]): () => void;
  add(declared: readonly Declared[]): void;
  /** Whether there was one of this id. */
  heal(id: string): boolean;
  readonly faults: readonly FaultReport[];
  /** The connection is over: nothing is held, spoiled or given out any more. Idempotent. */
  end(): void;
};

export type PlanAbout = {
  readonly clock: Clock;
  readonly dice: Dice;
  /** A line of the journal, under this connection. */
  note(kind: string, fields: Record<string, unknown>, measured?: boolean): void;
  /** A fault has fired: each time, where the journal has the first ones only. */
  fired?(name: string, id: string): void;
  /** Called once, when the plan has ended. */
  ended?(): void;
};

/** Lines of the journal that one fault may take: one that fires for each packet would fill it. */
const notedMax = 100;
/** Streams that one fault counts apart. A sender that goes on making new ones is counted together. */
const streamsMax = 64;
/** What may become of one item. Faults that copy multiply: four with 20 copies each would make 194,481. */
const copiesMax = 1000;

/** One fault as it meets one stream. */
type Meeting = {
  readonly gate: Gate<Channel>;
  readonly dice: Dice;
  /** What the stream is of: `video`. */
  readonly of: string;
  waited: number;
  during: number;
};

/** What becomes of an item at one fault. */
type Met = { readonly meeting: Meeting; readonly how: "takes" | "passes" | "strikes" };

/** One item on its way, with all its copies. */
type Way = { copies: number };

type Active = {
  readonly declared: Declared;
  readonly moment: ReturnType<typeof readMoment>;
  readonly meetings: Map<string, Meeting>;
  /** Its moment has come, and the time it waits afterwards is over. */
  awake: boolean;
  /** A strike that found no line. */
  owes: boolean;
  fired: number;
  healed: boolean;
  /** The journal knows that it made too many copies. */
  hasOverflowed: boolean;
  readonly timers: Set<Timer>;
};

export function createPlan({ clock, dice, note, fired: tell, ended: over }: PlanAbout): Plan {
  const all: Active[] = [];
  /** Replaced, never changed: an item on its way goes on along the list it began with. */
  const active = onEach<readonly Active[]>(() => []);
  const lines = onEach(() => new Set<unknown>());
  const reached = new Map<Moment, number>();
  const readers = new Set<(moment: Moment, n: number) => void>();
  let ended = false;

  function passFrom(
    list: readonly Active[],
    from: number,
    item: AnyItem,
    deliver: (item: AnyItem) => void,
    way: Way,
  ): void {
    for (let index = from; index < list.length; index++) {
      const fault = list[index]!;
      if (!concerns(fault.declared, item)) continue;
      const met = meet(fault, item);
      if (!met) continue;
      const letOn = (out: AnyItem) => {
        if (!ended) passFrom(list, index + 1, out, deliver, way);
      };
      if (met.how === "takes") return take(fault, met.meeting, item, letOn, way);
      // First it goes by, so that what the fault then gives out, or does to the line, comes after it.
      letOn(item);
      if (met.how === "strikes") return strike(fault);
      guard(fault, () => met.meeting.gate.passed?.(item));
      if (isOver(fault, met.meeting)) healActive(fault, "for");
      return;
    }
    deliver(item);
  }

  function take(
    fault: Active,
    meeting: Meeting,
    item: AnyItem,
    letOn: (item: AnyItem) => void,
    way: Way,
  ): void {
    const { gate } = meeting;
    let isTaking = true;
    let count = 0;
    let thrown: { readonly error: unknown } | null = null;
    const next = (out: AnyItem) => {
      if (count++ > 0 && !mayCopy(fault, way)) return;
      try {
        letOn(out);
      } catch (error) {
        // Whoever sent the item hears of it, as if there were no fault. Later there is nobody but a timer.
        if (isTaking) thrown ??= { error };
        else noteDefect(fault, error);
      }
    };
    let took = false;
    try {
      took = gate.take!(item, next, lines[fault.declared.place.channel] as never) !== false;
    } catch (error) {
      noteDefect(fault, error);
      if (count === 0) next(item);
    }
    isTaking = false;
    if (took) countFired(fault, gate, item.kind);
    if (isOver(fault, meeting)) healActive(fault, "for");
    if (thrown !== null) throw (thrown as { error: unknown }).error;
  }

  function mayCopy(fault: Active, way: Way): boolean {
    if (++way.copies <= copiesMax) return true;
    // The faults before it are then refused as well: one line is enough for the item.
    if (way.copies > copiesMax + 1 || fault.hasOverflowed) return false;
    fault.hasOverflowed = true;
    note("fault-overflow", { ...namesOf(fault), copiesMax });
    return false;
  }

  function noteDefect({ declared }: Active, error: unknown): void {
    note("defect", { fault: declared.id, error: (error as Error).stack });
  }

  function guard(fault: Active, run: () => void): void {
    try {
      run();
    } catch (error) {
      noteDefect(fault, error);
    }
  }

  /** The gate that gets this item, or by which it passes; `null` where the fault sleeps or waits. */
  function meet(fault: Active, item: AnyItem): Met | null {
    if (!fault.awake || fault.healed) return null;
    const { after, for: span, chance } = fault.declared;
    const met = meetingOf(fault, item.stream ?? "", item.kind);
    const strikes = !met.gate.take && met.gate.strike !== undefined;
    // A line has no streams: what passes on it is counted together.
    const meeting = strikes ? meetingOf(fault, "") : met;
    if (after && waitedFor(fault, meeting, item) < sizeOf(after)) {
      meeting.waited += amountOf(after, item);
      return strikes && meeting.waited >= sizeOf(after) ? { meeting, how: "strikes" } : null;
    }
    if (span) meeting.during += amountOf(span, item);
    const passes =
      !meeting.gate.take ||
      isSpent(fault, meeting.gate) ||
      (chance !== null && meeting.dice.next() >= chance);
    return { meeting, how: passes ? "passes" : "takes" };
  }

  /** Sound has no pictures to count: it waits for those that come beside it. */
  function waitedFor({ declared, meetings }: Active, { waited }: Meeting, { kind }: AnyItem): number {
    if (declared.after?.frames === undefined || (kind !== "sound" && kind !== "audio")) return waited;
    return Math.max(...[...meetings.values()].map((meeting) => meeting.waited));
  }

  function meetingOf(fault: Active, stream: string, of = ""): Meeting {
    const known = fault.meetings.get(stream);
    if (known) return known;
    if (fault.meetings.size >= streamsMax) return [...fault.meetings.values()].at(-1)!;
    const { id, settings, fault: kind } = fault.declared;
    const own = dice.split(`${id}/${kind.name}/${nameOf(fault, stream, of)}`);
    const tools = { clock, dice: own.split("gate"), note: noteOf(fault) };
    const gate = kind.open(settings as never, tools) as Gate<Channel>;
    const meeting = { gate, dice: own, of, waited: 0, during: 0 };
    fault.meetings.set(stream, meeting);
    return meeting;
  }

  function isOver({ declared }: Active, { during }: Meeting): boolean {
    const span = declared.for;
    return span !== null && span.ms === undefined && during >= sizeOf(span);
  }

  /** What is held by several would not tell in the journal whose it is. */
  function noteOf(fault: Active): PlanAbout["note"] {
    return (kind, fields, measured) =>
      note(kind, kind === "fault-overflow" ? { ...namesOf(fault), ...fields } : fields, measured);
  }

  function countFired(fault: Active, gate: Gate<Channel>, on: string): void {
    fault.fired++;
    const { id, place, fault: kind } = fault.declared;
    tell?.(kind.name, id);
    const isMedia = place.channel === "media" || place.channel === "ice";
    if (fault.fired <= (isMedia ? 1 : notedMax)) {
      note("fault-fired", { ...namesOf(fault), on, ...(fault.fired > 1 && { time: fault.fired }) });
    }
    if (isSpent(fault, gate)) leaveSpent(fault, gate);
  }

  /** It has fired as often as it may, and sleeps. */
  function isSpent({ declared, fired }: Active, gate: Gate<Channel>): boolean {
    return fired >= (declared.times ?? (gate.strike && !gate.take ? 1 : Infinity));
  }

  /** Nothing has to pass it any more, unless it has something to give out or to undo, or its end is counted by what passes. */
  function leaveSpent(fault: Active, gate: Gate<Channel>): void {
    const { for: span } = fault.declared;
    if (!gate.heal && !gate.passed && (span === null || span.ms !== undefined)) leave(fault);
  }

  function leave(fault: Active): void {
    const { channel } = fault.declared.place;
    active[channel] = active[channel].filter((other) => other !== fault);
  }

  /** Its moment has come: it wakes now, or when it has waited. */
  function wake(fault: Active): void {
    const { after, times } = fault.declared;
    if (fault.healed || (times !== null && fault.fired >= times)) return;
    if (after?.ms === undefined) return open(fault);
    later(fault, after.ms, () => open(fault));
  }

  /** A fault's own moment has come before it was added. One that the declaration names is waited for. */
  function isPast({ declared, moment }: Active): boolean {
    const isNamed = declared.declaration.when?.at !== undefined;
    return moment !== null && !isNamed && (reached.get(moment.name) ?? 0) >= (moment.n ?? 1);
  }

  function open(fault: Active): void {
    if (fault.healed) return;
    const { after, for: span } = fault.declared;
    const isFirst = !fault.awake;
    fault.awake = true;
    if (isFirst && span?.ms !== undefined) later(fault, span.ms, () => healActive(fault, "for"));
    if (!after || after.ms !== undefined) strike(fault);
  }

  function strike(fault: Active): void {
    const { chance, place } = fault.declared;
    const { gate, dice } = meetingOf(fault, "");
    if (!gate.strike || fault.healed || isSpent(fault, gate)) return;
    // Thrown here for a line that is still to come, too.
    if (chance !== null && dice.next() >= chance) return;
    const struck = [...lines[place.channel]];
    fault.owes = struck.length === 0;
    if (fault.owes) return;
    countFired(fault, gate, "strike");
    for (const line of struck) guard(fault, () => gate.strike!(line as never));
  }

  function later(fault: Active, ms: number, run: () => void): void {
    const timer = clock.after(ms, () => {
      fault.timers.delete(timer);
      run();
    });
    fault.timers.add(timer);
  }

  function healActive(fault: Active, why: "for" | "asked"): void {
    if (fault.healed) return;
    fault.healed = true;
    for (const timer of fault.timers) timer.cancel();
    fault.timers.clear();
    leave(fault);
    note("fault-healed", { ...namesOf(fault), why });
    for (const { gate } of fault.meetings.values()) guard(fault, () => gate.heal?.());
  }

  return {
    isIdle: (channel) => active[channel].length === 0,
    pass(channel, item, deliver) {
      const list = active[channel];
      if (list.length === 0) return deliver(item);
      passFrom(list, 0, item, deliver as (item: AnyItem) => void, { copies: 1 });
    },
    reach(moment, given) {
      if (ended) return;
      const n = given ?? (reached.get(moment) ?? 0) + 1;
      reached.set(moment, Math.max(n, reached.get(moment) ?? 0));
      for (const fault of [...all]) {
        const at = fault.moment;
        if (at?.name !== moment || (at.n !== null && at.n !== n)) continue;
        wake(fault);
      }
      for (const read of [...readers]) read(moment, n);
    },
    reached,
    follow(read) {
      readers.add(read);
      return () => readers.delete(read);
    },
    attach(channel, line) {
      lines[channel].add(line);
      for (const fault of active[channel]) {
        if (!fault.owes) continue;
        fault.owes = false;
        const { gate } = meetingOf(fault, "");
        countFired(fault, gate, "strike");
        guard(fault, () => gate.strike!(line as never));
      }
      return () => lines[channel].delete(line);
    },
    add(declared) {
      if (ended) return;
      for (const one of declared) {
        const fault: Active = {
          declared: one,
          moment: one.at === null ? null : readMoment(one.at),
          meetings: new Map(),
          awake: false,
          owes: false,
          fired: 0,
          healed: false,
          hasOverflowed: false,
          timers: new Set(),
        };
        all.push(fault);
        active[one.place.channel] = [...active[one.place.channel], fault];
        if (!fault.moment || isPast(fault)) wake(fault);
      }
    },
    heal(id) {
      const fault = all.find(({ declared }) => declared.id === id);
      if (fault) healActive(fault, "asked");
      return fault !== undefined;
    },
    get faults() {
      return all.map(({ declared, fired, healed }) => ({ id: declared.id, fired, healed }));
    },
    end() {
      if (ended) return;
      ended = true;
      for (const fault of all) {
        for (const timer of fault.timers) timer.cancel();
        fault.timers.clear();
        for (const { gate } of fault.meetings.values()) guard(fault, () => gate.drop?.());
      }
      for (const channel of channels) {
        active[channel] = [];
        lines[channel].clear();
      }
      readers.clear();
      const name = ({ declared }: Active) => `${declared.id} ${declared.fault.name}`;
      const never = all.filter(({ fired }) => fired === 0).map(name);
      const fired = all.filter(({ fired }) => fired > 0).map(name);
      if (all.length > 0) note("faults-ended", { fired, neverFired: never });
      over?.();
    },
  };
}

type AnyItem = Items[Channel];

/** By which the journal's lines name it. */
function namesOf({ declared: { id, place, fault } }: Active): Record<string, unknown> {
  return { fault: id, name: fault.name, channel: place.channel };
}

/**
 * What a stream's dice are split by. An SSRC differs from run to run: such streams are numbered as they come, video and sound each by
 * themselves, as which of them comes first is the network's affair.
 */
function nameOf({ meetings }: Active, stream: string, of: string): string {
  if (!/^\d+$/.test(stream)) return stream;
  const isNumber = ([other, meeting]: [string, Meeting]) => /^\d+$/.test(other) && meeting.of === of;
  return `${of}/${[...meetings].filter(isNumber).length}`;
}

function onEach<Value>(make: () => Value): Record<Channel, Value> {
  return Object.fromEntries(channels.map((channel) => [channel, make()])) as Record<Channel, Value>;
}

function concerns({ direction, only, place }: Declared, item: AnyItem): boolean {
  if (direction !== "both" && item.direction !== direction) return false;
  if (only) return only.includes(item.kind);
  if (place.kinds) return place.kinds.includes(item.kind);
  return !mustBeNamed.has(item.kind) || (place.also?.includes(item.kind) ?? false);
}

/** Kinds of items that a fault for all of them does not mean. */
const mustBeNamed: ReadonlySet<string> = new Set([
  "upgrade",
  "validate",
  "resume",
  "close",
  "description",
  "picture",
  "encoded",
  "sound",
]);

function sizeOf(amount: Amount): number {
  return amount.messages ?? amount.packets ?? amount.frames ?? amount.bytes ?? 0;
}

function amountOf(amount: Amount, item: AnyItem): number {
  if (amount.bytes !== undefined) return item.byteLength?.() ?? 0;
  if (amount.frames !== undefined) return item.endsFrame ? 1 : 0;
  return amount.ms === undefined ? 1 : 0;
}
