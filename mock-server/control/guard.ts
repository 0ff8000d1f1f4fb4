/**
 * Who may use the control API. On loopback: whoever is on this machine and is no page of another site. Elsewhere: whoever has the token
 * that was printed at start. Knows nothing of routes.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export type Refusal = { readonly status: number; readonly detail: string };

/** `granted`: may do everything. `probe`: gave no token where one is needed, and gets what anybody may know. */
export type Passage = "granted" | "probe" | Refusal;

export type GuardAbout = {
  /** `null` on loopback, where none is needed. */
  readonly token: string | null;
  /** Whether anybody may ask this, with or without a token. */
  readonly isProbe: boolean;
  /** Whether the token may stand in the query: EventSource sends no headers. */
  readonly takesQueryToken: boolean;
};

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export function guard(request: IncomingMessage, { token, isProbe, takesQueryToken }: GuardAbout): Passage {
  const { host = "", origin } = request.headers;
  // A name that somebody else resolves to 127.0.0.1 would make their page one of the same origin. Where a token is needed, no page has it.
  if (token === null && !loopbackHost.test(host)) {
    return refusal(
      403,
      `The control API is asked under the host "${shown(host)}", and answers to localhost, 127.0.0.1 and [::1] only. Use one of those, or start the server with --host 0.0.0.0 and send the token that it prints.`,
    );
  }
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return refusal(
      403,
      `A page of ${shown(origin)} asks, and no page but the server's own may use the control API. Ask from a test or a shell, or from a page of http://${shown(host)}.`,
    );
  }
  // An image or a script of another site's page comes without an Origin.
  const { "sec-fetch-site": site, "sec-fetch-mode": mode } = request.headers;
  if ((site === "cross-site" || site === "same-site") && mode !== "navigate") {
    return refusal(
      403,
      `A page of another site asks (sec-fetch-site: ${site}), and no page but the server's own may use the control API. Ask from a test or a shell.`,
    );
  }
  if (token === null) return "granted";
  const given = givenToken(request, takesQueryToken);
  if (given === null && isProbe) return "probe";
  if (given !== null && isSame(given, token)) return "granted";
  const where = takesQueryToken
    ? "authorization: Bearer <token>, or ?token=<token>"
    : "authorization: Bearer <token>";
  return refusal(
    401,
    given === null
      ? `This server listens on more than loopback, so its control API needs the token printed at start. Send ${where}.`
      : `The token is not the one that this server printed at start; each start makes another. Send ${where}.`,
  );
}

function givenToken(request: IncomingMessage, takesQueryToken: boolean): string | null {
  const { authorization } = request.headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
  if (!takesQueryToken) return null;
  return new URL(request.url ?? "/", "http://localhost").searchParams.get("token");
}

/** In the same time wherever they differ; hashed, as their lengths may. */
function isSame(given: string, token: string): boolean {
  const [one, other] = [given, token].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(one!, other!);
}

function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host || null;
}

function refusal(status: number, detail: string): Refusal {
  return { status, detail };
}

/** A header as an answer may quote it. */
function shown(text: string): string {
  return text.replace(/[^\w.:/[\]-]/g, "?").slice(0, 80);
}
