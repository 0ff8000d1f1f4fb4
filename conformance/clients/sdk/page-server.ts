/**
 * What a page of the SDK's driver is loaded from, and what it speaks the contract to: HTTP and a WebSocket on loopback. It knows files and
 * sockets, and nothing of what is said.
 */
import { type WebSocket, WebSocketServer } from "ws";
import { type PageServer, servePage } from "../../../fixtures/browser/serve-page.ts";

export type PageServerOptions = {
  /** Scripts by name, made when they are asked for. */
  readonly scripts: Readonly<Record<string, () => Promise<string>>>;
  /** A page has opened its WebSocket, `/driver/<id>`. */
  opened(id: string, socket: WebSocket): void;
};

export async function serveDriverPage({
  scripts,
  opened,
}: PageServerOptions): Promise<Pick<PageServer, "origin" | "close">> {
  const served = await servePage(
    (path) => (Object.hasOwn(scripts, path.slice(1)) ? scripts[path.slice(1)]!() : undefined),
    ["/sdk.js"],
  );
  const sockets = new WebSocketServer({ server: served.server });
  sockets.on("connection", (socket, { url = "" }) => opened(url.slice("/driver/".length), socket));
  return {
    origin: served.origin,
    close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      return served.close();
    },
  };
}
