/** The room tells a client to go, and what to do then: nothing, resume, or join anew. */
import { z } from "zod";
import { CLOSE_CODES } from "../../protocol/index.ts";
import { defineFault } from "./fault.ts";

/** LiveKit's numbers (documented: LeaveRequest.Action, DisconnectReason). Its package is not loaded before somebody opens a room. */
export const actions = { DISCONNECT: 0, RESUME: 1, RECONNECT: 2 };
export const reasons = {
  UNKNOWN_REASON: 0,
  CLIENT_INITIATED: 1,
  DUPLICATE_IDENTITY: 2,
  SERVER_SHUTDOWN: 3,
  PARTICIPANT_REMOVED: 4,
  ROOM_DELETED: 5,
  STATE_MISMATCH: 6,
  JOIN_FAILURE: 7,
  MIGRATION: 8,
  SIGNAL_CLOSE: 9,
  ROOM_CLOSED: 10,
  CONNECTION_TIMEOUT: 14,
  MEDIA_FAILURE: 15,
};

const namesOf = <Name extends string>(table: Record<Name, number>) => Object.keys(table) as Name[];

export const leave = defineFault({
  name: "leave",
  about: "The room tells the client to go: for good, to resume, or to join anew.",
  places: [{ channel: "livekit", directions: ["to-client"], at: "connected" }],
  settings: z.strictObject({
    action: z
      .enum(namesOf(actions))
      .default("DISCONNECT")
      .describe("What the client is to do: go for good, resume where it was, or join anew."),
    reason: z.enum(namesOf(reasons)).default("SERVER_SHUTDOWN").describe("Why, in LiveKit's words."),
    closes: z.boolean().default(true).describe("Whether the socket is closed behind it, as LiveKit does."),
  }),
  open: ({ action, reason, closes }) => ({
    strike(line) {
      const canReconnect = action !== "DISCONNECT";
      const value = { reason: reasons[reason], action: actions[action], canReconnect };
      line.send({ case: "leave", value });
      if (closes) line.close(CLOSE_CODES.normal.code, reason.toLowerCase().replaceAll("_", " "));
    },
  }),
});
