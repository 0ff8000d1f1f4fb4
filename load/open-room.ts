/** A session of the livekit dialect that joins and sends nothing: what `POST /watch-stream/{room}` is asked about. */
import { realClock as clock } from "./clock.ts";
import type { Target } from "./generator.ts";
import { openControlSocket } from "./generators/node/control-socket.ts";

const roomMsMax = 15_000;

/** Resolves once the server has named the room. @throws Error with the server's own words, or a sentence where none come */
export async function openRoom(target: Target): Promise<{ name: string; close(): Promise<void> }> {
  const { realtimeUrl } = target;
  const name = Promise.withResolvers<string>();
  const fail = (sentence: string) => name.reject(new Error(sentence));
  const socket = await openControlSocket({
    target,
    model: "lucy-2.1",
    clock,
    message(message) {
      if (message.type === "livekit_room_info") name.resolve(message.room_name);
      if (message.type === "error") fail(`The server said: ${message.error}`);
    },
    closed: (why) => fail(`${realtimeUrl} named no room: ${why}.`),
  }).catch(({ message }) => {
    throw new Error(`${realtimeUrl} cannot be reached: ${message}`);
  });
  const late = clock.after(roomMsMax, () =>
    fail(`${realtimeUrl} named no room within ${roomMsMax / 1000} s, so /watch-stream cannot be asked.`),
  );
  socket.send({ type: "livekit_join", initial_state: null });
  try {
    return { name: await name.promise, close: socket.close };
  } catch (error) {
    await socket.close();
    throw error;
  } finally {
    late.cancel();
  }
}
