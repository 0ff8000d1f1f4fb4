/**
 * What a test waits for: a moment of a session, pictures, a session at all. Past moments count. Who waits in vain is told what happened
 * instead. Waiting is timed by the machine, so that it ends though the server's own clock stands still.
 */
import type { Clock } from "./clock.ts";
import { noMoment, readMoment } from "./faults/moments.ts";
import type { Journal } from "./journal.ts";
import { whatHappened } from "./journal-match.ts";
import type { Session } from "./session.ts";

export type Waiting = {
  /** 5000 unless said otherwise. */
  readonly withinMs?: number;
};

export type Expectations = {
  /** Resolves with its ordinal once this moment has come, or if it has: `connected`, `tick:3`. @throws Error */
  until(session: Session, moment: string, waiting?: Waiting): Promise<number>;
  /** Resolves once so many more pictures have left, with how many left in all. @throws Error */
  frames(session: Session, count: number, waiting?: Waiting): Promise<number>;
  /** Resolves with the next session that begins. @throws Error */
  nextSession(waiting?: Waiting): Promise<Session>;
  /** A session has begun. */
  began(session: Session): void;
  /** The server has closed: whoever still waits is told so, and whoever comes. Idempotent. */
  close(): void;
};

const withinMsDefault = 5000;
const withinMsMax = 600_000;
const framesMax = 1_000_000;

/** `state`: said of the server with every failure: seed and clock, with which the run can be had again. */
export function createExpectations(journal: Journal, machine: Clock, state: () => string): Expectations {
  const awaiting = new Set<(session: Session) => void>();
  const unsettled = new Set<() => void>();
  let closed = false;

  /** `look` gives what is waited for once it is there; `follow` calls back whenever that may be. */
  function wait<Value>(
    { withinMs = withinMsDefault }: Waiting,
    about: { what: string; session: string | undefined; isOver(): boolean },
    look: () => Value | undefined,
    follow: (again: () => void) => () => void,
  ): Promise<Value> {
    if (!(withinMs >= 0 && withinMs <= withinMsMax)) {
      throw new RangeError(`withinMs is ${withinMs}; it takes 0 to ${withinMsMax} ms.`);
    }
    const failure = (until: string) =>
      new Error(
        `Waited for ${about.what}, which did not come ${until}. ${whatHappened(journal, about.session === undefined ? {} : { session: about.session })}\n${state()}`,
      );
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    if (about.isOver()) return Promise.reject(failure("before the session ended"));
    if (closed) return Promise.reject(failure("before the server closed"));
    return new Promise((resolve, reject) => {
      const giveUp = () => end(() => reject(failure("before the server closed")));
      unsettled.add(giveUp);
      const timer = machine.after(withinMs, () => end(() => reject(failure(`within ${withinMs} ms`))));
      const stop = follow(() => {
        const value = look();
        if (value !== undefined) end(() => resolve(value));
        else if (about.isOver()) end(() => reject(failure("before the session ended")));
      });
      function end(settle: () => void): void {
        timer.cancel();
        stop();
        unsettled.delete(giveUp);
        settle();
      }
    });
  }

  const ofSession = (session: Session, what: string) => ({
    what,
    session: session.id,
    isOver: () => session.phase === "ended",
  });

  return {
    async until(session, text, waiting = {}) {
      const moment = readMoment(text);
      if (!moment) {
        throw new Error(`"${String(text).slice(0, 80)}" is no moment. ${noMoment(text)}`);
      }
      const { name, n } = moment;
      const look = () => {
        const come = session.plan.reached.get(name);
        return come !== undefined && come >= (n ?? 1) ? come : undefined;
      };
      // A session's end is a moment as well.
      return wait(waiting, ofSession(session, text), look, (again) => session.plan.follow(again));
    },
    async frames(session, count, waiting = {}) {
      if (!(Number.isInteger(count) && count >= 1 && count <= framesMax)) {
        throw new RangeError(`frames() is asked for ${count} pictures; it takes 1 to ${framesMax}.`);
      }
      const wanted = session.frameCount + count;
      return wait(
        waiting,
        ofSession(session, `${count} more pictures of the ${session.frameCount} so far`),
        () => (session.frameCount >= wanted ? session.frameCount : undefined),
        session.followFrames,
      );
    },
    async nextSession(waiting = {}) {
      let begun: Session | undefined;
      return wait(
        waiting,
        { what: "a session", session: undefined, isOver: () => false },
        () => begun,
        (again) => {
          const take = (session: Session) => {
            begun ??= session;
            again();
          };
          awaiting.add(take);
          return () => awaiting.delete(take);
        },
      );
    },
    began(session) {
      for (const take of [...awaiting]) take(session);
    },
    close() {
      closed = true;
      for (const giveUp of [...unsettled]) giveUp();
    },
  };
}
