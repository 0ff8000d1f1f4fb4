/** All scenarios, area by area. */
import type { Scenario } from "../scenario.ts";
import { goodbye } from "./goodbye.ts";
import { hostile } from "./hostile.ts";
import { lifecycle } from "./lifecycle.ts";
import { queue } from "./queue.ts";
import { subscribe } from "./subscribe.ts";
import { ticks } from "./ticks.ts";

/** In the order of `areas`. */
export const scenarios: readonly Scenario[] = [
  ...lifecycle,
  ...ticks,
  ...queue,
  ...subscribe,
  ...hostile,
  ...goodbye,
];
