/**
 * A client's WebSocket as the rest of the server sees it: JSON messages both ways, each in the journal, sizes bounded. Knows the
 * protocol's shapes and nothing of what they mean.
 */
import type { WebSocket } from "ws";
import {
  CLOSE_CODES,
  type ClientMessage,
  MESSAGE_BYTES_MAX,
  type ParseFailure,
  parseClientMessage,
  type ServerMessage,
} from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { ControlItem, SocketLine } from "./faults/fault.ts";
import type { Plan } from "./faults/plan.ts";
import type { Journal } from "./journal.ts";
import { socketLine } from "./socket-line.ts";

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

/** Bytes waiting to be sent to a client that does not read. */
const backlogMax = 2 * MESSAGE_BYTES_MAX;

export function wrapSocket(
  socket: WebSocket,
  about: { id: string; machine: Clock; journal: Journal; plan: Plan },
  on: ControlSocketEvents,
): { control: ControlSocket; line: ControlSocketLine } {
  const { id, machine, journal, plan } = about;
  const line = socketLine<ControlItem["message"]>(socket, {
    id,
    machine,
    journal,
    backlogMax,
    write(message) {
      const { type, ...fields } = message;
      return { data: JSON.stringify(message), line: { kind: String(type), fields } };
    },
    raw: () => ({ kind: "raw" }),
    closed: (code, reason) => ({ kind: "close", fields: { code, reason } }),
  });
  socket.on("message", (data: Buffer, isBinary) => {
    if (data.length > MESSAGE_BYTES_MAX) {
      const error = `A message of ${data.length} bytes is too large: at most ${MESSAGE_BYTES_MAX} are read. Send a smaller image.`;
      journal.add({ session: id, direction: "to-server", kind: "too-large", fields: { bytes: data.length } });
      return control.refuse(error, CLOSE_CODES.tooBig.code);
    }
    if (isBinary) {
      const error = "A binary frame is no message of this protocol. Send JSON text.";
      journal.add({ session: id, direction: "to-server", kind: "binary", fields: { bytes: data } });
      return passMalformed({ ok: false, kind: "not-json", type: null, error }, data);
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
    passMalformed(parsed, data);
  });
  socket.on("close", (code, reason) => {
    journal.add({
      session: id,
      direction: "to-server",
      kind: "close",
      fields: { code, reason: reason.toString("utf8") },
    });
    on.closed(code, reason.toString("utf8"));
  });

  /** What holds messages back or leaves them out takes a bad one as any other: acks keep the order of what they answer. */
  function passMalformed(failure: ParseFailure, data: Buffer): void {
    const item = {
      direction: "to-server",
      kind: "malformed",
      message: failure.raw ?? {},
      byteLength: () => data.length,
    } as const;
    plan.pass("control", item, () => on.malformed(failure));
  }

  const control: ControlSocket = {
    id,
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      const byteLength = () => Buffer.byteLength(JSON.stringify(message));
      const item = { direction: "to-client", kind: message.type, message, byteLength } as const;
      plan.pass("control", item, (out) => {
        const { raw, message, kind } = out as ControlItem;
        if (raw === undefined) line.send(message);
        else line.sendRaw(raw, kind);
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
        line.close(message.code as number, message.reason as string);
      });
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
  };
  return { control, line };
}

function withoutType({ type: _, ...fields }: { type: string }): Record<string, unknown> {
  return fields;
}
