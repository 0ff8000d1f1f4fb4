/**
 * The direct dialect (@decartai/sdk 0.0.x, Python up to 0.0.40, Android up to 0.6.1): the client offers, SDP and candidates
 * travel on the control socket, one RTCPeerConnection goes straight to us. Protocol reference, section 2.
 */
import type { ClientMessage } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import type { ControlSocket } from "../control-socket.ts";
import { OfferError, readOffer } from "../media/offer.ts";
import type { Peer, PeerEvents } from "../media/peer.ts";
import type { Pipeline } from "../media/pipeline.ts";
import type { Session } from "../session.ts";
import type { Conversation, Dialect } from "./dialect.ts";
import { openPeer } from "./open-peer.ts";

export const direct: Dialect = {
  name: "direct",
  begins: ["offer", "prompt", "set_image", "ice-candidate", "switch_camera"],
  open(context, session, socket) {
    // As early as can be: the SDK has it by the time connect() resolves. Clients before 0.0.46 do not know it and pass over it.
    const { ip, port } = context.address;
    socket.send({ type: "session_id", session_id: session.id, server_ip: ip, server_port: port });
    return converse(context, session, socket);
  },
};

function converse(context: ServerContext, session: Session, socket: ControlSocket): Conversation {
  let peer: Peer | null = null;
  /** Candidates that came before the offer they belong to. */
  let early: (ClientMessage & { type: "ice-candidate" })[] = [];
  /** The client may leave while its offer is being answered. */
  let closed = false;

  async function answer(sdp: string): Promise<void> {
    const offer = readOffer(sdp);
    // The same connection offers again (after `ready`, say); another one takes the place of the one before (`ice-restart`).
    if (peer && peer.originId !== offer.originId) {
      await peer.close();
      peer = null;
      session.disconnected();
    }
    if (closed) return;
    if (!peer) {
      if (!offer.codec)
        throw new OfferError(
          "The offer has no video section. Add a camera track, or a recvonly video transceiver.",
        );
      const pipeline = session.openMedia(offer.codec, offer.startBitsPerSecond, {
        needsKey: () => peer?.requestKey(),
      });
      const opened: Peer = await openPeer(
        context,
        session.id,
        offer,
        context.options.mode !== "none",
        events(pipeline, offer.sendsVideo, () => opened),
      );
      if (closed) return opened.close();
      peer = opened;
    }
    socket.send({ type: "answer", sdp: await peer.answer(offer) });
    for (const candidate of early.splice(0)) {
      try {
        await handle(candidate);
      } catch (error) {
        // The offer is answered, and the candidates behind this one may be good.
        const { message, name } = error as Error;
        context.journal.add({
          session: session.id,
          kind: "message-failed",
          fields: { name, error: message },
        });
        socket.send({ type: "error", error: message });
      }
    }
  }

  function events(pipeline: Pipeline, sendsVideo: boolean, self: () => Peer): PeerEvents {
    // We are connected a moment before the client is. A `generation_started` that overtakes it hides `connected` from its app;
    // its first packet shows that it is.
    let awaitsPacket = false;
    return {
      connected() {
        pipeline.add(self());
        awaitsPacket = sendsVideo;
        if (!awaitsPacket) session.connected();
      },
      lost() {
        awaitsPacket = false;
        if (peer === self()) session.disconnected();
      },
      video(packet, colorSpace) {
        if (awaitsPacket) {
          awaitsPacket = false;
          session.connected();
        }
        pipeline.receiveVideo(packet, colorSpace);
      },
      audio: pipeline.receiveAudio,
      keyRequested: pipeline.requestKey,
      estimated: pipeline.estimate,
    };
  }

  async function handle(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case "offer":
        return answer(message.sdp);
      case "ice-candidate":
        // Bounded by what one connection can have; more is noise.
        if (!peer && early.length < 64) early.push(message);
        await peer?.addCandidate(message.candidate);
        return;
      case "switch_camera":
        return session.mirror(message.rotateY === 2);
      default:
        throw new OfferError(
          `The message ${message.type} has no place in the direct dialect, which this socket began with. Send offer, ice-candidate, prompt or set_image.`,
        );
    }
  }

  return {
    handle,
    async close() {
      closed = true;
      early = [];
      await peer?.close();
    },
  };
}
