/** The one shape both dialects have: what begins them, and what they make of a client's messages once begun. */
import type { ClientMessage } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import type { ControlSocket } from "../control-socket.ts";
import type { Session } from "../session.ts";

export type Dialect = {
  readonly name: string;
  /** Types of a client's first message that pick this dialect. */
  readonly begins: readonly ClientMessage["type"][];
  /** Called once, before the first message is handled. */
  open(context: ServerContext, session: Session, socket: ControlSocket, client: Client): Conversation;
};

/** What is known of a client beside its messages. */
export type Client = {
  readonly query: URLSearchParams;
  /** The base of every WebSocket here, as this client reaches it: `ws://127.0.0.1:8787`. */
  readonly realtimeUrl: string;
  /** Puts a message behind those that wait for their turn. */
  handleLater(message: ClientMessage): void;
};

export type Conversation = {
  /** Takes a message that is no state message; those go to the session. Called one at a time, in order. */
  handle(message: ClientMessage): Promise<void>;
  close(): Promise<void>;
};
