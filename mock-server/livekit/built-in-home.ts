/** Rooms in this process, on the server's own port. */
import type { ServerContext } from "../context.ts";
import { keyholes } from "./keyholes.ts";
import type { RoomHome } from "./room-home.ts";
import { createSessionRoom } from "./session-room.ts";

export function builtInHome(context: ServerContext): RoomHome {
  return {
    async open(session, { realtimeUrl, ...about }) {
      const rooms = await context.rooms();
      const hosted = createSessionRoom(context, session, about);
      const { name } = hosted.room;
      rooms.host(hosted);

      const ways = keyholes(context, rooms.key, name);
      return {
        client: await ways.forClient(realtimeUrl),
        forViewer: ways.forViewer,
        async close() {
          rooms.forget(name);
          hosted.close();
        },
      };
    },
  };
}
