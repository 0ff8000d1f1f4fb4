/**
 * A member of a room that is a client: what it says on its signalling socket, what it publishes, what it watches, and its peer
 * connections: one for both directions (`/rtc/v1`), or one for each (`/rtc`). It outlives its socket for a while, so that a client
 * can resume. Messages are handled one after the other: a candidate that overtakes its offer would be lost (measured).
 */
import { CLOSE_CODES, type ClientMessageOf, closeReason, parseClientMessage } from "../../protocol/index.ts";
import type { Timer } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import type { Dice } from "../dice.ts";
import { spoilDescription } from "../faults/spoil-description.ts";
import { codecNames } from "../media/codec-name.ts";
import { readOffer, type Section } from "../media/offer.ts";
import type { Candidate, Peer, PeerEvents } from "../media/peer.ts";
import { openPeer, type PeerOwner } from "../open-peer.ts";
import { createSerialQueue } from "../serial-queue.ts";
import type { Grants } from "./access-token.ts";
import { createPublication, type Publication, whyUnfit } from "./publication.ts";
import type { Member, Room } from "./room.ts";
import type { SignalSocket } from "./signal-socket.ts";
import {
  type AddTrackRequest,
  DisconnectReason,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_State,
  type Request,
  RequestResponse_Reason,
  readDataPacket,
  type SessionDescription,
  SignalTarget,
  type SubscriptionPermission,
  TrackType,
} from "./signal-wire.ts";
import { createSubscriptions } from "./subscriptions.ts";

export type ParticipantAbout = {
  /** Whose lines of the journal tell of it, and whose faults it meets. */
  readonly owner: PeerOwner;
  readonly dice: Dice;
  readonly grants: Grants;
  /** `/rtc`: the client publishes on one connection and watches on another, which we offer. */
  readonly twoConnections: boolean;
  readonly autoSubscribe: boolean;
  /** It finds the sender's time behind each picture, and takes it off. */
  readonly takesTrailers: boolean;
};

export type ParticipantEvents = {
  /**
   * Told when the client is left without media; the text is a sentence for its app. Without this there is nobody to tell: the client
   * is sent away with the sentence.
   */
  failed?(sentence: string): void;
  /** Its media goes through, or no longer. */
  connected(): void;
  lost(): void;
  /** It is gone, and all that it had with it. Called once. */
  left(): void;
  published(track: Publication): void;
};

export type Participant = Member & {
  /** Whether a client that lost its socket can go on where it was. */
  readonly canResume: boolean;
  /** The socket it is told things on from now on. */
  attach(socket: SignalSocket): void;
  /** Its socket closed: it may come back for a while. */
  detach(socket: SignalSocket): void;
  /** Puts a message behind those that wait for their turn. */
  handleLater(request: Request): void;
  /** Once it has been told that it is in: offers the connection that it watches on, where that is ours to offer. */
  begin(): void;
  /** After a resume: new credentials for that connection. */
  restart(): void;
  permission(): NonNullable<ParticipantInfo["permission"]>;
};

/** Messages waiting for their turn. */
const waitingMax = 256;
/** How long a client may be without a socket before it counts as gone. LiveKit's clients try for some 15 s. Assumed. */
const absenceMs = 20_000;
/** Tracks announced and not yet offered. */
const announcedMax = 16;
/** Characters of one trickled candidate as JSON. A browser's has some 250. */
const candidateLengthMax = 4096;
/**
 * What fails here leaves the client without media, so that its app is told. Everything else is for the journal: on a session's
 * control socket, an `error` rejects every ack that the app waits for (documented; protocol reference, 3.3).
 */
const negotiation: readonly Request["case"][] = ["offer", "answer"];

export function createParticipant(
  context: ServerContext,
  room: Room,
  about: ParticipantAbout,
  on: ParticipantEvents,
): Participant {
  const { journal, clock } = context;
  const { grants, dice } = about;
  const { id: owner, plan } = about.owner;
  const sid = `PA_${dice.hex(12)}`;
  const joinedAt = BigInt(clock.date().getTime());
  const tracks = new Map<string, Publication>();
  /** By the id the client knows its track by. */
  const announced = new Map<string, Publication>();
  let socket: SignalSocket | null = null;
  let absence: Timer | null = null;
  let allowed: SubscriptionPermission | null = null;
  /** The connection the client offers; in `/rtc/v1` it watches on it too. */
  let publisher: Peer | null = null;
  let dead = false;
  let gone = false;

  // Whatever waits there beside the client's messages is an offer of ours.
  const queue = createSerialQueue(waitingMax, (error) => {
    if (noteFailure(error)) tellApp(error as Error);
  });

  /** Whether it was one: what was taken away under its hands is nobody's failure. */
  function noteFailure(error: unknown): boolean {
    if (gone) return false;
    const { message, name } = error as Error;
    journal.add({
      session: owner,
      kind: "message-failed",
      fields: { socket: "livekit", name, error: message },
    });
    return true;
  }

  function tellApp({ message }: Error): void {
    if (on.failed) on.failed(message);
    else sendAway(DisconnectReason.JOIN_FAILURE, message, CLOSE_CODES.policy.code);
  }

  const peerEvents: PeerEvents = {
    connected() {
      if (gone) return;
      subscriptions.start();
      on.connected();
    },
    lost(state) {
      dead ||= state !== "disconnected";
      if (!gone) on.lost();
    },
    video(packet, colorSpace, mid) {
      publicationOf(mid)?.receive.video(packet, colorSpace);
    },
    audio(payload, timestamp, marker, mid) {
      publicationOf(mid)?.receive.audio(payload, timestamp, marker);
    },
    keyRequested: (_kind, mid) => subscriptions.requestKey(mid),
    estimated: (bitsPerSecond) => subscriptions.estimate(bitsPerSecond),
    data: receiveData,
  };

  const subscriptions = createSubscriptions(context, {
    owner: about.owner,
    twoConnections: about.twoConnections,
    canSubscribe: grants.canSubscribe,
    autoSubscribe: about.autoSubscribe,
    takesTrailers: about.takesTrailers,
    self: () => participant,
    others: () => room.seenBy(participant),
    send: (message) => socket?.send(message),
    events: peerEvents,
    later: (task) => void queue.add(task),
  });

  function publicationOf(mid: string): Publication | undefined {
    // For every packet: no list is made.
    for (const track of tracks.values()) if (track.mid === mid) return track;
    return undefined;
  }

  /** What comes over the client's own data channels goes to the others, marked as coming from it. */
  function receiveData(label: string, bytes: Buffer): void {
    if (gone || !["_reliable", "_lossy"].includes(label)) return;
    if (!grants.canPublishData) {
      return void journal.add({
        session: owner,
        kind: "data-refused",
        fields: { label, bytes: bytes.length },
      });
    }
    try {
      const packet = readDataPacket(bytes, participant);
      room.sendData(participant, label, packet.bytes, packet.to);
    } catch (error) {
      journal.add({ session: owner, kind: "malformed", fields: { label, error: (error as Error).message } });
    }
  }

  async function answer({ sdp, id, midToTrackId }: SessionDescription): Promise<void> {
    plan.reach("offer");
    const { sections } = readOffer(sdp, () => codecNames);
    publisher ??= await openPeer(context, about.owner, peerEvents);
    if (gone) return publisher.close();
    const wanted = findPublications(sections, midToTrackId);
    // First what is gone: one offer may take a camera away and bring another.
    for (const track of [...tracks.values()]) {
      if (!sections.some(({ mid, sends }) => sends && mid === track.mid)) unpublish(track);
    }
    // The client must know of a track before the answer that carries it: publishing tells everybody, this one too.
    for (const [track, section] of wanted) publish(track, section);
    if (!about.twoConnections) subscriptions.place(publisher, sections);
    const offer = readOffer(sdp, ({ mid, sends, codecs }) => {
      const codec = sends ? publicationOf(mid)?.codec : subscriptions.codecOf(mid);
      return codec ? [codec] : codecs;
    });
    const streams = about.twoConnections ? new Map<string, string>() : subscriptions.streams();
    const answered = await publisher.answer(offer, streams);
    plan.reach("before-answer");
    socket?.send({
      case: "answer",
      value: {
        type: "answer",
        sdp: spoilDescription(plan, answered),
        id,
        midToTrackId: subscriptions.midToTrackId(),
      },
    });
    plan.reach("after-answer");
    subscriptions.start();
    subscriptions.askForSections();
  }

  /** The sections in which something new is sent, with what was announced for them. */
  function findPublications(
    sections: readonly Section[],
    midToTrackId: Readonly<Record<string, string>>,
  ): Map<Publication, Section> {
    const sending = sections.filter(({ sends, kind }) => sends && kind !== "application");
    const left = new Map(announced);
    const found = new Map<Publication, Section>();
    function match(track: Publication | undefined, section: Section): void {
      if (!track) return;
      left.delete(track.cid);
      found.set(track, section);
    }
    const unnamed = sending.filter((section) => {
      const cid = [midToTrackId[section.mid], section.trackId].find((id) => id && left.has(id));
      if (cid) match(left.get(cid), section);
      return !cid && !publicationOf(section.mid);
    });
    // A native client's SDP may name its tracks otherwise; then they come in the order they were announced.
    for (const section of unnamed) {
      match(
        [...left.values()].find(({ kind }) => kind === section.kind),
        section,
      );
    }
    return found;
  }

  function publish(track: Publication, { mid, codecs }: Section): void {
    const before = publicationOf(mid);
    if (before) unpublish(before);
    announced.delete(track.cid);
    track.placeIn(mid, codecs, () => publisher?.requestKey(mid));
    tracks.set(track.sid, track);
    journal.add({
      session: owner,
      kind: "track-published",
      fields: { sid: track.sid, media: track.kind, codec: track.codec },
    });
    plan.reach("track-published");
    room.changed(participant);
    on.published(track);
  }

  function unpublish(track: Publication): void {
    tracks.delete(track.sid);
    track.end();
    journal.add({ session: owner, kind: "track-unpublished", fields: { sid: track.sid, media: track.kind } });
    socket?.send({ case: "trackUnpublished", value: { trackSid: track.sid } });
    room.changed(participant);
  }

  function announce(request: AddTrackRequest): void {
    const { cid, type } = request;
    const { NOT_ALLOWED, UNSUPPORTED_TYPE, LIMIT_EXCEEDED } = RequestResponse_Reason;
    if (!grants.canPublish) {
      const why = `${grants.identity} may not publish: its token does not have canPublish. Viewers watch only.`;
      return refuse(request, NOT_ALLOWED, why);
    }
    const start = `The track ${cid.slice(0, 80)} cannot be published:`;
    if (type === TrackType.DATA) {
      return refuse(request, UNSUPPORTED_TYPE, `${start} it is neither audio nor video.`);
    }
    const why =
      announced.size >= announcedMax
        ? `${announcedMax} are announced that no offer carries yet`
        : whyUnfit(request);
    if (why) return refuse(request, LIMIT_EXCEEDED, `${start} ${why}.`);
    const track = createPublication(`TR_${dice.hex(12)}`, request);
    announced.set(cid, track);
    socket?.send({ case: "trackPublished", value: { cid, track: track.info } });
  }

  function refuse({ cid, type }: AddTrackRequest, reason: RequestResponse_Reason, message: string): void {
    journal.add({ session: owner, kind: "refused", fields: { error: message } });
    // So much tells the client which one it was; the rest may be as large as a message can be.
    const value = { cid: cid.slice(0, 80), type } as AddTrackRequest;
    socket?.send({
      case: "requestResponse",
      value: { reason, message, request: { case: "addTrack", value } },
    });
  }

  /** A track that no offer carries yet, too: it is published as it is by then. */
  function mute(trackSid: string, muted: boolean): void {
    const track = [...tracks.values(), ...announced.values()].find(({ sid }) => sid === trackSid);
    if (!track) {
      const name = `${grants.identity} has no track ${trackSid.slice(0, 80)}`;
      throw new Error(`${name} that could be muted. Send the sid that trackPublished told.`);
    }
    track.info.muted = muted;
    if (tracks.has(trackSid)) room.changed(participant);
  }

  async function handle(request: Request): Promise<void> {
    switch (request.case) {
      case "offer":
        return answer(request.value);
      case "answer":
        return subscriptions.acceptAnswer(request.value);
      case "trickle":
        return addCandidate(request.value.candidateInit, request.value.target);
      case "addTrack":
        return announce(request.value);
      case "mute":
        return mute(request.value.sid, request.value.muted);
      case "subscription":
        return subscriptions.choose(request.value.trackSids, request.value.subscribe);
      case "trackSetting":
        return subscriptions.pause(request.value.trackSids, request.value.disabled);
      case "subscriptionPermission":
        allowed = request.value;
        return room.changed(participant);
      case "ping":
        return socket?.send({ case: "pong", value: BigInt(Math.round(clock.date().getTime())) });
      case "pingReq":
        return socket?.send({
          case: "pongResp",
          value: {
            lastPingTimestamp: request.value.timestamp,
            timestamp: BigInt(Math.round(clock.date().getTime())),
          },
        });
      case "leave":
        return leave("client left");
      case "syncState":
        // What a client that resumes believes to be so. We kept all of it.
        return;
      default:
        journal.add({
          session: owner,
          kind: "not-imitated",
          fields: { socket: "livekit", message: request.case },
        });
    }
  }

  async function addCandidate(text: string, target: SignalTarget): Promise<void> {
    const candidate = readCandidate(text);
    const peer = target === SignalTarget.SUBSCRIBER ? subscriptions.ownPeer : publisher;
    await peer?.addCandidate(candidate).catch((error: Error) => {
      throw new Error(
        `The trickled candidate cannot be used (${error.message}). Send RTCIceCandidate.toJSON() of the connection it belongs to.`,
      );
    });
  }

  /** Tells the client to go, and closes its socket with the sentence. */
  function sendAway(reason: DisconnectReason, sentence: string, code?: number): void {
    socket?.send({ case: "leave", value: { reason, action: LeaveRequest_Action.DISCONNECT } });
    leave(sentence, code);
  }

  function leave(reason: string, code: number = CLOSE_CODES.normal.code): void {
    if (gone) return;
    gone = true;
    absence?.cancel();
    queue.close();
    journal.add({ session: owner, kind: "left-room", fields: { identity: grants.identity, reason } });
    subscriptions.close();
    for (const track of tracks.values()) track.end();
    room.leave(participant);
    for (const peer of new Set([publisher, subscriptions.ownPeer])) {
      peer
        ?.close()
        .catch((error) => journal.add({ session: owner, kind: "defect", fields: { error: error.stack } }));
    }
    on.left();
    socket?.close(code, closeReason(reason));
    socket = null;
  }

  const participant: Participant = {
    identity: grants.identity,
    sid,
    tracks,
    get canResume() {
      return !gone && !dead;
    },
    permission: () =>
      ({
        canSubscribe: grants.canSubscribe,
        canPublish: grants.canPublish,
        canPublishData: grants.canPublishData,
      }) as NonNullable<ParticipantInfo["permission"]>,
    infoFor: (member) =>
      new ParticipantInfo({
        sid,
        identity: grants.identity,
        state: ParticipantInfo_State.ACTIVE,
        joinedAt: joinedAt / 1000n,
        joinedAtMs: joinedAt,
        isPublisher: tracks.size > 0,
        permission: participant.permission(),
        tracks: [...tracks.values()].map((track) => track.infoFor(member)),
      }),
    allows(member, { sid }) {
      if (!allowed || allowed.allParticipants) return true;
      return allowed.trackPermissions.some(
        ({ participantSid, participantIdentity, allTracks, trackSids }) =>
          (participantSid === member.sid || participantIdentity === member.identity) &&
          (allTracks || trackSids.includes(sid)),
      );
    },
    noticed(member, left) {
      if (gone) return;
      const info = member.infoFor(participant);
      if (left) info.state = ParticipantInfo_State.DISCONNECTED;
      socket?.send({ case: "update", value: { participants: [info] } });
      subscriptions.plan();
    },
    receiveData: (label, bytes) => (subscriptions.ownPeer ?? publisher)?.sendData(label, bytes),
    dismiss(reason) {
      if (!gone) sendAway(reason, DisconnectReason[reason]!.toLowerCase().replaceAll("_", " "));
    },
    attach(next) {
      absence?.cancel();
      // It may not know yet that its old socket is dead; we do.
      socket?.close(CLOSE_CODES.normal.code, "resumed on another socket");
      socket = next;
    },
    detach(closed) {
      if (gone || socket !== closed) return;
      socket = null;
      absence = clock.after(absenceMs, () => leave(`no socket for ${absenceMs / 1000} s`));
    },
    handleLater(request) {
      if (gone) return;
      const task = () =>
        handle(request).catch((error) => {
          if (noteFailure(error) && negotiation.includes(request.case)) tellApp(error);
        });
      if (queue.add(task)) return;
      // A message that is left out would be missed for good: an offer, say.
      const sentence = `More than ${waitingMax} signal messages wait for their turn. Send fewer at once.`;
      on.failed?.(sentence);
      leave(sentence);
    },
    begin: () => void queue.add(subscriptions.begin),
    restart: () => void queue.add(subscriptions.restart),
  };
  // Whoever is there already can be watched from the start.
  subscriptions.plan();
  return participant;
}

/** @throws Error with a sentence */
function readCandidate(text: string): Candidate {
  if (text.length > candidateLengthMax) {
    throw new Error(
      `The trickled candidate has ${text.length} characters; at most ${candidateLengthMax} are read. Send RTCIceCandidate.toJSON() as it is.`,
    );
  }
  let candidate: unknown;
  try {
    candidate = JSON.parse(text);
  } catch {
    throw new Error(
      "The trickled candidate is not JSON. Send RTCIceCandidate.toJSON() as text in candidateInit.",
    );
  }
  // The same object travels on the control socket in the direct dialect.
  const parsed = parseClientMessage({ type: "ice-candidate", candidate });
  if (!parsed.ok) throw new Error(parsed.error);
  return (parsed.message as ClientMessageOf<"ice-candidate">).candidate;
}
