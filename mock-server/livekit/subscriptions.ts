/**
 * What one participant watches of the others, and in which sections it goes out. On one connection (`/rtc/v1`) the client offers the
 * sections, and is asked for more when they run out; on two (`/rtc`) we offer what there is on a connection of our own.
 */
import type { ServerContext } from "../context.ts";
import { spoilDescription } from "../faults/spoil-description.ts";
import type { CodecName } from "../media/codec-name.ts";
import type { Section } from "../media/offer.ts";
import type { Peer, PeerEvents } from "../media/peer.ts";
import { openPeer, type PeerOwner } from "../open-peer.ts";
import type { Member, RoomTrack } from "./room.ts";
import type { Response, SessionDescription } from "./signal-wire.ts";

type Subscription = {
  readonly track: RoomTrack;
  readonly owner: Member;
  mid: string | null;
  /** On two connections: tells the mid once it is offered. */
  sender: { mid(): string } | null;
  paused: boolean;
  stop: (() => void) | null;
  /** How often the client was asked for a section for it. */
  askedCount: number;
};

/**
 * A section that lost its stream counts as free one offer later, and several offers may cross our asking. A client that has none by
 * then has none at all: in the track's codec, say.
 */
const askedCountMax = 8;
/** Tracks asked for in one message. */
const chosenMax = 64;

export type SubscriptionsAbout = {
  /** Whose lines of the journal tell of it, and whose faults it meets. */
  readonly owner: PeerOwner;
  readonly twoConnections: boolean;
  readonly canSubscribe: boolean;
  readonly autoSubscribe: boolean;
  readonly takesTrailers: boolean;
  self(): Member;
  /** Members it can see. */
  others(): readonly Member[];
  send(message: Response): void;
  readonly events: PeerEvents;
  /** Behind the message that is being handled. */
  later(task: () => Promise<void> | void): void;
};

export function createSubscriptions(context: ServerContext, about: SubscriptionsAbout) {
  const current = new Map<string, Subscription>();
  /** What the client asked for by name, whatever `autoSubscribe` says. */
  const chosen = new Map<string, boolean>();
  /** Tracks that it might not watch at some time, and whether it may: as it was told. */
  const permitted = new Map<string, boolean>();
  /** The connection it goes out on. */
  let peer: Peer | null = null;
  let closed = false;
  /** One connection: sections of the last offer that hold nothing, by kind, and those that the last answer gave a stream. */
  let free: Record<"audio" | "video", number> = { audio: 0, video: 0 };
  let carrying = new Set<string>();
  let hasAsked = false;
  /** Two connections: an offer of ours that is not answered, and whether it is out of date already. */
  let offerId = 0;
  let awaitsAnswer = false;
  let outdated = false;

  /** What the client would watch. */
  function desired(): { track: RoomTrack; owner: Member }[] {
    if (!about.canSubscribe) return [];
    return about
      .others()
      .flatMap((owner) =>
        [...owner.tracks.values()]
          .filter((track) => chosen.get(track.sid) ?? about.autoSubscribe)
          .map((track) => ({ track, owner })),
      );
  }

  const isAllowed = ({ track, owner }: { track: RoomTrack; owner: Member }) =>
    owner.allows(about.self(), track);

  /** Clients take it that they may watch whatever they know of. `again`: what they were told before, they may have missed. */
  function tellPermissions(again = false): void {
    const all = desired();
    for (const sid of permitted.keys())
      if (!all.some(({ track }) => track.sid === sid)) permitted.delete(sid);
    for (const one of all) {
      const { sid } = one.track;
      const allowed = isAllowed(one);
      const isNews = allowed !== (permitted.get(sid) ?? true);
      if (!isNews && !(again && permitted.has(sid))) continue;
      permitted.set(sid, allowed);
      const value = { participantSid: one.owner.sid, trackSid: sid, allowed };
      about.send({ case: "subscriptionPermissionUpdate", value });
    }
  }

  /** Looks again at what there is; what is new goes out as soon as there is a section for it. */
  function plan(): void {
    const now = desired().filter(isAllowed);
    for (const [sid, subscription] of current) {
      if (now.some(({ track }) => track === subscription.track)) continue;
      subscription.stop?.();
      if (about.twoConnections && subscription.mid !== null) {
        peer?.removeSender(subscription.mid);
        outdated = true;
      }
      current.delete(sid);
    }
    for (const { track, owner } of now) {
      if (current.has(track.sid)) continue;
      current.set(track.sid, {
        track,
        owner,
        mid: null,
        sender: null,
        paused: false,
        stop: null,
        askedCount: 0,
      });
    }
    about.later(() => {
      if (closed) return;
      tellPermissions();
      return about.twoConnections ? offerChanges() : askForSections();
    });
  }

  /** Has the client offer again, with sections for all. */
  function askForSections(): void {
    if (closed || about.twoConnections || hasAsked || !peer) return;
    const unplaced = [...current.values()].filter(({ mid }) => mid === null);
    for (const subscription of unplaced) subscription.askedCount++;
    const missing = unplaced.filter(({ askedCount }) => askedCount <= askedCountMax);
    for (const { track } of unplaced.filter(({ askedCount }) => askedCount === askedCountMax + 1)) {
      const fields = { sid: track.sid, media: track.kind, codec: track.codec };
      context.journal.add({ session: about.owner.id, kind: "no-section", fields });
    }
    if (missing.length === 0) return;
    hasAsked = true;
    const count = (kind: "audio" | "video") => missing.filter(({ track }) => track.kind === kind).length;
    about.send({
      case: "mediaSectionsRequirement",
      value: {
        numAudios: Math.max(0, count("audio") - free.audio),
        numVideos: Math.max(0, count("video") - free.video),
      },
    });
  }

  async function offerChanges(): Promise<void> {
    if (closed) return;
    const added = () => [...current.values()].filter(({ sender }) => !sender);
    if (peer && added().length === 0 && !outdated) return;
    if (awaitsAnswer) {
      outdated = true;
      return;
    }
    if (!peer) {
      const opened = await openPeer(context, about.owner, about.events);
      if (closed) return opened.close();
      peer = opened;
      // Clients wait for these on the connection that we offer.
      peer.openChannel("_reliable", true);
      peer.openChannel("_lossy", false);
    }
    for (const subscription of added()) {
      const { track, owner } = subscription;
      subscription.sender = peer.addSender(track.kind, track.codec, streamId(owner, track));
    }
    await sendOffer(false);
  }

  async function sendOffer(restart: boolean): Promise<void> {
    outdated = false;
    awaitsAnswer = true;
    const sdp = await peer!.offer(restart);
    for (const subscription of current.values()) subscription.mid ??= subscription.sender?.mid() ?? null;
    about.send({
      case: "offer",
      value: {
        type: "offer",
        sdp: spoilDescription(about.owner.plan, sdp),
        id: ++offerId,
        midToTrackId: midToTrackId(),
      },
    });
  }

  function midToTrackId(): Record<string, string> {
    const placed = [...current.values()].filter(({ mid }) => mid !== null);
    return Object.fromEntries(placed.map(({ mid, track }) => [mid, track.sid]));
  }

  /** Sends what has a section, once the connection stands. */
  function start(): void {
    if (closed || !peer?.isConnected || awaitsAnswer) return;
    for (const subscription of current.values()) {
      const { track, mid, paused, stop } = subscription;
      if (mid === null || paused || stop) continue;
      const output = { ...peer.output({ [track.kind]: mid }), takesTrailers: about.takesTrailers };
      subscription.stop = track.subscribe(output, about.self());
    }
  }

  return {
    /** Of ours, with two connections. */
    get ownPeer() {
      return about.twoConnections ? peer : null;
    },
    plan,
    start,
    askForSections,
    midToTrackId,
    /** One connection: gives what has no section one of those that the client offers to watch on. */
    place(publisher: Peer, sections: readonly Section[]): void {
      peer = publisher;
      hasAsked = false;
      const open = sections.filter(({ receives, sends }) => receives && !sends);
      for (const subscription of current.values()) {
        if (subscription.mid === null || open.some(({ mid }) => mid === subscription.mid)) continue;
        // The client took the section away, and what goes there.
        subscription.mid = null;
        subscription.stop?.();
        subscription.stop = null;
      }
      const taken = new Set([...current.values()].map(({ mid }) => mid));
      // A browser tells its app of a stream only where there was none before: a section is not handed from one to the next.
      const empty = open.filter(({ mid }) => !taken.has(mid) && !carrying.has(mid));
      for (const subscription of current.values()) {
        if (subscription.mid !== null) continue;
        const { kind, codec } = subscription.track;
        const index = empty.findIndex(
          (section) => section.kind === kind && (!codec || section.codecs.includes(codec)),
        );
        if (index >= 0) subscription.mid = empty.splice(index, 1)[0]!.mid;
      }
      const placed = new Set([...current.values()].map(({ mid }) => mid));
      const left = open.filter(({ mid }) => !placed.has(mid));
      free = {
        audio: left.filter(({ kind }) => kind === "audio").length,
        video: left.filter(({ kind }) => kind === "video").length,
      };
      carrying = new Set(open.map(({ mid }) => mid).filter((mid) => placed.has(mid)));
    },
    /** The stream that each section carries, as `msid` names it: LiveKit's clients read participant and track from it. */
    streams(): Map<string, string> {
      const placed = [...current.values()].filter(({ mid }) => mid !== null);
      return new Map(placed.map(({ mid, owner, track }) => [mid!, streamId(owner, track)]));
    },
    codecOf(mid: string): CodecName | null {
      return [...current.values()].find((subscription) => subscription.mid === mid)?.track.codec ?? null;
    },
    /** Two connections: makes the first offer, with or without anything to watch. */
    async begin(): Promise<void> {
      if (about.twoConnections) await offerChanges();
    },
    async acceptAnswer({ sdp, id }: SessionDescription): Promise<void> {
      // Clients that know no ids answer with 0.
      if (!peer || !about.twoConnections || !awaitsAnswer || (id !== 0 && id !== offerId)) return;
      await peer.acceptAnswer(sdp);
      awaitsAnswer = false;
      start();
      await offerChanges();
    },
    /** After a resume. Two connections: new ICE credentials. */
    async restart(): Promise<void> {
      tellPermissions(true);
      if (peer && about.twoConnections) await sendOffer(true);
    },
    /** `subscription`: by name, one way or the other. */
    choose(trackSids: readonly string[], subscribe: boolean): void {
      const known = new Set(about.others().flatMap(({ tracks }) => [...tracks.keys()]));
      for (const sid of trackSids.slice(0, chosenMax)) if (known.has(sid)) chosen.set(sid, subscribe);
      plan();
    },
    /** `trackSetting`: nothing is sent while it is disabled. */
    pause(trackSids: readonly string[], disabled: boolean): void {
      for (const sid of trackSids) {
        const subscription = current.get(sid);
        if (!subscription) continue;
        subscription.paused = disabled;
        if (!disabled) continue;
        subscription.stop?.();
        subscription.stop = null;
      }
      start();
    },
    requestKey(mid: string): void {
      for (const subscription of current.values())
        if (subscription.mid === mid) subscription.track.requestKey();
    },
    estimate(bitsPerSecond: number): void {
      for (const { track } of current.values()) track.estimate(bitsPerSecond, about.self());
    },
    close(): void {
      closed = true;
      for (const { stop } of current.values()) stop?.();
      current.clear();
    },
  };
}

function streamId(owner: Member, track: RoomTrack): string {
  return `${owner.sid}|${track.sid}`;
}
