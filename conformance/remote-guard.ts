/**
 * The one guard before anything that is not this machine: a real endpoint costs money. It asks twice, and stops a run that has spent its
 * budget. Shared by conformance and load.
 */
import type { Clock } from "./clock.ts";

export type RemoteBudget = {
  /** Sessions that may be opened. */
  readonly sessionsMax: number;
  /** Seconds that the run may take. */
  readonly secondsMax: number;
  /** Credits that it may cost, as `creditsPerSecond` reckons. */
  readonly creditsMax: number;
};

export type Endpoint = { readonly url: string; readonly realtimeUrl: string; readonly apiKey: string };

export class RemoteRefused extends Error {}

/** What a second of generation costs: $0.02 for lucy-2.x (documented), counted per session that is open. */
export const creditsPerSecond = 0.02;

/** Whether an address is this machine's. Names other than localhost are not resolved: they count as remote. */
export function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? "";
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The endpoint that was asked for. @throws RemoteRefused with what to type */
export function readEndpoint(
  address: string,
  about: { allowRemote: boolean; budget: Partial<RemoteBudget>; environment: NodeJS.ProcessEnv },
): { endpoint: Endpoint; budget: RemoteBudget | null } {
  const url = URL.parse(address);
  if (!url || !/^wss?:$/.test(url.protocol)) {
    throw new RemoteRefused(
      `The endpoint is "${address.slice(0, 80)}". It takes a WebSocket's address: wss://api3.decart.ai.`,
    );
  }
  if (url.username || url.password || url.search) {
    throw new RemoteRefused(
      "The endpoint's address has a name, a password or a query. A key comes from DECART_API_KEY only.",
    );
  }
  const realtimeUrl = `${url.protocol}//${url.host}`;
  const apiKey = about.environment.DECART_API_KEY ?? "";
  // What the environment says of another host is not for this machine: its HTTP side is where its WebSocket is.
  const own = realtimeUrl.replace(/^ws/, "http");
  if (isLoopback(address)) {
    return { endpoint: { url: own, realtimeUrl, apiKey: apiKey || "dct_local" }, budget: null };
  }
  if (!about.allowRemote) {
    throw new RemoteRefused(
      `${url.host} is not this machine, and may cost money. Say --allow-remote as well, with --sessions-max, --seconds-max and --credits-max.`,
    );
  }
  const { sessionsMax, secondsMax, creditsMax } = about.budget;
  if (sessionsMax === undefined || secondsMax === undefined || creditsMax === undefined) {
    throw new RemoteRefused(
      `Say what ${url.host} may cost: --sessions-max, --seconds-max and --credits-max, all three.`,
    );
  }
  if (apiKey === "")
    throw new RemoteRefused(
      `${url.host} needs a key. It is taken from DECART_API_KEY, and never from the command line.`,
    );
  const http = about.environment.DECART_API_URL ?? own;
  return { endpoint: { url: http, realtimeUrl, apiKey }, budget: { sessionsMax, secondsMax, creditsMax } };
}

export type Guard = {
  /** Before each session. Call the result when it is over. @throws RemoteRefused when the budget is spent */
  open(): () => void;
  readonly spent: { readonly sessions: number; readonly seconds: number; readonly credits: number };
};

/** Counts what a run spends; without a budget it only counts. */
export function createGuard(budget: RemoteBudget | null, clock: Clock): Guard {
  const startedMs = clock.now();
  const open = new Set<number>();
  let sessions = 0;
  let closedSeconds = 0;
  const spent = () => {
    const seconds = (clock.now() - startedMs) / 1000;
    const running = [...open].reduce((sum, sinceMs) => sum + (clock.now() - sinceMs) / 1000, 0);
    return { sessions, seconds, credits: (closedSeconds + running) * creditsPerSecond };
  };
  return {
    get spent() {
      return spent();
    },
    open() {
      const { seconds, credits } = spent();
      if (budget) {
        const over =
          sessions >= budget.sessionsMax
            ? `${budget.sessionsMax} sessions`
            : seconds >= budget.secondsMax
              ? `${budget.secondsMax} seconds`
              : credits >= budget.creditsMax
                ? `${budget.creditsMax} credits`
                : null;
        if (over) throw new RemoteRefused(`The budget of ${over} is spent: the run ends here.`);
      }
      sessions++;
      const sinceMs = clock.now() + sessions * 1e-9;
      open.add(sinceMs);
      return () => {
        if (open.delete(sinceMs)) closedSeconds += (clock.now() - sinceMs) / 1000;
      };
    },
  };
}
