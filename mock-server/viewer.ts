/** A socket on `/subscribe/{sid}`: somebody who watches a session of the direct dialect and sends nothing but signalling. */
import type { ClientMessage } from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import type { ControlSocket } from "./control-socket.ts";
import { openPeer } from "./dialects/open-peer.ts";
import { OfferError, readOffer } from "./media/offer.ts";
import type { Peer } from "./media/peer.ts";
import type { Session } from "./session.ts";

/** Viewers of one session; each costs a packet for every packet sent. */
const viewersMax = 16;

/** A place among a session's viewers, or what to say when all are taken. `giveBack` may be called more than once. */
export function takePlace(
  { viewerCounts }: ServerContext,
  sid: string,
): { ok: true; giveBack(): void } | { ok: false; error: string } {
  const count = viewerCounts.get(sid) ?? 0;
  if (count >= viewersMax) {
    return { ok: false, error: `Session ${sid} has ${viewersMax} viewers, which is as many as it may have.` };
  }
  viewerCounts.set(sid, count + 1);
  let taken = true;
  return {
    ok: true,
    giveBack() {
      if (!taken) return;
      taken = false;
      const left = viewerCounts.get(sid)! - 1;
      if (left > 0) viewerCounts.set(sid, left);
      else viewerCounts.delete(sid);
    },
  };
}

export function watch(context: ServerContext, session: Session, socket: ControlSocket) {
  let peer: Peer | null = null;
  let removeOutput: (() => void) | null = null;
  /** The viewer may leave while it waits for pictures. */
  let closed = false;

  async function answer(sdp: string): Promise<void> {
    // Its codec is the publisher's: what is encoded once is sent to all.
    const { codec } = await session.whenMedia();
    if (closed) return;
    const offer = readOffer(sdp, [codec]);
    if (peer && peer.originId !== offer.originId) {
      removeOutput?.();
      await peer.close();
      peer = null;
    }
    if (!peer) {
      const opened: Peer = await openPeer(context, socket.id, offer, true, {
        connected() {
          removeOutput = session.addViewer({
            output: opened,
            end: () => socket.close(1000, "the session that was watched has ended"),
          });
        },
        lost() {
          removeOutput?.();
          removeOutput = null;
        },
        video() {},
        audio() {},
        keyRequested: () => session.pipeline?.requestKey(),
        estimated() {},
      });
      if (closed) return opened.close();
      peer = opened;
    }
    socket.send({ type: "answer", sdp: await peer.answer(offer) });
  }

  return {
    async handle(message: ClientMessage): Promise<void> {
      if (message.type === "offer") return answer(message.sdp);
      if (message.type === "ice-candidate") return peer?.addCandidate(message.candidate);
      throw new OfferError(
        `A viewer sends offer and ice-candidate only, not ${message.type}. Connect to /v1/stream to change the picture.`,
      );
    },
    async close(): Promise<void> {
      closed = true;
      removeOutput?.();
      await peer?.close();
    },
  };
}
