/** A peer of this server, with its addresses and rates, loaded when the first client needs one, and counted until it is closed. */
import type { ServerContext } from "./context.ts";
import { peerGates } from "./faults/peer-gates.ts";
import type { Plan } from "./faults/plan.ts";
import type { Peer, PeerEvents } from "./media/peer.ts";

/** What the client's encoder is told. Production asks for 3500 kbit/s of upstream (documented in the SDK). */
const uplinkRate = { start: 3000, max: 3500 };

/** The session or viewer whose lines of the journal tell of a peer, and whose faults it meets. */
export type PeerOwner = { readonly id: string; readonly plan: Plan };

export async function openPeer(context: ServerContext, owner: PeerOwner, on: PeerEvents): Promise<Peer> {
  const { id, plan } = owner;
  const note = (kind: string, fields: Record<string, unknown> = {}) =>
    context.journal.add({ session: id, kind, fields, measured: true });
  const { machine: clock, mediaAddresses: addresses, udpPorts: portRange } = context;
  const opening = import("./media/peer.ts").then(({ createPeer }) =>
    createPeer(
      { clock, addresses, portRange, uplinkRate, gates: peerGates(plan) },
      {
        ...on,
        connected() {
          note("peer-connected");
          plan.reach("peer-connected");
          on.connected();
        },
        lost(state) {
          note("peer-lost", { state });
          on.lost(state);
        },
        keyRequested(kind, mid) {
          note("key-requested", { kind });
          on.keyRequested(kind, mid);
        },
        misread(error) {
          note("peer-misread", { error });
        },
        tooLarge(label, bytes) {
          note("data-too-large", { label, bytes });
        },
      },
    ),
  );
  let detach: (() => void)[] = [];
  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    for (const one of detach.splice(0)) one();
    closing ??= opening
      .then((peer) => {
        const { video, audio } = peer.rtcp;
        if (video || audio) note("rtcp-summary", { video, audio });
        return peer.close();
      })
      .finally(() => {
        context.peers.delete(close);
        note("peer-closed");
      });
    return closing;
  }
  context.peers.add(close);
  try {
    const peer = await opening;
    detach = [plan.attach("ice", peer.line), plan.attach("media", peer.line)];
    // Not a copy: some of its fields change.
    return Object.assign(Object.create(peer), { close });
  } catch (error) {
    context.peers.delete(close);
    throw error;
  }
}
