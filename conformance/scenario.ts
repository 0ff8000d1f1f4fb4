/** What a scenario is: it does something to a client, and says what the client owes in return. One paragraph each, in `scenarios/`. */

import type { Declaration, MockServerOptions } from "../mock-server/index.ts";
import type { Finding } from "../reports/result.ts";
import type { Capability, Dialect, Hello } from "./client.ts";
import type { Reading } from "./recording.ts";
import type { Stage } from "./stage.ts";

/** Who demands it. `where`: a link, or the public version that it was seen in. */
export type Source = { readonly kind: "documented" | "observed" | "assumed"; readonly where: string };

export const areas = [
  "connect",
  "auth",
  "state",
  "atomicity",
  "acks",
  "reconnect",
  "restore",
  "lifecycle",
  "ticks",
  "queue",
  "subscribe",
  "files",
  "media",
  "hostile",
  "goodbye",
] as const;
export type Area = (typeof areas)[number];

export type Scenario = {
  /** `area/what-happens`; never changes once released. */
  readonly id: `${Area}/${string}`;
  /** What is done to the client. */
  readonly does: string;
  /** What the client owes in return. */
  readonly owes: string;
  readonly source: Source;
  /** Dialects in which it means something; both unless said. */
  readonly dialects?: readonly Dialect[];
  readonly needs: readonly Capability[];
  /** A mutant that this finds; `mutants/` has them. */
  readonly kills: readonly string[];
  /** Of the mock server. `mode` is `none` unless said: pictures cost, so who judges them asks for them. */
  readonly server?: Partial<MockServerOptions>;
  /** Met by the client's own connections: they go into its key. One that never fires makes the run inconclusive. */
  readonly faults?: readonly Declaration[] | ((dialect: Dialect) => readonly Declaration[]);
  /** Never asserts. Waits for events and counts frames; never sleeps. */
  drive(stage: Stage): Promise<void>;
  /** Never waits. Nothing where all is well. Also called for a drive that got stuck. */
  judge(reading: Reading): readonly Finding[];
};

/** The faults of a scenario for a client of this dialect. */
export function faultsOf({ faults = [] }: Scenario, dialect: Dialect): readonly Declaration[] {
  return typeof faults === "function" ? faults(dialect) : faults;
}

/** Why a scenario says nothing about this client; `null` where it does. */
export function whyUnsupported(
  { needs, dialects }: Scenario,
  { dialect, capabilities }: Hello,
): string | null {
  if (dialects && !dialects.includes(dialect)) {
    return `It means something in the ${dialects.join(", ")} dialect only.`;
  }
  const misses = needs.filter((need) => !capabilities.includes(need));
  return misses.length > 0 ? `The client does not declare ${misses.join(", ")}.` : null;
}

export const defineScenario = (scenario: Scenario): Scenario => scenario;
