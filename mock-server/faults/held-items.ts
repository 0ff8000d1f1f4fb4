/** What a fault holds back: given out in order, and never more of it than a server can bear. Knows no fault, and no time. */
import type { Item, Tools } from "./fault.ts";

export type HeldItems = {
  /** `dueMs`: for `giveDue`; not before that of the one held before. */
  hold(item: Item, give: () => void, dueMs?: number): void;
  /** Those that are due by then. */
  giveDue(nowMs: number): void;
  giveOldest(): void;
  giveAll(): void;
  readonly count: number;
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
      held.push({ give, bytes: size, dueMs });
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
  };
}
