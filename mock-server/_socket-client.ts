/**
 * A client's control socket, for tests: sends what it is told, keeps what it gets, waits for messages and never for time.
 * Expects nothing. Knows no media.
 */
import { WebSocket } from "ws";
import { parseServerMessage, type ServerMessage } from "../protocol/index.ts";

type MessageOf<Type extends ServerMessage["type"]> = Extract<ServerMessage, { type: Type }>;

export type SocketClient = AsyncDisposable & {
  readonly socket: WebSocket;
  /** Everything that came, in order. */
  readonly received: readonly ServerMessage[];
  /** A message as JSON, or a text or bytes as they are. */
  send(message: object | string | Buffer): void;
  /** The oldest message of these types that was not taken before, now or when it comes. Rejects when the socket closes first. */
  take<Type extends ServerMessage["type"]>(...types: Type[]): Promise<MessageOf<Type>>;
  /** How it ended, by whichever side. */
  readonly closed: Promise<{ code: number; reason: string }>;
};

export type SocketAbout = {
  /** Before the query. */
  path?: string;
  query?: Record<string, string>;
  origin?: string;
  headers?: Record<string, string>;
};

/** Resolves once the socket is open; rejects with the HTTP status where there is none. */
export async function openSocket(
  realtimeUrl: string,
  { path = "/v1/stream", query = {}, origin, headers = {} }: SocketAbout = {},
): Promise<SocketClient> {
  const fields = new URLSearchParams({ api_key: "dct_local", model: "lucy_2_rt", ...query });
  const socket = new WebSocket(`${realtimeUrl}${path}?${fields}`, {
    maxPayload: 64 * 1024 * 1024,
    headers,
    ...(origin !== undefined && { origin }),
  });
  const received: ServerMessage[] = [];
  const left: ServerMessage[] = [];
  const waiters = new Set<{ types: string[]; found(message: never): void; lost(error: Error): void }>();
  let ending: { code: number; reason: string } | null = null;

  socket.on("message", (data: Buffer) => {
    const parsed = parseServerMessage(data.toString("utf8"));
    if (!parsed.ok) throw new Error(`The server sent what is no message of the protocol. ${parsed.error}`);
    received.push(parsed.message);
    const waiter = [...waiters].find(({ types }) => types.includes(parsed.message.type));
    if (!waiter) return void left.push(parsed.message);
    waiters.delete(waiter);
    waiter.found(parsed.message as never);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      ending = { code, reason: reason.toString("utf8") };
      for (const waiter of waiters) waiter.lost(endedError(waiter.types));
      resolve(ending);
    });
  });

  function endedError(types: string[]): Error {
    return new Error(
      `The socket closed (${ending?.code} ${ending?.reason}) before ${types.join(" or ")} came. It got ${received.map((message) => message.type).join(", ") || "nothing"}.`,
    );
  }

  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  // From here on an error is followed by a close, which is what tests look at.
  socket.on("error", () => {});

  return {
    socket,
    received,
    send(message) {
      const plain = typeof message === "string" || Buffer.isBuffer(message);
      socket.send(plain ? message : JSON.stringify(message));
    },
    take(...types) {
      const at = left.findIndex(({ type }) => types.includes(type as never));
      if (at >= 0) return Promise.resolve(left.splice(at, 1)[0] as never);
      if (ending) return Promise.reject(endedError(types));
      return new Promise((found, lost) => waiters.add({ types, found, lost }));
    },
    closed,
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}
