/** Which WebSocket a client is after, by its path: a control socket, a viewer's, or the signalling of a LiveKit room. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocketServer } from "ws";
import { CLIENT_KEY_PREFIX, PATHS, QUERY, STREAM_PATHS } from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import { type KeyFaults, noKeyFaults } from "./faults/desk.ts";
import type { UpgradeItem } from "./faults/fault.ts";
import { mockOf } from "./faults/mock-key.ts";
import type { Plan } from "./faults/plan.ts";
import { redactText } from "./journal.ts";
import { acceptStream, acceptViewer, type Visitor } from "./stream-socket.ts";

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
    if (!admitted) return;
    const { plan, owner } = admitted;
    return meetFaults("livekit", plan, owner, () =>
      sockets.handleUpgrade(request, socket, head, (webSocket) => rooms.accept(webSocket, admitted)),
    );
  }
  if (!sid && !STREAM_PATHS.includes(path)) {
    return refuse(
      404,
      `There is no WebSocket at ${redactText(path).slice(0, 80)}. Clients connect to ${PATHS.stream}, /subscribe/{sid}, or with a token of ours to ${signalPaths.join(" and ")}.`,
    );
  }
  const id = context.dice.hex(16);
  const asked = askedFor(context, url!.searchParams);
  // Who watches a session meets what its client meets, too.
  const watched = sid === undefined ? undefined : context.sessions.get(sid)?.keyFaults;
  const keyFaults = asked.keyFaults.declared.length > 0 ? asked.keyFaults : (watched ?? noKeyFaults);
  const visitorId = sid === undefined ? id : `${id}-viewer`;
  const plan = context.faults.open(visitorId, keyFaults, { watches: sid });
  const visitor: Visitor = { id: visitorId, plan, keyFaults, keyError: asked.error };
  plan.reach("upgrade");
  let accepted = false;
  // Held back, it may go before it is let in; and a handshake that is none is answered, and closed, by whoever would let it in.
  socket.once("close", () => {
    if (!accepted) plan.end();
  });
  meetFaults("control", plan, visitorId, () => {
    if (socket.destroyed) return;
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = true;
      if (sid) acceptViewer(context, webSocket, request, sid, visitor);
      else acceptStream(context, webSocket, request, visitor);
    });
  });

  function meetFaults(
    channel: "control" | "livekit",
    plan: Plan,
    session: string | null,
    accept: () => void,
  ): void {
    const item: UpgradeItem = {
      direction: "to-server",
      kind: "upgrade",
      path,
      refuse: (status, body) => refuse(status, body, session),
      reset() {
        context.journal.add({ session, direction: "to-client", kind: "reset", fields: { path } });
        socket.resetAndDestroy();
      },
    };
    let isHeld = true;
    const leave = () => socket.destroy();
    plan.pass(channel, item, () => {
      // It may come late, or twice.
      if (!isHeld) return;
      isHeld = false;
      socket.off("end", leave);
      sockets.off("close", leave);
      accept();
    });
    if (!isHeld || socket.writableEnded) return;
    // Who does not read does not notice that the client has left. It has nothing to say until it is let in (RFC 6455, section 4.1).
    socket.once("end", leave);
    socket.resume();
    sockets.once("close", leave);
    socket.once("close", () => sockets.off("close", leave));
  }

  function refuse(status: number, sentence: string, session: string | null = null): void {
    context.journal.add({
      session,
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

/** What a client's key, or its query, says is to go wrong. */
function askedFor(
  context: ServerContext,
  query: URLSearchParams,
): { keyFaults: KeyFaults; error: string | null } {
  const key = query.get(QUERY.apiKey) ?? "";
  try {
    const mock = mockOf(query);
    const minted = key.startsWith(CLIENT_KEY_PREFIX) ? context.tokens.find(key)?.faults : null;
    return { keyFaults: minted ?? context.faults.read(key, mock), error: null };
  } catch (error) {
    return { keyFaults: noKeyFaults, error: (error as Error).message };
  }
}
