/** The media channel of a connection's faults, as its pipeline takes it. Knows neither faults nor pictures. */
import type { PipelineGates } from "../media/pipeline.ts";
import type { Channel, Items, OutgoingItem, PictureItem } from "./fault.ts";

/** What it needs of a `Plan`. */
type Passage = {
  isIdle(channel: Channel): boolean;
  pass<C extends Channel>(channel: C, item: Items[C], deliver: (item: Items[C]) => void): void;
};

export function pipelineGates(plan: Passage): PipelineGates {
  return {
    get idle() {
      return plan.isIdle("media");
    },
    // The kinds of a channel meet in one list, and part again here: a fault hands on an item of the kind it was given.
    picture: (item, next) => plan.pass("media", item, (passed) => next(passed as PictureItem)),
    outgoing: (item, next) => plan.pass("media", item, (passed) => next(passed as OutgoingItem)),
  };
}
