/**
 * The control socket of either dialect, as a client has it: messages both ways, and acks in the order of what they answer. Knows no media.
 */
import {
  type ClientMessage,
  MESSAGE_BYTES_MAX,
  PATHS,
  parseServerMessage,
  QUERY,
  type ServerMessage,
  type StateMessage,
} from "../../../protocol/index.ts";
import type { Clock } from "../../clock.ts";
import { ackMsMax, type Target } from "../../generator.ts";
import { openSocket } from "./socket.ts";

export type ControlSocket = {
  send(message: ClientMessage): void;
  /** Sends a state message; resolves with when its ack came. @throws Error with the server's words, or why there was no ack */
  change(message: StateMessage): Promise<number>;
  /** Resolves once it is closed. Nothing is told from then on, and no ack comes. */
  close(): Promise<void>;
};

export type ControlSocketAbout = {
  readonly target: Target;
  readonly model: string;
  readonly clock: Clock;
  /** Aborted when nobody waits for its opening any more. */
  readonly signal?: AbortSignal | undefined;
  /** All but acks. */
  message(message: ServerMessage): void;
  /** The server closed it, or it broke. Called once. */
  closed(why: string): void;
};

type Waiting = { readonly type: string; settle(failure: string | null): void };

const userAgent = "lucy-testkit-load/1 lang/js";

/** @throws Error that names the target */
export async function openControlSocket(about: ControlSocketAbout): Promise<ControlSocket> {
  const { target, model, clock, signal } = about;
  const query = new URLSearchParams({
    [QUERY.apiKey]: target.apiKey,
    [QUERY.model]: model,
    [QUERY.userAgent]: userAgent,
  });
  const waiting: Waiting[] = [];

  function failAll(why: string): void {
    for (const { settle } of waiting.splice(0)) settle(`No ack came: ${why}.`);
  }

  const socket = await openSocket({
    url: `${target.realtimeUrl}${PATHS.stream}?${query}`,
    clock,
    signal,
    messageBytesMax: MESSAGE_BYTES_MAX,
    message(data) {
      const parsed = parseServerMessage(String(data));
      // What is new is for newer clients, and what is broken shows in what does not happen.
      if (!parsed.ok) return;
      const { message } = parsed;
      if (message.type !== "prompt_ack" && message.type !== "set_image_ack") return about.message(message);
      const at = waiting.findIndex(({ type }) => `${type}_ack` === message.type);
      if (at < 0) return;
      const refusal = message.success ? null : message.error || "The server refused it and did not say why.";
      waiting.splice(at, 1)[0]!.settle(refusal);
    },
    closed(how) {
      const why = `the control socket ${how}`;
      failAll(why);
      about.closed(why);
    },
  });
  const send = (message: ClientMessage) => socket.send(JSON.stringify(message));

  return {
    send,
    change(message) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const entry: Waiting = {
        type: message.type,
        settle(failure) {
          patience.cancel();
          if (failure === null) resolve(clock.now());
          else reject(new Error(failure));
        },
      };
      // It is forgotten then: that an ack never comes is likelier than that it comes so late, and would shift all that follow.
      const patience = clock.after(ackMsMax, () => {
        waiting.splice(waiting.indexOf(entry), 1);
        entry.settle(`No ack came within ${ackMsMax / 1000} s.`);
      });
      waiting.push(entry);
      send(message);
      return promise;
    },
    close() {
      failAll("the session is over");
      return socket.close();
    },
  };
}
