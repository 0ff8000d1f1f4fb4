/** State messages that wait for their acks, in the order of sending. Which ack is whose is the policy's to say. */
import type { Clock, Timer } from "../../clock.ts";
import type { Ack, Policy, StateMessage, Waiting } from "./policy.ts";

export type AckQueue = {
  /**
   * Resolves with its ack, `acked` before that. `msMax`: how long it waits; `null` for as long as it takes.
   * @throws Refused with the server's words, or Error: that none came, or how the session was lost
   */
  wait(message: StateMessage, session: number, msMax: number | null, acked: () => void): Promise<void>;
  take(ack: Ack, session: number): void;
  /** Ends all that wait in a session. */
  fail(session: number, why: string): void;
};

/** The server's own no. */
export class Refused extends Error {}

type Entry = Waiting & {
  isOver: boolean;
  timer: Timer | null;
  /** An ack that came after it was sent and went to one before it that was over. */
  passedOn: Ack | null;
  /** An ack, or why there is none. */
  settle(ack: Ack | Error): void;
};

export function createAckQueue(policy: Policy, clock: Clock): AckQueue {
  const entries: Entry[] = [];
  /** Those that came for nobody, where the policy keeps them. */
  const kept: Ack[] = [];

  function remove(entry: Entry): void {
    entry.timer?.cancel();
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
  }

  /** Its ack may come late and must not be taken for another's. */
  function giveUp(entry: Entry): void {
    if (entry.passedOn) {
      // No other came since, so that one was not late but its own, and the one before never had one.
      remove(entry);
      return entry.settle(entry.passedOn);
    }
    entry.isOver = true;
    const { type } = entry.message;
    entry.settle(new Error(type === "prompt" ? "Prompt send timed out" : "Image send timed out"));
    entry.timer = clock.after(policy.lateAckMsMax, () => remove(entry));
  }

  return {
    wait(message, session, msMax, acked) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const entry: Entry = {
        message,
        session,
        isOver: false,
        passedOn: null,
        timer: msMax === null ? null : clock.after(msMax, () => giveUp(entry)),
        settle(ack) {
          if (ack instanceof Error) return reject(ack);
          const refusal = policy.refusalOf(ack);
          if (refusal !== null) return reject(new Refused(refusal));
          acked();
          resolve();
        },
      };
      const early = kept.findIndex((ack) => ack.type === `${message.type}_ack`);
      if (early >= 0) {
        entry.timer?.cancel();
        entry.settle(kept.splice(early, 1)[0]!);
      } else entries.push(entry);
      return promise;
    },
    take(ack, session) {
      const at = policy.claims(entries, ack, session);
      const entry = entries[at];
      if (!entry) {
        if (policy.keepsAcks) kept.push(ack);
        return;
      }
      remove(entry);
      if (entry.isOver) {
        for (const later of entries.slice(at)) {
          if (later.message.type === entry.message.type) later.passedOn ??= ack;
        }
      }
      entry.settle(ack);
    },
    fail(session, why) {
      for (const entry of entries.filter((one) => one.session === session)) {
        remove(entry);
        entry.settle(new Error(why));
      }
    },
  };
}
