/** What the playground writes down for a conformance driver is what the contract has: a driver does it, and the server saw the same. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { driverEvent, needOf } from "./conformance/client.ts";
import { imageHash } from "./fixtures/hashes.ts";
import { readImage } from "./fixtures/images.ts";
import { type MockServer, startMockServer } from "./mock-server/index.ts";
import { driverCode } from "./mock-server/playground/as-code.ts";
import type { Deed } from "./mock-server/playground/deeds.ts";

let server: MockServer | undefined;
afterEach(() => server?.close());

const face = { name: "face-png", byteLength: readImage("face-png").length };
const faceHash = imageHash(readImage("face-png"));
const deeds: Deed[] = [
  { kind: "fault", declaration: "no-pong", session: null, id: "f1" },
  {
    kind: "connect",
    version: "0.1.20",
    model: "lucy-2.1",
    apiKey: "dct_local",
    codec: "VP8",
    source: "camera",
    camera: { width: 320, height: 180, fps: 15 },
  },
  { kind: "setPrompt", prompt: "a knight", enhance: false },
  { kind: "setImage", image: face },
  { kind: "set", prompt: "a cat", image: face, enhance: true },
  { kind: "setImage", image: null, prompt: null },
  { kind: "setImage", image: null },
  { kind: "disconnect" },
];

test.each(["direct", "livekit"])(
  "a driver of the dialect %s takes each line",
  async (dialect) => {
    server = await startMockServer({ port: 0 });
    const { text, notes } = driverCode(
      deeds,
      { url: server.url, realtimeUrl: server.realtimeUrl, needsToken: false },
      () => Buffer.from(readImage("face-png")).toString("base64"),
    );
    const requests = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(requests.map(({ id, verb }) => [id, verb])).toEqual([
      [1, "connect"],
      [2, "setPrompt"],
      [3, "setImage"],
      [4, "set"],
      [5, "setImage"],
      [6, "disconnect"],
    ]);
    for (const { verb } of requests) expect(Object.keys(needOf)).toContain(verb);
    expect(notes.join(" ")).toMatch(/makes its camera up.*asked of the server.*Clearing a prompt/);

    const driver = spawn(
      process.execPath,
      [join(import.meta.dirname, "conformance/clients/reference/driver.ts"), "--dialect", dialect],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const exit = once(driver, "exit");
    const lines = createInterface({ input: driver.stdout });
    const heard = lines[Symbol.asyncIterator]();
    const next = async (isIt: (event: ReturnType<typeof driverEvent.parse>) => boolean) => {
      for (;;) {
        const event = driverEvent.parse(JSON.parse(String((await heard.next()).value)));
        if (isIt(event)) return event;
      }
    };
    const hello = await next(({ event }) => event === "hello");
    if (hello.event !== "hello") throw new Error("The first line is hello.");
    for (const request of requests) {
      const need = needOf[request.verb as keyof typeof needOf];
      if (need !== null) expect(hello.capabilities).toContain(need);
      driver.stdin.write(`${JSON.stringify(request)}\n`);
      expect(await next((event) => event.event === "result" && event.id === request.id)).toMatchObject({
        ok: true,
      });
    }
    driver.stdin.end();
    await exit;

    const states = server.journal.lines.filter(({ kind }) => kind === "state").map(({ fields }) => fields);
    expect(states).toMatchObject([
      { prompt: "a knight", enhance: false, imageHash: 0 },
      { prompt: "a knight", imageHash: faceHash },
      { prompt: "a cat", enhance: true, imageHash: faceHash },
      { prompt: "a cat", imageHash: 0 },
    ]);
  },
  60_000,
);
