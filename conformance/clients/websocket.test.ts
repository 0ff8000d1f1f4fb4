import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { realClock } from "../clock.ts";
import { websocketClient } from "./websocket.ts";

const hello = { event: "hello", contract: 1, client: "x", dialect: "direct", capabilities: [] };

/** A driver that answers everything with yes, and leaves at quit. */
function connect(url: string, first: unknown = hello): WebSocket {
  const socket = new WebSocket(url);
  socket.on("open", () => socket.send(JSON.stringify(first)));
  socket.on("message", (data) => {
    const { id, verb } = JSON.parse(String(data));
    if (verb === "quit") socket.close();
    else socket.send(JSON.stringify({ event: "result", id, ok: true }));
  });
  socket.on("error", () => {});
  return socket;
}

async function listen(tell?: (sentence: string) => void) {
  const client = await websocketClient(realClock, tell && { tell });
  onTestFinished(() => client.close());
  return client;
}

test("whoever connects is the next driver, before it is asked for or after", async () => {
  const client = await listen();
  connect(client.url);
  const first = await client.open();
  const second = client.open();
  connect(client.url);
  for (const driver of [first, await second]) {
    expect(driver.hello.client).toBe("x");
    expect(await driver.request("disconnect", {})).toMatchObject({ ok: true });
    await driver.close();
  }
});

test.each<[string, (socket: WebSocket) => void, RegExp]>([
  ["goes away", (socket) => socket.terminate(), /closed its socket with code 1006/],
  ["sends bytes", (socket) => socket.send(Buffer.from([1])), /closed its socket with code 1003/],
  ["speaks nonsense", (socket) => socket.send("nonsense"), /nonsense/],
])("a driver that %s is broken", async (_name, act, sentence) => {
  const client = await listen();
  const socket = connect(client.url);
  const driver = await client.open();
  act(socket);
  expect((await driver.broken).message).toMatch(sentence);
});

test("a port that is taken is a sentence", async () => {
  const { url } = await listen();
  await expect(websocketClient(realClock, { port: Number(new URL(url).port) })).rejects.toThrow(
    /^Port \d+ on 127\.0\.0\.1 is taken, so drivers .* --driver-port 0 picks a free one\.$/,
  );
});

test.each(["http://localhost:5173", "http://127.0.0.1", "https://[::1]:8443"])(
  "a page of %s may be a driver",
  async (origin) => {
    const { url } = await listen();
    const socket = new WebSocket(url, { origin });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    socket.terminate();
  },
);

test.each([
  "https://somewhere.example",
  "http://localhost.somewhere.example",
  "http://127.0.0.1.somewhere.example:8790",
  // A file, or a frame that its page has shut in.
  "null",
])("a page of %s may not, and that is told", async (origin) => {
  const told: string[] = [];
  const { url } = await listen((sentence) => told.push(sentence));
  const socket = new WebSocket(url, { origin });
  const refused = await new Promise<Error>((resolve, reject) =>
    socket.once("error", resolve).once("open", () => reject(new Error("It was let in."))),
  );
  expect(refused.message).toMatch(/ 403$/);
  expect(told).toEqual([
    `A page of ${origin} asked to be a driver and was refused: serve it on this machine, from http://localhost or http://127.0.0.1 on any port.`,
  ]);
});
