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

/** A declared fault, as a test holds it. Those of the scenario file are `file-1` and so on, those that were added `f1`. */
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
  /** Those of the scenario file, and those that were added. */
  readonly list: readonly AddedFault[];
  healAll(): void;
  readonly scenarios: ReadonlyMap<string, Scenario>;
  /** @throws FaultError */
  putScenario(name: string, given: unknown): void;
  removeScenario(name: string): boolean;
  /** Those of the scenario file, and no others. */
  restoreScenarios(): void;
  /** What a key (or `mock` in the query) asks for. @throws FaultError */
  read(key: string, mock: string | null): KeyFaults;
  /**
   * The plan of a new connection, under whose id the journal tells of it. It leaves the desk with `plan.end()`. `watches`: the session that a
   * viewer watches. A viewer is counted as no connection, but has its session's number, so that it meets what that meets.
   */
  open(session: string, of: KeyFaults, about?: { watches?: string | undefined }): Plan;
  /** Connections whose plan has not ended. */
  readonly planCount: number;
  /** The plan of HTTP requests under this key: it outlives each of them. */
  forRequests(of: KeyFaults): Plan;
  /**
   * Each key is met as if for the first time: its connections are counted anew, and its requests have no faults behind them. What the scenario
   * file declares is there for who comes then, healed or not.
   */
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
  const plans = new Map<Plan, Visit>();
  const requestPlans = new Map<string, Plan>();
  const fromFile = about.scenarioFile.faults.map((one, index) =>
    newly({ ...one, id: `file-${index + 1}` }, null),
  );
  const added: Added[] = [];
  /** Those of the file and those that were added. */
  const byId = new Map(fromFile.map((one) => [one.declared.id, one]));
  /** Connections since something was declared, and by key. */
  const seen = new Map<string, number>();
  let count = 0;

  function runningPlans(): Plan[] {
    return [...plans.keys(), ...requestPlans.values()];
  }

  /** A request that is held would hang for good if the plan just ended. */
  function retire(plan: Plan): void {
    for (const { id, healed } of plan.faults) if (!healed) plan.heal(id);
    plan.end();
  }

  function shown(one: Added): AddedFault {
    return {
      id: one.declared.id,
      session: one.session,
      declaration: one.declared.declaration,
      get fired() {
        return one.fired;
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
    return [...fromFile, ...added]
      .filter(({ healed, session: only }) => !healed && (only === null || only === session))
      .map(({ declared }) => declared);
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
      fired(name, id) {
        fired?.(name);
        const one = byId.get(id);
        if (one) one.fired++;
      },
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
      const reached = [...plans].find(([, visit]) => visit.session === session)?.[0].reached ?? new Map();
      const declared = declareFaults(given, {
        faults,
        mode,
        nextId: () => `f${++count}`,
        ...(session !== undefined && { reached }),
      });
      const news = declared.map((one) => newly(one, session ?? null));
      while (added.length + news.length > 2 * addedMax) {
        const oldest = added.findIndex(({ healed }) => healed);
        for (const { declared } of added.splice(oldest, 1)) byId.delete(declared.id);
      }
      added.push(...news);
      for (const one of news) byId.set(one.declared.id, one);
      for (const { id, declaration } of declared) {
        journal.add({
          session: session ?? null,
          kind: "fault-declared",
          fields: { fault: id, ...declaration },
        });
      }
      for (const [plan, visit] of plans) {
        if (session === undefined || session === visit.session)
          plan.add(declared.filter(({ connections }) => !connections));
      }
      if (session === undefined) for (const plan of requestPlans.values()) plan.add(declared);
      return news.map(shown);
    },
    get list() {
      return [...fromFile, ...added].map(shown);
    },
    healAll() {
      for (const one of [...fromFile, ...added]) shown(one).heal();
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
    restoreScenarios() {
      scenarios.clear();
      for (const [name, scenario] of about.scenarioFile.scenarios) scenarios.set(name, scenario);
    },
    read(key, mock) {
      const having = { faults, mode, scenarios };
      const declared = mock === null ? (readMockKey(key, having) ?? []) : readMockQuery(mock, having);
      if (declared.length === 0) return noKeyFaults;
      // A scenario that was replaced makes another key of the same text.
      const asked = JSON.stringify([key, mock, declared.map(({ declaration }) => declaration)]);
      return { key: createHash("sha256").update(asked).digest("hex").slice(0, 16), declared };
    },
    open(session, of, { watches } = {}) {
      const watched = [...plans.values()].find((visit) => visit.session === watches);
      const n = of.key === "" ? 0 : watched?.key === of.key ? watched.n : ordinal(of.key);
      const now = general(session);
      const ordinals =
        watches === undefined
          ? new Map(now.filter((one) => one.connections).map(({ id }) => [id, ordinal(`fault ${id}`)]))
          : (watched?.ordinals ?? new Map<string, number>());
      const declared = [
        ...now.filter((one) => isFor(one, ordinals.get(one.id) ?? 0)),
        ...of.declared.filter((one) => isFor(one, n)),
      ];
      // Under a key of its own a test has dice of its own: sessions' ids tell who else has come before.
      const beside = watched?.key === of.key ? `/viewer ${++watched.viewerCount}` : "";
      const name = of.key === "" ? session : `key ${of.key}/${n}${beside}`;
      const plan = planFor(session, name, declared, () => {
        plans.delete(plan);
        if (watches !== undefined) return;
        // Nobody else meets them: they are not to take a place from others.
        for (const one of added) if (one.session === session) one.healed = true;
      });
      plans.set(plan, { session, key: of.key, n, ordinals, viewerCount: 0 });
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
      for (const one of fromFile) one.healed = false;
      for (const plan of [...requestPlans.values()]) retire(plan);
    },
  };
}

type Added = { readonly declared: Declared; readonly session: string | null; fired: number; healed: boolean };

/** A connection, as those who watch it need it. */
type Visit = {
  readonly session: string;
  readonly key: string;
  /** Which connection of its key. */
  readonly n: number;
  /** Which connection since a fault was declared, by the fault's id. */
  readonly ordinals: ReadonlyMap<string, number>;
  viewerCount: number;
};

function newly(declared: Declared, session: string | null): Added {
  return { declared, session, fired: 0, healed: false };
}
