/** What every part of one running server shares. Made in `server.ts`, handed down, never global. */
import type { Clock } from "./clock.ts";
import type { Tally } from "./control/tally.ts";
import type { Dice } from "./dice.ts";
import type { Expectations } from "./expectations.ts";
import type { FaultDesk } from "./faults/desk.ts";
import type { FileStore } from "./file-store.ts";
import type { Journal } from "./journal.ts";
import type { OpenedRoom, RoomHome } from "./livekit/room-home.ts";
import type { Rooms } from "./livekit/rooms.ts";
import type { CodecPool } from "./media/codec-pool.ts";
import type { MockServerOptions } from "./options.ts";
import type { Session } from "./session.ts";
import type { TokenDesk } from "./token-desk.ts";

export type ServerContext = {
  readonly options: Readonly<MockServerOptions>;
  /** What the service times: ticks, limits, queues, tokens, faults. A test may hold it. */
  readonly clock: Clock;
  /** What the machine times: packets on their way, sockets that went silent. It always runs. */
  readonly machine: Clock;
  readonly dice: Dice;
  readonly journal: Journal;
  /** What the journal's lines add up to. */
  readonly tally: Tally;
  readonly faults: FaultDesk;
  readonly expectations: Expectations;
  readonly codecs: CodecPool;
  readonly tokens: TokenDesk;
  readonly files: FileStore;
  /** Running sessions by id. */
  readonly sessions: Map<string, Session>;
  /** The LiveKit rooms of this process, loaded when the first is needed. */
  rooms(): Promise<Rooms>;
  /** Where sessions of the livekit dialect get their rooms. */
  roomHome(): Promise<RoomHome>;
  /** Rooms of running sessions by their names: what viewers ask for. */
  readonly openRooms: Map<string, OpenedRoom>;
  /** Viewers by the id of the session they watch, from the moment they are let in. None has no entry. */
  readonly viewerCounts: Map<string, number>;
  /** How to close each peer there is, those included that are still being made or closed. */
  readonly peers: Set<() => Promise<void>>;
  /** Ends every WebSocket that is left, without a close frame. */
  dropSockets(): void;
  /** Addresses that media may use; `null` for every interface. */
  readonly mediaAddresses: readonly string[] | null;
  readonly udpPorts: readonly [number, number] | null;
  /** Where clients reach the server: what `session_id` tells them. */
  readonly address: { ip: string; port: number };
};
