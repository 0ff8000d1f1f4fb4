/** A client must know of a participant and its track before the description that carries the track. Here it hears of the model afterwards. */
import { z } from "zod";
import type { Timer } from "../clock.ts";
import { fieldsOf, isModel, type Participant, withFields } from "./_signal-item.ts";
import { defineFault, type SignalItem } from "./fault.ts";

export const lateUpdate = defineFault({
  name: "late-update",
  about:
    "The client hears of the model only after the description that carries its track: it gets no stream.",
  places: [{ channel: "livekit", directions: ["to-client"], kinds: ["join", "update", "answer", "offer"] }],
  settings: z.strictObject({
    delayMs: z
      .int()
      .min(0)
      .max(60_000)
      // Measured with 0.1.20: a second is too late, for good.
      .default(1000)
      .describe("From that description on, milliseconds."),
  }),
  needs: "pictures",
  open({ delayMs }, { clock }) {
    /** Tracks of the model's that it knows of; `null`: it does not even know the model. */
    let told: readonly string[] | null = null;
    /** What it is to know of the model, as it is now: the newest update has all of it. */
    let held: { model: Participant; give(): void } | null = null;
    let timer: Timer | null = null;

    function give(): void {
      timer?.cancel();
      timer = null;
      if (!held) return;
      told = held.model.tracks.map(({ sid }) => sid);
      held.give();
      held = null;
    }

    return {
      take(item, next) {
        const fields = fieldsOf(item);
        const key = item.kind === "join" ? "otherParticipants" : "participants";
        const { [key]: participants } = fields;
        if (!participants) {
          next(item);
          const carried = Object.values(fields.midToTrackId ?? {});
          if (!timer && held?.model.tracks.some(({ sid }) => carried.includes(sid))) {
            timer = clock.after(delayMs, give);
          }
          return false;
        }
        const model = participants.find(isModel);
        if (!model || (!held && told && model.tracks.every(({ sid }) => told!.includes(sid)))) {
          next(item);
          return false;
        }
        const others = participants.filter((one) => one !== model);
        if (item.kind === "join" || others.length > 0) next(withFields(item, { [key]: others }));
        const update = { case: "update", value: { participants: [model] } };
        held = { model, give: () => next({ ...(item as SignalItem), kind: "update", message: update }) };
      },
      heal: give,
      drop: () => timer?.cancel(),
    };
  },
});
