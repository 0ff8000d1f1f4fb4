/**
 * Tells whether a fault that is declared for one session can still fire in it: a test whose fault never fires is green for nothing. Knows how
 * far the session has come, and not where it is going.
 */
import type { Declared } from "./fault.ts";
import { type Moment, once, readMoment } from "./moments.ts";

/** A sentence, or `null` where it may fire. `reached`: the highest ordinal that each moment has come with in the session. */
export function neverFires(
  { fault, place, only, declaration, connections }: Omit<Declared, "id">,
  reached: ReadonlyMap<Moment, number>,
): string | null {
  const never = (why: string) => `Fault ${fault.name} would never fire in this session: ${why}`;
  if (place.channel === "http") {
    return never(
      "HTTP requests belong to a key, and to no session. Declare it without a session, or in a mock key.",
    );
  }
  if (connections) {
    return never(
      '"when.connections" counts connections to come, and this one is there. Leave it out, or declare the fault without a session.',
    );
  }
  const kinds = only ?? place.kinds;
  if (place.channel === "control" && kinds?.every((kind) => kind === "upgrade")) {
    return never("its control socket is open. Declare it without a session, or in a mock key.");
  }
  // A fault's own moment that is past wakes it at once; one that was asked for is waited for.
  const asked = declaration.when?.at;
  const moment = asked === undefined ? null : readMoment(asked);
  if (!moment) return null;
  const come = reached.get(moment.name) ?? 0;
  // A new connection shows a revision for the first time again.
  const comesAgain = moment.name === "first-frame-of-revision";
  const isPast = once.includes(moment.name) ? come > 0 : !comesAgain && moment.n !== null && come >= moment.n;
  if (!isPast) return null;
  return never(`${asked} is past, and does not come again. Name a later moment, or none to begin at once.`);
}
