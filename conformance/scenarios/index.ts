/** All scenarios, area by area. */
import type { Scenario } from "../scenario.ts";
import { acks } from "./acks.ts";
import { atomicity } from "./atomicity.ts";
import { auth } from "./auth.ts";
import { connect } from "./connect.ts";
import { files } from "./files.ts";
import { goodbye } from "./goodbye.ts";
import { hostile } from "./hostile.ts";
import { lifecycle } from "./lifecycle.ts";
import { media } from "./media.ts";
import { queue } from "./queue.ts";
import { reconnect } from "./reconnect.ts";
import { restore } from "./restore.ts";
import { state } from "./state.ts";
import { subscribe } from "./subscribe.ts";
import { ticks } from "./ticks.ts";

/** In the order of `areas`. */
export const scenarios: readonly Scenario[] = [
  ...connect,
  ...auth,
  ...state,
  ...atomicity,
  ...acks,
  ...reconnect,
  ...restore,
  ...lifecycle,
  ...ticks,
  ...queue,
  ...subscribe,
  ...files,
  ...media,
  ...hostile,
  ...goodbye,
];
