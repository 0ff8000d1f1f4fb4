/**
 * The rooms of this server and the way into them: `/rtc/v1`, `/rtc`, and `validate` of both. Who has a token of ours gets in, resumes, or
 * is told why not. A session opens its own room; a token that may create rooms opens one for whoever comes, as a LiveKit server does.
 */
import type { WebSocket } from "ws";
import { CLOSE_CODES, closeReason } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import type { Dice } from "../dice.ts";
import { noKeyFaults } from "../faults/desk.ts";
import type { Plan } from "../faults/plan.ts";
import { type Grants, type RoomKey, readToken, TokenError } from "./access-token.ts";
import { createParticipant, type Participant, type ParticipantEvents } from "./participant.ts";
import { createRoom, type Room } from "./room.ts";
import { type SignalSocket, wrapSignal } from "./signal-socket.ts";
import {
  DisconnectReason,
  type JoinRequest,
  LeaveRequest_Action,
  ParticipantInfo_State,
  readJoinRequest,
  ServerInfo_Edition,
  SignalError,
} from "./signal-wire.ts";

/** A room, and what becomes of somebody who enters it. */
export type HostedRoom = {
  readonly room: Room;
  readonly dice: Dice;
  /** Whose lines of the journal tell of somebody with these grants. */
  ownerOf(grants: Grants): string;
  /** The faults that somebody with these grants meets. */
  planOf(grants: Grants): Plan;
  /** `ok: false`: why there is no place; a sentence for the client. */
  welcome(grants: Grants): Welcome | { readonly ok: false; readonly error: string };
};

export type Welcome = {
  readonly ok: true;
  readonly takesTrailers: boolean;
  readonly events: ParticipantEvents;
};

export type Rooms = {
  readonly key: RoomKey;
  host(hosted: HostedRoom): void;
  /** Nobody gets in any more. */
  forget(name: string): void;
  /** Reads who wants in where. Changes nothing. @throws SignalRefusal */
  check(request: SignalUpgrade): Promise<Admitted>;
  /** Lets in whom `check` admitted. */
  accept(socket: WebSocket, admitted: Admitted): void;
  /** This plan has ended, and whatever its faults held back is lost: closes the sockets whose close was among it. */
  finish(plan: Plan): void;
  /** Ends every room that is left. */
  close(): void;
};

export type SignalUpgrade = {
  readonly path: string;
  readonly query: URLSearchParams;
  /** As the header has it: native clients put their token there. */
  readonly authorization: string | undefined;
};

export type Admitted = {
  readonly grants: Grants;
  /** Whose lines of the journal tell of it. */
  readonly owner: string;
  /** What it meets on its way in. Where its room is yet to be opened, that is what every request does. */
  readonly plan: Plan;
  readonly twoConnections: boolean;
  readonly autoSubscribe: boolean;
  /** Of the stay that is to be resumed. */
  readonly resumes: string | null;
  readonly join: JoinRequest | null;
};

/** Why somebody is not let in, as HTTP says it; a browser's client asks `validate` for the text. */
export class SignalRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Rooms opened by tokens, beside those of sessions; and members of one. */
const openRoomsMax = 100;
const membersMax = 32;

/** Seconds: how often a client says that it is there, and how long it waits for our answer. LiveKit's own. */
const ping = { interval: 5, timeout: 15 };

/** What we say we are: the protocol version that we were written against, and a version beyond those with special treatment. */
const serverInfo = {
  edition: ServerInfo_Edition.Standard,
  version: "1.9.0",
  protocol: 16,
  region: "",
  nodeId: "lucy-testkit",
};

export function createRooms(context: ServerContext, key: RoomKey): Rooms {
  const { journal, dice } = context;
  const hosted = new Map<string, HostedRoom>();
  /** By sid, for those who resume. */
  const participants = new Map<string, Participant>();
  /** Of the sockets that stand, by what they meet. */
  const signals = new Map<SignalSocket, Plan>();
  let openRoomCount = 0;

  /** For whoever comes: everybody sees everybody. */
  function openRoom(name: string): void {
    openRoomCount++;
    journal.add({ kind: "room-opened", fields: { room: name } });
    const own = dice.split(`room/${name}`);
    const plan = context.faults.open(`room ${name.slice(0, 40)}`, noKeyFaults);
    const room = createRoom(name, `RM_${own.hex(12)}`, {
      sees: () => true,
      emptied() {
        openRoomCount--;
        hosted.delete(name);
        plan.end();
        journal.add({ kind: "room-closed", fields: { room: name } });
      },
    });
    const opened: HostedRoom = {
      room,
      dice: own,
      ownerOf: ({ identity }) => identity.slice(0, 40),
      planOf: () => plan,
      welcome() {
        if (room.members.size >= membersMax)
          return { ok: false, error: `The room has ${membersMax} members, which is as many as it may have.` };
        const ignore = () => {};
        const events = { connected: ignore, lost: ignore, left: ignore, published: ignore };
        return { ok: true, takesTrailers: true, events };
      },
    };
    hosted.set(name, opened);
  }

  async function check({ path, query, authorization = "" }: SignalUpgrade): Promise<Admitted> {
    const token = query.get("access_token") || authorization.replace(/^Bearer /i, "");
    let grants: Grants;
    try {
      grants = await readToken(key, context.clock, token);
    } catch (error) {
      if (error instanceof TokenError) throw new SignalRefusal(401, error.message);
      throw error;
    }
    if (!hosted.has(grants.room) && !grants.roomCreate) {
      // SDKs read these words: without them a 404 sends them to the older path.
      throw new SignalRefusal(
        404,
        `requested room does not exist: ${grants.room.slice(0, 80)} is no session that runs here. Its room is gone when its control socket closes.`,
      );
    }
    if (!hosted.has(grants.room) && openRoomCount >= openRoomsMax) {
      throw new SignalRefusal(
        503,
        `There are ${openRoomsMax} open rooms already, which is as many as there may be.`,
      );
    }
    const host = hosted.get(grants.room);
    const who = {
      grants,
      owner: host?.ownerOf(grants) ?? grants.identity.slice(0, 40),
      plan: host?.planOf(grants) ?? context.faults.forRequests(noKeyFaults),
    };
    if (path.startsWith("/rtc/v1")) {
      const text = query.get("join_request");
      if (!text) throw new SignalRefusal(400, "/rtc/v1 takes a join_request. Connect to /rtc without one.");
      try {
        const join = readJoinRequest(text);
        return {
          ...who,
          twoConnections: false,
          autoSubscribe: join.connectionSettings?.autoSubscribe ?? true,
          resumes: join.reconnect ? join.participantSid : null,
          join,
        };
      } catch (error) {
        if (error instanceof SignalError) throw new SignalRefusal(400, error.message);
        throw error;
      }
    }
    return {
      ...who,
      twoConnections: true,
      autoSubscribe: !["0", "false"].includes(query.get("auto_subscribe") ?? ""),
      resumes: isSet(query.get("reconnect")) ? (query.get("sid") ?? "") : null,
      join: null,
    };
  }

  function accept(socket: WebSocket, { plan: planBefore, ...about }: Admitted): void {
    const { grants, resumes, owner } = about;
    if (resumes === null) {
      // First, as a room that it leaves empty is closed, and a plan ends with the stay that it is for.
      hosted
        .get(grants.room)
        ?.room.members.get(grants.identity)
        ?.dismiss(DisconnectReason.DUPLICATE_IDENTITY);
      if (grants.roomCreate && !hosted.has(grants.room)) openRoom(grants.room);
    }
    const plan = hosted.get(grants.room)?.planOf(grants) ?? planBefore;
    const admitted = { ...about, plan };
    let participant: Participant | null = null;
    const { signal, line } = wrapSignal(context, { id: owner, plan }, socket, {
      request: (request) => participant?.handleLater(request),
      malformed: (sentence) => signal.close(CLOSE_CODES.badData.code, closeReason(sentence)),
      closed() {
        detach();
        signals.delete(signal);
        plan.reach("room-socket-lost");
        participant?.detach(signal);
      },
    });
    signals.set(signal, plan);
    const detach = plan.attach("livekit", line);
    journal.add({
      session: owner,
      direction: "to-server",
      kind: "livekit-open",
      fields: {
        room: grants.room,
        identity: grants.identity,
        connections: admitted.twoConnections ? 2 : 1,
        ...(resumes !== null && { resumes }),
      },
    });

    plan.reach("room-socket");
    participant = resumes === null ? join(signal, admitted) : resume(signal, admitted, resumes);
  }

  /** Goes on with a stay where it was; a client to whom that is refused starts over by itself. */
  function resume(signal: SignalSocket, { owner, grants, plan }: Admitted, sid: string): Participant | null {
    plan.reach("resume");
    let isLet = false;
    plan.pass("livekit", { direction: "to-server", kind: "resume" }, () => {
      isLet = true;
    });
    const { identity } = grants;
    const room = hosted.get(grants.room)?.room;
    const participant = participants.get(sid);
    if (!isLet || !room || !participant?.canResume || participant !== room.members.get(identity)) {
      journal.add({ session: owner, kind: "resume-refused", fields: { identity } });
      signal.send({
        case: "leave",
        value: { reason: DisconnectReason.STATE_MISMATCH, action: LeaveRequest_Action.RECONNECT },
      });
      signal.close(CLOSE_CODES.normal.code, "nothing to resume");
      return null;
    }
    participant.attach(signal);
    journal.add({ session: owner, kind: "resumed", fields: { identity } });
    signal.send({ case: "reconnect", value: { serverInfo } });
    const known = [participant, ...room.seenBy(participant)];
    signal.send({
      case: "update",
      value: { participants: known.map((member) => member.infoFor(participant)) },
    });
    participant.restart();
    return participant;
  }

  /** Begins a stay. */
  function join(
    signal: SignalSocket,
    { owner, plan, grants, twoConnections, autoSubscribe, join }: Admitted,
  ): Participant | null {
    const host = hosted.get(grants.room);
    const welcome = host?.welcome(grants);
    if (!host || !welcome?.ok) {
      const error = welcome && !welcome.ok ? welcome.error : "The room was closed meanwhile.";
      journal.add({ session: owner, kind: "refused", fields: { error } });
      signal.send({
        case: "leave",
        value: { reason: DisconnectReason.JOIN_FAILURE, action: LeaveRequest_Action.DISCONNECT },
      });
      signal.close(CLOSE_CODES.policy.code, closeReason(error));
      return null;
    }
    const { room } = host;
    const { takesTrailers, events } = welcome;
    const joined = createParticipant(
      context,
      room,
      { owner: { id: owner, plan }, dice: host.dice, grants, twoConnections, autoSubscribe, takesTrailers },
      {
        ...events,
        left() {
          participants.delete(joined.sid);
          events.left();
        },
      },
    );
    participants.set(joined.sid, joined);
    joined.attach(signal);
    const info = joined.infoFor(joined);
    info.state = ParticipantInfo_State.JOINED;
    plan.reach("before-join-response");
    signal.send({
      case: "join",
      value: {
        room: { sid: room.sid, name: room.name },
        participant: info,
        otherParticipants: room.seenBy(joined).map((member) => member.infoFor(joined)),
        serverVersion: serverInfo.version,
        serverInfo,
        subscriberPrimary: twoConnections,
        pingInterval: ping.interval,
        pingTimeout: ping.timeout,
        enabledPublishCodecs: ["video/H264", "video/VP8", "video/VP9", "audio/opus"].map((mime) => ({
          mime,
        })),
      },
    });
    plan.reach("after-join-response");
    room.enter(joined);
    journal.add({
      session: owner,
      kind: "entered-room",
      fields: { identity: grants.identity, room: room.name },
    });
    for (const value of join?.addTrackRequests ?? []) joined.handleLater({ case: "addTrack", value });
    if (join?.publisherOffer) joined.handleLater({ case: "offer", value: join.publisherOffer });
    joined.begin();
    return joined;
  }

  return {
    key,
    host(one) {
      hosted.set(one.room.name, one);
    },
    forget: (name) => void hosted.delete(name),
    check,
    accept,
    finish(plan) {
      for (const [signal, met] of signals) if (met === plan) signal.finish();
    },
    close() {
      for (const { room } of [...hosted.values()]) room.close(DisconnectReason.SERVER_SHUTDOWN);
    },
  };
}

function isSet(flag: string | null): boolean {
  return flag === "1" || flag === "true";
}
