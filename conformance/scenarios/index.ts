/** All scenarios, area by area. */
import type { Scenario } from "../scenario.ts";
import { acks } from "./acks.ts";
import { auth } from "./auth.ts";
import { connect } from "./connect.ts";
import { files } from "./files.ts";
import { goodbye } from "./goodbye.ts";
import { hostile } from "./hostile.ts";
import { lifecycle } from "./lifecycle.ts";
import { queue } from "./queue.ts";
import { state } from "./state.ts";
import { subscribe } from "./subscribe.ts";
import { ticks } from "./ticks.ts";

/** In the order of `areas`. */
export const scenarios: readonly Scenario[] = [
  ...connect,
  ...auth,
  ...state,
  ...acks,
  ...lifecycle,
  ...ticks,
  ...queue,
  ...subscribe,
  ...files,
  ...hostile,
  ...goodbye,
];
