/** Where a session's room is: in this process, or in a LiveKit deployment that the server joins. */
import type { Session } from "../session.ts";

/** How somebody gets into a room: what `livekit_room_info` and `POST /watch-stream` say. */
export type RoomKeyhole = {
  readonly livekit_url: string;
  readonly token: string;
  readonly room_name: string;
};

export type RoomHome = {
  /** Makes the session's room; `frameTiming`: the client reads packet trailers. `complain` reaches its app. */
  open(
    session: Session,
    about: { frameTiming: boolean; realtimeUrl: string; complain(sentence: string): void },
  ): Promise<OpenedRoom>;
};

export type OpenedRoom = {
  /** For the session's own client. */
  readonly client: RoomKeyhole;
  /** For one more viewer, who reaches the server at `realtimeUrl`. */
  forViewer(realtimeUrl: string): Promise<RoomKeyhole>;
  close(): Promise<void>;
};
