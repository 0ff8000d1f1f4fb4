/**
 * A WebSocket as a fault may spoil it, and as every socket of ours is kept: it writes into the journal what it sends, bounds what waits
 * to be sent, notices a peer that stopped answering, goes deaf and comes back. Knows no message.
 */
import type { WebSocket } from "ws";
import { closeReason } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";
import type { SocketLine } from "./faults/fault.ts";
import type { Journal, JournalEntry } from "./journal.ts";

export type OpenLine<Message> = Omit<SocketLine<Message>, "sendRaw"> & {
  /** `of`: the kind of what it takes the place of. */
  sendRaw(raw: string | Buffer, of?: string): void;
};

export type LineAbout<Message> = {
  /** Whose lines of the journal tell of it. */
  readonly id: string;
  readonly machine: Clock;
  readonly journal: Journal;
  /** In what the journal has of the socket itself: which one it is. */
  readonly mark?: Record<string, unknown>;
  /** Bytes waiting to be sent to a client that does not read. */
  readonly backlogMax: number;
  /** A message as it goes out, and as the journal has it. */
  write(message: Message): { data: string | Uint8Array; line: JournalEntry };
  /** What the journal has of something else in its place, and of a close; `null`: nothing. */
  raw(of: string | undefined): JournalEntry;
  closed(code: number, reason: string): JournalEntry | null;
};

/** A client that answers no ping for this long is gone, whatever its socket says. */
const pingIntervalMs = 10_000;

export function socketLine<Message>(
  socket: WebSocket,
  { id, machine, journal, mark = {}, backlogMax, write, raw: rawLine, closed }: LineAbout<Message>,
): OpenLine<Message> {
  /** Of two faults that mute it, the last to heal opens it. */
  let muteCount = 0;
  /** Asked for while it was mute. */
  let closing: { code: number; reason: string } | null = null;

  const note = (line: JournalEntry) => journal.add({ session: id, ...line });
  const isOpen = () => socket.readyState === socket.OPEN;

  const stopHeartbeat = watchHeartbeat(socket, machine, {
    isDeaf: () => muteCount > 0,
    halfOpen: (silentMs) => note({ kind: "half-open", fields: { ...mark, silentMs }, measured: true }),
  });
  socket.on("close", stopHeartbeat);
  socket.on("error", ({ code, message }: Error & { code?: string }) =>
    note({ kind: "socket-error", fields: { ...mark, code, error: message } }),
  );

  function put(data: string | Uint8Array): void {
    sendWithin(backlogMax, socket, data, (bytes) =>
      note({ kind: "slow-reader", fields: { ...mark, bytes, bytesMax: backlogMax }, measured: true }),
    );
  }

  function close(code: number, reason: string): void {
    if (!isOpen()) return;
    if (muteCount > 0) {
      closing ??= { code, reason };
      return;
    }
    const line = closed(code, reason);
    if (line) note({ direction: "to-client", ...line });
    socket.close(code, closeReason(reason));
  }

  return {
    send(message) {
      if (!isOpen() || muteCount > 0) return;
      const { data, line } = write(message);
      note({ direction: "to-client", ...line });
      put(data);
    },
    sendRaw(raw, of) {
      if (!isOpen() || muteCount > 0) return;
      const { fields, ...line } = rawLine(of);
      note({ direction: "to-client", ...line, fields: { ...(of !== undefined && { of }), ...fields, raw } });
      put(raw);
    },
    close,
    drop: () => socket.terminate(),
    mute() {
      if (muteCount++ === 0) socket.pause();
      let isMine = true;
      return () => {
        if (!isMine) return;
        isMine = false;
        if (--muteCount > 0) return;
        socket.resume();
        if (closing) close(closing.code, closing.reason);
      };
    },
  };
}

/** Drops a socket whose other end answers no ping, unless we are deaf ourselves; call the result to stop. */
function watchHeartbeat(
  socket: WebSocket,
  clock: Clock,
  { isDeaf, halfOpen }: { isDeaf(): boolean; halfOpen(silentMs: number): void },
): () => void {
  let answered = true;
  const heard = () => {
    answered = true;
  };
  socket.on("pong", heard);
  socket.on("message", heard);
  const timer = clock.every(pingIntervalMs, () => {
    if (isDeaf()) return;
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
