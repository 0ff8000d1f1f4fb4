/** Ways into a session's room, wherever that room is: one for the session's own client, one for each viewer. */
import type { ServerContext } from "../context.ts";
import { mintToken, type RoomKey } from "./access-token.ts";
import type { RoomKeyhole } from "./room-home.ts";

/** The name of a session's own client in its room. */
export function clientIdentityOf(sessionId: string): string {
  return `client-${sessionId}`;
}

/** `room`: its name, which is the session's id. */
export function keyholes({ clock, dice }: ServerContext, key: RoomKey, room: string) {
  async function cut(url: string, identity: string, canPublish: boolean): Promise<RoomKeyhole> {
    const token = await mintToken(key, clock, {
      identity,
      room,
      canPublish,
      canSubscribe: true,
      canPublishData: canPublish,
      roomCreate: false,
    });
    return { livekit_url: url, token, room_name: room };
  }

  return {
    forClient: (url: string) => cut(url, clientIdentityOf(room), true),
    forViewer: (url: string) => cut(url, `viewer-${dice.hex(12)}`, false),
  };
}
