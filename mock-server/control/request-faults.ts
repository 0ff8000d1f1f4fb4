/**
 * Leads requests to the service's REST paths past the faults of their keys. It says which key a request has and which kind it is of; what a
 * path does it does not know.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { API_KEY_HEADER, CLIENT_KEY_PREFIX } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import type { KeyFaults } from "../faults/desk.ts";
import type { HttpItem } from "../faults/fault.ts";
import { mockOf } from "../faults/mock-key.ts";

export type RequestFaults = {
  /** Express's middleware, behind what sets the CORS headers: a page reads refusals, too. */
  meet(request: IncomingMessage, response: ServerResponse, next: () => void): void;
  /** What was found out about a request that was let through. */
  of(request: IncomingMessage): Met;
};

type Met = {
  /** `null`: it asks for none. */
  readonly keyFaults: KeyFaults | null;
  readonly tokenLifeSeconds: number | undefined;
};

/** Sets a status, FastAPI's error shape and a line of the journal. */
type Answer<Request, Response> = (
  request: Request,
  response: Response,
  status: number,
  detail: unknown,
) => void;

/** As express matches them: whatever the case, and with a slash at the end or without. Preflights do not come here. */
const kinds: readonly { kind: string; method?: string; path: RegExp }[] = [
  { kind: "tokens", method: "POST", path: /^\/v1\/client\/tokens\/?$/i },
  { kind: "files", path: /^\/v1\/files(\/[^/]*)?\/?$/i },
  { kind: "watch-stream", method: "POST", path: /^\/watch-stream\/[^/]+\/?$/i },
];

const unmet: Met = { keyFaults: null, tokenLifeSeconds: undefined };

export function requestFaults<Request extends IncomingMessage, Response extends ServerResponse>(
  context: ServerContext,
  refuse: Answer<Request, Response>,
): RequestFaults {
  const { faults, journal } = context;
  const known = new WeakMap<IncomingMessage, Met>();

  function faultsOf(request: IncomingMessage, query: URLSearchParams): KeyFaults {
    const key = String(request.headers[API_KEY_HEADER] ?? "");
    const mock = mockOf(query);
    const minted = key.startsWith(CLIENT_KEY_PREFIX) ? context.tokens.find(key)?.faults : null;
    return minted ?? faults.read(key, mock);
  }

  return {
    meet(request, response, next) {
      const url = URL.parse(request.url ?? "/", "http://localhost");
      const path = url?.pathname ?? "/";
      const kind = kinds.find(
        (one) => (one.method ?? request.method) === request.method && one.path.test(path),
      );
      if (!kind) return next();
      const answer = (status: number, detail: unknown) =>
        refuse(request as Request, response as Response, status, detail);
      let keyFaults: KeyFaults;
      try {
        keyFaults = faultsOf(request, url!.searchParams);
      } catch (error) {
        return answer(401, (error as Error).message);
      }
      const plan = faults.forRequests(keyFaults);
      const asked = keyFaults.declared.length > 0 ? keyFaults : null;
      if (plan.isIdle("http")) {
        known.set(request, { ...unmet, keyFaults: asked });
        return next();
      }
      const item: HttpItem = {
        direction: "to-server",
        kind: kind.kind,
        request,
        response,
        refuse: answer,
        reset() {
          journal.add({ direction: "to-client", kind: "reset", fields: { method: request.method, path } });
          request.socket.resetAndDestroy();
        },
      };
      let isLet = false;
      plan.pass("http", item, (out) => {
        // It may come late, or twice.
        if (isLet || response.destroyed || response.headersSent) return;
        isLet = true;
        known.set(request, { keyFaults: asked, tokenLifeSeconds: (out as HttpItem).tokenLifeSeconds });
        next();
      });
    },
    of: (request) => known.get(request) ?? unmet,
  };
}
