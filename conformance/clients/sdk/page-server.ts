/**
 * What a page of the SDK's driver is loaded from, and what it speaks the contract to: HTTP and a WebSocket on loopback. It knows files and
 * sockets, and nothing of what is said.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export type PageServer = {
  readonly origin: string;
  close(): Promise<void>;
};

export type PageServerOptions = {
  /** Scripts by name, made when they are asked for. */
  readonly scripts: Readonly<Record<string, () => Promise<string>>>;
  /** A page has opened its WebSocket, `/driver/<id>`. */
  opened(id: string, socket: WebSocket): void;
};

const page = `<!doctype html><meta charset="utf-8"><title>lucy-testkit</title><link rel="icon" href="data:,">
<link rel="modulepreload" href="/sdk.js"><body><script type="module" src="/page.js"></script></body>`;

export async function servePage({ scripts, opened }: PageServerOptions): Promise<PageServer> {
  const server = createServer(async ({ url = "/" }, response) => {
    if (url === "/") {
      response.writeHead(200, { "content-type": "text/html" }).end(page);
      return;
    }
    const make = Object.hasOwn(scripts, url.slice(1)) ? scripts[url.slice(1)] : undefined;
    if (!make) {
      response.writeHead(404).end();
      return;
    }
    try {
      const script = await make();
      response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    } catch (error) {
      // The page's import fails with it, and the driver says so.
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    }
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, { url = "" }) => opened(url.slice("/driver/".length), socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
