/**
 * Puts the faults of a connection between its peer and the network: every datagram passes `ice`, and each RTP packet `media` after it.
 * Knows what items look like, and nothing of what becomes of them.
 */
import type { Datagram } from "../media/datagram.ts";
import type { PeerGates } from "../media/udp-tap.ts";
import type { Channel, DatagramItem, Items } from "./fault.ts";

/** What is needed of a plan. */
export type DatagramPlan = {
  isIdle(channel: Channel): boolean;
  pass<C extends Channel>(channel: C, item: Items[C], deliver: (item: Items[C]) => void): void;
};

export function peerGates(plan: DatagramPlan): PeerGates {
  function passMedia(datagram: Datagram, bytes: Buffer, deliver: (bytes: Buffer) => void): void {
    if (!datagram.media || plan.isIdle("media")) return deliver(bytes);
    const { direction, media: kind, stream, endsFrame } = datagram;
    const item = { direction, kind, stream, endsFrame, bytes, byteLength: () => bytes.length };
    plan.pass("media", item, (out) => deliver((out as DatagramItem).bytes));
  }

  return {
    get idle() {
      return plan.isIdle("ice") && plan.isIdle("media");
    },
    datagram(datagram, deliver) {
      const { direction, kind, bytes } = datagram;
      if (plan.isIdle("ice")) return passMedia(datagram, bytes, deliver);
      const item = { direction, kind, bytes, byteLength: () => bytes.length };
      // A gate gives back what it was given, or a datagram of the same kind in its place.
      plan.pass("ice", item, (out) => passMedia(datagram, (out as DatagramItem).bytes, deliver));
    },
  };
}
