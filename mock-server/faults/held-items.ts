/** What a fault holds back: given out in order, and never more of it than a server can bear. Knows no fault. */
import type { Timer } from "../clock.ts";
import type { Channel, Gate, Item, Tools } from "./fault.ts";

export type HeldItems = {
  /** `dueMs`: before what is due later, behind what is due then. */
  hold(item: Item, give: () => void, dueMs?: number): void;
  /** Those that are due by then. */
  giveDue(nowMs: number): void;
  giveOldest(): void;
  giveAll(): void;
  readonly count: number;
  /** When the first of them is due; `Infinity` where none is. */
  readonly nextDueMs: number;
};

/** As a gate has it. */
export type LateItems = {
  /** Is given at `dueMs` on the clock: before what is due later, behind what is due then. */
  hold(item: Item, give: () => void, dueMs: number): void;
  giveOldest(): void;
  heal(): void;
  drop(): void;
};

/** Far above what an honest client and its session say while a test looks on. */
const itemsMax = 4096;
/** Four messages of the largest size. */
const bytesMax = 64 * 1024 * 1024;

/** Beyond its bounds it gives out the oldest early, and says so once in the journal. */
export function holdItems({ note }: Pick<Tools, "note">): HeldItems {
  const held: { give(): void; bytes: number; dueMs: number }[] = [];
  let bytes = 0;
  let isOver = false;

  function giveOldest(): void {
    const oldest = held.shift();
    if (!oldest) return;
    bytes -= oldest.bytes;
    oldest.give();
  }

  return {
    hold(item, give, dueMs = Infinity) {
      const size = item.byteLength?.() ?? 0;
      let place = held.length;
      while (place > 0 && held[place - 1]!.dueMs > dueMs) place--;
      held.splice(place, 0, { give, bytes: size, dueMs });
      bytes += size;
      while (held.length > itemsMax || bytes > bytesMax) {
        if (!isOver) note("fault-overflow", { itemsMax, bytesMax });
        isOver = true;
        giveOldest();
      }
    },
    giveDue(nowMs) {
      while (held[0] && held[0].dueMs <= nowMs) giveOldest();
    },
    giveOldest,
    giveAll() {
      while (held.length > 0) giveOldest();
    },
    get count() {
      return held.length;
    },
    get nextDueMs() {
      return held[0]?.dueMs ?? Infinity;
    },
  };
}

/** Held until a time of each one's own. One timer, however many there are. */
export function holdUntilDue({ clock, note }: Pick<Tools, "clock" | "note">): LateItems {
  const held = holdItems({ note });
  let timer: Timer | null = null;
  let timerMs = Infinity;

  function stop(): void {
    timer?.cancel();
    timer = null;
    timerMs = Infinity;
  }

  function wait(): void {
    const dueMs = held.nextDueMs;
    if (timerMs === dueMs) return;
    stop();
    if (dueMs === Infinity) return;
    timerMs = dueMs;
    timer = clock.after(Math.max(0, dueMs - clock.now()), () => {
      stop();
      // Not by what the clock says now: a machine's timer may be a little early.
      held.giveDue(dueMs);
      wait();
    });
  }

  return {
    hold(item, give, dueMs) {
      held.hold(item, give, dueMs);
      wait();
    },
    giveOldest() {
      held.giveOldest();
      wait();
    },
    heal() {
      stop();
      held.giveAll();
    },
    drop: stop,
  };
}

/** A gate that keeps all it gets until it heals. */
export function holdUntilHealed<C extends Channel>(tools: Pick<Tools, "note">): Gate<C> {
  const held = holdItems(tools);
  return {
    take: (item, next) => held.hold(item, () => next(item)),
    heal: held.giveAll,
  };
}
