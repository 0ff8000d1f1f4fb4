/**
 * A client's WebSocket as the rest of the server sees it: JSON messages both ways, each in the journal, sizes bounded, a
 * peer that stopped answering noticed. Knows the protocol's shapes and nothing of what they mean.
 */
import type { WebSocket } from "ws";
import {
  CLOSE_CODES,
  type ClientMessage,
  closeReason,
  MESSAGE_BYTES_MAX,
  type ParseFailure,
  parseClientMessage,
  type ServerMessage,
} from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal.ts";

export type ControlSocket = {
  readonly id: string;
  send(message: ServerMessage): void;
  /** Tells the client what is wrong and closes: production's way to refuse. */
  refuse(error: string, code: number): void;
  close(code: number, reason: string): void;
  readonly isOpen: boolean;
};

export type ControlSocketEvents = {
  message(message: ClientMessage): void;
  /** Something that is no message of the protocol. */
  malformed(failure: ParseFailure): void;
  closed(code: number, reason: string): void;
};

/** A client that answers no ping for this long is gone, whatever its socket says. */
const pingIntervalMs = 10_000;
/** Bytes waiting to be sent to a client that does not read. */
const backlogMax = 2 * MESSAGE_BYTES_MAX;

export function wrapSocket(
  socket: WebSocket,
  about: { id: string; clock: Clock; journal: Journal },
  on: ControlSocketEvents,
): ControlSocket {
  const { id, clock, journal } = about;
  const stopHeartbeat = watchHeartbeat(socket, clock, (silentMs) =>
    journal.add({ session: id, kind: "half-open", fields: { silentMs } }),
  );
  socket.on("message", (data: Buffer, isBinary) => {
    if (data.length > MESSAGE_BYTES_MAX) {
      const error = `A message of ${data.length} bytes is too large: at most ${MESSAGE_BYTES_MAX} are read. Send a smaller image.`;
      journal.add({ session: id, direction: "to-server", kind: "too-large", fields: { bytes: data.length } });
      return control.refuse(error, CLOSE_CODES.tooBig.code);
    }
    if (isBinary) {
      const error = "A binary frame is no message of this protocol. Send JSON text.";
      journal.add({ session: id, direction: "to-server", kind: "binary", fields: { bytes: data } });
      return on.malformed({ ok: false, kind: "not-json", type: null, error });
    }
    const parsed = parseClientMessage(data.toString("utf8"));
    if (parsed.ok) {
      journal.add({
        session: id,
        direction: "to-server",
        kind: parsed.message.type,
        fields: withoutType(parsed.message),
      });
      return on.message(parsed.message);
    }
    journal.add({
      session: id,
      direction: "to-server",
      kind: "malformed",
      fields: { type: parsed.type, error: parsed.error, bytes: data },
    });
    on.malformed(parsed);
  });
  socket.on("error", (error: Error & { code?: string }) => {
    journal.add({ session: id, kind: "socket-error", fields: { code: error.code, error: error.message } });
  });
  socket.on("close", (code, reason) => {
    stopHeartbeat();
    journal.add({
      session: id,
      direction: "to-server",
      kind: "close",
      fields: { code, reason: reason.toString("utf8") },
    });
    on.closed(code, reason.toString("utf8"));
  });

  const control: ControlSocket = {
    id,
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      journal.add({ session: id, direction: "to-client", kind: message.type, fields: withoutType(message) });
      sendWithin(backlogMax, socket, JSON.stringify(message), (bytes) =>
        journal.add({ session: id, kind: "slow-reader", fields: { bytes, bytesMax: backlogMax } }),
      );
    },
    refuse(error, code) {
      control.send({ type: "error", error });
      control.close(code, error);
    },
    close(code, reason) {
      if (socket.readyState !== socket.OPEN) return;
      journal.add({ session: id, direction: "to-client", kind: "close", fields: { code, reason } });
      socket.close(code, closeReason(reason));
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
  };
  return control;
}

/** Drops a socket whose other end answers no ping; call the result to stop. */
export function watchHeartbeat(
  socket: WebSocket,
  clock: Clock,
  halfOpen: (silentMs: number) => void,
): () => void {
  let answered = true;
  const heard = () => {
    answered = true;
  };
  socket.on("pong", heard);
  socket.on("message", heard);
  const timer = clock.every(pingIntervalMs, () => {
    if (!answered) {
      halfOpen(pingIntervalMs);
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  });
  return () => timer.cancel();
}

/** Sends, and drops a socket whose other end does not read: more than `bytesMax` then wait to be sent. */
export function sendWithin(
  bytesMax: number,
  socket: WebSocket,
  data: string | Uint8Array,
  slow: (bytes: number) => void,
): void {
  socket.send(data);
  if (socket.bufferedAmount <= bytesMax) return;
  slow(socket.bufferedAmount);
  socket.terminate();
}

function withoutType({ type: _, ...fields }: { type: string }): Record<string, unknown> {
  return fields;
}
