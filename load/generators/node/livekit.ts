/**
 * The LiveKit dialect, as @decartai/sdk 0.1.20 speaks it with `debugQuality`: the control socket carries state and tells of a room, in which
 * media flows. Protocol reference, section 3.
 */
import type { ServerMessageOf } from "../../../protocol/index.ts";
import { attempt, type Connect } from "./connection.ts";
import { openRoom } from "./room.ts";

export const connectLivekit: Connect = (about) => {
  const told = Promise.withResolvers<ServerMessageOf<"livekit_room_info">>();

  return attempt(
    about,
    (message) => {
      if (message.type === "livekit_room_info") told.resolve(message);
    },
    async ({ control, wait, keep, fail }) => {
      control.send({
        type: "livekit_join",
        passthrough: true,
        client_capabilities: { frame_timing: true },
      });
      const { livekit_url: livekitUrl, token, session_id: id } = await wait(told.promise, "its room");
      const room = keep(
        openRoom({
          livekitUrl,
          token,
          camera: about.clip,
          clock: about.clock,
          packet: about.packet,
          keyRequested: about.keyRequested,
          lost: fail,
        }),
      );
      await wait(room.join(), "the room's answer to its offer");
      await wait(room.publish(), "the room's answer to its camera");
      await wait(room.peer.connected, "its media connection");
      return { id, peer: room.peer, carriesTrailers: true };
    },
  );
};
