import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { olderSdkSnippet, sdkSnippet } from "./snippets.ts";

it("is taken by the newest SDK as it stands", async () => {
  const { createDecartClient } = await import("decart-sdk-0.1.20");
  const [, call] = sdkSnippet("http://127.0.0.1:4321", "ws://127.0.0.1:4321").split("\n\n");
  const make = new Function("createDecartClient", `${call} return client;`);
  expect(make(createDecartClient).realtime.connect).toBeTypeOf("function");
  expect(() => make((options: object) => createDecartClient({ ...options, baseUrl: "nowhere" }))).toThrow();
});

it("names the addresses it was given, and switches telemetry off", () => {
  const snippet = sdkSnippet("http://127.0.0.1:4321", "ws://127.0.0.1:4321");
  expect(snippet).toContain('baseUrl: "http://127.0.0.1:4321"');
  expect(snippet).toContain('realtimeBaseUrl: "ws://127.0.0.1:4321"');
  expect(snippet).toContain("telemetry: false");
});

it("has the key as it was given, whatever is in it", () => {
  const key = "a$'$&\"b";
  const snippet = sdkSnippet("http://127.0.0.1:4321", "ws://127.0.0.1:4321", key);
  expect(snippet).toContain(`\n  apiKey: ${JSON.stringify(key)},\n  baseUrl: `);
});

it("refuses the vendor's other hosts", () => {
  const world = { WebSocket: class {}, URL, globalThis: {} as { WebSocket?: unknown } };
  world.globalThis.WebSocket = world.WebSocket;
  runInNewContext(olderSdkSnippet("ws://127.0.0.1:4321"), world);
  const Wrapped = world.globalThis.WebSocket as new (url: string) => unknown;
  expect(() => new Wrapped("wss://api.decart.ai/v1/stream")).toThrow("Refused to reach api.decart.ai");
});

it.each([
  ["wss://api3.decart.ai/v1/stream?api_key=k&model=m", "ws://127.0.0.1:4321/v1/stream?api_key=k&model=m"],
  ["wss://elsewhere.test/socket", "wss://elsewhere.test/socket"],
])("leads a socket to %s to %s", (wanted, reached) => {
  class WebSocket {
    readonly url: string;
    constructor(url: string) {
      this.url = url;
    }
  }
  const world = { WebSocket, URL, globalThis: { WebSocket } };
  runInNewContext(olderSdkSnippet("ws://127.0.0.1:4321"), world);
  expect(new world.globalThis.WebSocket(wanted).url).toBe(reached);
});
