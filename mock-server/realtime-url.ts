/** Where a client reaches this server: the one rule for every address that we hand out, on the control socket and over HTTP. */
import type { IncomingHttpHeaders } from "node:http";
import type { ServerContext } from "./context.ts";

/**
 * The base of every WebSocket here, as the sender of these headers reaches it: `wss://lucy.example:8787`. The host is the one that it
 * asked for: a proxy has to pass that on. TLS is ours, or that of a proxy which says so in `x-forwarded-proto` (`https` or `wss`;
 * the first of several is the client's own, anything else is passed over). A request without a Host is no browser's.
 */
export function realtimeUrl({ options, address }: ServerContext, headers: IncomingHttpHeaders): string {
  const isSecure = options.tls || /^\s*(https|wss)\s*(,|$)/i.test(String(headers["x-forwarded-proto"] ?? ""));
  return `${isSecure ? "wss" : "ws"}://${headers.host ?? `${address.ip}:${address.port}`}`;
}
