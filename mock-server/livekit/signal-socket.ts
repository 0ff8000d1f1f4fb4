/**
 * A participant's signalling socket: protobuf messages both ways, each in the journal, sizes bounded. Knows the messages' shapes and
 * nothing of what they mean.
 */
import type { WebSocket } from "ws";
import type { ServerContext } from "../context.ts";
import type { SignalItem, SignalLine } from "../faults/fault.ts";
import type { PeerOwner } from "../open-peer.ts";
import { socketLine } from "../socket-line.ts";
import {
  fieldsOf,
  type Request,
  type Response,
  readRequest,
  SIGNAL_BYTES_MAX,
  writeResponse,
} from "./signal-wire.ts";

export type SignalSocket = {
  send(message: Response): void;
  close(code: number, reason: string): void;
  /** Closes at once where a close was asked for, whatever fault held it back. */
  finish(): void;
};

export type SignalSocketEvents = {
  request(request: Request): void;
  /** Something that is no message; the sentence says what. */
  malformed(sentence: string): void;
  closed(): void;
};

/** Bytes waiting to be sent to a client that does not read. */
const backlogMax = 4 * SIGNAL_BYTES_MAX;

/** A request of more bytes is in the journal with its size only: as JSON it would take long to make and be cut. An offer has some 18 000. */
const wholeBytesMax = 32 * 1024;

/** `owner`: whose lines of the journal tell of it. */
export function wrapSignal(
  { machine, journal }: ServerContext,
  { id: owner, plan }: PeerOwner,
  socket: WebSocket,
  on: SignalSocketEvents,
): { signal: SignalSocket; line: SignalLine } {
  const mark = { socket: "livekit" };
  let closing: { code: number; reason: string } | null = null;
  const line = socketLine<SignalItem["message"]>(socket, {
    id: owner,
    machine,
    journal,
    mark,
    backlogMax,
    write(message) {
      const { bytes, fields } = writeResponse(message as Response);
      const kind = `livekit-${message.case}`;
      return { data: bytes, line: { kind, fields, measured: isRoutine(message.case) } };
    },
    raw: (of) => ({ kind: "livekit-raw", measured: of !== undefined && isRoutine(of) }),
    // That somebody leaves has a line of its own.
    closed: () => null,
  });
  socket.on("message", (data: Buffer, isBinary) => {
    const byteLength = () => data.length;
    let request: Request;
    try {
      if (!isBinary) throw new Error("A text frame is no signal message. Send protobuf in binary frames.");
      request = readRequest(data);
    } catch (error) {
      const sentence = (error as Error).message;
      journal.add({
        session: owner,
        direction: "to-server",
        kind: "malformed",
        fields: { ...mark, error: sentence, bytes: data },
      });
      const message = { case: "malformed", value: sentence };
      const item = { direction: "to-server", kind: "malformed", message, byteLength } as const;
      return plan.pass("livekit", item, () => on.malformed(sentence));
    }
    journal.add({
      session: owner,
      direction: "to-server",
      kind: `livekit-${request.case}`,
      fields: data.length > wholeBytesMax ? { bytes: data } : fieldsOf(request),
      measured: isRoutine(request.case),
    });
    const item = { direction: "to-server", kind: request.case, message: request, byteLength } as const;
    plan.pass("livekit", item, (out) => on.request((out as SignalItem).message as Request));
  });
  socket.on("close", (code, reason) => {
    journal.add({
      session: owner,
      direction: "to-server",
      kind: "livekit-close",
      fields: { code, reason: reason.toString("utf8") },
    });
    on.closed();
  });

  return {
    signal: {
      send(message) {
        if (socket.readyState !== socket.OPEN) return;
        const byteLength = () => writeResponse(message).bytes.length;
        const item = { direction: "to-client", kind: message.case, message, byteLength } as const;
        plan.pass("livekit", item, (out) => {
          const { raw, message, kind } = out as SignalItem;
          if (raw === undefined) line.send(message);
          else line.sendRaw(raw, kind);
        });
      },
      close(code, reason) {
        if (socket.readyState !== socket.OPEN) return;
        closing ??= { code, reason };
        const message = { case: "close", value: { code, reason } } as const;
        plan.pass("livekit", { direction: "to-client", kind: "close", message }, (out) => {
          const { value } = (out as SignalItem).message as typeof message;
          line.close(value.code, value.reason);
        });
      },
      finish() {
        if (closing) line.close(closing.code, closing.reason);
      },
    },
    line,
  };
}

/** What comes every few seconds whatever happens, and what depends on the network. */
function isRoutine(name: string): boolean {
  return ["ping", "pingReq", "pong", "pongResp", "trickle"].includes(name);
}
