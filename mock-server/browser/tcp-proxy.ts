/** Stands between a page and the server, so that a spec can cut connections as a network does: without a goodbye. */

import type { AddressInfo } from "node:net";
import { connect as connectTo, createServer, type Socket } from "node:net";

export type TcpProxy = AsyncDisposable & {
  /** `127.0.0.1:40123`. The server names itself as clients reach it, so that its rooms are reached through here too. */
  readonly host: string;
  /** Cuts every connection whose first request was for a path that begins so; returns how many there were. */
  cut(path: string): number;
  /** Keeps connections for such paths waiting from now on; call the result to let them through. */
  hold(path: string): () => void;
};

/** `refused`: requests for such paths are answered with 404, as by a server that does not have them. */
export async function startTcpProxy(target: string, refused: string | null = null): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const held = new Map<string, (() => void)[]>();
  const open = new Map<Socket, { path: string; upstream: Socket }>();
  const server = createServer((client) => {
    client.once("data", (first) => {
      const path = /^\w+ (\S+) /.exec(first.toString("latin1"))?.[1] ?? "";
      if (refused !== null && path.startsWith(refused)) {
        return client.end(
          "HTTP/1.1 404 Not Found\r\naccess-control-allow-origin: *\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        );
      }
      const queue = [...held].find(([prefix]) => path.startsWith(prefix))?.[1];
      if (queue) queue.push(() => pass(client, path, first));
      else pass(client, path, first);
    });
    client.on("error", () => client.destroy());
  });

  function pass(client: Socket, path: string, first: Buffer): void {
    const upstream = connectTo(Number(port), hostname);
    open.set(client, { path, upstream });
    upstream.write(first);
    client.pipe(upstream);
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(client);
        other.destroy();
      });
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: ownPort } = server.address() as AddressInfo;

  return {
    host: `127.0.0.1:${ownPort}`,
    cut(path) {
      const cut = [...open].filter(([, connection]) => connection.path.startsWith(path));
      for (const [client, { upstream }] of cut) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
      return cut.length;
    },
    hold(path) {
      const waiting: (() => void)[] = [];
      held.set(path, waiting);
      return () => {
        held.delete(path);
        for (const run of waiting) run();
      };
    },
    async [Symbol.asyncDispose]() {
      for (const client of open.keys()) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
