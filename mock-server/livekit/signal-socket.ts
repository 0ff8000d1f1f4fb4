/**
 * A participant's signalling socket: protobuf messages both ways, each in the journal, sizes bounded, a peer that stopped answering
 * noticed. Knows the messages' shapes and nothing of what they mean.
 */
import type { WebSocket } from "ws";
import { closeReason } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { deafen, sendWithin, watchHeartbeat } from "../control-socket.ts";
import type { SignalItem, SignalLine } from "../faults/fault.ts";
import type { PeerOwner } from "../open-peer.ts";
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
  let isMuted = false;
  const stopHeartbeat = watchHeartbeat(socket, machine, (silentMs) =>
    journal.add({
      session: owner,
      kind: "half-open",
      fields: { socket: "livekit", silentMs },
      measured: true,
    }),
  );
  socket.on("message", (data: Buffer, isBinary) => {
    try {
      if (!isBinary) throw new Error("A text frame is no signal message. Send protobuf in binary frames.");
      const request = readRequest(data);
      journal.add({
        session: owner,
        direction: "to-server",
        kind: `livekit-${request.case}`,
        fields: data.length > wholeBytesMax ? { bytes: data } : fieldsOf(request),
        measured: isRoutine(request.case),
      });
      const item = {
        direction: "to-server",
        kind: request.case,
        message: request,
        byteLength: () => data.length,
      } as const;
      plan.pass("livekit", item, (out) => on.request((out as SignalItem).message as Request));
    } catch (error) {
      const { message } = error as Error;
      journal.add({
        session: owner,
        direction: "to-server",
        kind: "malformed",
        fields: { socket: "livekit", error: message, bytes: data },
      });
      on.malformed(message);
    }
  });
  socket.on("error", (error: Error & { code?: string }) => {
    journal.add({
      session: owner,
      kind: "socket-error",
      fields: { socket: "livekit", code: error.code, error: error.message },
    });
  });
  socket.on("close", (code, reason) => {
    stopHeartbeat();
    journal.add({
      session: owner,
      direction: "to-server",
      kind: "livekit-close",
      fields: { code, reason: reason.toString("utf8") },
    });
    on.closed();
  });

  function write(message: SignalItem["message"]): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    const { bytes, fields } = writeResponse(message as Response);
    journal.add({
      session: owner,
      direction: "to-client",
      kind: `livekit-${message.case}`,
      fields,
      measured: isRoutine(message.case),
    });
    put(bytes);
  }

  function writeRaw(raw: string | Buffer): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    journal.add({ session: owner, direction: "to-client", kind: "livekit-raw", fields: { raw } });
    put(raw);
  }

  function put(data: string | Uint8Array): void {
    sendWithin(backlogMax, socket, data, (waiting) =>
      journal.add({
        session: owner,
        kind: "slow-reader",
        fields: { bytes: waiting, bytesMax: backlogMax },
        measured: true,
      }),
    );
  }

  function closeNow(code: number, reason: string): void {
    if (socket.readyState !== socket.OPEN || isMuted) return;
    socket.close(code, closeReason(reason));
  }

  return {
    signal: {
      send(message) {
        if (socket.readyState !== socket.OPEN) return;
        const byteLength = () => writeResponse(message).bytes.length;
        const item = { direction: "to-client", kind: message.case, message, byteLength } as const;
        plan.pass("livekit", item, (out) => {
          const { raw, message } = out as SignalItem;
          if (raw === undefined) write(message);
          else writeRaw(raw);
        });
      },
      close(code, reason) {
        if (socket.readyState !== socket.OPEN) return;
        const message = { case: "close", value: { code, reason } } as const;
        plan.pass("livekit", { direction: "to-client", kind: "close", message }, (out) => {
          const { value } = (out as SignalItem).message as typeof message;
          closeNow(value.code, value.reason);
        });
      },
    },
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

/** What comes every few seconds whatever happens, and what depends on the network. */
function isRoutine(name: string): boolean {
  return ["ping", "pingReq", "pong", "pongResp", "trickle"].includes(name);
}
