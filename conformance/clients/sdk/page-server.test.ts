import { once } from "node:events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { serveDriverPage } from "./page-server.ts";

const opened = vi.fn();
let server: Awaited<ReturnType<typeof serveDriverPage>>;

beforeEach(async () => {
  const scripts = {
    "page.js": async () => "export {};",
    "sdk.js": () => Promise.reject(new Error("Could not resolve mitt")),
  };
  server = await serveDriverPage({ scripts, opened });
});
afterEach(() => server.close());

it.each([
  ["/", 200, "text/html", /<script type="module" src="\/page\.js">/],
  ["/page.js", 200, "text/javascript", /^export \{\};$/],
  ["/sdk.js", 500, "text/plain", /Could not resolve mitt/],
  ["/other.js", 404, null, /^$/],
  ["/toString", 404, null, /^$/],
])("answers %s with %i", async (path, status, type, body) => {
  const response = await fetch(server.origin + path);
  expect([response.status, response.headers.get("content-type")]).toEqual([status, type]);
  expect(await response.text()).toMatch(body);
});

it("hands on each WebSocket with its id, and ends them all", async () => {
  const socket = new WebSocket(`${server.origin.replace("http", "ws")}/driver/7`);
  await once(socket, "open");
  await vi.waitFor(() => expect(opened).toHaveBeenCalledWith("7", expect.any(WebSocket)));
  const closed = once(socket, "close");
  await server.close();
  await closed;
});
