/** A peer of this server, with its addresses and rates, loaded when the first client needs one, and counted until it is closed. */
import type { ServerContext } from "../context.ts";
import type { Offer } from "../media/offer.ts";
import type { Peer, PeerEvents } from "../media/peer.ts";

/** What the client's encoder is told. Production asks for 3500 kbit/s of upstream (documented in the SDK). */
const uplinkRate = { start: 3000, max: 3500 };

export async function openPeer(
  context: ServerContext,
  session: string,
  offer: Offer,
  sends: boolean,
  on: PeerEvents,
): Promise<Peer> {
  const note = (kind: string, fields: Record<string, unknown> = {}) =>
    context.journal.add({ session, kind, fields, measured: true });
  const { clock, mediaAddresses: addresses, udpPorts: portRange } = context;
  const opening = import("../media/peer.ts").then(({ createPeer }) =>
    createPeer(
      offer,
      { clock, addresses, portRange, sends, uplinkRate },
      {
        ...on,
        connected() {
          note("peer-connected", { codec: offer.codec });
          on.connected();
        },
        lost(state) {
          note("peer-lost", { state });
          on.lost(state);
        },
        keyRequested(kind) {
          note("key-requested", { kind });
          on.keyRequested(kind);
        },
      },
    ),
  );
  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= opening
      .then((peer) => peer.close())
      .finally(() => {
        context.peers.delete(close);
        note("peer-closed");
      });
    return closing;
  }
  context.peers.add(close);
  try {
    return { ...(await opening), close };
  } catch (error) {
    context.peers.delete(close);
    throw error;
  }
}
