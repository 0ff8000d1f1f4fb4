/** A session of the livekit dialect that joins and sends nothing: what `POST /watch-stream/{room}` is asked about. */
import { WebSocket } from "ws";
import { PATHS } from "../protocol/index.ts";
import { realClock as clock } from "./clock.ts";
import type { Target } from "./generator.ts";

const roomMsMax = 15_000;

/** Resolves once the server has named the room. @throws Error with the server's own words, or a sentence where none come */
export async function openRoom({
  realtimeUrl,
  apiKey,
}: Target): Promise<{ name: string; close(): Promise<void> }> {
  const query = new URLSearchParams({ api_key: apiKey, model: "lucy-2.1" });
  const socket = new WebSocket(`${realtimeUrl}${PATHS.stream}?${query}`);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const close = async () => {
    socket.close();
    await closed;
  };
  const name = Promise.withResolvers<string>();
  const late = clock.after(roomMsMax, () =>
    name.reject(
      new Error(
        `${realtimeUrl} named no room within ${roomMsMax / 1000} s, so /watch-stream cannot be asked.`,
      ),
    ),
  );
  socket.once("open", () => socket.send(JSON.stringify({ type: "livekit_join", initial_state: null })));
  socket.on("message", (text) => {
    const message = JSON.parse(String(text));
    if (message.type === "livekit_room_info") name.resolve(message.room_name);
    if (message.type === "error") name.reject(new Error(`The server said: ${message.error}`));
  });
  socket.once("error", ({ message }) =>
    name.reject(new Error(`${realtimeUrl} cannot be reached: ${message}.`)),
  );
  socket.once("close", (code) =>
    name.reject(new Error(`${realtimeUrl} closed with ${code} before it named a room.`)),
  );
  try {
    return { name: await name.promise, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    late.cancel();
  }
}
