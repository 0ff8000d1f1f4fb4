/**
 * Where faults are declared for a whole server, and where each connection gets the plan that is its own: from the scenario file, from what
 * was added since, from its key.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Dice } from "../dice.ts";
import type { Journal } from "../journal.ts";
import type { MediaMode } from "../media/pipeline.ts";
import { declareFaults, FaultError } from "./declare.ts";
import type { Declaration, Declared, Fault } from "./fault.ts";
import { readMockKey, readMockQuery } from "./mock-key.ts";
import { createPlan, type Plan } from "./plan.ts";
import { declareScenario, type Scenario } from "./scenario-file.ts";

/** A declared fault, as a test holds it. */
export type AddedFault = {
  readonly id: string;
  /** The session it is for; `null`: all, those to come too. */
  readonly session: string | null;
  readonly declaration: Declaration;
  /** How often, over all sessions. */
  readonly fired: number;
  readonly healed: boolean;
  /** Ends it everywhere, and gives out what it holds. */
  heal(): void;
};

export type FaultDesk = {
  /** @throws FaultError */
  add(given: unknown, about?: { session?: string | undefined }): AddedFault[];
  readonly list: readonly AddedFault[];
  healAll(): void;
  readonly scenarios: ReadonlyMap<string, Scenario>;
  /** @throws FaultError */
  putScenario(name: string, given: unknown): void;
  removeScenario(name: string): boolean;
  /** What a key (or `mock` in the query) asks for. @throws FaultError */
  read(key: string, mock: string | null): KeyFaults;
  /** The plan of a new connection, under whose id the journal tells of it. It leaves the desk with `plan.end()`. */
  open(session: string, of: KeyFaults): Plan;
  /** Connections whose plan has not ended. */
  readonly planCount: number;
  /** The plan of HTTP requests under this key: it outlives each of them. */
  forRequests(of: KeyFaults): Plan;
  /** Each key is met as if for the first time: its connections are counted anew, and its requests have no faults behind them. */
  forgetKeys(): void;
};

/** `key`: a hash that tells keys apart and gives none away. */
export type KeyFaults = { readonly key: string; readonly declared: readonly Declared[] };

export const noKeyFaults: KeyFaults = { key: "", declared: [] };

/** Keys whose connections are counted; the oldest goes first. */
const keysMax = 10_000;
/** Faults declared for a whole server at once. */
const addedMax = 256;
const scenariosMax = 200;
/** Plans of keys that have made requests. */
const requestPlansMax = 256;

export type DeskAbout = {
  readonly faults: readonly Fault[];
  readonly mode: MediaMode;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly journal: Journal;
  readonly hasSession: (id: string) => boolean;
  /** A fault of this name has fired, in whichever session. */
  readonly fired?: (name: string) => void;
  readonly scenarioFile: { faults: readonly Declared[]; scenarios: ReadonlyMap<string, Scenario> };
};

export function createFaultDesk(about: DeskAbout): FaultDesk {
  const { faults, mode, clock, dice, journal, fired } = about;
  const scenarios = new Map(about.scenarioFile.scenarios);
  /** With the names that the journal has for them: two rooms may have a viewer of the same name each. */
  const plans = new Map<Plan, string>();
  const requestPlans = new Map<string, Plan>();
  const added: Added[] = [];
  /** Connections since something was declared, and by key. */
  const seen = new Map<string, number>();
  /** Those of the file have the first numbers. */
  let count = about.scenarioFile.faults.length;

  type Added = { declared: Declared; session: string | null; firedBefore: number; healed: boolean };

  function runningPlans(): Plan[] {
    return [...plans.keys(), ...requestPlans.values()];
  }

  function firedIn(plan: Plan, id: string): number {
    return plan.faults.find((fault) => fault.id === id)?.fired ?? 0;
  }

  /** A request that is held would hang for good if the plan just ended. */
  function retire(plan: Plan): void {
    for (const { id, healed } of plan.faults) if (!healed) plan.heal(id);
    plan.end();
  }

  /** A plan that ends takes its counts with it. */
  function countFired(plan: Plan): void {
    for (const one of added) one.firedBefore += firedIn(plan, one.declared.id);
  }

  function shown(one: Added): AddedFault {
    return {
      id: one.declared.id,
      session: one.session,
      declaration: one.declared.declaration,
      get fired() {
        return runningPlans().reduce((sum, plan) => sum + firedIn(plan, one.declared.id), one.firedBefore);
      },
      get healed() {
        return one.healed;
      },
      heal() {
        if (one.healed) return;
        one.healed = true;
        for (const plan of runningPlans()) plan.heal(one.declared.id);
        journal.add({
          kind: "fault-removed",
          fields: { fault: one.declared.id, name: one.declared.fault.name },
        });
      },
    };
  }

  /** Which connection this is of those that a declaration counts. */
  function ordinal(counted: string): number {
    const n = (seen.get(counted) ?? 0) + 1;
    seen.delete(counted);
    seen.set(counted, n);
    for (const oldest of seen.keys()) {
      if (seen.size <= keysMax) break;
      seen.delete(oldest);
    }
    return n;
  }

  function isFor({ connections }: Declared, n: number): boolean {
    return connections === null || (n >= connections[0] && n <= connections[1]);
  }

  function general(session: string | null): Declared[] {
    const live = added.filter(({ healed, session: only }) => !healed && (only === null || only === session));
    return [...about.scenarioFile.faults, ...live.map(({ declared }) => declared)];
  }

  function planFor(
    session: string | null,
    name: string,
    declared: readonly Declared[],
    ended: () => void,
  ): Plan {
    const plan = createPlan({
      clock,
      ended,
      ...(fired && { fired }),
      dice: dice.split(name),
      note: (kind, fields, measured = false) => journal.add({ session, kind, fields, measured }),
    });
    if (declared.length > 0) {
      const fields = { declared: declared.map(({ id, declaration }) => ({ id, ...declaration })) };
      journal.add({ session, kind: "faults", fields });
    }
    plan.add(declared);
    return plan;
  }

  return {
    add(given, { session = undefined } = {}) {
      if (session !== undefined && !about.hasSession(session)) {
        throw new FaultError(
          `No session ${session.slice(0, 40)} runs here. GET /_lucy/sessions lists those that do.`,
        );
      }
      if (added.filter(({ healed }) => !healed).length >= addedMax) {
        throw new FaultError(
          `${addedMax} faults are declared, which is as many as there may be. Heal some first.`,
        );
      }
      const reached = [...plans].find(([, id]) => id === session)?.[0].reached ?? new Map();
      const declared = declareFaults(given, {
        faults,
        mode,
        nextId: () => `f${++count}`,
        ...(session !== undefined && { reached }),
      });
      const news = declared.map((one) => ({
        declared: one,
        session: session ?? null,
        firedBefore: 0,
        healed: false,
      }));
      while (added.length + news.length > 2 * addedMax) {
        added.splice(
          added.findIndex(({ healed }) => healed),
          1,
        );
      }
      added.push(...news);
      for (const { id, declaration } of declared) {
        journal.add({
          session: session ?? null,
          kind: "fault-declared",
          fields: { fault: id, ...declaration },
        });
      }
      for (const [plan, id] of plans) {
        if (session === undefined || session === id)
          plan.add(declared.filter(({ connections }) => !connections));
      }
      if (session === undefined) for (const plan of requestPlans.values()) plan.add(declared);
      return news.map(shown);
    },
    get list() {
      return added.map(shown);
    },
    healAll() {
      for (const one of added) shown(one).heal();
    },
    scenarios,
    putScenario(name, given) {
      if (scenarios.size >= scenariosMax && !scenarios.has(name)) {
        throw new FaultError(
          `There are ${scenariosMax} scenarios, which is as many as there may be. Remove one first.`,
        );
      }
      scenarios.set(name, declareScenario(name, given, { faults, mode }));
    },
    removeScenario: (name) => scenarios.delete(name),
    read(key, mock) {
      const having = { faults, mode, scenarios };
      const declared = mock === null ? (readMockKey(key, having) ?? []) : readMockQuery(mock, having);
      if (declared.length === 0) return noKeyFaults;
      // A scenario that was replaced makes another key of the same text.
      const asked = JSON.stringify([key, mock, declared.map(({ declaration }) => declaration)]);
      return { key: createHash("sha256").update(asked).digest("hex").slice(0, 16), declared };
    },
    open(session, of) {
      const n = of.key === "" ? 0 : ordinal(of.key);
      const counting = general(session).filter(({ connections }) => connections);
      const ordinals = new Map(counting.map(({ id }) => [id, ordinal(`fault ${id}`)]));
      const declared = [
        ...general(session).filter((one) => isFor(one, ordinals.get(one.id) ?? 0)),
        ...of.declared.filter((one) => isFor(one, n)),
      ];
      // Under a key of its own a test has dice of its own: sessions' ids tell who else has come before.
      const name = of.key === "" ? session : `key ${of.key}/${n}`;
      const plan = planFor(session, name, declared, () => {
        plans.delete(plan);
        countFired(plan);
      });
      plans.set(plan, session);
      return plan;
    },
    get planCount() {
      return plans.size;
    },
    forRequests(of) {
      const known = requestPlans.get(of.key);
      if (known) return known;
      const plan = planFor(null, `http/${of.key}`, [...general(null), ...of.declared], () => {
        requestPlans.delete(of.key);
        countFired(plan);
      });
      requestPlans.set(of.key, plan);
      for (const oldest of requestPlans.values()) {
        if (requestPlans.size <= requestPlansMax) break;
        retire(oldest);
      }
      return plan;
    },
    forgetKeys() {
      seen.clear();
      for (const plan of [...requestPlans.values()]) retire(plan);
    },
  };
}
