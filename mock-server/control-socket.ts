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
import type { ControlItem, SocketLine } from "./faults/fault.ts";
import type { Plan } from "./faults/plan.ts";
import type { Journal } from "./journal.ts";

export type ControlSocket = {
  readonly id: string;
  send(message: ServerMessage): void;
  /** Tells the client what is wrong and closes: production's way to refuse. */
  refuse(error: string, code: number): void;
  close(code: number, reason: string): void;
  readonly isOpen: boolean;
};

/** What a fault may do to it. */
export type ControlSocketLine = SocketLine<ControlItem["message"]>;

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
  about: { id: string; machine: Clock; journal: Journal; plan: Plan },
  on: ControlSocketEvents,
): { control: ControlSocket; line: ControlSocketLine } {
  const { id, machine, journal, plan } = about;
  let isMuted = false;
  const stopHeartbeat = watchHeartbeat(socket, machine, (silentMs) =>
    journal.add({ session: id, kind: "half-open", fields: { silentMs }, measured: true }),
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
      const { message } = parsed;
      const item = {
        direction: "to-server",
        kind: message.type,
        message,
        byteLength: () => data.length,
      } as const;
      return plan.pass("control", item, (out) => on.message((out as ControlItem).message as ClientMessage));
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

  function write(message: ControlItem["message"]): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    const { type, ...fields } = message;
    journal.add({ session: id, direction: "to-client", kind: String(type), fields });
    put(JSON.stringify(message));
  }

  function writeRaw(raw: string | Buffer): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    journal.add({ session: id, direction: "to-client", kind: "raw", fields: { raw } });
    put(raw);
  }

  function put(data: string | Buffer): void {
    sendWithin(backlogMax, socket, data, (bytes) =>
      journal.add({
        session: id,
        kind: "slow-reader",
        fields: { bytes, bytesMax: backlogMax },
        measured: true,
      }),
    );
  }

  function closeNow(code: number, reason: string): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    journal.add({ session: id, direction: "to-client", kind: "close", fields: { code, reason } });
    socket.close(code, closeReason(reason));
  }

  const control: ControlSocket = {
    id,
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      const byteLength = () => Buffer.byteLength(JSON.stringify(message));
      const item = { direction: "to-client", kind: message.type, message, byteLength } as const;
      plan.pass("control", item, (out) => {
        const { raw, message } = out as ControlItem;
        if (raw === undefined) write(message);
        else writeRaw(raw);
      });
    },
    refuse(error, code) {
      control.send({ type: "error", error });
      control.close(code, error);
    },
    close(code, reason) {
      if (socket.readyState !== socket.OPEN) return;
      const item = { direction: "to-client", kind: "close", message: { code, reason } } as const;
      plan.pass("control", item, (out) => {
        const { message } = out as ControlItem;
        closeNow(message.code as number, message.reason as string);
      });
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
  };
  return {
    control,
    line: {
      send: write,
      sendRaw: writeRaw,
      close: closeNow,
      drop: () => socket.terminate(),
      mute() {
        isMuted = true;
        const listen = deafen(socket);
        return () => {
          isMuted = false;
          listen();
        };
      },
    },
  };
}

/** Reads nothing any more, so that pings are not answered either, and takes no silence for death. Call the result to go on. */
export function deafen(socket: WebSocket): () => void {
  deaf.add(socket);
  socket.pause();
  return () => {
    deaf.delete(socket);
    socket.resume();
  };
}

const deaf = new WeakSet<WebSocket>();

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
    if (deaf.has(socket)) return;
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
