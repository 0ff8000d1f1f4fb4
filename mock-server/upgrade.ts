/** Which WebSocket a client is after, by its path: a control socket, a viewer's, or the signalling of a LiveKit room. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocketServer } from "ws";
import { PATHS, STREAM_PATHS } from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import { redactText } from "./journal.ts";
import { acceptStream, acceptViewer } from "./stream-socket.ts";

/** The signalling of LiveKit rooms; the first takes one connection for both directions, the second two. */
const signalPaths: readonly string[] = ["/rtc/v1", "/rtc"];

export async function upgrade(
  context: ServerContext,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  // Not every target that HTTP lets through is a URL: `//` is none.
  const url = URL.parse(request.url ?? "/", "ws://localhost");
  const path = url?.pathname ?? "//";
  const sid = /^\/subscribe\/([^/]+)$/.exec(path)?.[1];
  if (signalPaths.includes(path)) {
    const rooms = await context.rooms();
    const { authorization } = request.headers;
    const admitted = await rooms.check({ path, query: url!.searchParams, authorization }).catch((error) => {
      refuse(error.status ?? 500, error.message);
    });
    if (admitted) {
      sockets.handleUpgrade(request, socket, head, (webSocket) => rooms.accept(webSocket, admitted));
    }
    return;
  }
  if (!sid && !STREAM_PATHS.includes(path)) {
    return refuse(
      404,
      `There is no WebSocket at ${redactText(path).slice(0, 80)}. Clients connect to ${PATHS.stream}, /subscribe/{sid}, or with a token of ours to ${signalPaths.join(" and ")}.`,
    );
  }
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    if (sid) acceptViewer(context, webSocket, request, sid);
    else acceptStream(context, webSocket, request);
  });

  function refuse(status: number, sentence: string): void {
    context.journal.add({
      kind: "upgrade-refused",
      direction: "to-server",
      fields: { path, status, error: sentence },
    });
    const body = `${sentence}\n`;
    socket.end(
      `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      // A client that keeps its side open would hold up our end.
      () => socket.destroy(),
    );
  }
}
