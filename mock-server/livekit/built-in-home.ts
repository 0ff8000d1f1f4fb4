/** Rooms in this process, on the server's own port. */
import type { ServerContext } from "../context.ts";
import { mintToken } from "./access-token.ts";
import type { RoomHome } from "./room-home.ts";
import { createSessionRoom } from "./session-room.ts";

export function builtInHome(context: ServerContext): RoomHome {
  return {
    async open(session, { realtimeUrl, ...about }) {
      const rooms = await context.rooms();
      const hosted = createSessionRoom(context, session, about);
      const { name } = hosted.room;
      rooms.host(hosted);

      const keyhole = async (url: string, identity: string, canPublish: boolean) => ({
        livekit_url: url,
        token: await mintToken(rooms.key, context.clock, {
          identity,
          room: name,
          canPublish,
          canSubscribe: true,
          canPublishData: canPublish,
          roomCreate: false,
        }),
        room_name: name,
      });

      return {
        client: await keyhole(realtimeUrl, hosted.clientIdentity, true),
        forViewer: (url) => keyhole(url, `viewer-${context.dice.hex(12)}`, false),
        async close() {
          rooms.forget(name);
          hosted.close();
        },
      };
    },
  };
}
