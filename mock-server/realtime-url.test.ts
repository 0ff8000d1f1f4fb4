import type { IncomingHttpHeaders } from "node:http";
import { expect, test } from "vitest";
import type { ServerContext } from "./context.ts";
import { realtimeUrl } from "./realtime-url.ts";

const proto = (value: string) => ({ host: "lucy.example", "x-forwarded-proto": value });

test.each<[string, boolean, IncomingHttpHeaders, string]>([
  ["the host that was asked for", false, { host: "lucy.example:8787" }, "ws://lucy.example:8787"],
  ["our own TLS", true, { host: "lucy.example" }, "wss://lucy.example"],
  ["no Host", false, {}, "ws://127.0.0.1:8787"],
  ["a TLS proxy", false, proto("https"), "wss://lucy.example"],
  ["a TLS proxy of WebSockets", false, proto("WSS"), "wss://lucy.example"],
  ["a chain of proxies, TLS in front", false, proto("https, http"), "wss://lucy.example"],
  ["a chain of proxies, TLS behind the first", false, proto("http, https"), "ws://lucy.example"],
  ["a plain proxy before our own TLS", true, proto("http"), "wss://lucy.example"],
  ["what is no protocol", false, proto("https://evil.example/"), "ws://lucy.example"],
  ["nothing", false, proto(""), "ws://lucy.example"],
])("%s", (_name, tls, headers, url) => {
  const context = { options: { tls }, address: { ip: "127.0.0.1", port: 8787 } } as ServerContext;
  expect(realtimeUrl(context, headers)).toBe(url);
});
