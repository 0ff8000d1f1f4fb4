/** A WebSocket as a client has it, and a sentence for why one does not open. Its address may hold a key: no sentence does. */
import { WebSocket } from "ws";
import { CLOSE_CODES } from "../../../protocol/index.ts";
import type { Clock } from "../../clock.ts";

export type Socket = {
  /** Nothing is sent where it is not open. */
  send(data: string | Uint8Array): void;
  /** Resolves once it is closed, whether or not the other side takes part. Nothing is told from then on. */
  close(): Promise<void>;
};

export type SocketAbout = {
  readonly url: string;
  readonly clock: Clock;
  readonly messageBytesMax: number;
  /** Aborted when nobody waits for its opening any more. */
  readonly signal?: AbortSignal | undefined;
  message(data: Buffer): void;
  /** The other side closed it, or it broke. Called once, and only after it was open. */
  closed(why: string): void;
};

const openMsMax = 10_000;
const closeMsMax = 500;
/** Of a refusal's text. */
const refusalCharsMax = 500;

/** @throws Error */
export async function openSocket({
  url,
  clock,
  messageBytesMax,
  signal,
  ...on
}: SocketAbout): Promise<Socket> {
  const { origin } = new URL(url);
  const socket = new WebSocket(url, { maxPayload: messageBytesMax });
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let isOpen = false;

  socket.on("open", () => {
    isOpen = true;
    opened.resolve();
  });
  socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    const hint = "Start the server, or correct the target.";
    opened.reject(new Error(`Nothing answers at ${origin} (${code ?? message}). ${hint}`));
  });
  socket.on("unexpected-response", async (_request, response) => {
    const text = Buffer.concat(await response.toArray())
      .toString("utf8")
      .trim();
    const said = text.slice(0, refusalCharsMax) || "no text";
    opened.reject(new Error(`${origin} refused the socket with ${response.statusCode}: ${said}`));
  });
  // Before it is open: a server may say what it has to say together with its consent.
  socket.on("message", (data: Buffer) => isOpen && on.message(data));
  socket.on("close", (code, reason) => {
    closed.resolve();
    if (!isOpen) return;
    isOpen = false;
    on.closed(`closed with ${code}${reason.length > 0 ? ` ${reason}` : ""}`);
  });

  const patience = clock.after(openMsMax, () => {
    const hint = "Look whether it is overloaded.";
    opened.reject(new Error(`${origin} did not open a socket within ${openMsMax / 1000} s. ${hint}`));
  });
  const leave = () => opened.reject(new Error("The app left."));
  signal?.addEventListener("abort", leave);
  if (signal?.aborted) leave();
  try {
    await opened.promise;
  } catch (error) {
    socket.terminate();
    throw error;
  } finally {
    patience.cancel();
    signal?.removeEventListener("abort", leave);
  }

  return {
    send(data) {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    async close() {
      isOpen = false;
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close(CLOSE_CODES.normal.code, "client disconnect");
      const impatience = clock.after(closeMsMax, () => socket.terminate());
      await closed.promise;
      impatience.cancel();
    },
  };
}
