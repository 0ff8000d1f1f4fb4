/**
 * The LiveKit dialect (@decartai/sdk 0.1.x, Python 0.1.x, Android 0.7.x): the control socket carries state and tells of a LiveKit
 * room, in which media flows. Protocol reference, section 3.
 */
import { type ClientMessage, FIRST_TYPES } from "../../protocol/index.ts";
import type { Timer } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import type { ControlSocket } from "../control-socket.ts";
import type { OpenedRoom } from "../livekit/room-home.ts";
import type { Session } from "../session.ts";
import type { Client, Conversation, Dialect } from "./dialect.ts";

export const livekit: Dialect = {
  name: "livekit",
  begins: FIRST_TYPES.livekit,
  open: converse,
};

function converse(
  context: ServerContext,
  session: Session,
  socket: ControlSocket,
  client: Client,
): Conversation {
  const { options, clock } = context;
  let joined = false;
  let closed = false;
  let opened: OpenedRoom | null = null;
  let turn: Timer | null = null;

  async function join(message: ClientMessage & { type: "livekit_join" }): Promise<void> {
    if (joined)
      throw new Error("This session has joined already. Send livekit_join once, as the first message.");
    joined = true;
    const frameTiming = message.client_capabilities?.frame_timing === true;
    // Loaded while the client still waits for its turn.
    const [home] = await Promise.all([context.roomHome(), wait(options.queue)]);
    if (closed) return;
    const room = await home.open(session, {
      frameTiming,
      realtimeUrl: client.realtimeUrl,
      complain: (error) => socket.send({ type: "error", error }),
    });
    // It may leave while its room is made.
    if (closed) return room.close();
    opened = room;
    context.openRooms.set(room.client.room_name, room);
    session.plan.reach("before-room-info");
    socket.send({ type: "livekit_room_info", ...room.client, session_id: session.id });
    session.plan.reach("after-room-info");
  }

  /** Resolves when nobody is ahead any more; never once the client has left. */
  async function wait(position: number): Promise<void> {
    for (let ahead = position; ahead > 0 && !closed; ahead--) {
      session.plan.reach("queue-position");
      socket.send({ type: "queue_position", position: ahead, queue_size: position });
      // A fault may have ended it at this very moment.
      if (closed) return;
      await new Promise<void>((resolve) => {
        turn = clock.after(options.queueStepMs, resolve);
      });
    }
  }

  return {
    async handle(message) {
      if (message.type === "livekit_join") return join(message);
      throw new Error(
        `The message ${message.type} has no place in the livekit dialect, which this socket began with: media is negotiated in the room. Send prompt or set_image.`,
      );
    },
    async close() {
      closed = true;
      turn?.cancel();
      if (opened) context.openRooms.delete(opened.client.room_name);
      await opened?.close();
    },
  };
}
