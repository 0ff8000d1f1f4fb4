/**
 * Which page may have what another client made: its pictures, its files. The service's own routes are open to pages of any origin, for apps
 * are pages; and ids come of a seed, so that any page that a developer happens to open could say the next one.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

export type Asker = Readonly<Partial<Pick<IncomingHttpHeaders, "origin" | "host">>>;

/** A name beneath localhost is this machine's as well, by RFC 6761. */
const loopbackHostname = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Who is no page may; so may pages of this machine, of the origin of whoever made it, and of the address (a number: a name may be anybody's)
 * under which the server is asked, as a phone has them from the machine that the server is on. `"null"`, which any page can have, is nobody's.
 *
 * @param owner the Origin of whoever made it; `null` where that was no page
 */
export function mayReach({ origin, host }: Asker, owner: string | null): boolean {
  if (origin === undefined) return true;
  const page = URL.parse(origin)?.hostname;
  if (!page) return false;
  if (loopbackHostname.test(page) || origin === owner) return true;
  return isIP(page.replace(/^\[|\]$/g, "")) !== 0 && URL.parse(`http://${host}`)?.hostname === page;
}

/** What is said where {@link mayReach} says no; `what` begins the sentence. */
export function keptFrom(what: string, { origin }: Asker): string {
  const page = String(origin)
    .replace(/[^\w.:/[\]-]/g, "?")
    .slice(0, 80);
  return `${what} is not for a page of ${page}: pages of localhost may have it, and those of the origin that it is from. Open yours there.`;
}
