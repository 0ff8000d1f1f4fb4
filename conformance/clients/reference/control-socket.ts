/** The control socket: text frames both ways, and pings that tell a half-open one. Knows no messages. */
import { WebSocket } from "ws";
import { CLOSE_CODES } from "../../../protocol/index.ts";
import type { Clock, Timer } from "../../clock.ts";

export type ControlSocket = {
  /** @throws Error when it does not open */
  readonly opened: Promise<void>;
  readonly isClosed: boolean;
  /** Drops it silently when the socket is not open. */
  send(message: object): void;
  /** Resolves once all is heard that the server had to say by now; soon, where it says nothing. */
  heardOut(): Promise<void>;
  /** Resolves once it is closed, with or without the server's doing. */
  close(): Promise<void>;
};

export type SocketAbout = {
  readonly messageBytesMax: number;
  readonly url: string;
  readonly clock: Clock;
  /** Sockets are real whatever time the client lives in: a pong has this long of real time, at least. */
  readonly live: Clock;
  readonly pingEveryMs: number;
  readonly pongMsMax: number;
  /** Whether it stops to ping once it is closed. */
  readonly stopsPings: boolean;
  /** `null`: not text. */
  onFrame(text: string | null): void;
  onClosed(why: string): void;
};

const closeMsMax = 500;
const heardOutMsMax = 500;
const livePongMsMax = 500;

export function openControlSocket(about: SocketAbout): ControlSocket {
  const { clock, live } = about;
  const socket = new WebSocket(about.url, { maxPayload: about.messageBytesMax });
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  opened.promise.catch(() => {});
  let timer: Timer | null = null;
  let trouble: string | null = null;
  let isAlive = true;

  const isSilent = () => !isAlive && socket.readyState !== WebSocket.CLOSED;

  function ping(): void {
    isAlive = false;
    socket.ping();
    timer = clock.after(about.pongMsMax, () => {
      timer = live.after(isSilent() ? livePongMsMax : 0, () => {
        if (isSilent()) return about.onClosed("WebSocket is half-open: no answer to a ping");
        timer = clock.after(about.pingEveryMs, ping);
      });
    });
  }

  function stopPings(): void {
    if (about.stopsPings) timer?.cancel();
  }

  socket.on("open", () => {
    timer = clock.after(about.pingEveryMs, ping);
    opened.resolve();
  });
  socket.on("pong", () => {
    isAlive = true;
  });
  socket.on("message", (frame, isBinary) => {
    isAlive = true;
    about.onFrame(isBinary ? null : String(frame));
  });
  socket.on("error", (error) => {
    trouble ??= error.message;
  });
  socket.on("close", (code, reason) => {
    stopPings();
    const why = trouble === null ? `WebSocket closed: ${code} ${reason}` : `WebSocket error: ${trouble}`;
    opened.reject(new Error(why));
    closed.resolve();
    about.onClosed(why);
  });

  return {
    opened: opened.promise,
    get isClosed() {
      return socket.readyState === WebSocket.CLOSED;
    },
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    async heardOut() {
      if (socket.readyState !== WebSocket.OPEN) return;
      const heard = Promise.withResolvers<void>();
      socket.once("pong", heard.resolve);
      socket.ping();
      const patience = live.after(heardOutMsMax, heard.resolve);
      await Promise.race([heard.promise, closed.promise]);
      patience.cancel();
      socket.off("pong", heard.resolve);
    },
    async close() {
      stopPings();
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close(CLOSE_CODES.normal.code, "client disconnect");
      const patience = live.after(closeMsMax, () => socket.terminate());
      await closed.promise;
      patience.cancel();
    },
  };
}
