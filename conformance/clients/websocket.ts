/**
 * The `websocket` client: whoever on this machine connects and speaks the driver contract, a line a text frame. For browsers, which nobody here
 * can start: they connect by themselves, and again when they were told to quit.
 */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { type Client, type Driver, DriverBroken } from "../client.ts";
import type { Clock } from "../clock.ts";
import { createDriverSession, lineLengthMax } from "./driver-session.ts";

/** How long the next driver may take to connect: somebody may have to open an app. */
const connectMsMax = 120_000;

/** Of a browser's page. Others' pages may connect to any port of this machine, and who is no page says nothing. */
const localOrigin = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export type WebsocketClient = Client & { readonly url: string };

/** Listens on this machine only. `port` 0 picks a free one. */
export async function websocketClient(
  clock: Clock,
  { port = 0, tell = (_sentence: string) => {} } = {},
): Promise<WebsocketClient> {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port,
    maxPayload: lineLengthMax,
    verifyClient({ origin }: { origin?: string }, answer: (isLetIn: boolean, status: number) => void) {
      const isLetIn = origin === undefined || localOrigin.test(origin);
      if (!isLetIn) {
        tell(
          `A page of ${origin.slice(0, 80)} asked to be a driver and was refused: serve it on this machine, from http://localhost or http://127.0.0.1 on any port.`,
        );
      }
      answer(isLetIn, 403);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(
        new Error(
          code === "EADDRINUSE"
            ? `Port ${port} on 127.0.0.1 is taken, so drivers cannot be waited for there. Stop what listens there, or choose another: --driver-port 0 picks a free one.`
            : `Drivers cannot be waited for on port ${port}: ${message}. Choose another with --driver-port.`,
        ),
      ),
    );
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Connected, and nobody's yet. */
  const idle: Promise<Driver>[] = [];
  const waiting: ((driver: Promise<Driver>) => void)[] = [];

  server.on("connection", (socket) => {
    const session = createDriverSession({
      name: "websocket",
      clock,
      log: [],
      send: (text) => socket.send(text, () => {}),
      cut: () => socket.terminate(),
    });
    socket.on("message", (data, isBinary) => {
      if (isBinary) socket.close(1003, "lines of text only");
      else session.receive(String(data));
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", (code) => session.ended(`closed its socket with code ${code}`));
    session.opened.catch(() => {});
    const next = waiting.shift();
    if (next) next(session.opened);
    else idle.push(session.opened);
  });

  return {
    name: "websocket",
    url,
    open() {
      const ready = idle.shift();
      if (ready) return ready;
      tell(`Waiting for a driver at ${url} …`);
      return new Promise<Driver>((resolve, reject) => {
        const timer = clock.after(connectMsMax, () => {
          waiting.splice(waiting.indexOf(take), 1);
          reject(new DriverBroken(`no driver has connected to ${url} within ${connectMsMax / 1000} s`));
        });
        const take = (driver: Promise<Driver>) => {
          timer.cancel();
          resolve(driver);
        };
        waiting.push(take);
      });
    },
    async close() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
