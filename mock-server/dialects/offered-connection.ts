/**
 * The RTCPeerConnection that a client of the direct dialect offers, publisher or viewer: answered once and again, replaced when it
 * offers another one, closed for good. Candidates that come before their offer wait for it.
 */
import type { ClientMessage } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { spoilDescription } from "../faults/spoil-description.ts";
import type { Offer, Section } from "../media/offer.ts";
import type { Peer, PeerEvents } from "../media/peer.ts";
import type { Output } from "../media/pipeline.ts";
import { openPeer, type PeerOwner } from "../open-peer.ts";

type Candidate = (ClientMessage & { type: "ice-candidate" })["candidate"];

export type OfferedConnection = {
  readonly peer: Peer | null;
  /** `early`: candidates to be added now. `null` when the client has left meanwhile. @throws OfferError */
  answer(offer: Offer): Promise<{ sdp: string; early: Candidate[] } | null>;
  addCandidate(candidate: Candidate): Promise<void>;
  close(): Promise<void>;
};

/** What one connection can have is far below; more is noise. */
const earlyMax = 64;

export function createOfferedConnection(
  context: ServerContext,
  owner: PeerOwner,
  sends: boolean,
  on: {
    /**
     * A connection that was not there before: who listens to it. `output` goes to the client's first section of each kind. `self` is
     * `undefined` for one that is lost while it is made.
     */
    opened(offer: Offer, self: () => { peer: Peer; output: Output } | undefined): PeerEvents;
    /** Another one is about to take its place. */
    replaced(): void;
  },
): OfferedConnection {
  let current: { peer: Peer; output: Output } | null = null;
  let early: Candidate[] = [];
  let closed = false;

  return {
    get peer() {
      return current?.peer ?? null;
    },
    async answer(offer) {
      // The same connection offers again (after `ready`, say); another one takes the place of the one before (`ice-restart`).
      if (current && current.peer.originId !== offer.originId) {
        const { peer } = current;
        current = null;
        await peer.close();
        on.replaced();
      }
      if (closed) return null;
      const listening = sends ? offer.sections.filter(({ receives }) => receives) : [];
      if (!current) {
        const output = { video: midOf(listening, "video"), audio: midOf(listening, "audio") };
        let opened: { peer: Peer; output: Output } | undefined;
        const events = on.opened(offer, () => opened);
        const peer = await openPeer(context, owner, events);
        opened = { peer, output: peer.output(output) };
        // It may leave while its offer is being answered.
        if (closed) {
          await peer.close();
          return null;
        }
        current = opened;
      }
      const streams = new Map(listening.map(({ mid }) => [mid, "lucy"]));
      const sdp = await current.peer.answer(offer, streams);
      return { sdp: spoilDescription(owner.plan, sdp), early: early.splice(0) };
    },
    async addCandidate(candidate) {
      if (!current && early.length < earlyMax) early.push(candidate);
      await current?.peer.addCandidate(candidate);
    },
    async close() {
      closed = true;
      early = [];
      await current?.peer.close();
    },
  };
}

function midOf(sections: readonly Section[], kind: Section["kind"]): string | undefined {
  return sections.find((section) => section.kind === kind)?.mid;
}
