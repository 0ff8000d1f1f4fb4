/** Plans for tests of what meets them: one without faults, and one that says what it noted. */
import { manualClock } from "../clock.ts";
import { createDice } from "../dice.ts";
import { createPlan, type Plan } from "./plan.ts";

export function emptyPlan(): Plan {
  return createPlan({ clock: manualClock(), dice: createDice(1), note() {} });
}
