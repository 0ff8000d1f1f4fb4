/** A gate that keeps what it gets, and gives it out in order when it heals. */
import type { Channel, Gate } from "./fault.ts";

/** What more there is of it is lost: an endless stream would fill the memory. */
const heldMax = 64;

export function holdBack<C extends Channel>(): Gate<C> {
  const held: (() => void)[] = [];
  return {
    take(item, next) {
      if (held.length < heldMax) held.push(() => next(item));
    },
    heal() {
      for (const give of held.splice(0)) give();
    },
  };
}
