/**
 * A LiveKit client's signalling socket, for tests: sends requests, keeps responses, waits for them and never for time. Expects
 * nothing. Knows no media; the second file that imports @livekit/protocol, as an opinion of its own.
 */
import { gzipSync } from "node:zlib";
import {
  JoinRequest,
  SignalRequest,
  SignalResponse,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";
import { WebSocket } from "ws";

export { DisconnectReason, LeaveRequest_Action, ParticipantInfo_State, TrackType } from "@livekit/protocol";

type Initial<Message> = Message extends { case: string; value: infer Value }
  ? { case: Message["case"]; value: Value extends object ? Partial<Value> : Value }
  : never;
type Response = Extract<SignalResponse["message"], { case: string }>;
type Case = Response["case"];
type ValueOf<Name extends Case> = Extract<Response, { case: Name }>["value"];

export type SignalClient = AsyncDisposable & {
  readonly socket: WebSocket;
  /** What each response was, in order. */
  readonly received: readonly Case[];
  /** A request, or bytes or a text as they are. */
  send(message: SignalMessage | Buffer | string): void;
  /** The oldest response of this kind that was not taken before, now or when it comes. Rejects when the socket closes first. */
  take<Name extends Case>(name: Name): Promise<ValueOf<Name>>;
  /** How it ended, by whichever side. */
  readonly closed: Promise<{ code: number; reason: string }>;
};

export type SignalAbout = {
  /** `/rtc/v1` takes a join request, `/rtc` says all in its query. */
  readonly path?: "/rtc/v1" | "/rtc";
  /** Empty for none in the query. */
  readonly token: string;
  readonly join?: Partial<JoinRequest>;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
};

export type SignalMessage = Initial<Extract<SignalRequest["message"], { case: string }>>;

/** A request as it goes over the socket. */
export function writeSignal(message: SignalMessage): Uint8Array {
  return new SignalRequest({ message } as ConstructorParameters<typeof SignalRequest>[0]).toBinary();
}

/** The query that a browser's client opens its socket with. */
export function signalQuery({
  path = "/rtc/v1",
  token,
  join = {},
  query = {},
}: SignalAbout): URLSearchParams {
  const access: Record<string, string> = token ? { access_token: token } : {};
  if (path === "/rtc") return new URLSearchParams({ ...access, auto_subscribe: "1", ...query });
  const wrapped = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(new JoinRequest(join).toBinary()),
  });
  const request = Buffer.from(wrapped.toBinary()).toString("base64url");
  return new URLSearchParams({ ...access, join_request: request, ...query });
}

/** Resolves once the socket is open; rejects with status and text where there is none. */
export async function openSignal(livekitUrl: string, about: SignalAbout): Promise<SignalClient> {
  const { path = "/rtc/v1", headers = {} } = about;
  const socket = new WebSocket(`${livekitUrl}${path}?${signalQuery(about)}`, { headers });
  const received: Case[] = [];
  const left: Response[] = [];
  const waiters = new Set<{ name: Case; found(value: never): void; lost(error: Error): void }>();
  let ending: { code: number; reason: string } | null = null;

  socket.on("message", (data: Buffer) => {
    const { message } = SignalResponse.fromBinary(data);
    if (message.case === undefined) throw new Error("The server sent what is no livekit.SignalResponse.");
    received.push(message.case);
    const waiter = [...waiters].find(({ name }) => name === message.case);
    if (!waiter) return void left.push(message);
    waiters.delete(waiter);
    waiter.found(message.value as never);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      ending = { code, reason: reason.toString("utf8") };
      for (const { name, lost } of waiters) lost(endedError(name));
      resolve(ending);
    });
  });

  function endedError(name: string): Error {
    return new Error(
      `The socket closed (${ending?.code} ${ending?.reason}) before ${name} came. It got ${received.join(", ") || "nothing"}.`,
    );
  }

  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.once("unexpected-response", async (request, response) => {
      const text = Buffer.concat(await response.toArray()).toString("utf8");
      reject(new Error(`${response.statusCode}: ${text.trim()}`));
      request.destroy();
    });
  });
  // From here on an error is followed by a close, which is what tests look at.
  socket.on("error", () => {});

  return {
    socket,
    received,
    send(message) {
      if (typeof message === "string" || Buffer.isBuffer(message)) return socket.send(message);
      socket.send(writeSignal(message));
    },
    take(name) {
      const at = left.findIndex((message) => message.case === name);
      if (at >= 0) return Promise.resolve(left.splice(at, 1)[0]!.value as never);
      if (ending) return Promise.reject(endedError(name));
      return new Promise((found, lost) => waiters.add({ name, found, lost }));
    },
    closed,
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}
